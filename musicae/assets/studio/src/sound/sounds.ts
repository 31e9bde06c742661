// Which sound each voice has: that of a SoundFont, or the choir that needs no file.
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
/** Each voice's own sound, as the ensemble says, or one for all. */
export const SOUNDS = ["ensemble", "choir", "organ", "piano"] as const;
export type SoundName = (typeof SOUNDS)[number];

export const sound = kept<SoundName>("sound", "ensemble", (value) =>
  SOUNDS.includes(value as SoundName),
);
/** The SoundFont's instruments; null until they are loaded. */
export const instruments = signal<((program: number) => Instrument | null) | null>(null);

/** Whether the service has no SoundFont. */
const missing = signal(false);
effect(() => {
  if (missing.value && VOICES.some((_, voice) => programOf(voice) !== CHOIR)) {
    tell(t.peek().sound.noSoundFont);
  }
});

let loading: Promise<void> | null = null;

/** Load the SoundFont, once. Until it is there, and without it, the choir plays all voices. */
export function loadInstruments(): Promise<void> {
  loading ??= bytes("/api/soundfont")
    .then((file) => {
      instruments.value = readSoundFont(file);
    })
    .catch((error: unknown) => {
      // A service that is away is asked again; one that has no SoundFont is not.
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

/** What a voice sounds with now. */
export function instrumentOf(voice: number): Instrument {
  return instruments.value?.(programOf(voice)) ?? choir;
}

// What is done before the first play, such as drawing a note, gives the time to load.
for (const gesture of ["pointerdown", "keydown"]) {
  addEventListener(gesture, () => void loadInstruments(), { once: true });
}
