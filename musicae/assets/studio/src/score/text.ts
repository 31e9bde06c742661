// The score as text, for screen readers: the notes of each bar.
import { barsOf, QUARTER, soundingVoices, type Note, type Project } from "../project";
import type { Strings } from "../strings";

const SHARPS = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const FLATS = ["C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"];

/** A line for each bar: its chords and what each voice sings. */
export function textOf(project: Project, t: Strings): string[] {
  const voices = soundingVoices(project);
  const chords = project.harmony?.chords ?? [];
  const names = isFlat(project.harmony?.key ?? project.key ?? "C") ? FLATS : SHARPS;
  return barsOf(project).map(({ number, start, length }) => {
    const inBar = (at: number) => at >= start && at < start + length;
    const symbols = chords.filter((chord) => inBar(chord.start)).map((chord) => chord.symbol);
    const sung = voices.flatMap((notes, voice) => {
      const own = notes.filter((note) => inBar(note[0]));
      return own.length ? [`${t.page.voices[voice]} ${own.map((note) => nameOf(note, names)).join(", ")}`] : [];
    });
    return `${t.score.bar(number)}: ${[symbols.join(" "), ...sung].filter(Boolean).join("; ")}`;
  });

  function nameOf([, length, pitch]: Note, names: string[]): string {
    const quarters = Math.round((length / QUARTER) * 100) / 100;
    return `${names[pitch % 12]}${Math.floor(pitch / 12) - 1} ${quarters}`;
  }
}

/** Whether a key has flats: F major, D minor, and all that are named with one. */
function isFlat(key: string): boolean {
  return /^[A-G](b|♭|-flat)/.test(key) || /^(F major|[DGCF] minor)/.test(key) || key === "F";
}
