// The panel for new pieces: compose, vary, or interpolate between two pieces.
import "./compose.css";

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { project } from "../store";
import { t } from "../strings";
import { Shelf } from "./cards";
import { ComposeForm, Count } from "./form";
import { ends, failure, interpolate, making, variation, vary } from "./making";
import { loadShelf } from "./shelf";
import { Sliders } from "./sliders";

/** The parts that `vary` can keep, in the order of the page's names for them. */
const KEPT = ["soprano", "alto", "tenor", "bass", "plan"];
const MOST_BETWEEN = 8;

const between = signal(3);
const other = signal("");

function Vary() {
  const words = t.value.compose;
  const { amount, keep } = variation.value;
  return (
    <details>
      <summary>{words.vary}</summary>
      <p class="dim">{words.varyHelp}</p>
      <label class="slide">
        <span>{words.amount}</span>
        <input
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={amount}
          onInput={(event) =>
            (variation.value = { keep, amount: Number(event.currentTarget.value) })
          }
        />
        <output>{Math.round(100 * amount)} %</output>
      </label>
      <fieldset>
        <legend>{words.keep}</legend>
        {KEPT.map((name, i) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={keep.includes(name)}
              onChange={(event) => {
                const others = keep.filter((each) => each !== name);
                variation.value = { amount, keep: event.currentTarget.checked ? [...others, name] : others };
              }}
            />
            {t.value.page.voices[i] ?? words.chords}
          </label>
        ))}
      </fieldset>
      <Sliders />
      <Count />
      <button class="primary" disabled={!project.value.tune.length} onClick={() => void vary()}>
        {words.doVary}
      </button>
    </details>
  );
}

function Between() {
  const words = t.value.compose;
  const pieces = ends();
  const last = pieces.find(({ id }) => id === other.value) ?? pieces[0];
  return (
    <details>
      <summary>{words.between}</summary>
      <p class="dim">{pieces.length ? words.betweenHelp : words.noOther}</p>
      <label>
        {words.other}
        <select
          disabled={!pieces.length}
          value={last?.id ?? ""}
          onChange={(event) => (other.value = event.currentTarget.value)}
        >
          {pieces.map(({ id, project }) => (
            <option key={id} value={id}>
              {project.title || t.value.page.untitled}
            </option>
          ))}
        </select>
      </label>
      <label>
        {words.steps}
        <input
          type="number"
          min={1}
          max={MOST_BETWEEN}
          value={between.value}
          onChange={({ currentTarget }) =>
            (between.value = Math.min(Math.max(1, Math.round(currentTarget.valueAsNumber || 1)), MOST_BETWEEN))
          }
        />
      </label>
      <button
        class="primary"
        disabled={!last || !project.value.tune.length}
        onClick={() => last && void interpolate(last, between.value)}
      >
        {words.doInterpolate}
      </button>
    </details>
  );
}

function Progress() {
  const words = t.value.compose;
  const now = making.value;
  return (
    <div class="making" aria-live="polite">
      {now && (
        <>
          <span>{words.making}</span>
          <progress aria-label={words.making} {...(now.share ? { value: now.share } : {})} />
          <button onClick={now.cancel}>{words.cancel}</button>
        </>
      )}
      {failure.value && <p class="wrong">{failure.value}</p>}
    </div>
  );
}

export function ComposePanel() {
  useEffect(() => void loadShelf(), []);
  const words = t.value.compose;
  return (
    <div class="compose">
      <details open>
        <summary>{words.compose}</summary>
        <ComposeForm />
      </details>
      <Vary />
      <Between />
      <Progress />
      <Shelf />
    </div>
  );
}
