// Controls for meter, pickup and bars.
import { useState } from "preact/hooks";

import { barAt, barLength, type Project, QUARTER, STEP } from "../project";
import { bars, change, project, selectedBars, selectedNotes, tell } from "../store";
import { t } from "../strings";
import { playhead } from "../view";
import { addBars, deleteBars, insertBars, isMeter, setMeter, setPickup } from "./bars";
import { Field } from "./field";
import { Popover } from "./popover";

const COMMON = ["4/4", "3/4", "2/4", "6/8", "2/2", "3/2", "9/8", "12/8", "5/4", "7/8"];

/** The indices of the first and last selected bar, or of the bar at the playhead. */
function chosenBars(): [first: number, last: number] {
  const all = bars.value;
  const index = (number: number) => all.findIndex((bar) => bar.number === number);
  const [first, last] = selectedBars.value ?? [barAt(all, playhead.value).number, -1];
  return [index(first), last < 0 ? index(first) : index(last)];
}

export function MeterTools() {
  const text = t.value.tune;
  const [, beats, unit] = project.value.meters[0]!;
  const changes = project.value.meters.length > 1 ? "…" : "";
  const name = text.meterIs(`${beats}/${unit}${changes}`);
  return (
    <Popover label={`${beats}/${unit}${changes}`} name={name}>
      {() => <MeterForm />}
    </Popover>
  );
}

function MeterForm() {
  const text = t.value.tune;
  const all = bars.value;
  const [first, setFirst] = useState(Math.max(1, selectedBars.value?.[0] ?? 1));
  // A pickup has the meter of the bars after it.
  const bar = all.find(({ number }) => number === first) ?? all.at(-1)!;
  const at = bar.number <= 1 ? 0 : bar.start;
  const now = `${bar.beats}/${bar.unit}`;
  const set = (value: string) => {
    const [beats = 0, unit = 0] = value.split("/").map(Number);
    if (!isMeter(beats, unit)) return tell(text.noMeter(value), true);
    change(text.did.meter, (project) => setMeter(project, at, beats, unit));
  };
  return (
    <div class="form">
      <label>
        {text.fromBar}
        <Field
          numeric
          min={1}
          max={all.at(-1)!.number}
          value={String(first)}
          done={(typed) => setFirst(Math.min(all.at(-1)!.number, Math.max(1, Number(typed))))}
        />
      </label>
      <div class="row" role="group" aria-label={text.meter}>
        {COMMON.map((each) => (
          <button key={each} aria-pressed={each === now} onClick={() => set(each)}>
            {each}
          </button>
        ))}
      </div>
      <label>
        {text.otherMeter}
        <Field
          size={5}
          placeholder="11/8"
          value={COMMON.includes(now) ? "" : now}
          done={(typed) => typed && set(typed)}
        />
      </label>
      <PickupChoice />
    </div>
  );
}

function PickupChoice() {
  const text = t.value.tune;
  const { pickup, meters } = project.value;
  const [, beats, unit] = meters[0]!;
  const bar = barLength(beats, unit);
  const lengths = Array.from({ length: bar / STEP - 1 }, (_, i) => (i + 1) * STEP);
  const usual = lengths.filter((ticks) => ticks % (QUARTER / 2) === 0 || ticks === pickup || ticks === STEP);
  return (
    <label>
      {text.pickup}
      <select
        value={pickup}
        onChange={({ currentTarget: { value } }) =>
          change(text.did.pickup, (now) => setPickup(now, Number(value)))
        }
      >
        <option value={0}>{text.noPickup}</option>
        {usual.map((ticks) => (
          <option key={ticks} value={ticks}>
            {fraction(ticks, 4 * QUARTER)}
          </option>
        ))}
      </select>
    </label>
  );
}

function fraction(part: number, whole: number): string {
  const divisor = (a: number, b: number): number => (b ? divisor(b, a % b) : a);
  const common = divisor(part, whole);
  return `${part / common}/${whole / common}`;
}

export function BarTools() {
  const text = t.value.tune;
  const count = bars.value.filter((bar) => bar.number > 0).length;
  return (
    <Popover label={text.bars(count)} name={text.barsAre(count)}>
      {() => <BarForm count={count} />}
    </Popover>
  );
}

function BarForm({ count }: { count: number }) {
  const text = t.value.tune;
  const [first, last] = chosenBars();
  const numbers: [number, number] = [bars.value[first]!.number, bars.value[last]!.number];
  const edit = (label: string, next: (now: Project) => Project) => {
    change(label, next);
    selectedBars.value = null;
    selectedNotes.value = [];
    playhead.value = Math.min(playhead.value, project.value.length);
  };
  return (
    <div class="form">
      <div class="row" role="group" aria-label={text.barsAre(count)}>
        <button
          aria-label={text.removeBar}
          title={text.removeBar}
          disabled={bars.value.length < 2}
          onClick={() => edit(text.did.removeBar, (now) => addBars(now, -1))}
        >
          −
        </button>
        <output>{count}</output>
        <button
          aria-label={text.addBar}
          title={text.addBar}
          onClick={() => edit(text.did.addBar, (now) => addBars(now, 1))}
        >
          +
        </button>
        <button onClick={() => edit(text.did.addBars(4), (now) => addBars(now, 4))}>
          {text.addBars(4)}
        </button>
      </div>
      <button onClick={() => edit(text.did.insertBar, (now) => insertBars(now, first, 1))}>
        {text.insertBar(Math.max(1, numbers[0]))}
      </button>
      <button onClick={() => edit(text.did.deleteBars(...numbers), (now) => deleteBars(now, first, last))}>
        {text.deleteBars(...numbers)}
      </button>
      <p class="dim">{text.selectBars}</p>
    </div>
  );
}
