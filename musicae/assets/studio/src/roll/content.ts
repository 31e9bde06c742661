// What a bar shows, as one value: a bar is drawn anew only where its value is another.
import { computed } from "@preact/signals";

import { writing } from "../live";
import { type Bar, barAt, type Note, type Project, soundingVoices } from "../project";
import { bars, project, selectedBars, selectedNotes } from "../store";
import { endOf, noteAt, placed } from "../tune/edits";
import { phraseEnds as endsOf } from "../tune/phrases";
import { recorded } from "../tune/recorder";
import { scale, scrolled, visible } from "../view";
import { isSelected } from "./selection";

/** The part of a note that lies in a bar. */
export interface Segment {
  voice: number;
  pitch: number;
  /** Of the whole note, in ticks. */
  start: number;
  length: number;
  /** In ticks of the bar. */
  from: number;
  to: number;
  begins: boolean;
  ends: boolean;
  tune: boolean;
  locked: boolean;
  selected: boolean;
}

export interface BarContent {
  bar: Bar;
  locked: boolean;
  selected: boolean;
  /** Whether the other voices no longer belong to the tune. */
  writing: boolean;
  segments: Segment[];
  /** Ticks of the bar at which a phrase ends, and whether the musician set it. */
  phraseEnds: [at: number, given: boolean][];
}

/** Where phrases end: the ticks at which their last notes end, and whether the musician set them. */
export const phraseEnds = computed<[at: number, given: boolean][]>(() => {
  const { phrases, tune } = project.value;
  return endsOf(project.value).flatMap(({ at }): [number, boolean][] => {
    const last = noteAt(tune, at);
    return last ? [[endOf(last), phrases !== null]] : [];
  });
});

/** Bars that are in view, with one more at each side. */
export const shown = computed(() => {
  const all = bars.value;
  const from = scrolled.value / scale.value;
  const to = (scrolled.value + visible.value) / scale.value;
  const first = Math.max(0, all.findLastIndex((bar) => bar.start <= from) - 1);
  const beyond = all.findIndex((bar) => bar.start >= to);
  return `${first} ${beyond < 0 ? all.length : Math.min(all.length, beyond + 1)}`;
});

export function shownBars(): Bar[] {
  const [first, beyond] = shown.value.split(" ").map(Number);
  return bars.value.slice(first, beyond);
}

/** All voices; in the tune what is being recorded. */
const voices = computed(() => {
  const { tune, voice } = project.value;
  const sounding = soundingVoices(project.value);
  return recorded.value.length ? sounding.with(voice, recorded.value.reduce(placed, tune)) : sounding;
});
const endsKey = computed(() => JSON.stringify(phraseEnds.value));

/** What a bar shows, and the same as text. */
export interface Made {
  content: BarContent;
  text: string;
}
const made = new Map<number, Made & { from: unknown[] }>();

/** What a bar shows; made anew only where what it is made from is another. */
export function contentOf(bar: Bar): Made {
  const { locks, voice } = project.value;
  const end = bar.start + bar.length;
  const from: unknown[] = [bar.start, bar.length, bar.beat, locks, voice, endsKey.value];
  from.push(selectedBars.value, selectedNotes.value, writing.value.has(bar.number));
  for (const notes of voices.value) from.push(null, ...between(notes, bar.start, end));
  const before = made.get(bar.number);
  if (before?.from.length === from.length && from.every((each, k) => each === before.from[k])) {
    return before;
  }
  const content = make(bar);
  const now = { from, content, text: JSON.stringify(content) };
  made.set(bar.number, now);
  return now;
}

function make(bar: Bar): BarContent {
  const now = project.value;
  const selection = selectedBars.value;
  const end = bar.start + bar.length;
  return {
    bar,
    locked: now.locks.bars.includes(bar.number),
    selected: selection !== null && selection[0] <= bar.number && bar.number <= selection[1],
    writing: writing.value.has(bar.number),
    // The tune last: it lies above the others.
    segments: [3, 2, 1, 0]
      .toSorted((a, b) => Number(a === now.voice) - Number(b === now.voice))
      .flatMap((voice) => segmentsOf(now, voice, voices.value[voice]!, bar)),
    phraseEnds: phraseEnds.value.flatMap(([at, given]): [number, boolean][] =>
      bar.start < at && at <= end ? [[at - bar.start, given]] : [],
    ),
  };
}

function segmentsOf(now: Project, voice: number, notes: Note[], bar: Bar): Segment[] {
  const end = bar.start + bar.length;
  return between(notes, bar.start, end).map((note) => ({
    voice,
    pitch: note[2],
    start: note[0],
    length: note[1],
    from: Math.max(note[0], bar.start) - bar.start,
    to: Math.min(endOf(note), end) - bar.start,
    begins: note[0] >= bar.start,
    ends: endOf(note) <= end,
    tune: voice === now.voice,
    locked: stays(now, voice, note[0]),
    selected: isSelected(voice, note[0]),
  }));
}

/** The notes that sound between two ticks, of notes in order of which none overlap. */
function between(notes: Note[], from: number, to: number): Note[] {
  let [low, high] = [0, notes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (endOf(notes[middle]!) > from) high = middle;
    else low = middle + 1;
  }
  let end = low;
  while (end < notes.length && notes[end]![0] < to) end += 1;
  return notes.slice(low, end);
}

/** Whether a note of another voice stays: by itself, or with its bar or its voice. */
function stays({ locks, voice: tune }: Project, voice: number, start: number): boolean {
  if (voice === tune) return false;
  return (
    locks.voices.includes(voice) ||
    locks.notes.some(([v, at]) => v === voice && at === start) ||
    (locks.bars.length > 0 && locks.bars.includes(barAt(bars.value, start).number))
  );
}
