// The score as text, for screen readers: the notes of each bar.
import { barsOf, soundingVoices, type Note, type Project } from "../project";
import { lengthName, spokenName } from "../roll/names";
import { t } from "../strings";

/** A line for each bar, with its chords and the notes of each voice. */
export function textOf(project: Project): string[] {
  const voices = soundingVoices(project);
  const chords = project.harmony?.chords ?? [];
  return barsOf(project).map(({ number, start, length }) => {
    const inBar = (at: number) => at >= start && at < start + length;
    const symbols = chords.filter((chord) => inBar(chord.start)).map((chord) => chord.symbol);
    const sung = voices.flatMap((notes, voice) => {
      const own = notes.filter((note) => inBar(note[0])).map(spoken);
      return own.length ? [`${t.value.page.voices[voice]} ${own.join(", ")}`] : [];
    });
    return `${t.value.score.bar(number)}: ${[symbols.join(" "), ...sung].filter(Boolean).join("; ")}`;
  });
}

function spoken([, length, pitch]: Note): string {
  return `${spokenName(pitch)} ${lengthName(length)}`;
}
