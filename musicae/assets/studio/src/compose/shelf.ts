// The shelf: pieces that were composed or laid aside, kept in this browser.
import { signal } from "@preact/signals";
import * as storage from "idb-keyval";

import type { Project } from "../project";
import { unique } from "../store";

const PLACE = "shelf";
/** The oldest of more pieces are dropped. */
const MOST = 40;

export interface Piece {
  id: string;
  project: Project;
}
/** The newest first. */
export const shelf = signal<Piece[]>([]);

/** Change the shelf as it is kept, for other tabs change it too. */
async function update(next: (now: Piece[]) => Piece[]): Promise<void> {
  let after = next(shelf.value);
  try {
    await storage.update<Piece[]>(PLACE, (kept) => (after = next(kept ?? [])));
  } catch {
    // Nothing is kept here; the page has it until it is closed.
  }
  shelf.value = after;
}

export function loadShelf(): Promise<void> {
  return update((now) => now);
}

/** Put pieces first, in their order. */
export function lay(projects: Project[]): Promise<void> {
  const pieces = projects.map((project) => ({ id: unique(), project }));
  return update((now) => [...pieces, ...now].slice(0, MOST));
}

export function take(id: string): Promise<void> {
  return update((now) => now.filter((piece) => piece.id !== id));
}
