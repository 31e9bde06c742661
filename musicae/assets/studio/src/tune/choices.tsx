// Controls for grid, key, tempo and the tune's voice.
import { project, change } from "../store";
import { t } from "../strings";
import { grid } from "../view";
import { Field } from "./field";

/** The grids: ticks and name. */
const GRIDS: [ticks: number, name: string][] = [
  [24, "1/4"],
  [12, "1/8"],
  [6, "1/16"],
  [8, "1/8"],
  [4, "1/16"],
];
const TRIPLETS = [8, 4];
const SLOWEST = 4;
const FASTEST = 500;
const USUAL_TEMPO = 90;

/** Tonics by the number of sharps of their major key (negative: flats), beginning with FEWEST. */
const TONICS = "Fb Cb Gb Db Ab Eb Bb F C G D A E B F# C# G# D# A# E# B#".split(" ");
const FEWEST = -8;
/** How many more sharps the major key on the same tonic has than the mode. */
const MODES: Record<string, number> = {
  major: 0,
  minor: 3,
  dorian: 3,
  phrygian: 3,
  lydian: 0,
  mixolydian: 0,
};
/** The largest number of sharps or flats of a key signature. */
const MOST = 7;

/** The tonics that give a mode at most MOST sharps or flats, in the order of letters. */
function tonicsOf(mode: string): string[] {
  const found = TONICS.filter((_, i) => Math.abs(FEWEST + i - MODES[mode]!) <= MOST);
  return found.sort((a, b) => "CDEFGAB".indexOf(a[0]!) - "CDEFGAB".indexOf(b[0]!));
}

export function GridChoice() {
  const text = t.value.tune;
  return (
    <label class="grid">
      {text.grid}
      <select value={grid.value} onChange={(event) => (grid.value = Number(event.currentTarget.value))}>
        {GRIDS.map(([ticks, name]) => (
          <option key={ticks} value={ticks}>
            {TRIPLETS.includes(ticks) ? text.triplets(name) : name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The name of a key in the musician's language. */
export function keyName(key: string): string {
  const [tonic = "", mode = "major"] = key.split(" ");
  return t.value.tune.key(tonic[0] ?? "", tonic.slice(1), mode);
}

export function KeyChoice() {
  const text = t.value.tune;
  const { key, harmony } = project.value;
  const all = Object.keys(MODES).flatMap((mode) => tonicsOf(mode).map((tonic) => `${tonic} ${mode}`));
  return (
    <label>
      {text.keyLabel}
      <select
        value={key ?? ""}
        onChange={({ currentTarget: { value } }) =>
          change(text.did.key, (now) => ({ ...now, key: value || null }))
        }
      >
        <option value="">{harmony ? text.foundKey(keyName(harmony.key)) : text.findKey}</option>
        {key !== null && !all.includes(key) && <option value={key}>{key}</option>}
        {Object.keys(MODES).map((mode) => (
          <optgroup key={mode} label={text.modes[mode]!}>
            {tonicsOf(mode).map((tonic) => (
              <option key={tonic} value={`${tonic} ${mode}`}>
                {keyName(`${tonic} ${mode}`)}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
}

/** A field for the first tempo. Later tempos change in proportion. */
export function TempoChoice() {
  const text = t.value.tune;
  const first = project.value.tempos[0]?.[1] ?? USUAL_TEMPO;
  const set = (typed: string) => {
    const qpm = Math.min(FASTEST, Math.max(SLOWEST, Number(typed)));
    change(text.did.tempo, (now) =>
      qpm === first || !typed
        ? now
        : { ...now, tempos: now.tempos.map(([at, old]) => [at, scaled(old, qpm / first)]) },
    );
  };
  return (
    <label title={text.tempo}>
      <span class="hidden-label">{text.tempo}</span>
      <span aria-hidden="true">♩ =</span>
      <Field numeric min={SLOWEST} max={FASTEST} value={String(first)} done={set} />
    </label>
  );
}

/** A tempo times a factor, limited and rounded to a hundredth. */
function scaled(qpm: number, by: number): number {
  return Math.min(FASTEST, Math.max(SLOWEST, Math.round(qpm * by * 100) / 100));
}

export function VoiceChoice() {
  const text = t.value.tune;
  return (
    <label>
      {text.voice}
      <select
        value={project.value.voice}
        onChange={({ currentTarget: { value } }) =>
          change(text.did.voice, (now) => ({ ...now, voice: Number(value) }))
        }
      >
        {t.value.page.voices.map((name, voice) => (
          <option key={voice} value={voice}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
