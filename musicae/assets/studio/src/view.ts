// State that the roll, the chord lane and the playhead share: zoom, scrolling, grid and playhead.
import { signal } from "@preact/signals";

import type { Break } from "./project";

/** Zoom: pixels per tick. */
export const scale = signal(1.6);
/** Horizontal scroll position of the roll, in pixels; the chord lane uses the same. */
export const scrolled = signal(0);
/** The width of the visible part of the roll in pixels. */
export const visible = signal(800);
/** Width in pixels of the keyboard at the left of the roll; the chord lane has the same indent. */
export const KEYS = 44;
/** The grid: the ticks to which notes snap. */
export const grid = signal(24);
/** The position of the playhead in ticks; it stays where playing stops. */
export const playhead = signal(0);
export const playing = signal(false);
/** The loop, in ticks; null if there is none. */
export const loop = signal<[from: number, to: number] | null>(null);
/** The open view. */
export const view = signal<"roll" | "score">("roll");
/** The rule violation that is explained and marked with a ring; null if there is none. */
export const openBreak = signal<Break | null>(null);
