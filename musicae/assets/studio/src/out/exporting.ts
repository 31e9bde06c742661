// Exports, one at a time. Each waits for the harmony, shows its progress and can be cancelled.
import { signal } from "@preact/signals";

import { otherHarmonies } from "../harmony/alternatives";
import { settled, upToDate } from "../live";
import { connected, download, ServerError, Unreachable } from "../server";
import { project } from "../store";
import { t } from "../strings";
import { save } from "./files";

/** The formats of files, the most used first. */
export const FORMATS = ["mid", "musicxml", "pdf", "mp3", "wav", "pack", "kit"] as const;
export const MORE_FORMATS = ["mxl", "mei", "abc", "ly", "svg", "png", "ogg"] as const;
export type Format = (typeof FORMATS)[number] | (typeof MORE_FORMATS)[number];
/** The service's names of General MIDI sounds; "" is the ensemble's own. */
export const SOUNDS = ["", "choir aahs", "church organ", "acoustic grand piano", "string ensemble 1"] as const;

export interface Options {
  /** Write chord symbols and numerals. */
  numerals: boolean;
  /** Add the voices as a piano reduction. */
  piano: boolean;
  /** A staff for each voice. */
  open: boolean;
  program: string;
}
export const options = signal<Options>({ numerals: false, piano: false, open: false, program: "" });

interface Export {
  format: Format;
  cancel: () => void;
}
export const exporting = signal<Export | null>(null);
/** Why the last export failed. */
export const failure = signal<string | null>(null);

/** The body of the request for a file of the present project. */
export function asked(format: Format): object {
  const { program, ...looks } = options.value;
  const alternatives = format === "pack" ? otherHarmonies.value : [];
  return { project: project.value, format, ...looks, program: program || null, alternatives };
}

/** Make a file of the project and save it. */
export async function exportAs(format: Format): Promise<void> {
  exporting.value?.cancel();
  const controller = new AbortController();
  const cancel = () => {
    controller.abort();
    if (exporting.value?.cancel === cancel) exporting.value = null;
  };
  exporting.value = { format, cancel };
  failure.value = null;
  try {
    if (!connected.value) throw new Unreachable();
    if (!upToDate.value) await settled();
    if (controller.signal.aborted) return;
    save(await download("/api/export", asked(format), controller.signal));
  } catch (error) {
    if (controller.signal.aborted) return;
    if (error instanceof Unreachable) failure.value = t.value.page.away;
    else if (error instanceof ServerError) failure.value = error.message;
    else throw error;
  } finally {
    if (exporting.value?.cancel === cancel) exporting.value = null;
  }
}
