// The times of beats, for the count-in and the click.
import { type Bar, barLength } from "../project";

/** The bar line that the beats of a bar are counted from. For a pickup it is the one after it. */
function barLine(bar: Bar): number {
  return bar.number === 0 ? bar.start + bar.length : bar.start;
}

/** The tick at which a count-in of at least `bars` whole bars before `tick` begins. */
export function countInFrom(bar: Bar, tick: number, bars: number): number {
  if (!bars) return tick;
  const length = barLength(bar.beats, bar.unit);
  return barLine(bar) + Math.floor((tick - barLine(bar)) / length - bars) * length;
}

/** The next beat at or after a tick, and whether it is the first of its bar. */
export function nextBeat(bar: Bar, tick: number): { at: number; first: boolean } {
  const line = barLine(bar);
  const at = line + Math.ceil((tick - line) / bar.beat - 1e-9) * bar.beat;
  return { at, first: (at - line) % barLength(bar.beats, bar.unit) === 0 };
}
