// Several harmonies of the same tune, side by side: A is what was there.
import { computed, signal } from "@preact/signals";

import { register } from "../keys";
import { accept, question } from "../live";
import { type Harmony, soundingVoices } from "../project";
import { bars, project, selectedBars } from "../store";
import { t } from "../strings";
import { ask, asking } from "./asking";
import { barsWithOtherChords } from "./difference";
import { barList, barsName } from "./places";
import { ChordLine, type Extent, SmallRoll } from "./preview";

const LETTERS = ["A", "B", "C", "D"] as const;
/** Alternatives that are asked for: one may be what is there already. */
const ASKED = LETTERS.length;

interface Made {
  /** What they belong to: once the tune changes, they are of no use. */
  question: string;
  bars: [first: number, last: number] | null;
  harmonies: Harmony[];
}
const made = signal<Made | null>(null);
const current = computed(() => (made.value?.question === question.value ? made.value : null));

/** Those beside the one that is heard. */
export const otherHarmonies = computed(() =>
  (current.value?.harmonies ?? []).filter((each) => each !== project.value.harmony),
);
/** The letter of the one that is heard; null where there is no choice. */
export const chosenLetter = computed(() => {
  const index = current.value?.harmonies.findIndex((each) => each === project.value.harmony) ?? -1;
  return otherHarmonies.value.length ? (LETTERS[index] ?? null) : null;
});

async function make(): Promise<void> {
  const chosen = selectedBars.value;
  const asked = { n: ASKED, bars: chosen };
  const answer = await ask<{ alternatives: Harmony[] }>(
    t.value.harmony.makeAlternatives,
    "/api/alternatives",
    asked,
  );
  const there = project.value.harmony;
  if (!answer || !there) return;
  const others = answer.alternatives.filter(
    (each) => barsWithOtherChords(project.value, there, each).size > 0,
  );
  made.value = {
    question: question.value,
    bars: chosen,
    harmonies: [there, ...others.slice(0, LETTERS.length - 1)],
  };
}

function choose(index: number): void {
  const harmony = current.value?.harmonies[index];
  if (!harmony || harmony === project.value.harmony) return;
  accept(t.value.harmony.choose(LETTERS[index]!), (now) => ({ ...now, harmony }));
}

register(
  ...LETTERS.map((letter, index) => ({
    key: `shift+${letter.toLowerCase()}`,
    does: () => t.value.harmony.choose(letter),
    act: () => choose(index),
  })),
);

function extentOf(chosen: [number, number] | null): Extent {
  const [first, last] = chosen ?? [0, Infinity];
  const inside = bars.value.filter((bar) => bar.number >= first && bar.number <= last);
  const end = inside.at(-1);
  return { start: inside[0]?.start ?? 0, stop: end ? end.start + end.length : project.value.length };
}

function Card({ made, index }: { made: Made; index: number }) {
  const text = t.value.harmony;
  const letter = LETTERS[index]!;
  const there = made.harmonies[0]!;
  const harmony = made.harmonies[index]!;
  const other = barsWithOtherChords(project.value, there, harmony);
  const extent = extentOf(made.bars);
  const voices = soundingVoices({ ...project.value, harmony });
  return (
    <button
      class="alternative"
      aria-pressed={project.value.harmony === harmony}
      aria-label={`${letter}: ${index ? text.otherChords(barList(other)) : text.before}`}
      aria-keyshortcuts={`Shift+${letter}`}
      onClick={() => choose(index)}
    >
      <span class="title">
        <b>{letter}</b> <span>{index ? text.otherChords(barList(other)) : text.before}</span>
      </span>
      <SmallRoll voices={voices} extent={extent} />
      <ChordLine project={project.value} harmony={harmony} than={there} extent={extent} />
    </button>
  );
}

export function Alternatives() {
  const text = t.value.harmony;
  const chosen = selectedBars.value;
  const running = asking.value?.label === text.makeAlternatives ? asking.value : null;
  return (
    <section class="alternatives" aria-label={text.alternatives}>
      <div class="row">
        <button disabled={asking.value !== null || !project.value.tune.length} onClick={() => void make()}>
          {text.makeAlternatives}
        </button>
        <span class="dim">{chosen ? barsName(...chosen) : text.wholePiece}</span>
        {running && (
          <>
            <progress aria-label={text.makeAlternatives} value={running.share} />
            <button onClick={running.cancel}>{text.cancel}</button>
          </>
        )}
        {current.value && (
          <button class="end" onClick={() => (made.value = null)}>
            {t.value.page.close}
          </button>
        )}
      </div>
      {current.value?.harmonies.length === 1 && <p class="dim">{text.noAlternatives}</p>}
      {current.value && current.value.harmonies.length > 1 && (
        <div class="cards" role="group" aria-label={text.alternatives}>
          {current.value.harmonies.map((_, index) => (
            <Card key={index} made={current.value!} index={index} />
          ))}
        </div>
      )}
    </section>
  );
}
