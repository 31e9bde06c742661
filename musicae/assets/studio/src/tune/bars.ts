// Edits of bars, meters and the pickup: pure functions from a project to a project.
import {
  barLength,
  barsOf,
  type Harmony,
  type Note,
  type PhraseEnd,
  type Project,
  STEP,
} from "../project";
import { altered, endOf } from "./edits";

/** Whether a meter can be used: its bars are whole sixteenths. */
export function isMeter(beats: number, unit: number): boolean {
  return (
    Number.isInteger(beats) &&
    beats >= 1 &&
    beats <= 64 &&
    [1, 2, 4, 8, 16, 32].includes(unit) &&
    barLength(beats, unit) % STEP === 0
  );
}

/** `ticks` rounded to whole bars of `bar` ticks: at least one bar, and at least `least` ticks. */
function wholeBars(ticks: number, least: number, bar: number): number {
  return Math.max(1, Math.round(ticks / bar), Math.ceil(least / bar)) * bar;
}

/**
 * Set the meter from the bar at tick `at` until the next change of meter. Notes keep their times,
 * the bars after the next change stay whole, and the piece stays long enough for the tune.
 */
export function setMeter(project: Project, at: number, beats: number, unit: number): Project {
  const known = project.meters.findLast(([start]) => start <= at);
  if (!known || !isMeter(beats, unit) || (known[1] === beats && known[2] === unit)) return project;
  const others = project.meters.filter(([start]) => start !== at);
  const meters: Project["meters"] = [...others, [at, beats, unit]];
  meters.sort((a, b) => a[0] - b[0]);
  const pickup = at === 0 ? project.pickup % barLength(beats, unit) : project.pickup;
  return rebarred({ ...project, meters, pickup }, at);
}

/** Set the length of the pickup in ticks. Notes keep their times; bar lines move. */
export function setPickup(project: Project, pickup: number): Project {
  const [, beats, unit] = project.meters[0]!;
  if (pickup === project.pickup || pickup < 0 || pickup >= barLength(beats, unit)) return project;
  return rebarred({ ...project, pickup }, 0);
}

/** Make all bars whole, beginning with the change of meter at tick `at`. */
function rebarred(project: Project, at: number): Project {
  const index = project.meters.findIndex(([start]) => start === at);
  const [, beats, unit] = project.meters[index]!;
  const begin = at === 0 ? project.pickup : at;
  const next = project.meters[index + 1]?.[0];
  const least = endOf(project.tune.at(-1) ?? [0, 0, 0]);
  const bar = barLength(beats, unit);
  if (next === undefined) {
    return trimmed({ ...project, length: begin + wholeBars(project.length - begin, least - begin, bar) });
  }
  const later = begin + wholeBars(next - begin, 0, bar) - next;
  const meters = project.meters.map<[number, number, number]>((meter, i) =>
    i > index ? [meter[0] + later, meter[1], meter[2]] : meter,
  );
  const length = project.length + later;
  const [, lastBeats, lastUnit] = meters.at(-1)!;
  const missing = Math.ceil(Math.max(0, least - length) / barLength(lastBeats, lastUnit));
  return trimmed({ ...project, meters, length: length + missing * barLength(lastBeats, lastUnit) });
}

/** Remove redundant meters, and meters, tempos and locked chords after the end. */
function trimmed(project: Project): Project {
  const meters: Project["meters"] = [];
  for (const meter of project.meters) {
    const before = meters.at(-1);
    if (before && before[1] === meter[1] && before[2] === meter[2]) {
      const begin = before[0] === 0 ? project.pickup : before[0];
      if ((meter[0] - begin) % barLength(meter[1], meter[2]) === 0) continue;
    }
    if (meter[0] < project.length) meters.push(meter);
  }
  const chords = project.locks.chords.filter((chord) => chord.start < project.length);
  return {
    ...project,
    meters,
    tempos: project.tempos.filter(([at]) => at < project.length),
    locks: { ...project.locks, chords },
  };
}

/** Add `number` empty bars at the end; if it is negative, remove as many bars and their notes. */
export function addBars(project: Project, number: number): Project {
  const bars = barsOf(project);
  if (number < 0) {
    const last = bars.length - 1;
    return deleteBars(project, Math.max(1, last + number + 1), last);
  }
  const [, beats, unit] = project.meters.at(-1)!;
  return { ...project, length: project.length + number * barLength(beats, unit) };
}

/** Insert empty bars before the bar with this index; if that is a pickup, after it. */
export function insertBars(project: Project, index: number, number: number): Project {
  const bar = barsOf(project)[project.pickup ? Math.max(1, index) : index];
  if (!bar) return addBars(project, number);
  const at = bar.start;
  const added = number * barLength(bar.beats, bar.unit);
  const later = <T extends readonly number[]>(all: T[]) => all.map((each) => (each[0]! > at ? moved(each, added) : each));
  return carried(
    project,
    {
      ...project,
      length: project.length + added,
      meters: later(project.meters),
      tempos: later(project.tempos),
    },
    { from: at, to: at, added },
  );
}

/** Delete the bars with indices `first` to `last` and their notes. One bar always stays. */
export function deleteBars(project: Project, first: number, last: number): Project {
  const bars = barsOf(project);
  const [from, to] = [bars[first]?.start, bars[last + 1]?.start ?? project.length];
  if (from === undefined || to <= from) return project;
  if (from === 0 && to === project.length) return deleteBars(addBars(project, 1), first, last);
  const added = from - to;
  const kept = <T extends readonly number[]>(all: T[]): T[] => {
    const before = all.filter(([at]) => at! < from);
    const then = to < project.length ? all.findLast(([at]) => at! <= to) : undefined;
    const after = all.filter(([at]) => at! > to).map((each) => moved(each, added));
    if (!then || then === before.at(-1)) return [...before, ...after];
    return [...before, moved(then, from - then[0]!), ...after];
  };
  return trimmed(
    carried(
      project,
      {
        ...project,
        length: project.length + added,
        pickup: first === 0 ? 0 : project.pickup,
        meters: kept(project.meters),
        tempos: kept(project.tempos),
      },
      { from, to, added },
    ),
  );
}

/** Move an item whose first number is its time. */
function moved<T extends readonly number[]>(item: T, by: number): T {
  return item.with(0, item[0]! + by) as unknown as T;
}

/** Ticks `from` to `to` are deleted, or ticks are inserted at `from`; all later ticks move by `added`. */
interface Shift {
  from: number;
  to: number;
  added: number;
}

/** The items outside the deleted span, at their new times. */
function at<T>(shift: Shift, items: readonly T[], of: (item: T) => number, to: (item: T, at: number) => T): T[] {
  return items
    .filter((item) => of(item) < shift.from || of(item) >= shift.to)
    .map((item) => (of(item) < shift.from ? item : to(item, of(item) + shift.added)));
}

/** Notes at their new times. A note that reaches into the shifted place is shortened. */
function notesAt(shift: Shift, notes: readonly Note[]): Note[] {
  const whole = at<Note>(shift, notes, ([start]) => start, (note, start) => moved(note, start - note[0]));
  return whole.map((note) =>
    note[0] < shift.from && endOf(note) > shift.from
      ? altered(note, note[0], shift.from - note[0], note[2])
      : note,
  );
}

function chordsAt<T extends { start: number; length: number }>(shift: Shift, chords: readonly T[]): T[] {
  return at(shift, chords, (chord) => chord.start, (chord, start) => ({ ...chord, start })).map((chord) =>
    chord.start < shift.from && chord.start + chord.length > shift.from
      ? { ...chord, length: shift.from - chord.start }
      : chord,
  );
}

const placesAt = (shift: Shift, places: readonly [number, number][]) =>
  at<[number, number]>(shift, places, ([, tick]) => tick, ([voice], tick) => [voice, tick]);

function endsAt(shift: Shift, ends: readonly PhraseEnd[] | null, tune: readonly Note[]): PhraseEnd[] | null {
  const starts = new Set(tune.map(([start]) => start));
  const found = at(shift, ends ?? [], (end) => end.at, (end, tick) => ({ ...end, at: tick }));
  const there = found.filter((end) => starts.has(end.at));
  return there.length ? there : null;
}

/** The project `after` with tune, phrase ends, locks and harmony at their times after a shift. */
function carried(before: Project, after: Project, shift: Shift): Project {
  const old = barsOf(before);
  const numbers = new Map(barsOf(after).map((bar) => [bar.start, bar.number]));
  const tune = notesAt(shift, before.tune);
  const phrases = endsAt(shift, before.phrases, tune);
  const { locks } = before;
  const locked = old.filter((bar) => locks.bars.includes(bar.number)).map((bar) => bar.start);
  const bars = at(shift, locked, (start) => start, (_, tick) => tick).flatMap((start) => numbers.get(start) ?? []);
  const chords = chordsAt(shift, locks.chords);
  const notes = placesAt(shift, locks.notes);
  const harmony = before.harmony && movedHarmony(before.harmony, { ...after, phrases, locks: { ...locks, chords } }, shift);
  return { ...after, tune, phrases, locks: { voices: locks.voices, bars, notes, chords }, harmony };
}

/** The harmony at its new times. Its plan is emptied: the service analyses the voices instead. */
function movedHarmony(harmony: Harmony, now: Project, shift: Shift): Harmony {
  const { made } = harmony;
  return {
    ...harmony,
    voices: harmony.voices.map((notes) => notesAt(shift, notes)),
    phrases: at(shift, harmony.phrases, (tick) => tick, (_, tick) => tick),
    chords: chordsAt(shift, harmony.chords),
    plan: "",
    breaks: [],
    words: harmony.words.map((sung) => ({
      ...sung,
      syllables: at<[number, string]>(shift, sung.syllables, ([tick]) => tick, ([, text], tick) => [tick, text]),
    })),
    made: made && {
      ...made,
      length: now.length,
      meters: now.meters,
      pickup: now.pickup,
      phrases: now.phrases,
      chords: now.locks.chords,
      struck: placesAt(shift, made.struck),
      held: placesAt(shift, made.held),
    },
  };
}
