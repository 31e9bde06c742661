// A lane at the roll with the syllables of the tune, each at the start of its note.
import { computed, effect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

import { project } from "../store";
import { t } from "../strings";
import { KEYS, scale, scrolled } from "../view";

/** The verses of the tune. */
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

/** The lane of syllables; nothing if there are no words. */
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
