// What only the roll holds: its tool, its cursor, its range of pitches, and how rows are laid out.
import { computed, effect, signal } from "@preact/signals";

import { soundingVoices } from "../project";
import { project } from "../store";
import { grid } from "../view";

export type Tool = "draw" | "select" | "erase";
/** What one finger or the mouse does in an empty place. */
export const tool = signal<Tool>("draw");

/** Where keys write: a place in ticks and a pitch. */
export const cursor = signal({ at: 0, pitch: 67 });
/** The length in ticks of the notes that keys write; it follows the grid. */
export const entry = signal(grid.peek());
effect(() => {
  entry.value = grid.value;
});

/** What is read aloud. */
export const said = signal("");

/** A rectangle that selects notes, in pixels of the canvas; null while none is drawn. */
export const marquee = signal<[x: number, y: number, toX: number, toY: number] | null>(null);

/** The height of the ruler: bar numbers above, below the lane of playhead and loop. */
export const RULER = 50;

/** The element that scrolls, while the roll is on the page. */
export const scroller: { current: HTMLElement | null } = { current: null };
/** Its height in pixels. */
export const frameHeight = signal(500);
/** Whether fingers are what points: rows are higher. */
export const coarse = matchMedia("(pointer: coarse)").matches;

/** Rows that are free below and above what is written; more above, where a tune goes on. */
const [BELOW, ABOVE] = [2, 4];
const used = computed(() =>
  soundingVoices(project.value).flatMap((notes) => notes.map(([, , pitch]) => pitch)),
);
/**
 * The rows of a piece that was opened: just those of its four voices. A tune that is being drawn
 * keeps the rows C3 to C6 and gets others where it needs them, so that nothing moves under the hand.
 */
const opened = signal<[low: number, high: number] | null>(null);
let waiting = false;
let before = project.peek().tune;
effect(() => {
  const { tune, harmony } = project.value;
  if (tune !== before && !tune.some((note) => before.includes(note))) {
    opened.value = null;
    waiting = tune.length > 1;
  }
  before = tune;
  if (waiting && harmony && tune.length) {
    opened.value = [Math.min(...used.peek()) - BELOW, Math.max(...used.peek()) + ABOVE];
    waiting = false;
  }
});
/** The lowest and the highest row. */
export const lowest = computed(() => {
  if (opened.value) return Math.min(opened.value[0], ...used.value);
  return Math.floor((Math.min(50, ...used.value) - BELOW) / 12) * 12;
});
export const highest = computed(() => {
  if (opened.value) return Math.max(opened.value[1], ...used.value);
  return Math.ceil((Math.max(82, ...used.value) + BELOW) / 12) * 12;
});
export const rows = computed(() => highest.value - lowest.value + 1);
/** Rows of a tune that is being drawn that are seen at once: three octaves. */
const DRAWN = 37;
/** Pixels of a row: as high as the frame allows, within what can be read and hit. */
export const rowHeight = computed(() => {
  const shown = opened.value ? rows.value : DRAWN;
  const fitting = Math.floor((frameHeight.value - RULER) / shown);
  return Math.min(26, Math.max(coarse ? 22 : opened.value ? 11 : 13, fitting));
});
