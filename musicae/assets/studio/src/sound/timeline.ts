// The events of playback in order of time: the notes of all voices and the metronome's clicks.
import { QUARTER, type Bar, type Note, type Project } from "../project";

/** The voice number of the metronome. */
export const CLICK = -1;

/** A note or click; times are ticks. A click's pitch is 1 on the first beat of a bar, else 0. */
export interface Event {
  voice: number;
  pitch: number;
  velocity: number | undefined;
  start: number;
  end: number;
}

/** Converts between ticks and seconds at the piece's own tempo. */
export class TempoMap {
  /** For each tempo: its beginning in ticks and in seconds, and the seconds of a tick. */
  private readonly parts: { tick: number; seconds: number; perTick: number }[] = [];

  constructor(tempos: Project["tempos"]) {
    for (const [tick, qpm] of tempos) {
      this.parts.push({ tick, seconds: this.secondsAt(tick), perTick: 60 / (qpm * QUARTER) });
    }
  }

  secondsAt(tick: number): number {
    const part = this.parts.findLast((each) => each.tick <= tick) ?? this.parts[0];
    return part ? part.seconds + (tick - part.tick) * part.perTick : 0;
  }

  tickAt(seconds: number): number {
    const part = this.parts.findLast((each) => each.seconds <= seconds) ?? this.parts[0];
    return part ? part.tick + (seconds - part.seconds) / part.perTick : 0;
  }

  /** Quarters a minute. */
  tempoAt(tick: number): number {
    const part = this.parts.findLast((each) => each.tick <= tick) ?? this.parts[0]!;
    return 60 / (part.perTick * QUARTER);
  }
}

export function eventsOf(voices: Note[][], clicks: Bar[]): Event[] {
  const notes = voices.flatMap((each, voice) =>
    each.map(([start, length, pitch, velocity]) => ({ voice, pitch, velocity, start, end: start + length })),
  );
  return [...notes, ...clicks.flatMap(clicksOf)].sort((a, b) => a.start - b.start);
}

/** A click on each beat. The beats of a pickup are counted back from the first bar line. */
function clicksOf(bar: Bar): Event[] {
  const clicks: Event[] = [];
  const first = bar.number === 0 ? bar.length % bar.beat : 0;
  for (let at = first; at < bar.length; at += bar.beat) {
    const start = bar.start + at;
    const accented = bar.number !== 0 && at === 0;
    clicks.push({ voice: CLICK, pitch: accented ? 1 : 0, velocity: undefined, start, end: start });
  }
  return clicks;
}
