// The sound: a synthesized choir of four voices on "ah", made of sine partials, with reverberation.

const LEVEL = 0.22; // gain of a voice; four voices with reverberation stay below full scale
const PAN = [-0.4, -0.15, 0.15, 0.4];
const ATTACK = 0.08; // seconds in which a note rises to 95% of its level
const RELEASE = 0.24; // seconds in which it falls to 2% of it
const BREATH = 0.03; // seconds before a note's end at which its release begins
// Detuning in cents and gain of a note's oscillators. One is louder, so they never cancel.
const SINGERS = [[0, 0.78], [-6, 0.11], [7, 0.11]];
const HIGHEST_PARTIAL = 5200; // Hz
// Centre in Hz, gain, and width in Hz of the formants of a tenor's "ah".
const RESONANCES = [[650, 1, 160], [1080, 0.6, 200], [2650, 0.22, 350], [3250, 0.1, 350]];
const ROOM = { seconds: 1.7, wet: 0.6 };
const LINEAR = 0.7; // levels above this are compressed, so that nothing is clipped

const frequencyOf = (pitch) => 440 * 2 ** ((pitch - 69) / 12);

/** The waveform of a note: partial k has the amplitude of the formants at its frequency, over k^1.5. */
function vowel(context, pitch) {
  const fundamental = frequencyOf(pitch);
  const count = Math.max(1, Math.floor(HIGHEST_PARTIAL / fundamental));
  const sines = new Float32Array(count + 1);
  for (let k = 1; k <= count; k++) {
    let strength = 0.22;
    for (const [centre, gain, width] of RESONANCES) {
      strength += gain * Math.exp(-(((k * fundamental - centre) / width) ** 2));
    }
    sines[k] = strength / k ** 1.5;
  }
  return context.createPeriodicWave(new Float32Array(count + 1), sines);
}

/** Reverberation with decaying noise as the impulse response. */
function roomOf(context) {
  const length = Math.round(ROOM.seconds * context.sampleRate);
  const impulse = context.createBuffer(2, length, context.sampleRate);
  let noise = 1;
  for (let channel = 0; channel < 2; channel++) {
    const samples = impulse.getChannelData(channel);
    let low = 0;
    for (let i = 0; i < length; i++) {
      noise = (48271 * noise) % 0x7fffffff; // the same noise each time
      low += 0.35 * (noise / 0x40000000 - 1 - low); // low-pass filter, as walls absorb the treble
      samples[i] = low * (1 - i / length) ** 3;
    }
  }
  return new ConvolverNode(context, { buffer: impulse });
}

/** The limiter's curve for signals from -2 to 2: linear up to LINEAR, then approaching 0.98. */
function bend() {
  const curve = new Float32Array(4097);
  for (let i = 0; i < curve.length; i++) {
    const signal = (4 * i) / (curve.length - 1) - 2;
    const size = Math.abs(signal);
    const rest = 0.98 - LINEAR;
    curve[i] = Math.sign(signal) *
      (size <= LINEAR ? size : LINEAR + rest * Math.tanh((size - LINEAR) / rest));
  }
  return curve;
}

class Choir {
  /** The voices in an audio context, which may be an OfflineAudioContext. */
  constructor(context) {
    this.context = context;
    this.waves = new Map();
    this.volume = new GainNode(context);
    const half = new GainNode(context, { gain: 0.5 });
    const ceiling = new WaveShaperNode(context, { curve: bend() });
    const room = roomOf(context);
    const wet = new GainNode(context, { gain: ROOM.wet });
    this.buses = VOICES.map((_, voice) => {
      const bus = new GainNode(context, { gain: LEVEL });
      const pan = new StereoPannerNode(context, { pan: PAN[voice] });
      bus.connect(pan).connect(half);
      pan.connect(wet);
      return bus;
    });
    wet.connect(room).connect(half);
    half.connect(ceiling).connect(this.volume);
    this.meter = new AnalyserNode(context, { fftSize: 2048 });
    this.volume.connect(this.meter);
    this.volume.connect(context.destination);
  }

  /** Schedule a note's beginning and end, in seconds of the context. */
  sing(note, at, until) {
    const envelope = new GainNode(this.context, { gain: 0 });
    envelope.connect(this.buses[note.voice]);
    if (!this.waves.has(note.pitch)) this.waves.set(note.pitch, vowel(this.context, note.pitch));
    const periodicWave = this.waves.get(note.pitch);
    const frequency = frequencyOf(note.pitch);
    const oscillators = SINGERS.map(([detune, gain]) => {
      const oscillator = new OscillatorNode(this.context, { periodicWave, frequency, detune });
      oscillator.connect(new GainNode(this.context, { gain })).connect(envelope);
      oscillator.start(at);
      return oscillator;
    });
    oscillators[0].onended = () => envelope.disconnect();
    envelope.gain.setTargetAtTime(1, at, ATTACK / 3);
    const sung = { note, at, envelope, oscillators, off: 0 };
    this.release(sung, until);
    return sung;
  }

  /** Set the end of a note. */
  release(sung, until) {
    const gain = sung.envelope.gain;
    // The release begins before the end, so that a repeated pitch can be heard.
    sung.off = Math.max(until - BREATH, (sung.at + until) / 2);
    gain.setTargetAtTime(0, sung.off, RELEASE / 4);
    for (const oscillator of sung.oscillators) oscillator.stop(sung.off + 2 * RELEASE);
  }

  /** Change the end of a note, if its release has not begun. */
  hold(sung, until) {
    sung.envelope.gain.cancelScheduledValues(Math.max(this.context.currentTime, sung.at + 1e-4));
    this.release(sung, until);
  }

  /** Fade a note out now, without a click. */
  cut(sung) {
    const now = this.context.currentTime;
    const gain = sung.envelope.gain;
    gain.cancelScheduledValues(now);
    gain.setTargetAtTime(0, now, 0.015);
    for (const oscillator of sung.oscillators) oscillator.stop(now + 0.12);
  }

  setLevel(voice, audible) {
    this.buses[voice].gain.setTargetAtTime(audible ? LEVEL : 0, this.context.currentTime, 0.015);
  }

  setVolume(volume) {
    this.volume.gain.setTargetAtTime(volume, this.context.currentTime, 0.02);
  }

  /** The root mean square of the output now; full scale is 1. */
  level() {
    const samples = new Float32Array(this.meter.fftSize);
    this.meter.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  }
}

/** Render an alternative to an AudioBuffer, without the muted voices. */
async function render(piece, muted = []) {
  const rate = 44100;
  const length = Math.ceil((piece.duration + ROOM.seconds) * rate);
  const context = new OfflineAudioContext(2, length, rate);
  const choir = new Choir(context);
  for (const note of piece.notes) {
    if (!muted.includes(note.voice)) choir.sing(note, note.start, note.end);
  }
  return context.startRendering();
}
