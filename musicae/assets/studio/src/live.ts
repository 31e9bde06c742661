// The harmony follows the tune: what changed is harmonized as soon as the musician stops.
import { computed, effect, signal } from "@preact/signals";

import type { Harmony, Project } from "./project";
import { compute, connected, refused, ServerError, Unreachable } from "./server";
import { project, setHarmony, tell } from "./store";

/** Milliseconds without a change after which the harmony is asked for. */
const PAUSE = 60;

/** The share that is done of a harmonization that takes long; null while none runs. */
export const progress = signal<number | null>(null);
/** Whether the harmony belongs to the tune that is seen. */
export const upToDate = signal(true);
/** When harmony last arrived, in milliseconds of performance.now(): measured by the benchmark. */
export const arrived = signal(0);

/** All that the harmony depends on, as text. */
function asked({ title: _title, harmony: _harmony, tempos: _tempos, ...rest }: Project): string {
  return JSON.stringify(rest);
}
const question = computed(() => asked(project.value));
const answered = new WeakMap<Harmony, string>();
/** What the service had no harmony for. */
let unanswerable = "";

let running: AbortController | null = null;
let timer = 0;
/** Set where the harmony is drawn by hand (an alternative, a redraw), which answers the question. */
export function accept(harmony: Harmony): void {
  running?.abort();
  answered.set(harmony, question.value);
  setHarmony(harmony);
  upToDate.value = true;
}

async function follow(): Promise<void> {
  running?.abort();
  const controller = new AbortController();
  running = controller;
  const now = project.value;
  const what = question.value;
  try {
    const { harmony } = await compute<{ harmony: Harmony | null }>(
      "/api/harmonize",
      { project: now },
      {
        signal: controller.signal,
        progress: (share) => {
          if (running === controller) progress.value = share;
        },
      },
    );
    if (controller.signal.aborted || what !== question.value) return;
    if (harmony) answered.set(harmony, what);
    else unanswerable = what;
    setHarmony(harmony);
    upToDate.value = true;
    arrived.value = performance.now();
  } catch (error) {
    if (controller.signal.aborted || error instanceof Unreachable) return;
    if (error instanceof ServerError && error.status !== 401) tell(error.message, true);
  } finally {
    if (running === controller) {
      running = null;
      progress.value = null;
    }
  }
}

/** Keep the harmony up to date from now on. */
export function followTune(): void {
  effect(() => {
    const what = question.value;
    const harmony = project.value.harmony;
    if (!connected.value || refused.value) return;
    if (harmony && answered.get(harmony) === what) {
      upToDate.value = true;
      return;
    }
    if (!harmony && (what === unanswerable || !project.peek().tune.length)) {
      upToDate.value = true;
      return;
    }
    upToDate.value = false;
    clearTimeout(timer);
    timer = window.setTimeout(() => void follow(), PAUSE);
  });
}
