// The levels of the voices: mute, solo and volume of each, and the master volume.
import { effect } from "@preact/signals";

import { VOICES } from "../project";
import { kept } from "./kept";
import { onStage } from "./stage";

export interface Channel {
  muted: boolean;
  solo: boolean;
  /** 0 to 1. */
  volume: number;
}

function isChannel(value: unknown): boolean {
  const { muted, solo, volume } = (value ?? {}) as Record<string, unknown>;
  return typeof muted === "boolean" && typeof solo === "boolean" && isVolume(volume);
}
function isVolume(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 1;
}

const USUAL: Channel = { muted: false, solo: false, volume: 1 };
export const channels = kept<Channel[]>(
  "mixer",
  VOICES.map(() => USUAL),
  (value) => Array.isArray(value) && value.length === VOICES.length && value.every(isChannel),
);
export const master = kept("volume", 0.8, isVolume);

export function setChannel(voice: number, change: Partial<Channel>): void {
  channels.value = channels.value.map((each, i) => (i === voice ? { ...each, ...change } : each));
}

export function toggleMute(voice: number): void {
  setChannel(voice, { muted: !channels.value[voice]!.muted });
}

/** Whether a voice sounds. If any voice has solo, only those with solo sound. */
export function isAudible(voice: number): boolean {
  const all = channels.value;
  return all.some((each) => each.solo) ? all[voice]!.solo : !all[voice]!.muted;
}

onStage((stage) => {
  effect(() => {
    // Perceived loudness is about the square root of the gain, so the gain is the volume squared.
    VOICES.forEach((_, voice) => {
      stage.setLevel(voice, isAudible(voice) ? channels.value[voice]!.volume ** 2 : 0);
    });
    stage.setVolume(master.value ** 2);
  });
});
