// Opens files: chosen in a dialog, dropped on the page, or named on the command line.
import { signal } from "@preact/signals";

import { about } from "../about";
import type { Project } from "../project";
import { get, send, ServerError, Unreachable } from "../server";
import { change, notice, selectedBars, selectedNotes, tell } from "../store";
import { t } from "../strings";
import { playhead, playing } from "../view";
import { stopRecording } from "./recorder";

/** A part of a file that can be the tune. */
export interface OpenedPart {
  name: string;
  /** The number of notes of its tune. */
  notes: number;
  /** Whether it is the most probable tune. */
  chosen: boolean;
  project: Project;
  /** Notices about how it was read. */
  notices: string[];
}
interface Opened {
  parts: OpenedPart[];
}

/** The suffixes of files that can be read, for the browser's file dialog. */
export const SUFFIXES = ".mid,.midi,.musicxml,.xml,.mxl,.abc,.mei,.krn,.musicae";

/** Whether a file is being read. */
export const reading = signal(false);
/** The parts of an opened file, until the musician has chosen one; null if there is no choice. */
export const offered = signal<{ name: string; parts: OpenedPart[] } | null>(null);

/** Replace the project; this can be undone. */
export function replaceBy(label: string, project: Project): void {
  stopRecording();
  playing.value = false;
  change(label, () => project);
  playhead.value = 0;
  selectedBars.value = null;
  selectedNotes.value = [];
}

/** Open a file that was chosen or dropped. */
export async function openFile(file: File): Promise<void> {
  const text = t.value.tune;
  const most = about.value?.limits.bytes;
  if (most !== undefined && file.size > most) {
    tell(text.tooLarge(file.name, most / 2 ** 20), true);
    return;
  }
  reading.value = true;
  try {
    const { parts } = await send<Opened>(`/api/open?name=${encodeURIComponent(file.name)}`, file);
    offer(file.name, parts);
  } catch (error) {
    explain(error);
  } finally {
    reading.value = false;
  }
}

/** Show an error, unless the page already shows it: no service, or a refused token. */
function explain(error: unknown): void {
  if (error instanceof Unreachable) return;
  if (!(error instanceof ServerError)) throw error;
  if (error.status !== 401) tell(error.message, true);
}

function offer(name: string, parts: OpenedPart[]): void {
  if (parts.length === 1) take(name, parts[0]!);
  else if (parts.length) offered.value = { name, parts };
}

/** Make a part of a file the tune. */
export function take(name: string, part: OpenedPart): void {
  offered.value = null;
  replaceBy(t.value.tune.did.open(name), part.project);
  if (part.notices.length) tell(part.notices.join(" "));
  else notice.value = null;
}

/** Open the file named on the command line. The service gives it to the first page that asks. */
export async function openNamed(): Promise<void> {
  try {
    const opened = await get<Opened | null>("/api/opened");
    const first = opened?.parts[0];
    if (first) offer(first.project.title || first.name, opened.parts);
  } catch (error) {
    explain(error);
  }
}
