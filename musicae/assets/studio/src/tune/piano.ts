// Two rows of the computer's keys as a piano. Keys count by position, not by what is printed on them.
import { computed, signal } from "@preact/signals";

import { isTaken } from "../keys";
import { project } from "../store";
import { press, release, releaseAll, source } from "./instrument";
import { stage } from "./recorder";

/** The codes of the keys for C and the semitones above it: white keys in the middle row, black above. */
export const ROW = [
  ..."AWSEDFTGYHUJKOLP".split("").map((letter) => `Key${letter}`),
  "Semicolon",
  "Quote",
];
const DOWN = "KeyZ";
const UP = "KeyX";

/** Whether the piano is shown without recording. */
export const trying = signal(false);
/** Whether the keys play the piano now, instead of their other functions. */
export const pianoKeys = computed(
  () => trying.value || (source.value === "keys" && stage.value !== "off"),
);
/** By how many octaves the musician moved the piano: -2 to 2. */
export const octave = signal(0);

/** The MIDI pitch of the first key: middle C, or an octave lower if the tune is in tenor or bass. */
export function firstPitch(): number {
  return (project.value.voice >= 2 ? 48 : 60) + 12 * octave.value;
}

/** The pitch of each pressed key; it stays the same if the octave changes meanwhile. */
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
