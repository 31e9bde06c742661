// Recording: notes played to a click become notes of the tune.
import { computed, effect, signal } from "@preact/signals";

import { type Bar, barAt, type Note, QUARTER } from "../project";
import { endAudition } from "../sound/audition";
import { click } from "../sound/click";
import { kept } from "../sound/kept";
import type { Scheduled } from "../sound/note";
import { rate, tempoMap } from "../sound/player";
import { openStage } from "../sound/stage";
import { bars, change, endMerge, project, tell } from "../store";
import { t } from "../strings";
import { grid, playhead, playing } from "../view";
import { countInFrom, nextBeat } from "./beats";
import { putNotes } from "./edits";
import { type Played, quantized } from "./take";

/** Clicks are scheduled AHEAD milliseconds in advance, every EVERY milliseconds. */
const AHEAD = 300;
const EVERY = 50;
/** Milliseconds from the button to the first beat. */
const SOON = 150;

/** Bars of the count-in before a take, 0 to 2, and whether the click goes on during it. */
export const countIn = kept("count-in", 1, (value) => value === 0 || value === 1 || value === 2);
export const clicking = kept("click", true, (value) => typeof value === "boolean");

export const stage = signal<"off" | "counting" | "recording">("off");
/** The beat of the count-in, from 1; null if there is no count-in now. */
export const counted = signal<number | null>(null);

interface Take {
  /** The tick at which the take begins, and its time in milliseconds of performance.now(). */
  from: number;
  began: number;
  /** The first tick whose click is not scheduled yet, and the scheduled clicks. */
  due: number;
  clicks: Scheduled[];
  timer: number;
}
let take: Take | null = null;
let sounding: Played | null = null;
const played = signal<readonly Played[]>([]);

/** The notes of the take so far, on the grid. They become part of the tune when the take ends. */
export const recorded = computed<Note[]>(() => quantized(played.value, grid.value, bars.value));

/** Seconds from the take's first tick to another. Ticks before it have the tempo of its beginning. */
function secondsFrom(from: number, tick: number): number {
  const tempo = tempoMap.value;
  const seconds =
    tick < from
      ? ((tick - from) * 60) / (tempo.tempoAt(from) * QUARTER)
      : tempo.secondsAt(tick) - tempo.secondsAt(from);
  return seconds / rate.value;
}

function tickAt({ from, began }: Take, time: number): number {
  const tempo = tempoMap.value;
  const seconds = ((time - began) / 1000) * rate.value;
  if (seconds < 0) return from + (seconds * tempo.tempoAt(from) * QUARTER) / 60;
  return tempo.tickAt(tempo.secondsAt(from) + seconds);
}

/** Count in, then record from the playhead. */
export function startRecording(): void {
  if (take) return;
  playing.value = false;
  endAudition();
  endMerge();
  const from = playhead.value < project.value.length ? playhead.value : 0;
  const due = countInFrom(barAt(bars.value, from), from, countIn.value);
  const began = performance.now() + SOON - secondsFrom(from, due) * 1000;
  take = { from, began, due, clicks: [], timer: 0 };
  played.value = [];
  stage.value = due < from ? "counting" : "recording";
  take.timer = window.setInterval(follow, EVERY);
  follow();
  requestAnimationFrame(draw);
}

/** Schedule the next clicks, and update the position of the take. */
function follow(): void {
  if (!take) return;
  const now = performance.now();
  for (;;) {
    const bar = barAt(bars.value, take.due);
    const beat = nextBeat(bar, take.due);
    const time = take.began + secondsFrom(take.from, beat.at) * 1000;
    if (time > now + AHEAD) break;
    if (clicking.value || beat.at < take.from) scheduleClick(take, time, beat.first);
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

/** The number of the beat that contains a tick of the count-in, from 1. */
function beatOf(bar: Bar, tick: number): number {
  let beat = 1;
  for (let at = nextBeat(bar, tick - bar.beat + 1e-6); !at.first; beat++) {
    at = nextBeat(bar, at.at - bar.beat);
  }
  return beat;
}

/** Schedule a click for a time of performance.now(), in milliseconds. */
function scheduleClick(now: Take, time: number, first: boolean): void {
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

/**
 * A key went down; `time` is the time of the event. During the count-in a note is ignored, unless it
 * comes at most half a step of the grid before the take.
 */
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

/** End the take. Its notes replace the notes of the tune in their place. */
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

// Playing the piece ends a recording.
effect(() => {
  if (playing.value && stage.peek() !== "off") stopRecording();
});
