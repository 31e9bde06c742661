// A field for chords, bar by bar: "G | C D7 | G" locks them, beginning with the selected bar.
import { useState } from "preact/hooks";

import { accept } from "../live";
import { barsOf, type Harmony, type LockedChord, type Project } from "../project";
import { project, selectedBars } from "../store";
import { t } from "../strings";
import { ask, asking } from "./asking";
import { withChordLocked } from "./locks";
import { barsName } from "./places";

/** In place of a chord: lock nothing here. */
const GOES_ON = "-";

/**
 * The chords of a text whose bars are separated by "|", beginning with bar `first`. The chords of a
 * bar get the same number of beats; the last one also gets the rest. Chords beyond the bar are dropped.
 */
export function chordsOf(text: string, now: Project, first: number): LockedChord[] {
  const bars = barsOf(now).filter((bar) => bar.number >= first);
  return text.split("|").flatMap((written, index) => {
    const bar = bars[index];
    const names = written.trim().split(/\s+/).filter(Boolean);
    if (!bar || !names.length) return [];
    const beats = Math.max(1, Math.floor(bar.length / bar.beat / names.length)) * bar.beat;
    return names.flatMap((name, place) => {
      const start = bar.start + place * beats;
      const stop = place === names.length - 1 ? bar.start + bar.length : start + beats;
      return name === GOES_ON || start >= bar.start + bar.length
        ? []
        : [{ start, length: stop - start, name }];
    });
  });
}

export function ChordText() {
  const text = t.value.harmony;
  const [typed, setTyped] = useState("");
  const first = selectedBars.value?.[0] ?? barsOf(project.value)[0]?.number ?? 1;
  const lock = async () => {
    const chords = chordsOf(typed, project.value, first);
    if (!chords.length) return;
    const withAll = (now: Project) => chords.reduce(withChordLocked, now);
    const asked = { project: withAll(project.value) };
    const answer = await ask<{ harmony: Harmony }>(text.lockChords, "/api/harmonize", asked);
    if (!answer) return;
    accept(text.lockChords, (now) => ({ ...withAll(now), harmony: answer.harmony }));
    setTyped("");
  };
  return (
    <form
      class="typed"
      onSubmit={(event) => {
        event.preventDefault();
        void lock();
      }}
    >
      <label>
        {text.chordsFrom(barsName(first, first))}
        <input
          value={typed}
          maxLength={2000}
          spellcheck={false}
          autocomplete="off"
          placeholder="G | C D7 | G"
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <button disabled={!typed.trim() || asking.value !== null}>{text.lock}</button>
    </form>
  );
}
