// Which notes of the score sound at a tick.
import { soundingVoices } from "../project";
import type { Engraved } from "./engraved";

/** A note of the score. */
export interface Sung {
  element: SVGElement;
  start: number;
  end: number;
}

/** What sounds from a tick on, until the next one. */
export interface Moment {
  at: number;
  sung: Sung[];
}

/** The moments of a score in order, at which notes begin or end. */
export function momentsOf(engraved: Engraved, elements: Map<string, SVGElement>): Moment[] {
  const sung = notesOf(engraved, elements);
  const ticks = [...new Set([0, ...sung.flatMap(({ start, end }) => [start, end])])];
  const moments: Moment[] = ticks.sort((a, b) => a - b).map((at) => ({ at, sung: [] }));
  for (const note of sung) {
    for (let i = momentAt(moments, note.start); moments[i] && moments[i]!.at < note.end; i++) {
      moments[i]!.sung.push(note);
    }
  }
  return moments;
}

/** The index of the last moment that is not after a tick. */
export function momentAt(moments: Moment[], tick: number): number {
  let [low, high] = [0, moments.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (moments[middle]!.at <= tick) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * The notes with their ends: the score says where notes and rests of a layer of a staff begin; a
 * note ends there, or with the longest note of the project that begins as it does.
 */
function notesOf({ times, project }: Engraved, elements: Map<string, SVGElement>): Sung[] {
  const longest = new Map<number, number>();
  for (const [start, length] of soundingVoices(project).flat()) {
    longest.set(start, Math.max(length, longest.get(start) ?? 0));
  }
  const lines = new Map<string, Sung[]>();
  const found: Sung[] = [];
  for (const { at, ids } of times) {
    for (const id of ids) {
      const element = elements.get(id);
      if (!element) continue;
      const line = lineOf(element);
      const before = lines.get(line) ?? [];
      for (const note of before) if (note.start < at) note.end = Math.min(note.end, at);
      const note = { element, start: at, end: at + (longest.get(at) ?? project.length) };
      lines.set(line, [...before.filter(({ start }) => start === at), note]);
      if (element.classList.contains("note")) found.push(note);
    }
  }
  return found;
}

/** The staff and the layer in it that an element belongs to. */
function lineOf(element: SVGElement): string {
  const layer = element.closest(".layer");
  const staff = element.closest(".staff");
  const layers = staff ? [...staff.querySelectorAll(".layer")] : [];
  return `${staff?.getAttribute("data-n")} ${layer ? layers.indexOf(layer) : ""}`;
}
