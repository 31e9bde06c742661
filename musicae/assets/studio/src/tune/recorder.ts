// Recording: what is played on an instrument becomes notes of the tune, with a click.
import { computed, signal } from "@preact/signals";

import { type Bar, barAt, type Note } from "../project";
import { endAudition } from "../sound/audition";
import { click } from "../sound/click";
import type { Scheduled } from "../sound/note";
import { openStage } from "../sound/stage";
import { bars, change, endMerge, project, tell } from "../store";
import { t } from "../strings";
import { grid, playhead, playing } from "../view";
import { putNotes } from "./edits";
import { kept } from "./kept";
import { type Played, quantized } from "./take";
import { countInFrom, nextBeat, secondsBetween, tickAfter } from "./time";

/** Clicks are handed to the sound so many milliseconds ahead, as often as EVERY. */
const AHEAD = 300;
const EVERY = 50;
/** Milliseconds from the button to the first beat. */
const SOON = 150;

/** Bars that are counted before a take, and whether the click goes on in it (1) or not (0). */
export const countIn = kept("musicae count-in", 1);
export const clicking = kept("musicae click", 1);

export const stage = signal<"off" | "counting" | "recording">("off");
/** The beat that is counted before a take, from 1; null while none is. */
export const counted = signal<number | null>(null);

interface Take {
  /** The tick at which it begins, and when that is in milliseconds of performance.now(). */
  from: number;
  began: number;
  /** Quarters a minute of the count-in. */
  qpm: number;
  /** The next tick for which a click is due, and the clicks that are handed over. */
  due: number;
  clicks: Scheduled[];
  timer: number;
}
let take: Take | null = null;
let sounding: Played | null = null;
const played = signal<readonly Played[]>([]);

/** What was recorded until now, on the grid; it becomes part of the tune when the take ends. */
export const recorded = computed<Note[]>(() => quantized(played.value, grid.value, bars.value));

function tickAt(now: Take, time: number): number {
  return tickAfter(project.value.tempos, now.from, (time - now.began) / 1000);
}

function timeOf(now: Take, tick: number): number {
  const seconds =
    tick < now.from
      ? -secondsBetween([[tick, now.qpm]], tick, now.from)
      : secondsBetween(project.value.tempos, now.from, tick);
  return now.began + seconds * 1000;
}

/** Count in, and record from the playhead on. */
export function startRecording(): void {
  if (take) return;
  playing.value = false;
  endAudition();
  endMerge();
  const from = playhead.value < project.value.length ? playhead.value : 0;
  const due = countInFrom(barAt(bars.value, from), from, countIn.value);
  const qpm = project.value.tempos.findLast(([at]) => at <= from)?.[1] ?? 90;
  take = { from, began: 0, qpm, due, clicks: [], timer: 0 };
  take.began = performance.now() + SOON + secondsBetween([[due, qpm]], due, from) * 1000;
  played.value = [];
  stage.value = due < from ? "counting" : "recording";
  take.timer = window.setInterval(follow, EVERY);
  follow();
  requestAnimationFrame(draw);
}

/** Hand over the clicks that are due, and note where the take is. */
function follow(): void {
  if (!take) return;
  const now = performance.now();
  for (;;) {
    const bar = barAt(bars.value, take.due);
    const beat = nextBeat(bar, take.due);
    const time = timeOf(take, beat.at);
    if (time > now + AHEAD) break;
    if (clicking.value || beat.at < take.from) give(take, time, beat.first);
    take.due = beat.at + 1;
  }
  const tick = tickAt(take, now);
  counted.value = tick < take.from ? beatOf(barAt(bars.value, take.from), tick) : null;
  if (tick >= take.from) stage.value = "recording";
  if (sounding) {
    sounding.to = tick;
    played.value = [...played.value];
  }
}

/** The beat of the bar that a tick before the take lies in, from 1. */
function beatOf(bar: Bar, tick: number): number {
  let beat = 1;
  for (let at = nextBeat(bar, tick - bar.beat + 1e-6); !at.first; beat++) {
    at = nextBeat(bar, at.at - bar.beat);
  }
  return beat;
}

/** A click that is heard at a time of performance.now(). */
function give(now: Take, time: number, first: boolean): void {
  const context = openStage()?.context;
  if (!context) return;
  const latency = context.outputLatency || context.baseLatency || 0;
  const at = context.currentTime + (time - performance.now()) / 1000 - latency;
  const made = click(Math.max(context.currentTime, at), first);
  if (made) now.clicks.push(made);
}

function draw(): void {
  if (!take) return;
  playhead.value = Math.max(take.from, Math.floor(tickAt(take, performance.now())));
  requestAnimationFrame(draw);
}

/** A key went down; `time` is that of the event. Before the take only what anticipates it counts. */
export function noteOn(pitch: number, velocity: number | null, time: number): void {
  if (!take) return;
  const tick = tickAt(take, time);
  if (tick < take.from - grid.value / 2) return;
  noteOff(sounding?.pitch ?? pitch, time);
  sounding = { pitch, velocity, from: Math.max(take.from, tick), to: tick };
  played.value = [...played.value, sounding];
}

/** A key went up. */
export function noteOff(pitch: number, time: number): void {
  if (!take || sounding?.pitch !== pitch) return;
  sounding.to = tickAt(take, time);
  sounding = null;
  played.value = [...played.value];
}

/** End the take: what was played is part of the tune, in place of what was there. */
export function stopRecording(): void {
  if (!take) return;
  if (sounding) noteOff(sounding.pitch, performance.now());
  clearInterval(take.timer);
  for (const each of take.clicks) each.cut();
  const notes = recorded.value;
  playhead.value = take.from;
  take = null;
  played.value = [];
  counted.value = null;
  stage.value = "off";
  if (notes.length) change(t.value.tune.did.record, (now) => putNotes(now, notes));
  else tell(t.value.tune.nothingPlayed);
}
