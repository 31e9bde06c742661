// The computer's keys as a piano: two rows of them, by their place whatever is printed on them.
import { computed, signal } from "@preact/signals";

import { isTaken } from "../keys";
import { project } from "../store";
import { press, release, releaseAll, source } from "./instrument";
import { stage } from "./recorder";

/** From C on, semitone by semitone: white keys in the middle row, black ones above. */
export const ROW = [
  ..."AWSEDFTGYHUJKOLP".split("").map((letter) => `Key${letter}`),
  "Semicolon",
  "Quote",
];
const DOWN = "KeyZ";
const UP = "KeyX";

/** Whether the musician tries the piano without recording. */
export const trying = signal(false);
/** Whether the keys are a piano now, and nothing else. */
export const pianoKeys = computed(
  () => trying.value || (source.value === "keys" && stage.value !== "off"),
);
/** How many octaves the musician moved the piano. */
export const octave = signal(0);

/** The pitch of the first key: middle C, or below it for the low voices. */
export function firstPitch(): number {
  return (project.value.voice >= 2 ? 48 : 60) + 12 * octave.value;
}

/** The pitch that each key that is down began, whatever the octave is by now. */
const down = new Map<string, number>();

function pressed(event: KeyboardEvent): void {
  if (!pianoKeys.value || event.ctrlKey || event.metaKey || event.altKey || isTaken(event.target)) return;
  const index = ROW.indexOf(event.code);
  if (index < 0 && event.code !== DOWN && event.code !== UP) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.repeat) return;
  if (index < 0) {
    octave.value = Math.min(2, Math.max(-2, octave.value + (event.code === UP ? 1 : -1)));
    return;
  }
  const pitch = firstPitch() + index;
  down.set(event.code, pitch);
  press(pitch, null, event.timeStamp);
}

addEventListener("keydown", pressed, { capture: true });
addEventListener("keyup", (event) => {
  const pitch = down.get(event.code);
  if (pitch === undefined) return;
  down.delete(event.code);
  release(pitch, event.timeStamp);
});
addEventListener("blur", () => {
  down.clear();
  releaseAll();
});
