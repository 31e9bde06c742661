// Where beats are, for counting and clicking.
import { type Bar, barLength } from "../project";

/** The bar line from which the beats of a bar are counted: of a pickup the one after it. */
function barLine(bar: Bar): number {
  return bar.number === 0 ? bar.start + bar.length : bar.start;
}

/** Where counting begins, so that at least so many whole bars are heard before a tick. */
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
