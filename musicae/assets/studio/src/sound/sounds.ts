// The sound of each voice: from a SoundFont, or the synthesized choir.
import { effect, signal } from "@preact/signals";

import { about } from "../about";
import { bytes, ServerError } from "../server";
import { VOICES } from "../project";
import { project, tell } from "../store";
import { t } from "../strings";
import { choir } from "./choir";
import { kept } from "./kept";
import type { Instrument } from "./note";
import { readSoundFont } from "./soundfont";

/** General MIDI programs, from 0. */
const CHOIR = 52;
const PROGRAMS = { choir: CHOIR, organ: 19, piano: 0 };
/** "ensemble" gives each voice the ensemble's sound; the others are one sound for all voices. */
export const SOUNDS = ["ensemble", "choir", "organ", "piano"] as const;
export type SoundName = (typeof SOUNDS)[number];

export const sound = kept<SoundName>("sound", "ensemble", (value) =>
  SOUNDS.includes(value as SoundName),
);
/** Returns the SoundFont's instrument for a program; null until the SoundFont is loaded. */
export const instruments = signal<((program: number) => Instrument | null) | null>(null);

/** Whether the service has no SoundFont. */
const missing = signal(false);
effect(() => {
  if (missing.value && VOICES.some((_, voice) => programOf(voice) !== CHOIR)) {
    tell(t.peek().sound.noSoundFont);
  }
});

let loading: Promise<void> | null = null;

/** Load the SoundFont once. The choir plays all voices until it is loaded, or if there is none. */
export function loadInstruments(): Promise<void> {
  loading ??= bytes("/api/soundfont")
    .then((file) => {
      instruments.value = readSoundFont(file);
    })
    .catch((error: unknown) => {
      // Try again later if the service did not answer, but not if it has no SoundFont.
      const final = error instanceof ServerError ? error.status !== 401 : error instanceof RangeError;
      if (final) missing.value = true;
      else loading = null;
    });
  return loading;
}

function programOf(voice: number): number {
  if (sound.value !== "ensemble") return PROGRAMS[sound.value];
  const name = project.value.settings.ensemble;
  const ensemble = about.value?.ensembles.find((each) => each.name === name);
  return ensemble?.voices[voice]?.program ?? CHOIR;
}

/** The instrument of a voice. */
export function instrumentOf(voice: number): Instrument {
  return instruments.value?.(programOf(voice)) ?? choir;
}

// Begin to load at the first gesture, such as drawing a note, so that playing need not wait.
for (const gesture of ["pointerdown", "keydown"]) {
  addEventListener(gesture, () => void loadInstruments(), { once: true });
}
