// A scheduled note. Its instrument makes the attack; this module makes the release.
import type { Stage } from "./stage";

/** The release begins this many seconds before a note's end, so that a repeated pitch can be heard. */
const BREATH = 0.03;
/** Time constant in seconds of the fade of a note that is cut. */
const CUT = 0.015;
/** The velocity of a note that has none. */
export const USUAL_VELOCITY = 80;

export interface Tones {
  /** They start together. They contain the note's attack and decay, but not its release. */
  sources: AudioScheduledSourceNode[];
  output: AudioNode;
  /** The time constant of the release in seconds. */
  release: number;
}

/** Makes the tones of a note: the synthesized choir, or a SoundFont's samples. */
export type Instrument = (
  context: BaseAudioContext,
  pitch: number,
  at: number,
) => Tones;

/** A scheduled sound that can be cancelled. Times are the audio context's, in seconds. */
export interface Scheduled {
  readonly at: number;
  /** When its release has faded. */
  readonly off: number;
  /** Change its end, if its release has not begun. */
  hold(until: number): void;
  /** Fade it out now, without a click. If it has not begun, it never sounds. */
  cut(): void;
}

/** A note that was scheduled; tests and benchmarks read the list. */
export interface PlayedNote {
  /** 0 to 3; 4 if the note is not part of the piece. */
  voice: number;
  pitch: number;
  at: number;
  until: number;
  /** Whether it was cut. */
  cut: boolean;
}
const MOST_RECORDS = 4000;
export const playedNotes: PlayedNote[] = [];

export class SoundingNote implements Scheduled {
  off = 0;
  private readonly ending: GainNode;
  private readonly tones: Tones;
  private readonly record: PlayedNote;

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
    if (playedNotes.push(this.record) > MOST_RECORDS) playedNotes.splice(0, MOST_RECORDS / 2);
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
    // A short note sounds for at least half of its length.
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
