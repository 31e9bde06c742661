// In which bars two states of a project differ.
import { barsOf, type Chord, type Harmony, type Note, type Project } from "../project";

/** Whether both are the same piece, whose notes may differ: harmony of one is of use in the other. */
export function sameFrame(one: Project, other: Project): boolean {
  return (
    one.length === other.length &&
    one.meters === other.meters &&
    one.pickup === other.pickup &&
    one.key === other.key &&
    one.voice === other.voice &&
    one.settings === other.settings
  );
}

type Span = [start: number, length: number];

/** The spans of what only one of two lists has. */
function differing<T>(one: T[], other: T[], name: (each: T) => string, span: (each: T) => Span): Span[] {
  if (one === other) return [];
  const names = new Set(one.map(name));
  const otherNames = new Set(other.map(name));
  return [
    ...one.filter((each) => !otherNames.has(name(each))),
    ...other.filter((each) => !names.has(name(each))),
  ].map(span);
}

function barsAround(project: Project, spans: Span[]): Set<number> {
  if (!spans.length) return new Set();
  const touched = barsOf(project).filter((bar) =>
    spans.some(([start, length]) => start < bar.start + bar.length && bar.start < start + length),
  );
  return new Set(touched.map((bar) => bar.number));
}

const noteName = ([start, length, pitch]: Note) => `${start} ${length} ${pitch}`;
const noteSpan = ([start, length]: Note): Span => [start, length];
const placed = ({ start, length }: { start: number; length: number }): Span => [start, length];

/** The bars in which what is asked for differs; all of them where the whole piece is concerned. */
export function changedBars(one: Project, other: Project): Set<number> {
  if (!sameFrame(one, other)) return new Set(barsOf(other).map((bar) => bar.number));
  return barsAround(other, [
    ...differing(one.tune, other.tune, noteName, noteSpan),
    ...differing(one.locks.chords, other.locks.chords, (each) => JSON.stringify(each), placed),
    ...differing(
      one.phrases ?? [],
      other.phrases ?? [],
      (each) => JSON.stringify(each),
      ({ at }) => [at, 1],
    ),
  ]);
}

const chordName = ({ start, length, symbol }: Chord) => `${start} ${length} ${symbol}`;

/** The bars in which two harmonies have other chords. */
export function barsWithOtherChords(project: Project, one: Harmony, other: Harmony): Set<number> {
  return barsAround(project, differing(one.chords, other.chords, chordName, placed));
}
