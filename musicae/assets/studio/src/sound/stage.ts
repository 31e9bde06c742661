// Where all sound goes: a bus for each voice, a small room, the master volume and a meter.
import { tell } from "../store";
import { t } from "../strings";

/** Of one voice; four of them and the room stay below full scale. */
const LEVEL = 0.22;
/** Where soprano to bass stand, and what is heard beside them: previews and the metronome. */
const PAN = [-0.4, -0.15, 0.15, 0.4, 0];
/** The bus of what is not a voice of the piece; the mixer leaves it alone. */
export const ASIDE = 4;
const ROOM = { seconds: 1.7, wet: 0.6 };
/** Above this the last stage bends, so that nothing is ever clipped. */
const LINEAR = 0.7;
/** Seconds in which a level changes without a click. */
const GLIDE = 0.015;

/** Noise that dies away: what a small hall answers to a clap. The same noise each time. */
function room(context: BaseAudioContext): ConvolverNode {
  const length = Math.round(ROOM.seconds * context.sampleRate);
  const buffer = context.createBuffer(2, length, context.sampleRate);
  let noise = 1;
  for (let channel = 0; channel < 2; channel++) {
    const samples = buffer.getChannelData(channel);
    let low = 0;
    for (let i = 0; i < length; i++) {
      noise = (48271 * noise) % 0x7fffffff;
      low += 0.35 * (noise / 0x40000000 - 1 - low); // walls swallow the treble
      samples[i] = low * (1 - i / length) ** 3;
    }
  }
  return new ConvolverNode(context, { buffer });
}

/** Straight up to LINEAR, then bent towards 1, for signals from -2 to 2. */
function bend(): Float32Array<ArrayBuffer> {
  const rest = 0.98 - LINEAR;
  return Float32Array.from({ length: 4097 }, (_, i) => {
    const signal = (4 * i) / 4096 - 2;
    const size = Math.abs(signal);
    return (
      Math.sign(signal) * (size <= LINEAR ? size : LINEAR + rest * Math.tanh((size - LINEAR) / rest))
    );
  });
}

export class Stage {
  readonly buses: GainNode[];
  private readonly volume: GainNode;
  private readonly meter: AnalyserNode;

  constructor(readonly context: AudioContext) {
    this.volume = new GainNode(context);
    const half = new GainNode(context, { gain: 0.5 });
    const wet = new GainNode(context, { gain: ROOM.wet });
    this.buses = PAN.map((pan) => {
      const bus = new GainNode(context, { gain: LEVEL });
      const place = bus.connect(new StereoPannerNode(context, { pan }));
      place.connect(half);
      place.connect(wet);
      return bus;
    });
    wet.connect(room(context)).connect(half);
    half.connect(new WaveShaperNode(context, { curve: bend() })).connect(this.volume);
    this.meter = new AnalyserNode(context, { fftSize: 2048 });
    this.volume.connect(this.meter);
    this.volume.connect(context.destination);
  }

  /** Set a voice's level, 1 being its usual one. */
  setLevel(voice: number, level: number): void {
    this.buses[voice]!.gain.setTargetAtTime(LEVEL * level, this.context.currentTime, GLIDE);
  }

  /** Set the master volume, 0 to 1. */
  setVolume(volume: number): void {
    this.volume.gain.setTargetAtTime(volume, this.context.currentTime, GLIDE);
  }

  /** The root mean square of what is heard now, full scale being 1. */
  level(): number {
    const samples = new Float32Array(this.meter.fftSize);
    this.meter.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length);
  }
}

let stage: Stage | null = null;
const whenOpened: ((stage: Stage) => void)[] = [];

/** Call with the stage as soon as it is there. */
export function onStage(act: (stage: Stage) => void): void {
  if (stage) act(stage);
  else whenOpened.push(act);
}

/** The stage where it is there already. */
export function stageNow(): Stage | null {
  return stage;
}

/**
 * The stage, sounding; made at the first call, which has to come from a gesture of the musician.
 * Null, with a sentence, where the browser has no sound.
 */
export function openStage(): Stage | null {
  try {
    if (!stage) {
      const session = (navigator as Navigator & { audioSession?: { type: string } }).audioSession;
      if (session) session.type = "playback"; // a phone's silent switch does not silence music
      stage = new Stage(new AudioContext({ latencyHint: "interactive" }));
      for (const act of whenOpened.splice(0)) act(stage);
    }
    if (stage.context.state !== "running") {
      stage.context.resume().catch(() => tell(t.value.sound.refused, true));
    }
    return stage;
  } catch {
    tell(t.value.sound.missing, true);
    return null;
  }
}
