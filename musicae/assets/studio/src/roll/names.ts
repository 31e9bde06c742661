// Names of notes, lengths and places, for the screen and for reading aloud.
import { computed } from "@preact/signals";

import { type Bar, barAt, barLength, QUARTER } from "../project";
import { bars, project } from "../store";
import { t } from "../strings";

const LETTERS = ["F", "C", "G", "D", "A", "E", "B"];
/** How many more sharps a mode has than the major key on the same tonic. */
const MODES: Record<string, number> = {
  minor: -3,
  dorian: -2,
  phrygian: -4,
  lydian: 1,
  mixolydian: -1,
  aeolian: -3,
  locrian: -5,
};

/** A key signature: the number of sharps (negative: flats), and whether the key is minor. */
interface Signature {
  fifths: number;
  minor: boolean;
}
/** The signature of the requested key, or else of the found key. It decides how notes are spelled. */
export const signature = computed(() =>
  signatureOf(project.value.key ?? project.value.harmony?.key ?? null),
);
/**
 * The signature of the requested key. It decides which notes the letters write; the found key does
 * not, because it changes with the notes.
 */
export const askedSignature = computed(() => signatureOf(project.value.key));

function signatureOf(name: string | null): Signature {
  const found = /^([A-G])([#b♯♭]?)\s*(\w*)/.exec(name ?? "C major");
  if (!found) return { fifths: 0, minor: false };
  const [, letter, accidental, mode] = found;
  const raised = accidental === "" ? 0 : "#♯".includes(accidental!) ? 7 : -7;
  const fifths = LETTERS.indexOf(letter!) - 1 + raised + (MODES[mode!] ?? 0);
  return { fifths, minor: mode === "minor" };
}

/** Letter, accidental (1 is a sharp, -1 a flat) and octave of a pitch, as the key spells it. */
export function spelled(pitch: number): { letter: string; accidental: number; octave: number } {
  const { fifths, minor } = signature.value;
  const lowest = fifths - (minor ? 2 : 3);
  const place = lowest + ((((pitch * 7 - lowest) % 12) + 12) % 12);
  const letter = LETTERS[(((place + 1) % 7) + 7) % 7]!;
  const accidental = Math.floor((place + 1) / 7);
  return { letter, accidental, octave: Math.floor((pitch - accidental) / 12) - 1 };
}

/** The name of a pitch, such as F♯4. */
export function noteName(pitch: number): string {
  const { letter, accidental, octave } = spelled(pitch);
  return t.value.roll.noteName(letter, accidental) + octave;
}

/** The name of a pitch for reading aloud, such as "F sharp 4". */
export function spokenName(pitch: number): string {
  const { letter, accidental, octave } = spelled(pitch);
  return `${t.value.roll.spokenName(letter, accidental)} ${octave}`;
}

/** The name of a length, such as "quarter". */
export function lengthName(ticks: number): string {
  const roll = t.value.roll;
  return roll.lengths[ticks] ?? roll.quarters(fraction(ticks, QUARTER));
}

function fraction(ticks: number, whole: number): string {
  const full = Math.floor(ticks / whole);
  const rest = ticks % whole;
  if (!rest) return String(full);
  const divisor = commonDivisor(rest, whole);
  const part = `${rest / divisor}/${whole / divisor}`;
  return full ? `${full} ${part}` : part;
}

function commonDivisor(a: number, b: number): number {
  return b ? commonDivisor(b, a % b) : a;
}

/** A place such as "bar 2 beat 3". The beats of a pickup are counted as the last beats of a bar. */
export function placeName(tick: number): string {
  const bar = barHolding(tick);
  const before = bar.number === 0 ? barLength(bar.beats, bar.unit) - bar.length : 0;
  return t.value.roll.place(bar.number, fraction(before + tick - bar.start + bar.beat, bar.beat));
}

/** The bar that contains a tick. After the end of the piece, bars are counted on. */
function barHolding(tick: number): Bar {
  const bar = barAt(bars.value, tick);
  const beyond = Math.floor((tick - bar.start) / bar.length);
  return { ...bar, number: bar.number + beyond, start: bar.start + beyond * bar.length };
}
