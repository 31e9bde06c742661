// MIDI keyboards (Web MIDI).
import { effect, signal } from "@preact/signals";

import { tell } from "../store";
import { t } from "../strings";
import { press, release, releaseAll, source } from "./instrument";

const NOTE_OFF = 0x80;
const NOTE_ON = 0x90;

/** The connected MIDI inputs; null until the musician has asked for them. */
export const inputs = signal<{ id: string; name: string }[] | null>(null);
let access: MIDIAccess | null = null;

/** Ask the browser for MIDI keyboards. Returns whether it allows them. */
export async function findKeyboards(): Promise<boolean> {
  if (access) return true;
  const text = t.value.tune.midi;
  if (!navigator.requestMIDIAccess) {
    tell(isSecureContext ? text.missing : text.insecure, true);
    return false;
  }
  try {
    access = await navigator.requestMIDIAccess();
  } catch {
    tell(text.refused, true);
    return false;
  }
  access.onstatechange = look;
  look();
  if (!inputs.value?.length) tell(text.none);
  return true;
}

function look(): void {
  const found = [...(access?.inputs.values() ?? [])].filter((each) => each.state !== "disconnected");
  inputs.value = found.map((each) => ({ id: each.id, name: each.name ?? each.id }));
}

/** Listen to the chosen input only. */
effect(() => {
  const chosen = source.value;
  if (!inputs.value) return;
  for (const each of access?.inputs.values() ?? []) {
    each.onmidimessage = each.id === chosen ? received : null;
  }
  releaseAll();
});

function received({ data, timeStamp }: MIDIMessageEvent): void {
  if (!data || data.length < 3) return;
  const [status, pitch, velocity] = data as unknown as [number, number, number];
  const kind = status & 0xf0;
  if (kind === NOTE_ON && velocity) press(pitch, velocity, timeStamp);
  else if (kind === NOTE_ON || kind === NOTE_OFF) release(pitch, timeStamp);
}
