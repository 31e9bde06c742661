// Requests for new pieces: one at a time, with progress; each can be cancelled.
import { signal } from "@preact/signals";

import { settled, upToDate } from "../live";
import type { Project } from "../project";
import { compute, connected, ServerError, Unreachable } from "../server";
import { project } from "../store";
import { t } from "../strings";
import { lay, type Piece, shelf } from "./shelf";

interface Making {
  share: number;
  cancel: () => void;
}
export const making = signal<Making | null>(null);
/** Why the last request failed. */
export const failure = signal<string | null>(null);

/** How many pieces the last request put on the shelf. */
export const newest = signal(0);

/** The values of the sliders that were moved, by name. */
export const sliders = signal<Record<string, number>>({});

/** The requests for new pieces. The service chooses everything that is empty or null. */
export interface Wishes {
  n: number;
  bars: number | null;
  meter: string;
  key: string;
  style: string;
  form: string;
  /** Grows by one with each request, so that each gives other pieces. */
  seed: number;
}
export const wishes = signal<Wishes>({ n: 3, bars: 8, meter: "", key: "", style: "", form: "", seed: 1 });
export function wish(change: Partial<Wishes>): void {
  wishes.value = { ...wishes.value, ...change };
}

/** The distance of a variation from the piece, 0 to 1, and the parts of the piece that stay. */
export const variation = signal<{ amount: number; keep: string[] }>({ amount: 0.3, keep: [] });

export function compose(): Promise<void> {
  const { n, bars, meter, key, style, form, seed } = wishes.value;
  const asked = { n, seed, bars, meter: meter || null, key: key || null, style: style || null };
  return make("/api/compose", () => ({ ...asked, form: form || null, sliders: sliders.value }));
}

export function vary(): Promise<void> {
  const { n, seed } = wishes.value;
  return makeOfPresent("/api/vary", () => ({
    project: project.value,
    n,
    seed,
    sliders: sliders.value,
    ...variation.value,
  }));
}

/** Interpolate from the present piece to `last`, with `between` pieces between. Both ends are added. */
export function interpolate(last: Piece, between: number): Promise<void> {
  return makeOfPresent("/api/interpolate", () => ({
    first: project.value,
    last: last.project,
    n: between + 2,
    seed: wishes.value.seed,
  }));
}

/** Put the present piece on the shelf. */
export async function layPresent(): Promise<void> {
  await lay([project.value]);
  newest.value = 0;
}

async function makeOfPresent(path: string, body: () => object): Promise<void> {
  return make(path, body, async () => {
    if (!upToDate.value) await settled();
  });
}

async function make(path: string, body: () => object, ready = async () => {}): Promise<void> {
  if (making.value) return;
  const controller = new AbortController();
  const cancel = () => {
    controller.abort();
    making.value = null;
  };
  making.value = { share: 0, cancel };
  failure.value = null;
  try {
    if (!connected.value) throw new Unreachable();
    await ready();
    if (controller.signal.aborted) return;
    const { projects } = await compute<{ projects: Project[] }>(path, body(), {
      signal: controller.signal,
      progress: (share) => making.value?.cancel === cancel && (making.value = { share, cancel }),
    });
    await lay(projects);
    newest.value = projects.length;
    wish({ seed: wishes.value.seed + 1 });
  } catch (error) {
    if (controller.signal.aborted) return;
    if (error instanceof Unreachable) failure.value = t.value.page.away;
    else if (error instanceof ServerError) failure.value = error.message;
    else throw error;
  } finally {
    if (making.value?.cancel === cancel) making.value = null;
  }
}

/** The pieces of the shelf that have harmony: the possible ends of an interpolation. */
export function ends(): Piece[] {
  return shelf.value.filter(({ project }) => project.harmony !== null);
}
