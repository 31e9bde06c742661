// The panel for export: a MIDI file to drag, files to download, and the project file.
import "./out.css";

import { about } from "../about";
import { chosenLetter } from "../harmony/alternatives";
import { t } from "../strings";
import { DragChip } from "./drag";
import {
  exportAs,
  exporting,
  failure,
  type Format,
  FORMATS,
  MORE_FORMATS,
  type Options,
  options,
  SOUNDS,
} from "./exporting";
import { saveProject } from "./files";

function set(change: Partial<Options>): void {
  options.value = { ...options.value, ...change };
}

function Check({ name, field }: { name: string; field: "numerals" | "piano" | "open" }) {
  return (
    <label>
      <input
        type="checkbox"
        checked={options.value[field]}
        onChange={(event) => set({ [field]: event.currentTarget.checked })}
      />
      {name}
    </label>
  );
}

function Download({ format }: { format: Format }) {
  const { name, what } = t.value.out.formats[format];
  return (
    <button
      aria-label={name}
      aria-describedby={`format-${format}`}
      aria-disabled={exporting.value !== null}
      onClick={() => exporting.value ?? void exportAs(format)}
    >
      <b>{name}</b>
      <span id={`format-${format}`}>{what}</span>
    </button>
  );
}

/** The progress of the export, or the error of the last one. */
function Progress() {
  const running = exporting.value;
  return (
    <div class="running" aria-live="polite">
      {running && (
        <>
          <span>{t.value.out.making(t.value.out.formats[running.format].name)}</span>
          <progress aria-label={t.value.out.name} />
          <button onClick={running.cancel}>{t.value.out.cancel}</button>
        </>
      )}
      {failure.value && <p class="wrong">{failure.value}</p>}
    </div>
  );
}

export function OutPanel() {
  const words = t.value.out;
  const { score, sound } = about.value?.extras ?? { score: true, sound: true };
  return (
    <div class="out">
      <section aria-label={words.midi}>
        <DragChip />
        <p class="dim">{chosenLetter.value ? words.exported(chosenLetter.value) : words.dragHelp}</p>
      </section>
      <section aria-label={words.download}>
        <h2>{words.download}</h2>
        <div class="formats">
          {FORMATS.map((format) => (
            <Download key={format} format={format} />
          ))}
        </div>
        <Progress />
        {!(score && sound) && <p class="dim">{words.extras}</p>}
        <details>
          <summary>{words.more}</summary>
          <div class="formats">
            {MORE_FORMATS.map((format) => (
              <Download key={format} format={format} />
            ))}
          </div>
        </details>
      </section>
      <fieldset>
        <legend>{words.options}</legend>
        <Check name={words.numerals} field="numerals" />
        <Check name={words.piano} field="piano" />
        <Check name={words.open} field="open" />
        <label class="wide">
          {words.sound}
          <select value={options.value.program} onChange={(event) => set({ program: event.currentTarget.value })}>
            {SOUNDS.map((name, i) => (
              <option key={name} value={name}>
                {words.sounds[i]}
              </option>
            ))}
          </select>
        </label>
      </fieldset>
      <section aria-label={words.project}>
        <h2>{words.project}</h2>
        <button aria-keyshortcuts="Control+S" onClick={saveProject}>
          {words.saveProject}
        </button>
        <p class="dim">{words.projectHelp}</p>
      </section>
    </div>
  );
}
