// A MIDI file to drag out of the page. It is made in advance, because a drag cannot wait for it.
import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { upToDate } from "../live";
import { connected, download, ServerError, Unreachable } from "../server";
import { project } from "../store";
import { t } from "../strings";
import { asked } from "./exporting";

/** Make the file when nothing has changed for this many milliseconds. */
const PAUSE = 250;

interface Ready {
  file: File;
  /** A data URL with the file's content, for the program that the file is dragged to. */
  data: string;
  /** An object URL of the file, for a click. */
  link: string;
}
const ready = signal<Ready | null>(null);

function dataOf(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** Keep `ready` up to date with the project. Returns a function that ends this. */
function keepReady(): () => void {
  let timer = 0;
  let running: AbortController | null = null;
  const drop = () => {
    clearTimeout(timer);
    running?.abort();
    if (ready.peek()) URL.revokeObjectURL(ready.peek()!.link);
    ready.value = null;
  };
  async function make(body: object): Promise<void> {
    const controller = new AbortController();
    running = controller;
    try {
      const file = await download("/api/export", body, controller.signal);
      const data = await dataOf(file);
      if (!controller.signal.aborted) ready.value = { file, data, link: URL.createObjectURL(file) };
    } catch (error) {
      const known = error instanceof ServerError || error instanceof Unreachable;
      if (!controller.signal.aborted && !known) throw error;
    }
  }
  const end = effect(() => {
    const body = asked("mid");
    drop();
    if (!project.value.tune.length || !upToDate.value || !connected.value) return;
    timer = window.setTimeout(() => void make(body), PAUSE);
  });
  return () => {
    end();
    drop();
  };
}

function drag(event: DragEvent): void {
  const now = ready.value;
  if (!now || !event.dataTransfer) return;
  event.dataTransfer.effectAllowed = "copy";
  // Chromium passes the file to programs; other browsers pass the URL.
  event.dataTransfer.setData("DownloadURL", `${now.file.type}:${now.file.name}:${now.data}`);
  event.dataTransfer.setData("text/uri-list", now.data);
  event.dataTransfer.items.add(now.file);
}

export function DragChip() {
  useEffect(keepReady, []);
  const now = ready.value;
  const words = t.value.out;
  if (!now) {
    return (
      <span class="drag-chip waiting">
        {project.value.tune.length ? words.preparing : words.noTune}
      </span>
    );
  }
  return (
    <a class="drag-chip" draggable href={now.link} download={now.file.name} onDragStart={drag}>
      <span aria-hidden="true">⠿ </span>
      {words.drag(now.file.name)}
    </a>
  );
}
