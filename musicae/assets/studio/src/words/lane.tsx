// The syllables of the tune above or below the roll, each where its note begins.
import { computed, effect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

import { project } from "../store";
import { t } from "../strings";
import { KEYS, scale, scrolled } from "../view";

/** The verses of the tune; the same as before where only other things changed. */
const words = computed(() => project.value.harmony?.words ?? []);
const verses = computed(() => words.value.filter((each) => each.voice === project.value.voice));

function Syllables() {
  const pixels = scale.value;
  return (
    <>
      {verses.value.map(({ verse, syllables }) => (
        <div key={verse} class="verse">
          {syllables.map(([start, text]) => (
            <span key={start} style={{ left: `${start * pixels}px` }}>
              {text}
            </span>
          ))}
        </div>
      ))}
    </>
  );
}

/** Nothing while no words are set. */
export function WordsLane() {
  return verses.value.length ? <Lane /> : null;
}

function Lane() {
  const moved = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { style } = moved.current!;
    return effect(() => {
      style.transform = `translateX(${KEYS - scrolled.value}px)`;
    });
  }, []);
  return (
    <div class="words-lane" role="group" aria-label={t.value.words.lane}>
      <div ref={moved}>
        <Syllables />
      </div>
    </div>
  );
}
