// The transport. All alternatives share one place in the music; notes are scheduled from there.

const HORIZON = 1.5; // seconds that are scheduled ahead; timers of hidden pages run rarely
const EVERY = 100; // milliseconds between two calls of lookAhead
const SOON = 0.03; // seconds from a command to its first sound
const TAIL = 0.4; // seconds that the last chord rings before the player stops

class Player {
  constructor(pieces) {
    this.pieces = pieces;
    this.piece = pieces[0];
    this.playing = false;
    this.resting = 0; // the place in seconds of the piece while nothing plays
    this.rate = 1;
    this.volume = 1;
    this.muted = new Set();
    this.solo = new Set();
    this.loop = null; // { from, to } in steps
    this.choir = null;
    this.sung = [];
    this.onchange = () => {};
  }

  /** The place in steps. */
  get place() {
    return this.piece.placeAt(this.seconds());
  }

  /** The place that sounds now, in seconds at the piece's own tempo. */
  seconds() {
    if (!this.playing) return this.resting;
    return this.secondsAt(this.choir.context.currentTime - (this.choir.context.outputLatency || 0));
  }

  secondsAt(time) {
    const segment = this.segments.findLast((each) => each.at <= time) ?? this.segments[0];
    const seconds = segment.from + Math.max(0, time - segment.at) * this.rate;
    return Math.min(seconds, this.end());
  }

  start() {
    return this.loop ? this.piece.secondsAt(this.loop.from) : 0;
  }

  end() {
    return this.loop ? this.piece.secondsAt(this.loop.to) : this.piece.duration;
  }

  play() {
    if (this.playing) return;
    if (!this.choir) {
      if (navigator.audioSession) navigator.audioSession.type = "playback";
      this.choir = new Choir(new AudioContext());
      this.choir.volume.gain.value = this.volume;
      this.balance();
    }
    this.choir.context.resume();
    this.playing = true;
    if (this.resting >= this.end() - 1e-3 || this.resting < this.start()) this.resting = this.start();
    this.begin(this.resting);
    this.timer = setInterval(() => this.lookAhead(), EVERY);
    this.onchange();
  }

  pause() {
    if (!this.playing) return;
    this.resting = this.seconds();
    this.playing = false;
    clearInterval(this.timer);
    for (const sung of this.sung) this.choir.cut(sung);
    this.sung = [];
    this.onchange();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  stop() {
    this.pause();
    this.resting = this.start();
    this.onchange();
  }

  /** Go to a place in steps. If it is outside the loop, the loop ends. */
  seek(place) {
    if (this.loop && (place < this.loop.from || place >= this.loop.to)) this.loop = null;
    this.resting = this.piece.secondsAt(place);
    if (this.playing) this.begin(this.resting);
    this.onchange();
  }

  /** Go on with another alternative at the same place. Notes that both have are not interrupted. */
  select(index) {
    const place = this.place;
    this.piece = this.pieces[index];
    if (this.loop && this.loop.to > this.piece.steps) this.loop = null; // a shorter piece
    this.resting = this.piece.secondsAt(Math.min(place, this.piece.steps));
    if (this.playing) this.begin(this.resting, true);
    this.onchange();
  }

  setRate(rate) {
    this.resting = this.seconds();
    this.rate = rate;
    if (this.playing) this.begin(this.resting, true);
    this.onchange();
  }

  setLoop(loop) {
    this.resting = this.seconds();
    this.loop = loop;
    const inside = this.resting >= this.start() && this.resting < this.end();
    if (!inside) this.resting = this.start();
    if (this.playing) this.begin(this.resting, inside);
    this.onchange();
  }

  setVolume(volume) {
    this.volume = volume;
    this.choir?.setVolume(volume);
  }

  /** Mute or solo a voice, in all alternatives. */
  flip(which, voice) {
    if (!which.delete(voice)) which.add(voice);
    this.balance();
    this.onchange();
  }

  audible(voice) {
    return this.solo.size ? this.solo.has(voice) : !this.muted.has(voice);
  }

  balance() {
    VOICES.forEach((_, voice) => this.choir?.setLevel(voice, this.audible(voice)));
  }

  /** Play from a place in seconds. With `goesOn`, notes that already sound and continue are kept. */
  begin(from, goesOn = false) {
    const now = this.choir.context.currentTime;
    const at = now + SOON;
    const held = new Map();
    for (const sung of this.sung) {
      const started = sung.at <= now && sung.off > at;
      if (goesOn && started) held.set(sung.note.key, sung);
      else if (sung.off > now) this.choir.cut(sung);
    }
    this.sung = [];
    this.segments = [{ at, from }];
    this.scheduled = from; // all notes before this place, in seconds of the piece, are scheduled
    this.finish = Infinity;
    this.enter(held);
    for (const sung of held.values()) this.choir.cut(sung);
    this.lookAhead();
  }

  /** Schedule the notes that begin before the last segment and reach into it. */
  enter(held = new Map()) {
    const { from } = this.segments.at(-1);
    const step = Math.min(Math.floor(this.piece.placeAt(from)), this.piece.steps - 1);
    for (const note of this.piece.notesAt(step)) {
      if (note.start >= from || note.end <= from) continue;
      const sung = held.get(note.key);
      if (sung) {
        held.delete(note.key);
        this.choir.hold(sung, this.timeOf(Math.min(note.end, this.end())));
        this.sung.push(sung);
      } else {
        this.sing(note, from);
      }
    }
  }

  sing(note, from) {
    const until = this.timeOf(Math.min(note.end, this.end()));
    this.sung.push(this.choir.sing(note, this.timeOf(from), until));
  }

  /** The context's time at which a place of the last segment sounds. */
  timeOf(seconds) {
    const { at, from } = this.segments.at(-1);
    return at + (seconds - from) / this.rate;
  }

  lookAhead() {
    const now = this.choir.context.currentTime;
    if (now > this.finish + TAIL) {
      this.stop();
      return;
    }
    this.sung = this.sung.filter((sung) => sung.off > now);
    while (this.finish === Infinity) {
      const { at, from } = this.segments.at(-1);
      const end = this.end();
      const reach = Math.min(end, from + (now + HORIZON - at) * this.rate);
      this.handOver(reach);
      if (reach < end) break;
      if (this.loop) {
        this.segments.push({ at: this.timeOf(end), from: this.start() });
        this.segments = this.segments.slice(-8);
        this.scheduled = this.start();
        this.enter();
      } else {
        this.finish = this.timeOf(end);
      }
    }
  }

  /** Schedule the notes that begin before a place and are not scheduled yet. */
  handOver(reach) {
    const { starts, inTime } = this.piece;
    let i = indexAt(starts, this.scheduled);
    while (i > 0 && starts[i - 1] >= this.scheduled) i--;
    for (; i < starts.length && starts[i] < reach; i++) {
      if (starts[i] >= this.scheduled) this.sing(inTime[i], starts[i]);
    }
    this.scheduled = Math.max(this.scheduled, reach);
  }
}
