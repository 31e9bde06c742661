// The abilities and limits of the service; the page asks for them once.
import { signal } from "@preact/signals";

import { get } from "./server";

export interface About {
  version: string;
  styles: string[];
  rhythms: string[];
  rules: string[];
  cadences: string[];
  keys: string[];
  /** `program` is the General MIDI program, from 0. */
  ensembles: {
    name: string;
    voices: ({ name: string; range: [low: number, high: number]; program: number } | null)[];
  }[];
  extras: { score: boolean; sound: boolean };
  limits: { bytes: number; bars: number; seconds: number };
  sliders: { name: string; low: number; high: number; usual: number }[];
  compose: { bars: [least: number, most: number]; forms: string[] };
}

export const about = signal<About | null>(null);

/** Ask every second until the service answers. */
export async function learn(): Promise<void> {
  while (!about.value) {
    try {
      about.value = await get<About>("/api/about");
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
