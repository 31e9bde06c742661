// The audio graph: a bus for each voice, reverberation, the master volume and a meter.
import { tell } from "../store";
import { t } from "../strings";

/** Gain of one voice; four voices with reverberation stay below full scale. */
const LEVEL = 0.22;
/** Panning of soprano, alto, tenor, bass, and of the bus for previews and the metronome. */
const PAN = [-0.4, -0.15, 0.15, 0.4, 0];
/** The bus of sounds that are not part of the piece; the mixer does not change it. */
export const ASIDE = 4;
const ROOM = { seconds: 1.7, wet: 0.6 };
/** Levels above this are compressed, so that nothing is clipped. */
const LINEAR = 0.7;
/** Time constant in seconds of a change of level; it prevents clicks. */
const GLIDE = 0.015;

/** Reverberation with decaying noise as the impulse response, the same noise each time. */
function room(context: BaseAudioContext): ConvolverNode {
  const length = Math.round(ROOM.seconds * context.sampleRate);
  const buffer = context.createBuffer(2, length, context.sampleRate);
  let noise = 1;
  for (let channel = 0; channel < 2; channel++) {
    const samples = buffer.getChannelData(channel);
    let low = 0;
    for (let i = 0; i < length; i++) {
      noise = (48271 * noise) % 0x7fffffff;
      low += 0.35 * (noise / 0x40000000 - 1 - low); // low-pass filter, as walls absorb the treble
      samples[i] = low * (1 - i / length) ** 3;
    }
  }
  return new ConvolverNode(context, { buffer });
}

/** The limiter's curve for signals from -2 to 2: linear up to LINEAR, then approaching 0.98. */
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

  /** Set a voice's level; 1 is the usual one. */
  setLevel(voice: number, level: number): void {
    this.buses[voice]!.gain.setTargetAtTime(LEVEL * level, this.context.currentTime, GLIDE);
  }

  /** Set the master volume, 0 to 1. */
  setVolume(volume: number): void {
    this.volume.gain.setTargetAtTime(volume, this.context.currentTime, GLIDE);
  }

  /** The root mean square of the output now; full scale is 1. */
  level(): number {
    const samples = new Float32Array(this.meter.fftSize);
    this.meter.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length);
  }
}

let stage: Stage | null = null;
const whenOpened: ((stage: Stage) => void)[] = [];

/** Call `act` with the stage: now, or when the stage is opened. */
export function onStage(act: (stage: Stage) => void): void {
  if (stage) act(stage);
  else whenOpened.push(act);
}

/** The stage; null if it was not opened yet. */
export function stageNow(): Stage | null {
  return stage;
}

/**
 * The running stage. The first call makes it and has to happen in a gesture of the musician.
 * If the browser has no sound, it shows an error and returns null.
 */
export function openStage(): Stage | null {
  try {
    if (!stage) {
      const session = (navigator as Navigator & { audioSession?: { type: string } }).audioSession;
      if (session) session.type = "playback"; // play even if a phone's silent switch is on
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
