// Instruments of a General MIDI SoundFont. The samples play as Web Audio nodes, so a note can be
// scheduled exactly, and cancelled.
import { choir } from "./choir";
import { USUAL_VELOCITY, type Instrument } from "./note";
import { GENERATOR as G, SoundFont, type Sample, type Zone } from "./sf2";

/** The lowest level of a note's decay: -100 dB. */
const SILENCE = 1e-5;
/** Bounds of the release's time constant, in seconds. */
const RELEASE = [0.02, 0.25] as const;
/** A SoundFont's filter is open at this cutoff, in cents. */
const OPEN = 13500;
/** The synthesizers for which these fonts were made applied only this share of the attenuation. */
const ATTENUATION = 0.4;

/**
 * Gain per program for TimGM6mb, pretty_midi's SoundFont, that makes each program about as loud as
 * the page's own choir: the quotient of the root mean squares of notes of one second, from E2 to
 * G5. The piano has less, because its attack is its loudest part.
 */
const LEVELS: Record<number, number> = {
  0: 4,
  19: 3.4,
  40: 2.1,
  41: 1.6,
  42: 1.3,
  52: 2.5,
  56: 2.7,
  57: 2.4,
  60: 1.6,
  64: 3.1,
  65: 2.2,
  66: 2.5,
  67: 4.7,
  74: 1.6,
};

const secondsOf = (timecents: number) => (timecents <= -12000 ? 0 : 2 ** (timecents / 1200));
const hertzOf = (cents: number) => 8.176 * 2 ** (cents / 1200);

/** The instruments of a SoundFont's bytes, by General MIDI program, from 0. */
export function readSoundFont(bytes: ArrayBuffer): (program: number) => Instrument | null {
  const font = new SoundFont(bytes);
  const buffers = new Map<Sample, AudioBuffer>();
  const instruments = new Map<number, Instrument | null>();

  const bufferOf = (context: BaseAudioContext, sample: Sample) => {
    let buffer = buffers.get(sample);
    if (!buffer) {
      buffer = context.createBuffer(1, Math.max(1, sample.data.length), sample.rate);
      buffer.copyToChannel(Float32Array.from(sample.data, (each) => each / 32768), 0);
      buffers.set(sample, buffer);
    }
    return buffer;
  };

  const make = (program: number): Instrument | null => {
    if (!font.zones(program, 60, USUAL_VELOCITY)) return null;
    const zones = new Map<number, Zone[]>();
    return (context, pitch, at) => {
      const sounding = zones.get(pitch) ?? font.zones(program, pitch, USUAL_VELOCITY) ?? [];
      zones.set(pitch, sounding);
      if (!sounding.length) return choir(context, pitch, at); // outside the instrument's range
      const output = new GainNode(context, { gain: LEVELS[program] ?? 1 });
      const sources = sounding.map((zone) => {
        const source = sourceOf(zone, pitch, context, bufferOf(context, zone.sample));
        shaped(zone, source, context, at).connect(output);
        return source;
      });
      const longest = Math.max(0, ...sounding.map((zone) => secondsOf(zone.generators[G.release]!)));
      // SoundFont releases are the time of a fall by 100 dB, which is 11.5 time constants.
      const release = Math.min(RELEASE[1], Math.max(RELEASE[0], longest / 11.5));
      return { sources, output, release };
    };
  };

  return (program) => {
    if (!instruments.has(program)) instruments.set(program, make(program));
    return instruments.get(program)!;
  };
}

function sourceOf(
  { generators, sample }: Zone,
  pitch: number,
  context: BaseAudioContext,
  buffer: AudioBuffer,
): AudioBufferSourceNode {
  const root = generators[G.root]!;
  const cents =
    (pitch - (root < 0 ? sample.key : root)) * generators[G.keyScale]! +
    generators[G.coarseTune]! * 100 +
    generators[G.fineTune]! +
    sample.correction;
  const shift = (fine: number, coarse: number) => generators[fine]! + 32768 * generators[coarse]!;
  const from = sample.loop[0] + shift(G.loopStart, G.loopStartCoarse);
  const to = sample.loop[1] + shift(G.loopEnd, G.loopEndCoarse);
  return new AudioBufferSourceNode(context, {
    buffer,
    playbackRate: 2 ** (cents / 1200),
    loop: generators[G.modes] !== 0,
    loopStart: from / sample.rate,
    loopEnd: to / sample.rate,
  });
}

/** A source with the level, panning, filter and envelopes of its zone. */
function shaped(
  { generators, sample }: Zone,
  source: AudioBufferSourceNode,
  context: BaseAudioContext,
  at: number,
): AudioNode {
  let node: AudioNode = source;
  const cutoff = generators[G.cutoff]!;
  // A sample has nothing above half of its own rate; resampling artifacts above that are filtered out.
  const highest = Math.min(0.5 * context.sampleRate, 0.5 * sample.rate * source.playbackRate.value);
  if (cutoff < OPEN || highest < 0.4 * context.sampleRate) {
    node = node.connect(filterOf(generators, context, highest, at));
  }
  const level = 10 ** ((-ATTENUATION * generators[G.attenuation]!) / 200);
  const envelope = new GainNode(context, { gain: 0 });
  const attack = at + Math.max(0.002, secondsOf(generators[G.attack]!));
  const hold = attack + secondsOf(generators[G.hold]!);
  envelope.gain.setValueAtTime(0, at);
  envelope.gain.linearRampToValueAtTime(level, attack);
  const sustain = Math.min(1000, generators[G.sustain]!); // centibels below the peak
  if (sustain > 0) {
    const decay = (secondsOf(generators[G.decay]!) * sustain) / 1000;
    envelope.gain.setValueAtTime(level, hold);
    envelope.gain.exponentialRampToValueAtTime(
      Math.max(SILENCE, level * 10 ** (-sustain / 200)),
      hold + Math.max(0.005, decay),
    );
  }
  node = node.connect(envelope);
  const pan = generators[G.pan]! / 500;
  return pan ? node.connect(new StereoPannerNode(context, { pan: Math.max(-1, Math.min(1, pan)) })) : node;
}

/** The zone's low-pass filter, with its cutoff moved by the modulation envelope. */
function filterOf(
  generators: Int16Array,
  context: BaseAudioContext,
  highest: number,
  at: number,
): BiquadFilterNode {
  const cutoff = generators[G.cutoff]!;
  const opening = generators[G.envelopeToCutoff]!;
  const cut = (cents: number) => Math.max(20, Math.min(hertzOf(cents), 0.95 * highest));
  const filter = new BiquadFilterNode(context, {
    type: "lowpass",
    frequency: cut(cutoff),
    Q: generators[G.resonance]! / 10 - 3.01,
  });
  if (opening && cutoff < OPEN) {
    const attack = at + Math.max(0.002, secondsOf(generators[G.filterAttack]!));
    const hold = attack + secondsOf(generators[G.filterHold]!);
    const fallen = Math.min(1, generators[G.filterSustain]! / 1000);
    const decay = Math.max(0.005, secondsOf(generators[G.filterDecay]!) * fallen);
    filter.frequency.setValueAtTime(cut(cutoff), at);
    filter.frequency.exponentialRampToValueAtTime(cut(cutoff + opening), attack);
    filter.frequency.setValueAtTime(cut(cutoff + opening), hold);
    filter.frequency.exponentialRampToValueAtTime(cut(cutoff + opening * (1 - fallen)), hold + decay);
  }
  return filter;
}
