// The page's texts in the chosen language.
import { computed, signal } from "@preact/signals";

import { de } from "./de";
import { en } from "./en";

/** All languages have the same texts as English. */
export type Strings = typeof en;
const LANGUAGES: Record<string, Strings> = { en, de };
export const languages = Object.keys(LANGUAGES);

const KEPT = "musicae language";
const likely = [localStorage.getItem(KEPT), ...navigator.languages.map((tag) => tag.slice(0, 2))];
export const language = signal(likely.find((tag) => tag && tag in LANGUAGES) ?? "en");

export function setLanguage(tag: string): void {
  language.value = tag;
  localStorage.setItem(KEPT, tag);
  document.documentElement.lang = tag;
}

/** The texts in the chosen language: `t.value.roll.name`. */
export const t = computed(() => LANGUAGES[language.value] ?? en);
