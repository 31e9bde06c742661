// What breaks a rule of voice leading: shown in the roll, explained, mended.
import { computed, effect } from "@preact/signals";

import { accept } from "../live";
import type { Break, Harmony } from "../project";
import { project, tell } from "../store";
import { t } from "../strings";
import { openBreak } from "../view";
import { ask, asking } from "./asking";
import { reveal } from "./lane";

const NONE: Break[] = [];
export const breaks = computed(() => project.value.harmony?.breaks ?? NONE);

const nameOf = (each: Break) => `${each.start} ${each.rule} ${each.text}`;

// Harmony that was written anew may break the rule there again, or no longer.
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

export function RulesPanel() {
  const text = t.value.harmony;
  if (!breaks.value.length) return <p class="dim">{project.value.harmony ? text.noBreaks : text.noHarmony}</p>;
  return (
    <ul class="breaks" aria-label={text.breaks}>
      {breaks.value.map((each) => {
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
