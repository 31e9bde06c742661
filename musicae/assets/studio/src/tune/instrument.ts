// What is played on the computer's keys or on a MIDI keyboard: it sounds, and is recorded.
import { signal } from "@preact/signals";

import { instrumentOf } from "../sound/sounds";
import { SoundingNote, USUAL_VELOCITY } from "../sound/note";
import { ASIDE, openStage } from "../sound/stage";
import { project } from "../store";
import { noteOff, noteOn } from "./recorder";

/** What is played on: the computer's keys, or the MIDI input of this name. */
export const source = signal("keys");

/** Seconds after which a key that is held goes silent. */
const LONGEST = 20;
const held = new Map<number, SoundingNote | null>();

/** A key went down; `time` is that of its event, in milliseconds of performance.now(). */
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

/** All keys went up, or were lost. */
export function releaseAll(): void {
  for (const pitch of [...held.keys()]) release(pitch, performance.now());
}
