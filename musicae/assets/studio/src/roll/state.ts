// State of the roll alone: its tool, cursor, range of pitches and rows.
import { computed, effect, signal } from "@preact/signals";

import { soundingVoices } from "../project";
import { project } from "../store";
import { grid } from "../view";

export type Tool = "draw" | "select" | "erase";
/** The tool of the mouse or of one finger in an empty place. */
export const tool = signal<Tool>("draw");

/** The cursor of the keyboard: ticks and MIDI pitch. */
export const cursor = signal({ at: 0, pitch: 67 });
/** The length in ticks of the notes that keys write; a change of the grid sets it. */
export const entry = signal(grid.peek());
effect(() => {
  entry.value = grid.value;
});

/** The text for screen readers. */
export const said = signal("");

/** The rectangle that selects notes, in pixels of the canvas; null if none is being drawn. */
export const marquee = signal<[x: number, y: number, toX: number, toY: number] | null>(null);

/** The height of the ruler in pixels: bar numbers, and below them the lane of playhead and loop. */
export const RULER = 50;

/** The element that scrolls, while the roll is on the page. */
export const scroller: { current: HTMLElement | null } = { current: null };
/** Its height in pixels. */
export const frameHeight = signal(500);
/** Whether the pointer is a finger; rows are then higher. */
export const coarse = matchMedia("(pointer: coarse)").matches;

/** Empty rows below the lowest and above the highest note. */
const [BELOW, ABOVE] = [2, 4];
const used = computed(() =>
  soundingVoices(project.value).flatMap((notes) => notes.map(([, , pitch]) => pitch)),
);
/**
 * The rows of a piece that was opened: those of its four voices. Null for a tune that is being drawn:
 * it has the rows C3 to C6, and more if it needs them, so that nothing moves under the pointer.
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
/** Rows that are in view while a tune is being drawn: three octaves. */
const DRAWN = 37;
/** The height of a row in pixels: as high as the frame allows, within bounds. */
export const rowHeight = computed(() => {
  const shown = opened.value ? rows.value : DRAWN;
  const fitting = Math.floor((frameHeight.value - RULER) / shown);
  return Math.min(26, Math.max(coarse ? 22 : opened.value ? 11 : 13, fitting));
});
