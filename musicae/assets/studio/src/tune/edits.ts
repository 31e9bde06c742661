// Edits of the tune: pure functions from a project to a project. Notes never overlap.
import { barLength, type Note, type Project } from "../project";

/** The lowest and the highest note of a piano, as MIDI pitches; a tune stays within them. */
export const LOWEST = 21;
export const HIGHEST = 108;

export function endOf(note: Note): number {
  return note[0] + note[1];
}

/** The note that sounds at a tick; undefined in a rest. */
export function noteAt(notes: readonly Note[], tick: number): Note | undefined {
  return notes.find((note) => note[0] <= tick && tick < endOf(note));
}

/** The same note with another start, length or pitch; its velocity stays. */
export function altered(note: Note, start: number, length: number, pitch: number): Note {
  return note.length === 4 ? [start, length, pitch, note[3]] : [start, length, pitch];
}

/** A pitch limited to the range of a tune. */
export function inRange(pitch: number): number {
  return Math.min(HIGHEST, Math.max(LOWEST, pitch));
}

/** A tune with one more note. Notes that the new one covers are shortened or removed. */
export function placed(tune: readonly Note[], note: Note): Note[] {
  const [start] = note;
  const end = endOf(note);
  const rest = tune.flatMap((other): Note[] => {
    if (endOf(other) <= start || other[0] >= end) return [other];
    if (other[0] < start) return [altered(other, other[0], start - other[0], other[2])];
    if (endOf(other) > end) return [altered(other, end, endOf(other) - end, other[2])];
    return [];
  });
  return [...rest, note].sort((a, b) => a[0] - b[0]);
}

/** A project with another tune. A phrase end moves by `moved`, and stays only if a note begins there. */
export function withTune(
  project: Project,
  tune: Note[],
  moved: (start: number) => number = (start) => start,
): Project {
  const starts = new Set(tune.map(([start]) => start));
  const phrases = project.phrases
    ?.map((each) => ({ ...each, at: moved(each.at) }))
    .filter((each) => starts.has(each.at));
  return { ...project, tune, phrases: phrases?.length ? phrases : null };
}

/** A project with bars added at its end until it has at least `end` ticks. */
export function reaching(project: Project, end: number): Project {
  if (end <= project.length) return project;
  const [, beats, unit] = project.meters.at(-1) ?? [0, 4, 4];
  const bar = barLength(beats, unit);
  const added = Math.ceil((end - project.length) / bar) * bar;
  return { ...project, length: project.length + added };
}

/** Put notes into the tune, one after another. Bars are added if the notes need them. */
export function putNotes(project: Project, notes: readonly Note[]): Project {
  const tune = notes.reduce(placed, project.tune);
  const end = Math.max(0, ...notes.map(endOf));
  return reaching(withTune(project, tune), end);
}

/** Remove the notes of the tune that begin at these ticks. */
export function removeNotes(project: Project, starts: readonly number[]): Project {
  const tune = project.tune.filter(([start]) => !starts.includes(start));
  return tune.length === project.tune.length ? project : withTune(project, tune);
}

/** Limit a move in ticks and semitones so that the notes stay within the piece and the range. */
export function possibleMove(
  project: Project,
  starts: readonly number[],
  ticks: number,
  semitones: number,
): [ticks: number, semitones: number] {
  const chosen = project.tune.filter(([start]) => starts.includes(start));
  if (!chosen.length) return [0, 0];
  const pitches = chosen.map(([, , pitch]) => pitch);
  const within = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);
  return [
    within(ticks, -chosen[0]![0], project.length - endOf(chosen.at(-1)!)),
    within(semitones, LOWEST - Math.min(...pitches), HIGHEST - Math.max(...pitches)),
  ];
}

/** Move the notes that begin at `starts`, within the piece. They replace the notes that they cover. */
export function moveNotes(
  project: Project,
  starts: readonly number[],
  ticks: number,
  semitones: number,
): Project {
  const [later, higher] = possibleMove(project, starts, ticks, semitones);
  if (!later && !higher) return project;
  const chosen = project.tune.filter(([start]) => starts.includes(start));
  const others = project.tune.filter(([start]) => !starts.includes(start));
  const tune = chosen
    .map((note) => altered(note, note[0] + later, note[1], note[2] + higher))
    .reduce(placed, others);
  return withTune(project, tune, (start) => (starts.includes(start) ? start + later : start));
}

/** Set start and length of the note that begins at `was`. It replaces the notes that it covers. */
export function resizeNote(project: Project, was: number, start: number, length: number): Project {
  const note = project.tune.find((each) => each[0] === was);
  if (!note || length <= 0 || (note[0] === start && note[1] === length)) return project;
  const others = project.tune.filter((each) => each !== note);
  const tune = placed(others, altered(note, start, length, note[2]));
  const moved = (at: number) => (at === was ? start : at);
  return withTune(project, tune, moved);
}
