// The page's sentences in the language that is chosen.
import { computed, signal } from "@preact/signals";

import { de } from "./de";
import { en } from "./en";

/** Each language has every sentence that English has. */
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

/** The sentences: `t.value.roll.name`. */
export const t = computed(() => LANGUAGES[language.value] ?? en);
