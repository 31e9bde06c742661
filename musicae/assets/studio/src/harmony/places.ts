// Names of places, bars, voices and pitches in the musician's language.
import { about } from "../about";
import { barAt, barLength, type Project } from "../project";
import { bars } from "../store";
import { t } from "../strings";

/** "bar 3, beat 2". */
export function placeName(tick: number): string {
  const bar = barAt(bars.value, tick);
  // The beats of a pickup are counted as the last beats of a bar.
  const missing = bar.number === 0 ? barLength(bar.beats, bar.unit) - bar.length : 0;
  const beat = 1 + (tick - bar.start + missing) / bar.beat;
  return t.value.harmony.place(bar.number, Math.round(beat * 100) / 100);
}

/** "bar 3", "bars 3 to 5". */
export function barsName(first: number, last: number): string {
  return first === last ? t.value.harmony.bar(first) : t.value.harmony.barsTo(first, last);
}

/** Ascending numbers as runs of consecutive ones: 1, 2, 3, 5 is [1, 3], [5, 5]. */
export function runsOf(numbers: Iterable<number>): [first: number, last: number][] {
  const runs: [number, number][] = [];
  for (const number of [...numbers].sort((one, other) => one - other)) {
    const run = runs.at(-1);
    if (run && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}

/** "2, 4–6". */
export function barList(numbers: Iterable<number>): string {
  return runsOf(numbers)
    .map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`))
    .join(", ");
}

/** The voices of an ensemble, null for one that it lacks. Without an ensemble: those of a choir. */
export function voicesOf(ensemble: string | null) {
  return about.value?.ensembles.find((each) => each.name === (ensemble ?? "satb"))?.voices;
}

export function voiceName(project: Project, voice: number): string {
  const { ensemble } = project.settings;
  const name = ensemble && voicesOf(ensemble)?.[voice]?.name;
  return name ? partName(name) : t.value.page.voices[voice]!;
}

/** The name of an ensemble's voice in the musician's language. */
export function partName(name: string): string {
  return t.value.harmony.parts[name] ?? name;
}

const SHARPS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/** The name of a MIDI pitch: 60 is C4. */
export function pitchName(midi: number): string {
  return `${SHARPS[midi % 12]}${Math.floor(midi / 12) - 1}`;
}
