// Finds the notes of the score that sound at a tick.
import { soundingVoices } from "../project";
import type { Engraved } from "./engraved";

/** A note of the score. */
export interface ScoreNote {
  element: SVGElement;
  start: number;
  end: number;
}

/** The notes that sound from a tick until the next moment. */
export interface Moment {
  at: number;
  sounding: ScoreNote[];
}

/** The moments of a score in order. A moment begins when a note begins or ends. */
export function momentsOf(engraved: Engraved, elements: Map<string, SVGElement>): Moment[] {
  const notes = notesOf(engraved, elements);
  const ticks = [...new Set([0, ...notes.flatMap(({ start, end }) => [start, end])])];
  const moments: Moment[] = ticks.sort((a, b) => a - b).map((at) => ({ at, sounding: [] }));
  for (const note of notes) {
    for (let i = momentAt(moments, note.start); moments[i] && moments[i]!.at < note.end; i++) {
      moments[i]!.sounding.push(note);
    }
  }
  return moments;
}

/** The index of the last moment at or before a tick. */
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
 * The notes with their ends. The score has only the starts of notes and rests. A note ends with the
 * next start in its layer, or with the longest note of the project that begins with it.
 */
function notesOf({ times, project }: Engraved, elements: Map<string, SVGElement>): ScoreNote[] {
  const longest = new Map<number, number>();
  for (const [start, length] of soundingVoices(project).flat()) {
    longest.set(start, Math.max(length, longest.get(start) ?? 0));
  }
  const lines = new Map<string, ScoreNote[]>();
  const found: ScoreNote[] = [];
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

/** The staff of an element, and the index of its layer in that staff, as text. */
function lineOf(element: SVGElement): string {
  const layer = element.closest(".layer");
  const staff = element.closest(".staff");
  const layers = staff ? [...staff.querySelectorAll(".layer")] : [];
  return `${staff?.getAttribute("data-n")} ${layer ? layers.indexOf(layer) : ""}`;
}
