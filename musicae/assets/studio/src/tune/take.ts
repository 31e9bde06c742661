// Quantizes a take, which is a list of played notes. Pure functions.
import { type Bar, barAt, type Note } from "../project";

/** A note as it was played, in ticks that need not be whole. */
export interface Played {
  pitch: number;
  /** 1 to 127; null if the instrument does not give it. */
  velocity: number | null;
  from: number;
  to: number;
}

/** The nearest tick of the grid, which begins with each bar. */
export function snapped(tick: number, grid: number, bars: Bar[]): number {
  const { start } = barAt(bars, tick);
  return start + Math.round((tick - start) / grid) * grid;
}

/**
 * Quantize played notes. They begin and end on the grid, have at least one step of it, and do not
 * overlap. If notes begin together, the longest stays.
 */
export function quantized(played: readonly Played[], grid: number, bars: Bar[]): Note[] {
  const notes: Note[] = [];
  let longest = 0;
  for (const each of [...played].sort((a, b) => a.from - b.from)) {
    const start = Math.max(0, snapped(each.from, grid, bars));
    const end = Math.max(start + grid, snapped(each.to, grid, bars));
    const before = notes.at(-1);
    const held = each.to - each.from;
    if (before && before[0] === start) {
      if (held <= longest) continue;
      notes.pop();
    } else if (before && before[0] + before[1] > start) {
      before[1] = start - before[0];
    }
    longest = held;
    notes.push(
      each.velocity === null
        ? [start, end - start, each.pitch]
        : [start, end - start, each.pitch, each.velocity],
    );
  }
  return notes;
}
