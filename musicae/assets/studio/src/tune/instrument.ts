// Notes played on the computer's keys or on a MIDI keyboard: they sound and are recorded.
import { signal } from "@preact/signals";

import { instrumentOf } from "../sound/sounds";
import { SoundingNote, USUAL_VELOCITY } from "../sound/note";
import { ASIDE, openStage } from "../sound/stage";
import { project } from "../store";
import { noteOff, noteOn } from "./recorder";

/** The instrument: "keys" for the computer's keys, or the id of a MIDI input. */
export const source = signal("keys");

/** The longest note in seconds; a key that is held longer goes silent. */
const LONGEST = 20;
const held = new Map<number, SoundingNote | null>();

/** A key went down. `time` is the time of its event, in milliseconds of performance.now(). */
export function press(pitch: number, velocity: number | null, time: number): void {
  if (held.has(pitch)) release(pitch, time);
  const stage = openStage();
  const at = stage?.context.currentTime ?? 0;
  held.set(
    pitch,
    stage &&
      new SoundingNote(
        stage,
        instrumentOf(project.value.voice),
        ASIDE,
        pitch,
        velocity ?? USUAL_VELOCITY,
        at,
        at + LONGEST,
      ),
  );
  noteOn(pitch, velocity, time);
}

/** A key went up. */
export function release(pitch: number, time: number): void {
  if (!held.has(pitch)) return;
  held.get(pitch)?.cut();
  held.delete(pitch);
  noteOff(pitch, time);
}

/** Release all keys, for example because the page lost the focus. */
export function releaseAll(): void {
  for (const pitch of [...held.keys()]) release(pitch, performance.now());
}
