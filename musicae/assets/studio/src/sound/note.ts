// A note that sounds or will: how it begins is its instrument's matter, how it ends is done here.
import type { Stage } from "./stage";

/** Seconds before a note's end at which its release begins, so that the next on its pitch is heard. */
const BREATH = 0.03;
/** Seconds in which a note that is cut fades, times three. */
const CUT = 0.015;
/** Of a note that says no velocity. */
export const USUAL_VELOCITY = 80;

export interface Tones {
  /** They start together; what they play has its own beginning and decay already. */
  sources: AudioScheduledSourceNode[];
  output: AudioNode;
  /** The time constant of the release in seconds. */
  release: number;
}

/** What makes the tones of a note: sung partials, or a SoundFont's samples. */
export type Instrument = (
  context: BaseAudioContext,
  pitch: number,
  at: number,
) => Tones;

/** What is scheduled in the audio context and can be withdrawn. Times are the context's, in seconds. */
export interface Scheduled {
  readonly at: number;
  /** When it is silent, or nearly. */
  readonly off: number;
  /** Let it end at another time, if it has not begun to. */
  hold(until: number): void;
  /** Silence it now, quickly but without a click; before its beginning, it is never heard. */
  cut(): void;
}

/** What was handed to the audio clock, for tests and benchmarks. */
export interface Handed {
  /** 0 to 3; 4 is beside the piece. */
  voice: number;
  pitch: number;
  at: number;
  until: number;
  /** Whether it was cut before its end, or before it began. */
  cut: boolean;
}
const MOST_HANDED = 4000;
export const handed: Handed[] = [];

export class SoundingNote implements Scheduled {
  off = 0;
  private readonly ending: GainNode;
  private readonly tones: Tones;
  private readonly record: Handed;

  constructor(
    private readonly stage: Stage,
    instrument: Instrument,
    bus: number,
    pitch: number,
    velocity: number,
    readonly at: number,
    until: number,
  ) {
    const { context } = stage;
    this.record = { voice: bus, pitch, at, until, cut: false };
    if (handed.push(this.record) > MOST_HANDED) handed.splice(0, MOST_HANDED / 2);
    this.tones = instrument(context, pitch, at);
    this.ending = new GainNode(context, { gain: velocity / USUAL_VELOCITY });
    this.tones.output.connect(this.ending).connect(stage.buses[bus]!);
    const { sources } = this.tones;
    sources[0]!.onended = () => this.ending.disconnect();
    for (const source of sources) source.start(at);
    this.release(until);
  }

  private release(until: number): void {
    this.record.until = until;
    // Short notes keep half of their length.
    const begins = Math.max(until - BREATH, (this.at + until) / 2);
    const { release, sources } = this.tones;
    this.ending.gain.setTargetAtTime(0, begins, release);
    this.off = begins + 7 * release;
    for (const source of sources) source.stop(this.off);
  }

  hold(until: number): void {
    const now = this.stage.context.currentTime;
    this.ending.gain.cancelScheduledValues(Math.max(now, this.at + 1e-4));
    this.release(until);
  }

  cut(): void {
    const now = this.stage.context.currentTime;
    this.record.cut = true;
    this.ending.gain.cancelScheduledValues(now);
    this.ending.gain.setTargetAtTime(0, now, CUT);
    this.off = now + 8 * CUT;
    for (const source of this.tones.sources) source.stop(this.at > now ? now : this.off);
  }
}
