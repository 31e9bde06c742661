// Finds the bars in which two states of a project differ.
import { barsOf, type Chord, type Harmony, type Note, type Project } from "../project";

/** Whether two projects have the same bars, key, voice and settings. Only then can harmony be shared. */
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

/** The spans of the items that only the first list has. */
function added<T>(list: T[], other: T[], name: (each: T) => string, span: (each: T) => Span): Span[] {
  if (list === other) return [];
  const names = new Set(other.map(name));
  return list.filter((each) => !names.has(name(each))).map(span);
}

/** The spans of the items that only one of the lists has. */
function differing<T>(one: T[], other: T[], name: (each: T) => string, span: (each: T) => Span): Span[] {
  return [...added(one, other, name, span), ...added(other, one, name, span)];
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

/** The bars to write again after a change. Unlocking a chord changes none. */
export function changedBars(before: Project, after: Project): Set<number> {
  if (!sameFrame(before, after)) return new Set(barsOf(after).map((bar) => bar.number));
  const text = (each: object) => JSON.stringify(each);
  return barsAround(after, [
    ...differing(before.tune, after.tune, noteName, noteSpan),
    ...added(after.locks.chords, before.locks.chords, text, placed),
    ...differing(before.phrases ?? [], after.phrases ?? [], text, ({ at }) => [at, 1]),
  ]);
}

const chordName = ({ start, length, symbol }: Chord) => `${start} ${length} ${symbol}`;

/** The bars in which the chords of two harmonies differ. */
export function barsWithOtherChords(project: Project, one: Harmony, other: Harmony): Set<number> {
  return barsAround(project, differing(one.chords, other.chords, chordName, placed));
}
