// Keeps the harmony up to date: changed bars are harmonized as soon as the musician pauses.
import { computed, effect, signal } from "@preact/signals";

import { changedBars, sameFrame } from "./harmony/difference";
import type { Harmony, Project } from "./project";
import { compute, connected, refused, ServerError, Unreachable } from "./server";
import { bars, change, type Notice, notice, project, setHarmony } from "./store";

/** Request harmony when nothing has changed for this many milliseconds. */
const PAUSE = 30;
/** If the harmony is out of date for longer, in milliseconds, the running request may finish. */
const PATIENCE = 250;
/** Show progress if a request takes more milliseconds than this. */
const LONG = 300;
/** Milliseconds until a busy service is asked again. */
const AGAIN = 500;
/** The HTTP status codes of a busy service. */
const BUSY = [429, 503];

/** Progress of a long request, 0 to 1; null if there is none. */
export const progress = signal<number | null>(null);
/** Whether the harmony belongs to the present tune. */
export const upToDate = signal(true);
/** The bars that a command such as "another way" is rewriting. */
export const redrawn = signal<[first: number, last: number] | null>(null);

/**
 * Everything that the harmony depends on, as text. Of the locks it has only the chords: the others
 * say what later harmony keeps, so they do not make the present harmony out of date.
 */
export function questionOf(now: Project): string {
  const { title: _title, harmony: _harmony, tempos: _tempos, locks, tune, ...rest } = now;
  const notes = tune.map(([start, length, pitch]) => [start, length, pitch]);
  return JSON.stringify([rest, notes, locks.chords]);
}
export const question = computed(() => questionOf(project.value));
/** For each harmony: the project that it was written for, and the text of questionOf. */
const answered = new WeakMap<Harmony, { asked: string; from: Project }>();
/** The question for which the service found no harmony, or which it refused. */
const unanswerable = signal("");

/** The bars whose harmony is out of date and is being rewritten. */
export const writing = computed<ReadonlySet<number>>(() => {
  const now = project.value;
  const [first, last] = redrawn.value ?? [1, 0];
  const found = new Set(bars.value.map((bar) => bar.number).filter((n) => first <= n && n <= last));
  if (upToDate.value || !now.harmony) return found;
  const from = answered.get(now.harmony)?.from;
  for (const number of from ? changedBars(from, now) : []) found.add(number);
  return found;
});

/** Change the project and its harmony together, as one step of the history. */
export function accept(label: string, next: (now: Project) => Project): void {
  const after = next(project.value);
  if (after.harmony) answered.set(after.harmony, { asked: questionOf(after), from: after });
  change(label, () => after);
}

/** Show the progress of a request that takes long. Call `report` with the share, and `end` after it. */
export function showProgress(): { report: (share: number) => void; end: () => void } {
  let shown = false;
  let share = 0;
  const timer = setTimeout(() => {
    shown = true;
    progress.value = share;
  }, LONG);
  return {
    report: (now) => {
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
  asked: string;
  from: Project;
}
let running: Running | null = null;
let timer = 0;
/** When the harmony went out of date, as performance.now(). */
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

/** Request harmony, unless the answer of the running request can be used. */
function start(): void {
  if (running) {
    const { from, asked } = running;
    const now = project.value;
    const isPatient = performance.now() - staleSince > PATIENCE;
    const isOfUse = isPatient && from.locks === now.locks && sameFrame(from, now);
    if (asked === question.value || isOfUse) return;
    stop();
  }
  void follow();
}

async function follow(): Promise<void> {
  const controller = new AbortController();
  const from = project.value;
  const asked = question.value;
  const own: Running = { controller, asked, from };
  running = own;
  const shown = showProgress();
  try {
    const { harmony } = await compute<{ harmony: Harmony | null }>(
      "/api/harmonize",
      { project: from },
      { signal: controller.signal, progress: shown.report },
    );
    if (running === own) receive(own, harmony);
  } catch (error) {
    if (running === own) fail(own, error);
  } finally {
    shown.end();
    if (running === own) running = null;
  }
}

function receive({ asked, from }: Running, harmony: Harmony | null): void {
  const now = project.value;
  const isLate = asked !== question.value;
  running = null;
  // The locks have changed since the request; the answer may not respect them.
  if (from.locks !== now.locks) return later(0);
  if (isLate && !(harmony && sameFrame(from, now))) return later(0);
  if (harmony) answered.set(harmony, { asked, from });
  else unanswerable.value = asked;
  staleSince = performance.now();
  setHarmony(harmony);
  if (isLate) later(0);
}

function fail({ asked }: Running, error: unknown): void {
  if (error instanceof ServerError && BUSY.includes(error.status)) return later(AGAIN);
  if (error instanceof Unreachable || refused.value) return;
  if (asked !== question.value) return later(0);
  unanswerable.value = asked;
  complaint = { text: error instanceof Error ? error.message : String(error), error: true };
  notice.value = complaint;
}

/** Whether no request is needed. */
function isAnswered(asked: string, { harmony, tune }: Project): boolean {
  if (harmony) return answered.get(harmony)?.asked === asked;
  return asked === unanswerable.value || !tune.length;
}

/** Keep the harmony up to date as long as the page is open. */
export function followTune(): void {
  let seen = "";
  effect(() => {
    const asked = question.value;
    const isReachable = connected.value && !refused.value;
    if (isAnswered(asked, project.value)) {
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
    } else if (asked !== seen) {
      seen = asked;
      later(PAUSE);
    }
  });
}

/** Wait until the harmony is up to date. Resolves to false if the service has none for the tune. */
export function settled(): Promise<boolean> {
  return new Promise((resolve) => {
    effect(function (this: { dispose(): void }) {
      if (!upToDate.value && question.value !== unanswerable.value) return;
      resolve(upToDate.value && project.value.harmony !== null);
      this.dispose();
    });
  });
}
