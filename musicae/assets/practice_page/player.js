// The transport and the mixer. Times are seconds at the piece's own tempo. Each other tempo has its
// own recordings, and times are scaled by its percentage.

const RATE = 24000; // frames a second of the recordings in the page
const SILENT = -40; // the slider's lowest level in decibels; there a voice is off
const FADE = 0.02; // time constant in seconds of a change of level
const SOON = 0.05; // seconds from a command to its first sound

class Player {
  constructor(data) {
    this.data = data;
    this.tempo = data.tempos.find((each) => each.percent === 100) ?? data.tempos[0];
    this.levels = data.voices.map(() => 0);
    this.places = data.row;
    this.muted = new Set();
    this.solo = new Set();
    this.front = null; // the voice in front: its first note is given, its staff is coloured
    this.loop = null; // { from, to }
    this.countIn = true;
    this.playing = false;
    this.resting = 0; // the place while nothing plays
    this.context = null;
    this.sources = [];
    this.onchange = () => {};
  }

  /** Whether a voice sounds: it is not off or muted, and has solo if any voice has. */
  audible(voice) {
    if (this.muted.has(voice) || this.levels[voice] <= SILENT) return false;
    return !this.solo.size || this.solo.has(voice);
  }

  gain(voice) {
    return this.audible(voice) ? 10 ** (this.levels[voice] / 20) : 0;
  }

  balance() {
    if (this.context) {
      const now = this.context.currentTime;
      this.buses.forEach((bus, voice) => {
        bus.gain.setTargetAtTime(this.gain(voice), now, FADE);
        bus.place.pan.setTargetAtTime(this.places[voice], now, FADE);
      });
    }
    this.onchange();
  }

  /** Set the mixer: all voices equally loud ("all"), or one "front", "alone" or "without". */
  preset(kind, voice) {
    this.muted.clear();
    this.solo.clear();
    this.front = voice ?? null;
    this.levels = this.data.voices.map((_, each) => {
      if (kind === "front") return each === voice ? 0 : this.data.behind;
      return 0;
    });
    this.places = kind === "front" || kind === "alone" ? this.data.sides[voice] : this.data.row;
    if (kind === "alone") this.solo.add(voice);
    if (kind === "without") this.muted.add(voice);
    this.balance();
  }

  open() {
    if (this.context) return;
    if (navigator.audioSession) navigator.audioSession.type = "playback";
    this.context = new AudioContext({ sampleRate: RATE });
    this.meter = this.context.createAnalyser();
    this.meter.connect(this.context.destination);
    this.buses = this.data.voices.map((_, voice) => {
      const bus = this.context.createGain();
      bus.place = this.context.createStereoPanner();
      bus.gain.value = this.gain(voice);
      bus.place.pan.value = this.places[voice];
      bus.connect(bus.place).connect(this.meter);
      return bus;
    });
  }

  /** The recordings of the voices at the present tempo, decoded once. */
  async sounds() {
    const tempo = this.tempo;
    if (this.decoded?.tempo !== tempo) {
      const buffers = tempo.sounds.map((text) => {
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        return this.context.decodeAudioData(bytes.buffer);
      });
      this.decoded = { tempo, buffers: await Promise.all(buffers) };
    }
    return this.decoded.buffers;
  }

  get speed() {
    return this.tempo.percent / 100;
  }

  /** The place in seconds. During the count-in it is the place where the music will begin. */
  get place() {
    if (!this.playing || !this.started) return this.resting;
    const late = this.context.outputLatency || 0;
    const gone = Math.max(0, this.context.currentTime - late - this.started.at) * this.speed;
    const place = this.started.from + gone;
    if (!this.loop || place < this.loop.to || this.started.from >= this.loop.to) return place;
    return this.loop.from + ((place - this.loop.from) % (this.loop.to - this.loop.from));
  }

  async play() {
    if (this.playing) return;
    this.open();
    this.playing = true;
    this.started = null;
    this.onchange();
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.context.resume();
    const buffers = await this.sounds();
    if (!this.playing || turn !== this.turn) return;
    const [first, last] = this.loop ? [this.loop.from, this.loop.to] : [0, this.data.seconds];
    let from = this.resting;
    if (from >= last - 1e-3 || from < first) from = first;
    let at = this.context.currentTime + SOON;
    if (this.countIn) at = this.count(at, from);
    this.sources = buffers.map((buffer, voice) => {
      const source = this.context.createBufferSource();
      source.buffer = buffer;
      source.connect(this.buses[voice]);
      if (this.loop) {
        source.loop = true;
        source.loopStart = this.loop.from / this.speed;
        source.loopEnd = this.loop.to / this.speed;
      }
      source.start(at, from / this.speed);
      return source;
    });
    this.started = { at, from };
    this.onchange();
  }

  /**
   * Click a bar, and sound the first note of the voice in front, or of all audible voices. Returns the
   * context's time at which the music begins.
   */
  count(at, from) {
    const bar = this.data.bars.findLast((each) => each.start <= from + 1e-6) ?? this.data.bars[0];
    const beat = bar.beat / this.speed;
    const begin = at + bar.beats * beat;
    for (let click = 0; click < bar.beats; click++) {
      this.tone(click ? 1100 : 1600, at + click * beat, 0.05, 0.35, "square");
    }
    const voices = this.front === null ? this.data.voices.map((_, voice) => voice) : [this.front];
    for (const voice of voices) {
      if (this.front === null && !this.audible(voice)) continue;
      const note = this.data.notes[voice].find(([second]) => second >= from - 1e-3);
      if (note) {
        const pitch = 440 * 2 ** ((note[1] - 69) / 12);
        this.tone(pitch, at, bar.beats * beat * 0.9, 0.3 / voices.length, "triangle");
      }
    }
    return begin;
  }

  tone(frequency, at, seconds, loudness, type) {
    const tone = this.context.createOscillator();
    const envelope = this.context.createGain();
    tone.type = type;
    tone.frequency.value = frequency;
    envelope.gain.setValueAtTime(0, at);
    envelope.gain.linearRampToValueAtTime(loudness, at + 0.005);
    envelope.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    tone.connect(envelope).connect(this.meter);
    tone.start(at);
    tone.stop(at + seconds + 0.01);
    this.tones = [...(this.tones ?? []), tone].slice(-64);
  }

  pause() {
    if (!this.playing) return;
    this.resting = Math.min(this.place, this.data.seconds);
    this.playing = false;
    for (const source of this.sources) source.stop();
    for (const tone of this.tones ?? []) tone.stop();
    this.sources = [];
    this.tones = [];
    this.onchange();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Go to a place. If the music plays, it goes on from there without a count-in. */
  seek(seconds) {
    const playing = this.playing;
    this.pause();
    this.resting = Math.max(0, Math.min(seconds, this.data.seconds));
    if (playing) this.again();
    else this.onchange();
  }

  again() {
    const counts = this.countIn;
    this.countIn = false;
    this.play().finally(() => (this.countIn = counts));
  }

  setTempo(percent) {
    const playing = this.playing;
    this.pause();
    this.tempo = this.data.tempos.find((each) => each.percent === percent);
    if (playing) this.again();
    else this.onchange();
  }

  setLoop(loop) {
    const playing = this.playing;
    this.pause();
    this.loop = loop;
    if (loop && (this.resting < loop.from || this.resting >= loop.to)) this.resting = loop.from;
    if (playing) this.again();
    else this.onchange();
  }

  stop() {
    this.pause();
    this.resting = this.loop ? this.loop.from : 0;
    this.onchange();
  }

  /** Stop if the music is over; called for each frame. */
  check() {
    if (this.playing && this.started && !this.loop && this.place >= this.data.seconds + 0.5) {
      this.stop();
    }
  }
}
