// The shelf: pieces that were composed or put there, stored in this browser.
import { signal } from "@preact/signals";
import * as storage from "idb-keyval";

import type { Project } from "../project";
import { unique } from "../store";

const PLACE = "shelf";
/** The largest number of pieces; the oldest are dropped. */
const MOST = 40;

export interface Piece {
  id: string;
  project: Project;
}
/** The newest first. */
export const shelf = signal<Piece[]>([]);

/** Change the stored shelf, because other tabs can change it too. */
async function update(next: (now: Piece[]) => Piece[]): Promise<void> {
  let after = next(shelf.value);
  try {
    await storage.update<Piece[]>(PLACE, (kept) => (after = next(kept ?? [])));
  } catch {
    // This browser stores nothing; the page holds the shelf until it is closed.
  }
  shelf.value = after;
}

export function loadShelf(): Promise<void> {
  return update((now) => now);
}

/** Put pieces on the shelf, before the others. */
export function lay(projects: Project[]): Promise<void> {
  const pieces = projects.map((project) => ({ id: unique(), project }));
  return update((now) => [...pieces, ...now].slice(0, MOST));
}

export function take(id: string): Promise<void> {
  return update((now) => now.filter((piece) => piece.id !== id));
}
