// Alternatives: several harmonies of the same tune, side by side. A is the harmony from before.
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
/** How many alternatives are requested; one of them may equal the present harmony. */
const ASKED = LETTERS.length;

interface Made {
  /** The question (see live.ts) that they answer; they are dropped when it changes. */
  question: string;
  bars: [first: number, last: number] | null;
  harmonies: Harmony[];
  /** For each harmony, the bars whose chords differ from those of the first. */
  differ: Set<number>[];
}
const made = signal<Made | null>(null);
const current = computed(() => (made.value?.question === question.value ? made.value : null));

/** The alternatives that are not chosen. */
export const otherHarmonies = computed(() =>
  (current.value?.harmonies ?? []).filter((each) => each !== project.value.harmony),
);
/** The letter of the chosen alternative; null if there is only one. */
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
  const harmonies = [there, ...others.slice(0, LETTERS.length - 1)];
  const differ = harmonies.map((each) => barsWithOtherChords(project.value, there, each));
  made.value = { question: question.value, bars: chosen, harmonies, differ };
}

function choose(index: number): void {
  const harmony = current.value?.harmonies[index];
  if (!harmony || harmony === project.value.harmony) return;
  accept(t.value.harmony.choose(LETTERS[index]!), (now) => ({ ...now, harmony }));
}

/** Choose the next alternative, or with -1 the previous one; after the last comes the first. */
function chooseNext(by: 1 | -1): void {
  const harmonies = current.value?.harmonies;
  if (!harmonies) return;
  const at = harmonies.indexOf(project.value.harmony!);
  choose((Math.max(at, 0) + by + harmonies.length) % harmonies.length);
}

// In the roll, digits choose lengths of notes, but N works there too.
register(
  { key: "n", does: () => t.value.harmony.nextAlternative, act: () => chooseNext(1) },
  { key: "shift+n", does: () => t.value.harmony.previousAlternative, act: () => chooseNext(-1) },
  ...LETTERS.map((letter, index) => ({
    key: String(index + 1),
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
  const other = barList(made.differ[index]!);
  const from = Math.min(...made.differ.flatMap((each) => [...each]));
  const voices = soundingVoices({ ...project.value, harmony });
  return (
    <button
      class="alternative"
      aria-pressed={project.value.harmony === harmony}
      aria-keyshortcuts={String(index + 1)}
      onClick={() => choose(index)}
    >
      <span class="title">
        <b>{letter}</b> <span>{index ? text.inBars(other) : text.before}</span>
      </span>
      <SmallRoll voices={voices} extent={extentOf(made.bars)} />
      <ChordLine project={project.value} harmony={harmony} than={there} from={from} />
      {index > 0 && <span class="hidden-label">{text.otherChords}</span>}
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
