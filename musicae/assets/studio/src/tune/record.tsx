// The record button, the settings of recording, and a piano on the screen.
import { register } from "../keys";
import { noteName, spokenName } from "../roll/names";
import { t } from "../strings";
import { press, release, source } from "./instrument";
import { findKeyboards, inputs } from "./midi";
import { firstPitch, octave, pianoKeys, ROW, trying } from "./piano";
import { Popover } from "./popover";
import { clicking, countIn, counted, stage, startRecording, stopRecording } from "./recorder";

/** The characters that most keyboards have on the keys of ROW. */
const PRINTED = "AWSEDFTGYHUJKOLP;'";
const BLACK = new Set([1, 3, 6, 8, 10]);

function toggle(): void {
  if (stage.value === "off") startRecording();
  else stopRecording();
}
register({ key: "r", does: () => t.value.tune.record, act: toggle });
addEventListener(
  "keydown",
  (event) => {
    if (stage.value === "off" || (event.key !== "Escape" && event.key !== " ")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    stopRecording();
  },
  { capture: true },
);

export function RecordTools() {
  const text = t.value.tune;
  const on = stage.value !== "off";
  return (
    <div class="record" role="group" aria-label={text.recording}>
      <button class={on ? "recording" : ""} aria-keyshortcuts="R" title={text.recordKey} onClick={toggle}>
        <span aria-hidden="true">{on ? "■" : "●"}</span> {on ? text.stop : text.record}
      </button>
      {counted.value !== null && (
        <output class="count" aria-label={text.counting}>
          {counted.value}
        </output>
      )}
      <Popover label="▾" name={text.howToRecord}>
        {() => <RecordForm />}
      </Popover>
    </div>
  );
}

function RecordForm() {
  const text = t.value.tune;
  const find = async () => {
    if (await findKeyboards()) source.value = inputs.value?.[0]?.id ?? "keys";
  };
  return (
    <div class="form">
      <label>
        {text.instrument}
        <select value={source.value} onChange={(event) => (source.value = event.currentTarget.value)}>
          <option value="keys">{text.computerKeys}</option>
          {inputs.value?.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <button onClick={() => void find()}>{text.findKeyboards}</button>
      <label>
        {text.countIn}
        <select
          value={countIn.value}
          onChange={(event) => (countIn.value = Number(event.currentTarget.value))}
        >
          {[0, 1, 2].map((bars) => (
            <option key={bars} value={bars}>
              {bars ? text.bars(bars) : text.noCountIn}
            </option>
          ))}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={clicking.value}
          onChange={(event) => (clicking.value = event.currentTarget.checked)}
        />
        {text.click}
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={trying.value}
          onChange={(event) => (trying.value = event.currentTarget.checked)}
        />
        {text.showPiano}
      </label>
    </div>
  );
}

/** The piano on the screen; it shows the computer's keys and can be touched and clicked. */
export function Piano() {
  if (!pianoKeys.value) return null;
  const text = t.value.tune;
  const first = firstPitch();
  return (
    <div class="piano" role="group" aria-label={text.piano}>
      <button
        class="octave"
        aria-label={text.octaveDown}
        title={text.octaveDown}
        disabled={octave.value <= -2}
        onClick={() => (octave.value -= 1)}
      >
        − <kbd>Z</kbd>
      </button>
      <div class="keyboard">
        {ROW.map((code, index) => {
          const pitch = first + index;
          return (
            <button
              key={code}
              tabIndex={-1}
              class={BLACK.has(index % 12) ? "black" : "white"}
              aria-label={spokenName(pitch)}
              onPointerDown={(event) => {
                event.currentTarget.setPointerCapture(event.pointerId);
                press(pitch, null, event.timeStamp);
              }}
              onPointerUp={(event) => release(pitch, event.timeStamp)}
              onPointerCancel={(event) => release(pitch, event.timeStamp)}
            >
              <kbd>{PRINTED[index]}</kbd>
              {index % 12 === 0 && <small>{noteName(pitch)}</small>}
            </button>
          );
        })}
      </div>
      <button
        class="octave"
        aria-label={text.octaveUp}
        title={text.octaveUp}
        disabled={octave.value >= 2}
        onClick={() => (octave.value += 1)}
      >
        + <kbd>X</kbd>
      </button>
    </div>
  );
}
