// Commands that change the harmony. Each can be undone.
import { accept, redrawn } from "../live";
import type { Harmony, LockedChord, Project } from "../project";
import { change, project, tell } from "../store";
import { t } from "../strings";
import { ask } from "./asking";
import * as locks from "./locks";

/** Lock notes of other voices than the tune, each given as [voice, start]. */
export function lockNotes(places: locks.NotePlace[]): void {
  change(t.value.harmony.lockNotes, (now) => locks.withNotesLocked(now, places));
}

export function unlockNotes(places: locks.NotePlace[]): void {
  change(t.value.harmony.freeNotes, (now) => locks.withNotesFreed(now, places));
}

/** Lock bars, both ends included. */
export function lockBars(first: number, last: number): void {
  change(t.value.harmony.lockBars, (now) => locks.withBarsLocked(now, first, last));
}

export function unlockBars(first: number, last: number): void {
  change(t.value.harmony.freeBars, (now) => locks.withBarsFreed(now, first, last));
}

export function lockVoice(voice: number): void {
  change(t.value.harmony.lockVoice, (now) => locks.withVoiceLocked(now, voice));
}

export function unlockVoice(voice: number): void {
  change(t.value.harmony.freeVoice, (now) => locks.withVoiceFreed(now, voice));
}

/** Lock a chord; the harmony around it is then written again. */
export function lockChord(chord: LockedChord): void {
  change(t.value.harmony.lockChord, (now) => locks.withChordLocked(now, chord));
}

/** Unlock the chords in a span of ticks. */
export function unlockChord(span: { start: number; length: number }): void {
  change(t.value.harmony.freeChord, (now) => locks.withChordFreed(now, span));
}

/** Change settings of the harmony, such as its style. */
export function set(settings: Partial<Project["settings"]>, merge: string | null = null): void {
  change(
    t.value.harmony.setting,
    (now) => ({ ...now, settings: { ...now.settings, ...settings } }),
    merge,
  );
}

/** The number of the last redraw; each has its own. */
let draws = 0;
/** The largest number of tries for harmony with other notes. */
const MOST_DRAWS = 4;

/** "Another way": write other harmony for bars `first` to `last`, or (null) for the whole piece. */
export async function redraw(bars: [first: number, last: number] | null): Promise<void> {
  const text = t.value.harmony;
  redrawn.value = bars ?? [0, Infinity];
  try {
    for (let tries = 0; tries < MOST_DRAWS; tries += 1) {
      draws += 1;
      const asked = { bars, redraw: draws };
      const answer = await ask<{ harmony: Harmony }>(text.anotherWay, "/api/harmonize", asked);
      if (!answer) return;
      if (hasSameNotes(answer.harmony, project.value.harmony)) continue;
      return accept(text.anotherWay, (now) => ({ ...now, harmony: answer.harmony }));
    }
    tell(text.noOtherWay);
  } finally {
    redrawn.value = null;
  }
}

function hasSameNotes(one: Harmony, other: Harmony | null): boolean {
  return JSON.stringify(one.voices) === JSON.stringify(other?.voices);
}
