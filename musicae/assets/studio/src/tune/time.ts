// Ticks and seconds, by the tempos of a project.
import { type Bar, barLength, QUARTER } from "../project";

type Tempos = readonly (readonly [at: number, qpm: number])[];

/** The tick that is reached so many seconds after another one, or before it below 0. */
export function tickAfter(tempos: Tempos, from: number, seconds: number): number {
  let tick = from;
  let left = seconds;
  for (;;) {
    const index = tempos.findLastIndex(([at]) => at <= tick);
    const [, qpm] = tempos[Math.max(0, index)]!;
    const rate = (qpm * QUARTER) / 60;
    const next = tempos[index + 1]?.[0] ?? Infinity;
    const reached = tick + left * rate;
    if (reached <= next) return reached;
    left -= (next - tick) / rate;
    tick = next;
  }
}

/** The seconds from one tick to a later one. */
export function secondsBetween(tempos: Tempos, from: number, to: number): number {
  let tick = from;
  let seconds = 0;
  while (tick < to) {
    const index = tempos.findLastIndex(([at]) => at <= tick);
    const [, qpm] = tempos[Math.max(0, index)]!;
    const next = Math.min(to, tempos[index + 1]?.[0] ?? Infinity);
    seconds += ((next - tick) * 60) / (qpm * QUARTER);
    tick = next;
  }
  return seconds;
}

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
