// The settings of the harmony: style, rhythm, rules, ensemble and its ranges.
import { about } from "../about";
import { project } from "../store";
import { t } from "../strings";
import { set } from "./actions";
import { partName, pitchName, voicesOf } from "./places";

const LOWEST = 24;
const HIGHEST = 108;
/** The position of the slider if no boldness is set. */
const USUAL_BOLDNESS = 1;
const MOST_SEED = 2 ** 31 - 1;

interface Pick {
  label: string;
  value: string | null;
  /** The name of the choice null, if there is one. */
  none?: string;
  names: readonly string[] | undefined;
  said: Record<string, string>;
  choose: (value: string | null) => void;
}

function Select({ label, value, none, names, said, choose }: Pick) {
  const offered = names ?? (value === null ? [] : [value]);
  return (
    <label class="setting">
      {label}
      <select
        value={value ?? ""}
        disabled={!names}
        onChange={(event) => choose(event.currentTarget.value || null)}
      >
        {none !== undefined && <option value="">{none}</option>}
        {offered.map((name) => (
          <option key={name} value={name}>
            {said[name] ?? name}
          </option>
        ))}
      </select>
    </label>
  );
}

type Range = [low: number, high: number];

/** The ranges in the settings, such as "Soprano C4-A5, Alto G3-D5", by the names of voices. */
function parsed(ranges: string | null): Map<string, Range> {
  const found = new Map<string, Range>();
  for (const part of (ranges ?? "").split(",")) {
    const match = /^\s*(.+?)\s+([A-G]#?-?\d)-([A-G]#?-?\d)\s*$/.exec(part);
    if (match) found.set(match[1]!, [midi(match[2]!), midi(match[3]!)]);
  }
  return found;
}

const PITCHES = Array.from({ length: HIGHEST - LOWEST + 1 }, (_, index) => LOWEST + index);
const midi = (name: string) => PITCHES.find((pitch) => pitchName(pitch) === name) ?? LOWEST;

function Ranges() {
  const text = t.value.harmony;
  const { ensemble, ranges } = project.value.settings;
  const voices = (voicesOf(ensemble) ?? []).filter((voice) => voice !== null);
  const own = parsed(ranges);
  const change = (name: string, usual: Range, range: Range) => {
    const next = new Map(own);
    if (range[0] === usual[0] && range[1] === usual[1]) next.delete(name);
    else next.set(name, range);
    const parts = [...next].map(([voice, [low, high]]) => `${voice} ${pitchName(low)}-${pitchName(high)}`);
    set({ ranges: parts.join(", ") || null });
  };
  return (
    <details class="ranges">
      <summary>{text.ranges}</summary>
      {voices.map(({ name, range: usual }) => {
        const [low, high] = own.get(name) ?? usual;
        return (
          <div class="range" role="group" aria-label={partName(name)} key={name}>
            <span>{partName(name)}</span>
            <Pitch label={text.lowest(partName(name))} value={low} to={high - 12} set={(to) => change(name, usual, [to, high])} />
            <Pitch label={text.highest(partName(name))} value={high} from={low + 12} set={(to) => change(name, usual, [low, to])} />
          </div>
        );
      })}
      {ranges && <button onClick={() => set({ ranges: null })}>{text.usualRanges}</button>}
    </details>
  );
}

interface PitchProps {
  label: string;
  value: number;
  from?: number;
  to?: number;
  set: (pitch: number) => void;
}

function Pitch({ label, value, from = LOWEST, to = HIGHEST, set: choose }: PitchProps) {
  return (
    <select aria-label={label} value={value} onChange={(event) => choose(Number(event.currentTarget.value))}>
      {PITCHES.filter((pitch) => pitch === value || (pitch >= from && pitch <= to)).map((pitch) => (
        <option key={pitch} value={pitch}>
          {pitchName(pitch)}
        </option>
      ))}
    </select>
  );
}

function More() {
  const text = t.value.harmony;
  const { temperature, seed } = project.value.settings;
  return (
    <details>
      <summary>{text.more}</summary>
      <label class="setting">
        {text.boldness}
        <input
          type="range"
          min={0}
          max={2}
          step={0.1}
          value={temperature ?? USUAL_BOLDNESS}
          aria-valuetext={temperature === null ? text.usual : String(temperature)}
          onChange={(event) => set({ temperature: Number(event.currentTarget.value) })}
        />
      </label>
      <p class="row dim">
        {temperature === null ? text.usual : temperature}
        {temperature !== null && <button onClick={() => set({ temperature: null })}>{text.usual}</button>}
      </p>
      <label class="setting">
        {text.seed}
        <input
          type="number"
          min={0}
          max={MOST_SEED}
          step={1}
          value={seed}
          onChange={(event) => {
            const typed = Math.round(Number(event.currentTarget.value)) || 0;
            set({ seed: Math.min(Math.max(typed, 0), MOST_SEED) });
          }}
        />
      </label>
    </details>
  );
}

export function HarmonySettings() {
  const text = t.value.harmony;
  const { style, rhythm, rules, ensemble } = project.value.settings;
  const known = about.value;
  return (
    <>
      <Select
        label={text.style}
        value={style}
        names={known?.styles}
        said={text.styles}
        choose={(value) => set({ style: value! })}
      />
      <Select
        label={text.rhythm}
        value={rhythm}
        none={text.anyRhythm}
        names={known?.rhythms}
        said={text.rhythms}
        choose={(value) => set({ rhythm: value })}
      />
      <Select
        label={text.rules}
        value={rules}
        names={known?.rules}
        said={text.ruleSets}
        choose={(value) => set({ rules: value! })}
      />
      <Select
        label={text.ensemble}
        value={ensemble}
        none={text.anyEnsemble}
        names={known?.ensembles.map((each) => each.name)}
        said={text.ensembles}
        choose={(value) => set({ ensemble: value, ranges: null })}
      />
      <Ranges />
      <More />
    </>
  );
}
