// The music of the page: the alternatives with their notes, bars and tempo maps.

const DATA = JSON.parse(document.getElementById("data").textContent);
const VOICES = DATA.voices;

/** A name such as F#4 or Bb3 with the characters ♯ and ♭. */
const printed = (name) =>
  name.replace(/#/g, "♯").replace(/([A-G])(b+)/g, (_, letter, flats) => letter + "♭".repeat(flats.length));

/** The index of the last value that is at most `value`; 0 if there is none. */
function indexAt(values, value) {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

class Piece {
  constructor(raw, index) {
    Object.assign(this, raw);
    this.index = index;
    this.heading = /^\d+$/.test(raw.name) ? `Alternative ${raw.name}` : raw.name;
    this.steps = raw.seconds.length - 1;
    this.duration = raw.seconds[this.steps];
    this.notes = raw.notes.map(([voice, step, duration, pitch, name, given]) => ({
      voice, step, duration, pitch, given,
      name: printed(name),
      start: raw.seconds[step],
      end: raw.seconds[step + duration],
      // Equal notes of two alternatives have equal keys.
      key: `${voice}:${step}:${duration}:${pitch}`,
      violations: [],
    }));
    // For each step and voice: the index of the note that sounds, or -1.
    this.sounding = new Int32Array(this.steps * VOICES.length).fill(-1);
    this.notes.forEach((note, i) => {
      for (let step = note.step; step < note.step + note.duration; step++) {
        this.sounding[step * VOICES.length + note.voice] = i;
      }
    });
    this.inTime = [...this.notes].sort((a, b) => a.step - b.step);
    this.starts = this.inTime.map((note) => note.start);
    for (const violation of this.violations ?? []) {
      violation.notes = [...new Set(violation.voices.flatMap((voice) =>
        [violation.since, violation.step].map((step) => this.noteAt(step, voice)),
      ))].filter(Boolean);
      for (const note of violation.notes) note.violations.push(violation);
    }
  }

  noteAt(step, voice) {
    return this.notes[this.sounding[step * VOICES.length + voice]];
  }

  notesAt(step) {
    return VOICES.map((_, voice) => this.noteAt(step, voice)).filter(Boolean);
  }

  /** Seconds at a place in steps, which may be fractional. */
  secondsAt(place) {
    const step = Math.min(Math.max(0, Math.floor(place)), this.steps - 1);
    const share = Math.min(1, Math.max(0, place - step));
    return this.seconds[step] + share * (this.seconds[step + 1] - this.seconds[step]);
  }

  /** The inverse of secondsAt. */
  placeAt(seconds) {
    const step = Math.min(indexAt(this.seconds, seconds), this.steps - 1);
    const length = this.seconds[step + 1] - this.seconds[step];
    return step + Math.min(1, Math.max(0, (seconds - this.seconds[step]) / length));
  }

  barAt(place) {
    return this.bars[indexAt(this.bars.map((bar) => bar.start), place)];
  }

  /** Bar and beat of a step, as text. */
  words(step) {
    const bar = this.barAt(step);
    const beat = 1 + (step - bar.start + bar.missing) / bar.beat;
    return `${bar.number ? `bar ${bar.number}` : "pickup"}, beat ${+beat.toFixed(2)}`;
  }

  /** Bar and beat of the beat that contains a place, as text. */
  beatAt(place) {
    const step = Math.min(Math.floor(place), this.steps - 1);
    const bar = this.barAt(step);
    const into = step - bar.start + bar.missing;
    const beat = Math.ceil(bar.start - bar.missing + Math.floor(into / bar.beat) * bar.beat);
    return this.words(Math.max(bar.start, beat));
  }
}

const PIECES = DATA.alternatives.map((raw, index) => new Piece(raw, index));
