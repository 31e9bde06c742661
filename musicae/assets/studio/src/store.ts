// The page's state: the project, its history and the selection.
import { batch, computed, effect, signal } from "@preact/signals";
import * as storage from "idb-keyval";

import { barsOf, emptyProject, type Harmony, type Project } from "./project";

/** The project as it is now. */
export const project = signal<Project>(emptyProject());
export const bars = computed(() => barsOf(project.value));

/** The selection in the roll: bars, or notes as [voice, start]. */
export const selectedBars = signal<[first: number, last: number] | null>(null);
export const selectedNotes = signal<[voice: number, start: number][]>([]);

/** A message for the musician, shown and read aloud. Errors stay until they are closed. */
export interface Notice {
  text: string;
  error?: boolean;
}
export const notice = signal<Notice | null>(null);
export function tell(text: string, error = false): void {
  notice.value = { text, error };
}

interface Entry {
  project: Project;
  label: string;
}
const MOST_ENTRIES = 500;
const past = signal<Entry[]>([]);
const future = signal<Entry[]>([]);
let merging: string | null = null;

/** The labels of the next undo and redo; null if there is none. */
export const undoable = computed(() => past.value.at(-1)?.label ?? null);
export const redoable = computed(() => future.value.at(-1)?.label ?? null);

/**
 * Change the project in a way that can be undone. Consecutive changes with the same `merge`, such as
 * those of one drag, are one step of the history.
 */
export function change(label: string, next: (now: Project) => Project, merge: string | null = null) {
  const before = project.value;
  const after = next(before);
  if (after === before) return;
  batch(() => {
    if (merge === null || merge !== merging) {
      past.value = [...past.value.slice(1 - MOST_ENTRIES), { project: before, label }];
    }
    merging = merge;
    future.value = [];
    project.value = after;
  });
}

/** End a series of changes that are one step of the history. */
export function endMerge(): void {
  merging = null;
}

/** Set the harmony of the present project. It is no step of the history of its own. */
export function setHarmony(harmony: Harmony | null): void {
  project.value = { ...project.value, harmony };
}

export function undo(): void {
  step(past, future);
}

export function redo(): void {
  step(future, past);
}

function step(from: typeof past, to: typeof past): void {
  const entry = from.value.at(-1);
  if (!entry) return;
  batch(() => {
    from.value = from.value.slice(0, -1);
    to.value = [...to.value, { project: project.value, label: entry.label }];
    merging = null;
    project.value = entry.project;
    selectedNotes.value = [];
  });
}

/** A random unique name; without TLS there is no crypto.randomUUID. */
export function unique(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
}

// Autosave: each tab has its own record. A new tab begins with the project that was saved last.
const LAST = "last project";
const place = (() => {
  const own = sessionStorage.getItem("musicae place") ?? unique();
  sessionStorage.setItem("musicae place", own);
  return `project ${own}`;
})();

/** Load the saved project, and save all later changes. Returns whether there was a saved one. */
export async function keepSaved(): Promise<boolean> {
  const saved: Project | undefined =
    (await storage.get(place).catch(() => undefined)) ??
    (await storage.get(LAST).catch(() => undefined));
  // A project saved by an older version may lack newer fields.
  if (saved?.format === 1) project.value = { ...emptyProject(), ...saved };
  let timer = 0;
  let kept = project.peek();
  const save = () => {
    clearTimeout(timer);
    const now = project.peek();
    if (now === kept) return;
    kept = now;
    void storage.setMany([
      [place, now],
      [LAST, now],
    ]);
  };
  effect(() => {
    void project.value;
    clearTimeout(timer);
    timer = window.setTimeout(save, 300);
  });
  addEventListener("pagehide", save);
  return saved !== undefined;
}
