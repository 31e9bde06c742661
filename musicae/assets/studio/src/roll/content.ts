// The content of a bar as one value. A bar is redrawn only if its value changes.
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
  /** Start and length of the whole note, in ticks. */
  start: number;
  length: number;
  /** Start and end of the segment, in ticks from the bar's beginning. */
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
  /** Whether the harmony of the bar is out of date and is being written. */
  writing: boolean;
  segments: Segment[];
  /** Phrase ends in ticks from the bar's beginning, and whether the musician set them. */
  phraseEnds: [at: number, given: boolean][];
}

/** Phrase ends: the ticks at which their last notes end, and whether the musician set them. */
export const phraseEnds = computed<[at: number, given: boolean][]>(() => {
  const { phrases, tune } = project.value;
  return endsOf(project.value).flatMap(({ at }): [number, boolean][] => {
    const last = noteAt(tune, at);
    return last ? [[endOf(last), phrases !== null]] : [];
  });
});

/** The indices of the bars in view and one more at each side, as text "first beyond". */
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

/** The notes of all voices; the tune includes the notes that are being recorded. */
const voices = computed(() => {
  const { tune, voice } = project.value;
  const sounding = soundingVoices(project.value);
  return recorded.value.length ? sounding.with(voice, recorded.value.reduce(placed, tune)) : sounding;
});
const endsKey = computed(() => JSON.stringify(phraseEnds.value));

/** The content of a bar, and the same as text. */
export interface Made {
  content: BarContent;
  text: string;
}
const made = new Map<number, Made & { from: unknown[] }>();

/** The content of a bar. It is computed again only if its inputs have changed. */
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
    // The tune is last, so it is drawn above the others.
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

/** The notes that sound between two ticks. `notes` must be in order and not overlap. */
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

/** Whether a note of another voice is locked: by itself, by its bar or by its voice. */
function stays({ locks, voice: tune }: Project, voice: number, start: number): boolean {
  if (voice === tune) return false;
  return (
    locks.voices.includes(voice) ||
    locks.notes.some(([v, at]) => v === voice && at === start) ||
    (locks.bars.length > 0 && locks.bars.includes(barAt(bars.value, start).number))
  );
}
