// Recording: what is played on an instrument becomes notes of the tune, with a click.
import { computed, signal } from "@preact/signals";

import { barAt, type Note } from "../project";
import { click } from "../sound/click";
import { preview } from "../sound/preview";
import { openStage } from "../sound/stage";
import { bars, change, project, tell } from "../store";
import { t } from "../strings";
import { grid, playhead, playing } from "../view";
import { putNotes } from "./edits";
import { type Played, quantized } from "./take";
import { countInFrom, nextBeat, secondsBetween, tickAfter } from "./time";

/** How far ahead clicks are handed to the sound, and how often it is looked, in milliseconds. */
const AHEAD = 300;
const EVERY = 60;

/** Kept in the browser: bars that are counted before a take, and whether the click goes on in it. */
export const countIn = kept("musicae count-in", 1);
export const clicking = kept("musicae click", 1);

function kept(name: string, usual: number) {
  const found = signal(Number(localStorage.getItem(name) ?? usual));
  found.subscribe((value) => localStorage.setItem(name, String(value)));
  return found;
}

interface Take {
  /** The tick at which recording begins, and when that is, in milliseconds of performance.now(). */
  from: number;
  began: number;
  played: Played[];
  sounding: Played | null;
  /** Up to where clicks were handed over. */
  clicked: number;
  timer: number;
}
let take: Take | null = null;

export const stage = signal<"off" | "counting" | "recording">("off");
/** The beat that is counted before a take, from 1; null while none is. */
export const counted = signal<number | null>(null);
const heard = signal<readonly Played[]>([]);
/** What was recorded until now, on the grid: it is drawn, and becomes the tune when the take ends. */
export const recorded = computed<Note[]>(() => quantized(heard.value, grid.value, bars.value));

/** The tick at a time of performance.now(). */
function tickAt(now: Take, time: number): number {
  return tickAfter(project.value.tempos, now.from, (time - now.began) / 1000);
}

/** Begin to count, and record from the playhead on. */
export function startRecording(): void {
  if (take) return;
  playing.value = false;
  const from = playhead.value < project.value.length ? playhead.value : 0;
  const first = countInFrom(barAt(bars.value, from), from, countIn.value);
  // Before the piece's beginning the first tempo counts, elsewhere the one at the playhead.
  const { qpm } = { qpm: project.value.tempos.findLast(([at]) => at <= from)?.[1] ?? 90 };
  const wait = secondsBetween([[first, qpm]], first, from);
  const began = performance.now() + 100 + wait * 1000;
  take = { from, began, played: [], sounding: null, clicked: first, timer: 0 };
  heard.value = [];
  stage.value = wait ? "counting" : "recording";
  follow();
  take.timer = window.setInterval(follow, EVERY);
}
