// Reads a SoundFont 2 file: the samples that play a key of a program, and their parameters.
// Modulators are not read, because the page plays each note with one velocity and no controllers.

export interface Sample {
  /** 16-bit samples. */
  data: Int16Array;
  rate: number;
  /** Sample indices. */
  loop: [from: number, to: number];
  key: number;
  /** Pitch correction in cents. */
  correction: number;
}

/** One layer of a note: a sample, and the values of the SoundFont's generators by number. */
export interface Zone {
  generators: Int16Array;
  sample: Sample;
}

/** The generators that the page uses, by their number in the format. */
export const GENERATOR = {
  loopStart: 2,
  loopEnd: 3,
  cutoff: 8,
  resonance: 9,
  envelopeToCutoff: 11,
  pan: 17,
  filterAttack: 26,
  filterHold: 27,
  filterDecay: 28,
  filterSustain: 29,
  attack: 34,
  hold: 35,
  decay: 36,
  sustain: 37,
  release: 38,
  instrument: 41,
  keys: 43,
  velocities: 44,
  loopStartCoarse: 45,
  attenuation: 48,
  loopEndCoarse: 50,
  coarseTune: 51,
  fineTune: 52,
  sample: 53,
  modes: 54,
  keyScale: 56,
  root: 58,
} as const;
const G = GENERATOR;
const COUNT = 61;

/** The default value of each generator: no delays, the filter open. */
function usual(): Int16Array {
  const values = new Int16Array(COUNT);
  for (const time of [21, 23, 25, 26, 27, 28, 30, 33, 34, 35, 36, 38]) values[time] = -12000;
  values[G.cutoff] = 13500;
  values[G.keyScale] = 100;
  values[G.root] = -1;
  return values;
}

/** Generators that select a zone or its sample. A preset's values are not added to these. */
const PLACES: number[] = [G.keys, G.velocities, G.instrument, G.sample];

type Settings = Map<number, number>;

/** Whether a zone's range has a key or velocity. The low byte is its minimum, the high byte its maximum. */
function covers(zone: Settings, range: number, value: number): boolean {
  const bounds = zone.get(range);
  return bounds === undefined || ((bounds & 255) <= value && value <= ((bounds >> 8) & 255));
}

export class SoundFont {
  private readonly chunks = new Map<string, DataView>();
  private readonly samples = new Map<number, Sample>();

  /** Throws RangeError if the bytes are not a SoundFont. */
  constructor(private readonly bytes: ArrayBuffer) {
    const file = new DataView(bytes);
    if (text(file, 0, 4) !== "RIFF" || text(file, 8, 4) !== "sfbk") throw new RangeError("no SoundFont");
    this.read(file, 12, bytes.byteLength);
    for (const name of ["phdr", "pbag", "pgen", "inst", "ibag", "igen", "shdr", "smpl"]) {
      if (!this.chunks.has(name)) throw new RangeError(`a SoundFont without ${name}`);
    }
  }

  private read(file: DataView, from: number, to: number): void {
    for (let at = from; at + 8 <= to; ) {
      const name = text(file, at, 4);
      const length = file.getUint32(at + 4, true);
      if (name === "LIST") this.read(file, at + 12, at + 8 + length);
      else this.chunks.set(name, new DataView(this.bytes, at + 8, length));
      at += 8 + length + (length & 1);
    }
  }

  /** The layers that play a key of a program of bank 0; null if there is no such program. */
  zones(program: number, key: number, velocity: number): Zone[] | null {
    const presets = this.chunks.get("phdr")!;
    for (let at = 0; at + 76 <= presets.byteLength; at += 38) {
      if (presets.getUint16(at + 20, true) !== program || presets.getUint16(at + 22, true) !== 0) continue;
      const bags = [presets.getUint16(at + 24, true), presets.getUint16(at + 62, true)] as const;
      return this.layers("p", bags, G.instrument, key, velocity).flatMap((added) =>
        this.instrument(added.get(G.instrument)!, key, velocity).map((set) => this.zone(set, added)),
      );
    }
    return null;
  }

  private instrument(index: number, key: number, velocity: number): Settings[] {
    const instruments = this.chunks.get("inst")!;
    const bags = [
      instruments.getUint16(index * 22 + 20, true),
      instruments.getUint16(index * 22 + 42, true),
    ] as const;
    return this.layers("i", bags, G.sample, key, velocity);
  }

  /** The zones of a preset or instrument that play a key, each with the values of the global zone. */
  private layers(
    kind: "p" | "i",
    [from, to]: readonly [number, number],
    plays: number,
    key: number,
    velocity: number,
  ): Settings[] {
    const bags = this.chunks.get(`${kind}bag`)!;
    const values = this.chunks.get(`${kind}gen`)!;
    let all: Settings = new Map();
    const layers: Settings[] = [];
    for (let bag = from; bag < to; bag++) {
      const zone: Settings = new Map(all);
      const end = bags.getUint16(bag * 4 + 4, true);
      for (let each = bags.getUint16(bag * 4, true); each < end; each++) {
        zone.set(values.getUint16(each * 4, true), values.getInt16(each * 4 + 2, true));
      }
      if (!zone.has(plays)) {
        if (bag === from) all = zone;
      } else if (covers(zone, G.keys, key) && covers(zone, G.velocities, velocity)) layers.push(zone);
    }
    return layers;
  }

  /** Combine zones: an instrument's zone sets values, a preset's zone adds to them. */
  private zone(set: Settings, added: Settings): Zone {
    const generators = usual();
    for (const [generator, value] of set) generators[generator] = value;
    for (const [generator, value] of added) {
      if (!PLACES.includes(generator)) generators[generator]! += value;
    }
    return { generators, sample: this.sample(set.get(G.sample)!) };
  }

  private sample(index: number): Sample {
    const known = this.samples.get(index);
    if (known) return known;
    const headers = this.chunks.get("shdr")!;
    const pool = this.chunks.get("smpl")!;
    const number = (at: number) => headers.getUint32(index * 46 + at, true);
    const start = number(20);
    const data = new Int16Array(
      this.bytes.slice(pool.byteOffset + 2 * start, pool.byteOffset + 2 * number(24)),
    );
    const sample: Sample = {
      data,
      rate: number(36),
      loop: [number(28) - start, number(32) - start],
      key: headers.getUint8(index * 46 + 40),
      correction: headers.getInt8(index * 46 + 41),
    };
    this.samples.set(index, sample);
    return sample;
  }
}

function text(file: DataView, at: number, length: number): string {
  return String.fromCharCode(...new Uint8Array(file.buffer, file.byteOffset + at, length));
}
