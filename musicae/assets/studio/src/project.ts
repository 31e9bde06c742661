// The project that the page and the service exchange. Times are ticks, 24 per quarter.

export const QUARTER = 24;
/** Ticks of a sixteenth, the step of the models. */
export const STEP = 6;
export const VOICES = ["soprano", "alto", "tenor", "bass"] as const;

/** Start and length in ticks, MIDI pitch; notes of a tune may have a velocity, 1 to 127. */
export type Note =
  | [start: number, length: number, pitch: number]
  | [start: number, length: number, pitch: number, velocity: number];

export interface PhraseEnd {
  /** The tick at which the last note of the phrase begins. */
  at: number;
  cadence: string | null;
}

export interface LockedChord {
  start: number;
  length: number;
  /** A chord symbol such as D7/F#, or a numeral such as V65. */
  name: string;
}

export interface Settings {
  style: string;
  rhythm: string | null;
  rules: string;
  ensemble: string | null;
  ranges: string | null;
  temperature: number | null;
  seed: number;
}

export interface Locks {
  voices: number[];
  bars: number[];
  notes: [voice: number, start: number][];
  chords: LockedChord[];
}

export interface Chord {
  start: number;
  length: number;
  symbol: string;
  numeral: string;
  key: string;
}

/** A violation of a rule of voice leading. */
export interface Break {
  rule: string;
  start: number;
  end: number;
  bar: number;
  beat: number;
  voices: number[];
  text: string;
  why: string;
  /** How often Bach breaks the rule, per 100 chords. */
  bach: number;
}

/** A rule that Bach breaks at least this often, per 100 chords, is not a fault. */
const USUAL = 1;

/** Whether a violation is a fault: Bach breaks the rule less often than USUAL. */
export function isFault(broken: Break): boolean {
  return broken.bach < USUAL;
}

export interface SungWords {
  voice: number;
  verse: number;
  syllables: [start: number, text: string][];
}

/** The input that a harmony was written for; the service compares it with the present project. */
export interface MadeWith {
  length: number;
  meters: Project["meters"];
  pickup: number;
  voice: number;
  settings: Settings;
  phrases: PhraseEnd[] | null;
  chords: LockedChord[];
  /** Notes that are struck again for a syllable. */
  struck: [voice: number, start: number][];
  /** Notes that are held on for one syllable. */
  held: [voice: number, start: number][];
}

export interface Harmony {
  voices: Note[][];
  key: string;
  phrases: number[];
  chords: Chord[];
  plan: string;
  notices: string[];
  breaks: Break[];
  words: SungWords[];
  made?: MadeWith | null | undefined;
}

export interface Project {
  format: 1;
  title: string;
  length: number;
  meters: [at: number, beats: number, unit: number][];
  pickup: number;
  tempos: [at: number, qpm: number][];
  key: string | null;
  voice: number;
  tune: Note[];
  phrases: PhraseEnd[] | null;
  words: string;
  language: string | null;
  settings: Settings;
  locks: Locks;
  harmony: Harmony | null;
}

export function emptyProject(bars = 8): Project {
  return {
    format: 1,
    title: "",
    length: bars * 4 * QUARTER,
    meters: [[0, 4, 4]],
    pickup: 0,
    tempos: [[0, 90]],
    key: null,
    voice: 0,
    tune: [],
    phrases: null,
    words: "",
    language: null,
    settings: {
      style: "bach",
      rhythm: null,
      rules: "bach",
      ensemble: null,
      ranges: null,
      temperature: null,
      seed: 0,
    },
    locks: { voices: [], bars: [], notes: [], chords: [] },
    harmony: null,
  };
}

export interface Bar {
  /** From 1; a pickup is 0. */
  number: number;
  start: number;
  length: number;
  beats: number;
  unit: number;
  /** Ticks of a beat, which is dotted in compound meters. */
  beat: number;
}

/** The ticks of a bar. */
export function barLength(beats: number, unit: number): number {
  return (beats * 4 * QUARTER) / unit;
}

/** The ticks of a beat; in compound meters such as 6/8 a beat is three units. */
export function beatLength(beats: number, unit: number): number {
  const single = (4 * QUARTER) / unit;
  return unit >= 8 && beats > 3 && beats % 3 === 0 ? 3 * single : single;
}

/** All bars in order; a change of meter begins a bar. */
export function barsOf(project: Pick<Project, "length" | "meters" | "pickup">): Bar[] {
  const bars: Bar[] = [];
  let at = 0;
  let number = project.pickup ? 0 : 1;
  while (at < project.length) {
    const meter = project.meters.findLast(([start]) => start <= at) ?? [0, 4, 4];
    const [, beats, unit] = meter;
    const full = at === 0 && project.pickup ? project.pickup : barLength(beats, unit);
    const change = project.meters.find(([start]) => start > at)?.[0] ?? project.length;
    const length = Math.min(full, change - at, project.length - at);
    bars.push({ number, start: at, length, beats, unit, beat: beatLength(beats, unit) });
    at += length;
    number += 1;
  }
  return bars;
}

/** The bar that contains a tick; the last bar if the tick is after the end. */
export function barAt(bars: Bar[], tick: number): Bar {
  return bars.findLast((bar) => bar.start <= tick) ?? bars[0]!;
}

/** The notes of the four voices: the tune as drawn, and the harmony's other voices. */
export function soundingVoices(project: Project): Note[][] {
  return VOICES.map((_, voice) =>
    voice === project.voice ? project.tune : (project.harmony?.voices[voice] ?? []),
  );
}
