// Locks, which say what stays when harmony is written again: pure functions of the project.
import { barAt, barsOf, type LockedChord, type Locks, type Note, type Project } from "../project";

export type NotePlace = [voice: number, start: number];

function withLocks(project: Project, locks: Partial<Locks>): Project {
  return { ...project, locks: { ...project.locks, ...locks } };
}

const ascending = (one: number, other: number) => one - other;
const same = ([voice, start]: NotePlace, [otherVoice, otherStart]: NotePlace) =>
  voice === otherVoice && start === otherStart;

/** Lock notes of other voices than the tune, each given by its voice and start in ticks. */
export function withNotesLocked(project: Project, places: NotePlace[]): Project {
  const { notes } = project.locks;
  const added = places.filter(
    (place) => place[0] !== project.voice && !notes.some((each) => same(each, place)),
  );
  return added.length ? withLocks(project, { notes: [...notes, ...added] }) : project;
}

export function withNotesFreed(project: Project, places: NotePlace[]): Project {
  const kept = project.locks.notes.filter((each) => !places.some((place) => same(each, place)));
  return kept.length < project.locks.notes.length ? withLocks(project, { notes: kept }) : project;
}

/** Lock bars, both ends included. */
export function withBarsLocked(project: Project, first: number, last: number): Project {
  const bars = new Set(project.locks.bars);
  for (let bar = first; bar <= last; bar += 1) bars.add(bar);
  return bars.size > project.locks.bars.length
    ? withLocks(project, { bars: [...bars].sort(ascending) })
    : project;
}

export function withBarsFreed(project: Project, first: number, last: number): Project {
  const kept = project.locks.bars.filter((bar) => bar < first || bar > last);
  return kept.length < project.locks.bars.length ? withLocks(project, { bars: kept }) : project;
}

export function withVoiceLocked(project: Project, voice: number): Project {
  const { voices } = project.locks;
  if (voice === project.voice || voices.includes(voice)) return project;
  return withLocks(project, { voices: [...voices, voice].sort(ascending) });
}

export function withVoiceFreed(project: Project, voice: number): Project {
  const kept = project.locks.voices.filter((each) => each !== voice);
  return kept.length < project.locks.voices.length ? withLocks(project, { voices: kept }) : project;
}

const overlap = (one: { start: number; length: number }, other: { start: number; length: number }) =>
  one.start < other.start + other.length && other.start < one.start + one.length;

/** The locked chord that overlaps a span of ticks. */
export function lockedChord(
  project: Project,
  span: { start: number; length: number },
): LockedChord | undefined {
  return project.locks.chords.find((each) => overlap(each, span));
}

/** Lock a chord; it replaces the locked chords that it overlaps. */
export function withChordLocked(project: Project, chord: LockedChord): Project {
  const others = project.locks.chords.filter((each) => !overlap(each, chord));
  const chords = [...others, chord].sort((one, other) => one.start - other.start);
  return withLocks(project, { chords });
}

export function withChordFreed(project: Project, span: { start: number; length: number }): Project {
  const kept = project.locks.chords.filter((each) => !overlap(each, span));
  return kept.length < project.locks.chords.length ? withLocks(project, { chords: kept }) : project;
}

/** Whether a note is locked: by itself, by its voice, by its bar, or because it is in the tune. */
export function isLocked(project: Project, voice: number, note: Note): boolean {
  const { locks } = project;
  return (
    voice === project.voice ||
    locks.voices.includes(voice) ||
    locks.notes.some((each) => same(each, [voice, note[0]])) ||
    (locks.bars.length > 0 && locks.bars.includes(barAt(barsOf(project), note[0]).number))
  );
}
