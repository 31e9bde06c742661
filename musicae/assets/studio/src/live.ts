// The harmony follows the tune: what changed is harmonized as soon as the musician stops.
import { computed, effect, signal } from "@preact/signals";

import { changedBars, sameFrame } from "./harmony/difference";
import type { Harmony, Project } from "./project";
import { compute, connected, refused, ServerError, Unreachable } from "./server";
import { bars, change, type Notice, notice, project, setHarmony } from "./store";

/** Milliseconds without a change after which the harmony is asked for. */
const PAUSE = 30;
/** Milliseconds without harmony after which a request is no longer dropped for a newer one. */
const PATIENCE = 250;
/** Milliseconds after which progress is shown. */
const LONG = 300;
/** Milliseconds after which a service that is busy is asked again. */
const AGAIN = 500;
/** What a service answers that has too much to do. */
const BUSY = [429, 503];

/** The share that is done of a request that takes long; null while none does. */
export const progress = signal<number | null>(null);
/** Whether the harmony belongs to the tune that is seen. */
export const upToDate = signal(true);
/** Bars that are written anew by hand, as by "another way". */
export const redrawn = signal<[first: number, last: number] | null>(null);

/** All that the harmony depends on, as text: what is locked but chords decides what stays later. */
export function questionOf(now: Project): string {
  const { title: _title, harmony: _harmony, tempos: _tempos, locks, tune, ...rest } = now;
  const notes = tune.map(([start, length, pitch]) => [start, length, pitch]);
  return JSON.stringify([rest, notes, locks.chords]);
}
export const question = computed(() => questionOf(project.value));
/** The project that a harmony was written for, and its question. */
const answered = new WeakMap<Harmony, { what: string; from: Project }>();
/** The question that the service had no harmony for, or refused. */
const unanswerable = signal("");

/** The bars whose voices no longer belong to the tune: they are being written anew. */
export const writing = computed<ReadonlySet<number>>(() => {
  const now = project.value;
  const [first, last] = redrawn.value ?? [1, 0];
  const found = new Set(bars.value.map((bar) => bar.number).filter((n) => first <= n && n <= last));
  if (upToDate.value || !now.harmony) return found;
  const from = answered.get(now.harmony)?.from;
  for (const number of from ? changedBars(from, now) : []) found.add(number);
  return found;
});

/** Change the project together with harmony that was written for it, as one step of the history. */
export function accept(label: string, next: (now: Project) => Project): void {
  const after = next(project.value);
  if (after.harmony) answered.set(after.harmony, { what: questionOf(after), from: after });
  change(label, () => after);
}

/** Shows how far a request is, where it takes long. Returns what ends it. */
export function showProgress(): { tell: (share: number) => void; end: () => void } {
  let shown = false;
  let share = 0;
  const timer = setTimeout(() => {
    shown = true;
    progress.value = share;
  }, LONG);
  return {
    tell: (now) => {
      share = now;
      if (shown) progress.value = now;
    },
    end: () => {
      clearTimeout(timer);
      if (shown) progress.value = null;
    },
  };
}

interface Running {
  controller: AbortController;
  what: string;
  from: Project;
}
let running: Running | null = null;
let timer = 0;
/** Since when there is no harmony for what is seen. */
let staleSince = 0;
let complaint: Notice | null = null;

function later(pause: number): void {
  clearTimeout(timer);
  timer = window.setTimeout(start, pause);
}

function stop(): void {
  clearTimeout(timer);
  running?.controller.abort();
  running = null;
}

/** Ask, unless a request is running whose answer is of use. */
function start(): void {
  if (running) {
    const { from, what } = running;
    const now = project.value;
    const isPatient = performance.now() - staleSince > PATIENCE;
    const isOfUse = isPatient && from.locks === now.locks && sameFrame(from, now);
    if (what === question.value || isOfUse) return;
    stop();
  }
  void follow();
}

async function follow(): Promise<void> {
  const controller = new AbortController();
  const from = project.value;
  const what = question.value;
  const own: Running = { controller, what, from };
  running = own;
  const shown = showProgress();
  try {
    const { harmony } = await compute<{ harmony: Harmony | null }>(
      "/api/harmonize",
      { project: from },
      { signal: controller.signal, progress: shown.tell },
    );
    if (running === own) receive(own, harmony);
  } catch (error) {
    if (running === own) fail(own, error);
  } finally {
    shown.end();
    if (running === own) running = null;
  }
}

function receive({ what, from }: Running, harmony: Harmony | null): void {
  const now = project.value;
  const isLate = what !== question.value;
  running = null;
  // What was locked meanwhile has to stay.
  if (from.locks !== now.locks) return later(0);
  if (isLate && !(harmony && sameFrame(from, now))) return later(0);
  if (harmony) answered.set(harmony, { what, from });
  else unanswerable.value = what;
  staleSince = performance.now();
  setHarmony(harmony);
  if (isLate) later(0);
}

function fail({ what }: Running, error: unknown): void {
  if (error instanceof ServerError && BUSY.includes(error.status)) return later(AGAIN);
  if (error instanceof Unreachable || refused.value) return;
  if (what !== question.value) return later(0);
  unanswerable.value = what;
  complaint = { text: error instanceof Error ? error.message : String(error), error: true };
  notice.value = complaint;
}

/** Whether nothing has to be asked. */
function isAnswered(what: string, { harmony, tune }: Project): boolean {
  if (harmony) return answered.get(harmony)?.what === what;
  return what === unanswerable.value || !tune.length;
}

/** Keep the harmony up to date from now on. */
export function followTune(): void {
  let seen = "";
  effect(() => {
    const what = question.value;
    const isReachable = connected.value && !refused.value;
    if (isAnswered(what, project.value)) {
      stop();
      upToDate.value = true;
      seen = "";
      if (complaint && notice.peek() === complaint) notice.value = null;
      return;
    }
    if (upToDate.peek()) staleSince = performance.now();
    upToDate.value = false;
    if (!isReachable) {
      stop();
      seen = "";
    } else if (what !== seen) {
      seen = what;
      later(PAUSE);
    }
  });
}

/** Wait until the harmony belongs to the tune; false where the service has none for it. */
export function settled(): Promise<boolean> {
  return new Promise((resolve) => {
    effect(function (this: { dispose(): void }) {
      if (!upToDate.value && question.value !== unanswerable.value) return;
      resolve(upToDate.value && project.value.harmony !== null);
      this.dispose();
    });
  });
}
