// Violations of the rules of voice leading: listed, explained and mended.
import { computed, effect } from "@preact/signals";

import { accept } from "../live";
import { type Break, type Harmony, isFault } from "../project";
import { project, tell } from "../store";
import { t } from "../strings";
import { openBreak } from "../view";
import { ask, asking } from "./asking";
import { reveal } from "./lane";

const NONE: Break[] = [];
export const breaks = computed(() => project.value.harmony?.breaks ?? NONE);

/** The violations that are faults; the others are common in Bach. */
export const faults = computed(() => breaks.value.filter(isFault));

const nameOf = (each: Break) => `${each.start} ${each.rule} ${each.text}`;

// If new harmony has the same violation, it stays open; otherwise it is closed.
effect(() => {
  const open = openBreak.value;
  if (open && !breaks.value.includes(open)) {
    openBreak.value = breaks.value.find((each) => nameOf(each) === nameOf(open)) ?? null;
  }
});

async function mend(broken: Break): Promise<void> {
  const text = t.value.harmony;
  interface Answer {
    harmony: Harmony;
    mended: boolean;
  }
  const answer = await ask<Answer>(text.mend, "/api/mend", { break: broken });
  if (answer?.mended) accept(text.mend, (now) => ({ ...now, harmony: answer.harmony }));
  else if (answer) tell(text.notMended(broken.text));
}

function Places({ places, name }: { places: Break[]; name: string }) {
  const text = t.value.harmony;
  return (
    <ul class="breaks" aria-label={name}>
      {places.map((each) => {
        const open = openBreak.value === each;
        const show = () => {
          openBreak.value = open ? null : each;
          if (!open) reveal(each.start);
        };
        return (
          <li key={nameOf(each)}>
            <button class="break" aria-expanded={open} onClick={show}>
              <span class="dim">{text.place(each.bar, each.beat)}</span> {each.text}
            </button>
            {open && (
              <div class="why">
                <p>{each.why}</p>
                <button disabled={asking.value !== null} onClick={() => void mend(each)}>
                  {text.mend}
                </button>
              </div>
            )}
          </li>
        );
      })}
    </ul>
  );
}

export function RulesPanel() {
  const text = t.value.harmony;
  const usual = breaks.value.filter((each) => !isFault(each));
  return (
    <>
      {faults.value.length ? (
        <Places places={faults.value} name={text.breaks} />
      ) : (
        <p class="dim">{project.value.harmony ? text.noBreaks : text.noHarmony}</p>
      )}
      {usual.length > 0 && (
        <details open={usual.includes(openBreak.value!)}>
          <summary>{text.bachToo(usual.length)}</summary>
          <Places places={usual} name={text.bachToo(usual.length)} />
        </details>
      )}
    </>
  );
}
