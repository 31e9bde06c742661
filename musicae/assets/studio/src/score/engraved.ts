// The engraved score of the project. It is requested when the harmony is up to date; the old score
// stays until the new one has come.
import { computed, effect, signal } from "@preact/signals";

import { upToDate } from "../live";
import type { Project } from "../project";
import { compute, connected, ServerError, Unreachable } from "../server";
import { project } from "../store";
import { t } from "../strings";
import { readSvg, UnsafeSvg } from "./svg";

/** Request the score when nothing has changed for this many milliseconds. */
const PAUSE = 150;
/** Milliseconds until a busy service is asked again. */
const AGAIN = 500;
/** The HTTP status codes of a busy service. */
const BUSY = [429, 503];
/** The smallest and the largest width in pixels that the service accepts. */
const [LEAST, MOST] = [200, 4000];

/** Settings of the score, stored in the browser. */
export interface Look {
  /** Chord symbols above and numerals below. */
  numerals: boolean;
  words: boolean;
  /** A staff for each voice, instead of two for all. */
  open: boolean;
  zoom: number;
}
export const ZOOMS = [0.5, 0.65, 0.8, 1, 1.25, 1.5, 2];
const KEPT = "musicae score";

function kept(): Look {
  const usual = { numerals: false, words: true, open: false, zoom: 1 };
  try {
    return { ...usual, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };
  } catch {
    return usual;
  }
}
export const look = signal<Look>(kept());
export function setLook(change: Partial<Look>): void {
  look.value = { ...look.value, ...change };
  localStorage.setItem(KEPT, JSON.stringify(look.value));
}

/** The width of the page's score in pixels; 0 if it is not visible. */
export const width = signal(0);

interface Answer {
  /** SVG as text. */
  pages: string[];
  times: Engraved["times"];
}
export interface Engraved {
  pages: SVGSVGElement[];
  /** For each tick, the ids of the elements (notes and rests) that begin there. */
  times: { at: number; ids: string[] }[];
  /** The engraved project. */
  project: Project;
}
export const engraved = signal<Engraved | null>(null);
/** The error of the last request for a score. */
export const problem = signal<string | null>(null);

/** Everything that the score depends on, as text. */
const shown = computed(() => {
  const { title: _title, settings: _settings, locks: _locks, ...rest } = project.value;
  const { numerals, words, open, zoom } = look.value;
  const wide = Math.round(Math.min(Math.max(width.value / zoom, LEAST), MOST));
  return JSON.stringify([rest, numerals, words, open, wide]);
});

/** Keep the score up to date. Returns a function that ends this. */
export function followProject(): () => void {
  let timer = 0;
  let running: AbortController | null = null;
  let [asked, answered] = ["", ""];

  async function ask(): Promise<void> {
    const controller = new AbortController();
    running = controller;
    const now = project.value;
    const wanted = shown.value;
    asked = wanted;
    const [, numerals, words, open, wide] = JSON.parse(wanted);
    try {
      const found = await compute<Answer>(
        "/api/score",
        { project: now, numerals, words, open, width: wide },
        { signal: controller.signal },
      );
      if (controller.signal.aborted) return;
      const pages = found.pages.map(readSvg);
      answered = wanted;
      problem.value = null;
      engraved.value = { pages, times: found.times, project: now };
    } catch (error) {
      if (controller.signal.aborted) return;
      asked = "";
      if (error instanceof Unreachable) return;
      if (error instanceof ServerError && BUSY.includes(error.status)) {
        timer = window.setTimeout(() => void ask(), AGAIN);
        return;
      }
      if (error instanceof UnsafeSvg) problem.value = t.value.score.unsafe;
      else if (error instanceof ServerError) problem.value = error.message;
      else throw error;
      answered = wanted;
    }
  }

  const end = effect(() => {
    const wanted = shown.value;
    const ready = project.value.tune.length && width.value && upToDate.value && connected.value;
    if (wanted === asked) return;
    clearTimeout(timer);
    running?.abort();
    asked = "";
    if (!ready || wanted === answered) return;
    timer = window.setTimeout(() => void ask(), engraved.peek() ? PAUSE : 0);
  });
  return () => {
    end();
    clearTimeout(timer);
    running?.abort();
  };
}
