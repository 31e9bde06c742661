// What the roll, the chord lane and the playhead share: how time is laid out on the screen.
import { signal } from "@preact/signals";

import type { Break } from "./project";

/** Pixels a tick. */
export const scale = signal(1.6);
/** How far the roll is scrolled, in pixels; the chord lane follows. */
export const scrolled = signal(0);
/** The width of the visible part of the roll in pixels. */
export const visible = signal(800);
/** Pixels of the keyboard at the left of the roll; the chord lane is indented as much. */
export const KEYS = 44;
/** The grid: the ticks to which notes snap. */
export const grid = signal(24);
/** The place of the playhead in ticks; it stays where playing stops. */
export const playhead = signal(0);
export const playing = signal(false);
/** What is looped, in ticks; null for no loop. */
export const loop = signal<[from: number, to: number] | null>(null);
/** Which view is open: on narrow screens one at a time. */
export const view = signal<"roll" | "score">("roll");
/** The broken rule that is explained and ringed; null for none. */
export const openBreak = signal<Break | null>(null);
