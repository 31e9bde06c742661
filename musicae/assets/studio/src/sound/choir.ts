// A synthesized choir that sings "ah". It adds sine partials and needs no sound file.
import type { Instrument } from "./note";

/** Seconds in which a note rises to 95% of its level, and in which it falls to 2% of it. */
const ATTACK = 0.08;
const RELEASE = 0.24;
/** Detuning in cents and gain of a note's oscillators. One is louder, so they never cancel. */
const SINGERS = [
  [0, 0.78],
  [-6, 0.11],
  [7, 0.11],
] as const;
const HIGHEST_PARTIAL = 5200; // Hz
/** Centre in Hz, gain, and width in Hz of the formants of a tenor's "ah". */
const RESONANCES = [
  [650, 1, 160],
  [1080, 0.6, 200],
  [2650, 0.22, 350],
  [3250, 0.1, 350],
] as const;

const waves = new WeakMap<BaseAudioContext, Map<number, PeriodicWave>>();

/** The waveform of a note: partial k has the amplitude of the formants at k * frequency, over k^1.5. */
function vowel(context: BaseAudioContext, pitch: number, frequency: number): PeriodicWave {
  const made = waves.get(context) ?? new Map<number, PeriodicWave>();
  waves.set(context, made);
  let wave = made.get(pitch);
  if (!wave) {
    const count = Math.max(1, Math.floor(HIGHEST_PARTIAL / frequency));
    const sines = Float32Array.from({ length: count + 1 }, (_, k) => {
      if (k === 0) return 0;
      const strength = RESONANCES.reduce(
        (sum, [centre, gain, width]) => sum + gain * Math.exp(-(((k * frequency - centre) / width) ** 2)),
        0.22,
      );
      return strength / k ** 1.5;
    });
    wave = context.createPeriodicWave(new Float32Array(count + 1), sines);
    made.set(pitch, wave);
  }
  return wave;
}

export const choir: Instrument = (context, pitch, at) => {
  const frequency = 440 * 2 ** ((pitch - 69) / 12);
  const periodicWave = vowel(context, pitch, frequency);
  const output = new GainNode(context, { gain: 0 });
  output.gain.setTargetAtTime(1, at, ATTACK / 3);
  const sources = SINGERS.map(([detune, gain]) => {
    const singer = new OscillatorNode(context, { periodicWave, frequency, detune });
    singer.connect(new GainNode(context, { gain })).connect(output);
    return singer;
  });
  return { sources, output, release: RELEASE / 4 };
};
