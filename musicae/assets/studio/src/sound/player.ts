// Playback. The audio clock gives the position in the piece, and notes are scheduled ahead of it.
// Scheduled notes can be cancelled, so the sound follows each change of the piece.
import { computed, effect, signal, untracked } from "@preact/signals";

import { barsOf, soundingVoices } from "../project";
import { project, tell } from "../store";
import { t } from "../strings";
import { loop, playhead, playing } from "../view";
import { endAudition } from "./audition";
import { click } from "./click";
import { kept } from "./kept";
import { SoundingNote, USUAL_VELOCITY, type Scheduled } from "./note";
import { instrumentOf, instruments, sound } from "./sounds";
import { onStage, openStage, stageNow, type Stage } from "./stage";
import { CLICK, eventsOf, TempoMap, type Event } from "./timeline";

/**
 * Seconds that are scheduled ahead, because the page may be busy. A hidden page needs more: browsers
 * run its timers only once a second.
 */
const AHEAD = 1;
const AHEAD_HIDDEN = 2.5;
/** Milliseconds between two calls of lookAhead. */
const EVERY = 50;
/** Seconds from a command to its first sound. */
const SOON = 0.03;
/** The same if the browser's audio has to start first. */
const AT_FIRST = 0.15;
/** If less than this many seconds of a note remain, it is not played. */
const TOO_SHORT = 0.02;
/** Milliseconds within which the browser's audio has to start. */
const PATIENCE = 2000;

/** Playing speed as a factor of the piece's own tempo. */
export const rate = signal(1);
/** Whether the metronome clicks. */
export const clicking = kept("metronome", false, (value) => typeof value === "boolean");

const tune = computed(() => project.value.tune);
const written = computed(() => project.value.harmony?.voices);
const measure = computed(() => JSON.stringify([project.value.meters, project.value.pickup]));
const length = computed(() => project.value.length);
const tempos = computed(() => project.value.tempos);
const ensemble = computed(() => project.value.settings.ensemble);
const tuneVoice = computed(() => project.value.voice);

const events = computed(() => {
  void [tune.value, written.value, tuneVoice.value, measure.value, length.value];
  const now = project.peek();
  return eventsOf(soundingVoices(now), clicking.value ? barsOf(now) : []);
});
export const tempoMap = computed(() => new TempoMap(tempos.value));
/** The span that is played, in ticks: the part of the loop inside the piece, or the whole piece. */
const span = computed<[from: number, to: number]>(() => {
  const [from, to] = loop.value ?? [0, length.value];
  const end = Math.min(to, length.value);
  return from < end ? [from, end] : [0, length.value];
});

/** A pass through the piece: it begins at tick `from` when the audio context's time is `at`. */
interface Run {
  at: number;
  from: number;
  tempo: TempoMap;
  rate: number;
}

const secondsFrom = ({ from, tempo }: Run, tick: number) => tempo.secondsAt(tick) - tempo.secondsAt(from);
const timeOf = (run: Run, tick: number) => run.at + secondsFrom(run, tick) / run.rate;
const tickAt = (run: Run, time: number) =>
  run.tempo.tickAt(run.tempo.secondsAt(run.from) + Math.max(0, time - run.at) * run.rate);

let runs: Run[] = [];
/** The scheduled sounds that are not silent yet, with the times at which they end. */
let pending: { event: Event; scheduled: Scheduled; until: number }[] = [];
/** The index of the first event that is not scheduled. */
let next = 0;
/** The audio context's time at which the piece ends. */
let finish = Infinity;
let timer = 0;
/** The playhead as this module set it last. Any other value comes from the musician. */
let shown = 0;

function show(tick: number): void {
  shown = tick;
  playhead.value = tick;
}

/** The tick that sounds now. */
function placeNow({ context }: Stage): number {
  const time = context.currentTime - (context.outputLatency || 0);
  const run = runs.findLast((each) => each.at <= time) ?? runs[0]!;
  return Math.min(tickAt(run, time), span.value[1]);
}

function newRun(at: number, from: number): Run {
  next = events.value.findIndex((event) => event.start >= from);
  if (next < 0) next = events.value.length;
  const run = { at, from, tempo: tempoMap.value, rate: rate.value };
  runs = [...runs.slice(-8), run];
  return run;
}

function schedule(stage: Stage, run: Run, event: Event): void {
  const now = stage.context.currentTime;
  const at = Math.max(now, run.at, timeOf(run, event.start));
  const until = timeOf(run, Math.min(event.end, span.value[1]));
  let scheduled: Scheduled | null;
  if (event.voice === CLICK) scheduled = click(at, event.pitch === 1);
  else if (until - at < TOO_SHORT) return;
  else {
    const { voice, pitch, velocity = USUAL_VELOCITY } = event;
    scheduled = new SoundingNote(stage, instrumentOf(voice), voice, pitch, velocity, at, until);
  }
  if (scheduled) pending.push({ event, scheduled, until });
}

/** Schedule the notes that begin before a run and reach into it, except those that already sound. */
function enter(stage: Stage, run: Run, sounding: Set<Event>): void {
  for (const event of events.value) {
    if (event.start >= run.from) break;
    if (event.end > run.from && event.voice !== CLICK && !sounding.has(event)) schedule(stage, run, event);
  }
}

function lookAhead(): void {
  const stage = stageNow();
  if (!stage || !playing.value) return;
  const now = stage.context.currentTime;
  pending = pending.filter(({ scheduled }) => scheduled.off > now);
  if (now - (stage.context.outputLatency || 0) > finish) {
    pending = []; // the last notes end by themselves
    runs = [];
    playing.value = false;
    show(span.value[0]);
    return;
  }
  const horizon = now + (document.hidden ? AHEAD_HIDDEN : AHEAD);
  const [start, end] = span.value;
  while (finish === Infinity) {
    const run = runs.at(-1)!;
    const reach = events.value;
    while (next < reach.length && reach[next]!.start < end && timeOf(run, reach[next]!.start) < horizon) {
      schedule(stage, run, reach[next++]!);
    }
    const ends = timeOf(run, end);
    if (ends >= horizon) return;
    if (loop.value) enter(stage, newRun(ends, start), new Set());
    else finish = ends;
  }
}

function cutAll(): void {
  for (const { scheduled } of pending) scheduled.cut();
  pending = [];
}

/** Start playing at a tick. */
function begin(stage: Stage, tick: number): void {
  cutAll();
  runs = [];
  finish = Infinity;
  const wait = stage.context.state === "running" ? SOON : AT_FIRST;
  const run = newRun(stage.context.currentTime + wait, tick);
  enter(stage, run, new Set());
  lookAhead();
}

/** The music has changed: go on at the same tick; notes that are still in it sound on. */
function replan(): void {
  const stage = stageNow();
  if (!stage || !playing.value || !runs.length) return;
  const now = stage.context.currentTime;
  const at = now + SOON;
  runs = runs.filter((run) => run.at < at || run === runs[0]);
  const place = tickAt(runs.at(-1)!, at);
  if (place < span.value[0] || place >= span.value[1]) {
    begin(stage, span.value[0]);
    return;
  }
  const before = pending;
  pending = [];
  finish = Infinity;
  const run = newRun(at, place);
  const sounding = new Set<Event>();
  for (const each of before) {
    const { event, scheduled } = each;
    if (each.until <= at) {
      pending.push(each); // its release has begun
      continue;
    }
    const same =
      scheduled.at < at &&
      events.value.find(
        ({ voice, pitch, start, end }) =>
          voice === event.voice && pitch === event.pitch && start < place && end > place,
      );
    if (same && !sounding.has(same)) {
      sounding.add(same);
      const until = timeOf(run, Math.min(same.end, span.value[1]));
      if (Math.abs(until - each.until) > 1e-4) scheduled.hold(until);
      pending.push({ event: same, scheduled, until });
    } else scheduled.cut();
  }
  enter(stage, run, sounding);
  lookAhead();
}

function start(): void {
  endAudition();
  const stage = openStage();
  if (!stage) {
    playing.value = false;
    return;
  }
  const [from, to] = span.value;
  const place = playhead.value;
  const inside = place >= from && place < to - 1;
  if (!inside) show(from);
  begin(stage, inside ? place : from);
  timer = window.setInterval(lookAhead, EVERY);
  requestAnimationFrame(frame);
  window.setTimeout(() => {
    if (playing.value && stage.context.state !== "running") {
      playing.value = false;
      tell(t.value.sound.refused, true);
    }
  }, PATIENCE);
}

function pause(): void {
  clearInterval(timer);
  const stage = stageNow();
  if (stage && runs.length) show(placeNow(stage));
  cutAll();
  runs = [];
}

/** Update the playhead once per frame of the screen. */
function frame(): void {
  const stage = stageNow();
  if (!stage || !playing.value || !runs.length) return;
  show(placeNow(stage));
  requestAnimationFrame(frame);
}

export function togglePlaying(): void {
  playing.value = !playing.value;
}

/** Move the playhead to the beginning of the piece, or of the loop. */
export function toStart(): void {
  playhead.value = span.value[0];
}

export function stop(): void {
  playing.value = false;
  toStart();
}

effect(() => {
  const on = playing.value;
  untracked(on ? start : pause);
});
effect(() => {
  void [events.value, tempoMap.value, span.value, loop.value, rate.value];
  void [sound.value, instruments.value, ensemble.value];
  untracked(replan);
});
effect(() => {
  const tick = playhead.value;
  untracked(() => {
    const stage = stageNow();
    if (tick !== shown && stage && playing.value && runs.length) begin(stage, tick);
    shown = tick;
  });
});
document.addEventListener("visibilitychange", lookAhead);
onStage(({ context }) => {
  // A phone call, or another page, may have suspended the audio.
  context.addEventListener("statechange", () => {
    if (playing.value && context.state !== "running") void context.resume().catch(() => {});
  });
});
