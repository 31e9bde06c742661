// The engraved score and its settings.
import "./score.css";

import { useEffect, useRef } from "preact/hooks";

import { upToDate } from "../live";
import { project } from "../store";
import { t } from "../strings";
import { engraved, followProject, look, problem, setLook, width, ZOOMS } from "./engraved";
import { drawIn } from "./page";
import { textOf } from "./text";

/** Changes of the width by at most so many pixels need no new score. */
const SAME_WIDTH = 8;

function Check({ name, field }: { name: string; field: "numerals" | "words" | "open" }) {
  return (
    <label>
      <input
        type="checkbox"
        checked={look.value[field]}
        onChange={(event) => setLook({ [field]: event.currentTarget.checked })}
      />
      {name}
    </label>
  );
}

function Zoom() {
  const at = ZOOMS.indexOf(look.value.zoom);
  const step = (by: number) => setLook({ zoom: ZOOMS[at + by] ?? 1 });
  return (
    <div class="zoom" role="group" aria-label={t.value.score.size}>
      <button aria-label={t.value.score.smaller} disabled={at === 0} onClick={() => step(-1)}>
        −
      </button>
      <span>{Math.round(100 * look.value.zoom)} %</span>
      <button aria-label={t.value.score.larger} disabled={at === ZOOMS.length - 1} onClick={() => step(1)}>
        +
      </button>
    </div>
  );
}

/** A message instead of a score, or above a score that is out of date. */
function Message() {
  if (!project.value.tune.length) return <p class="said">{t.value.score.empty}</p>;
  if (problem.value) return <p class="said wrong">{problem.value}</p>;
  if (!engraved.value) return <p class="said">{t.value.score.waiting}</p>;
  return null;
}

/** The notes of each bar, for screen readers. */
function Text() {
  if (!engraved.value || !project.value.tune.length) return null;
  return (
    <ol class="hidden-label" aria-label={t.value.score.text}>
      {textOf(engraved.value.project).map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ol>
  );
}

export function Score() {
  const frame = useRef<HTMLDivElement>(null);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const resized = new ResizeObserver(([entry]) => {
      const now = entry!.contentRect.width;
      if (Math.abs(now - width.peek()) > SAME_WIDTH) width.value = now;
    });
    resized.observe(frame.current!);
    const endFollowing = followProject();
    const endDrawing = drawIn(frame.current!, place.current!);
    return () => {
      resized.disconnect();
      endFollowing();
      endDrawing();
    };
  }, []);
  const empty = !project.value.tune.length;
  return (
    <>
      <div class="score-tools">
        <Check name={t.value.score.numerals} field="numerals" />
        <Check name={t.value.score.words} field="words" />
        <Check name={t.value.score.open} field="open" />
        <Zoom />
      </div>
      <Message />
      <div
        class="score"
        ref={frame}
        role="group"
        tabIndex={0}
        aria-label={t.value.score.keys}
        aria-busy={!upToDate.value}
      >
        <div ref={place} class="engraved" aria-hidden="true" hidden={empty} />
        <Text />
      </div>
    </>
  );
}
