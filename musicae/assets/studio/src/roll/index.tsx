// The piano roll: bars of notes under a ruler, a keyboard at the left, tools above.
import "./roll.css";

import { batch, effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { bars, change, project } from "../store";
import { language, t } from "../strings";
import { reaching } from "../tune/edits";
import { Welcome } from "../tune/examples";
import { grid, KEYS, scale, scrolled, visible } from "../view";
import { BarView, type Look } from "./bar";
import { Breaks } from "./breaks";
import { contentOf, shownBars } from "./content";
import { follow } from "./follow";
import { yOf } from "./geometry";
import { onPointerDown, onPointerEnd, onPointerMove, onWheel } from "./gestures";
import { Keyboard } from "./keyboard";
import { signature } from "./names";
import { Ruler } from "./ruler";
import {
  cursor,
  entry,
  frameHeight,
  highest,
  lowest,
  marquee,
  rowHeight,
  rows,
  RULER,
  said,
  scroller,
} from "./state";
import { RollTools } from "./tools";
import { onKeyDown } from "./typing";

/** Empty pixels after the last bar. */
const BEHIND = 120;

export function Roll() {
  const roll = t.value.roll;
  return (
    <section class="roll" aria-label={roll.name}>
      <RollTools />
      <div class="roll-frame">
        <Frame />
        <Welcome />
      </div>
      <p class="hidden-label" id="roll-help">
        {roll.help}
      </p>
      <div class="hidden-label" aria-live="polite" role="status">
        {said.value}
      </div>
    </section>
  );
}

/** The element that scrolls. Its size and scroll position change together, so zoom keeps its point. */
function Frame() {
  const frame = useRef<HTMLDivElement>(null);
  const sizer = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = frame.current!;
    const canvas = sizer.current!;
    scroller.current = element;
    const measure = () =>
      batch(() => {
        visible.value = Math.max(1, element.clientWidth - KEYS);
        frameHeight.value = element.clientHeight;
      });
    const watching = new ResizeObserver(measure);
    watching.observe(element);
    measure();
    element.addEventListener("wheel", onWheel, { passive: false });
    const ends = [
      effect(() => {
        const width = KEYS + project.value.length * scale.value + BEHIND;
        canvas.style.width = `${width}px`;
        canvas.style.height = `${RULER + rows.value * rowHeight.value}px`;
      }),
      effect(() => {
        if (Math.abs(element.scrollLeft - scrolled.value) >= 1) element.scrollLeft = scrolled.value;
      }),
      keepPitches(element),
      follow(element, [head.current!, line.current!]),
    ];
    return () => {
      watching.disconnect();
      ends.forEach((end) => end());
      scroller.current = null;
    };
  }, []);
  const roll = t.value.roll;
  return (
    <div
      ref={frame}
      id="roll"
      class="roll-scroll"
      role="application"
      tabIndex={0}
      aria-label={roll.name}
      aria-describedby="roll-help"
      onScroll={(event) => (scrolled.value = event.currentTarget.scrollLeft)}
      onKeyDown={onKeyDown}
    >
      <div ref={sizer} class="roll-sizer">
        <div class="roll-top">
          <div class="corner" />
          <Ruler />
          <div ref={head} class="playhead-head" />
        </div>
        <Keyboard />
        <div
          class="canvas"
          onPointerDown={onPointerDown}
          onPointerMove={onPointerMove}
          onPointerUp={onPointerEnd}
          onPointerCancel={onPointerEnd}
          onContextMenu={(event) => event.preventDefault()}
        >
          <Bars />
          <Cursor />
          <Breaks />
          <Marquee />
          <More />
          <div ref={line} class="playhead" />
        </div>
      </div>
    </div>
  );
}

/** Scroll to the middle of the rows. When rows are added above, the view keeps its pitches. */
function keepPitches(element: HTMLElement): () => void {
  let top = highest.peek();
  const middle = (highest.peek() + lowest.peek()) / 2 + 4;
  element.scrollTop = yOf(middle) - (element.clientHeight - RULER) / 2;
  return effect(() => {
    element.scrollTop += (highest.value - top) * rowHeight.peek();
    top = highest.value;
  });
}

function Bars() {
  const look: Look = {
    scale: scale.value,
    rowHeight: rowHeight.value,
    highest: highest.value,
    rows: rows.value,
    grid: grid.value,
    language: language.value,
    key: `${signature.value.fifths} ${signature.value.minor}`,
  };
  const how = JSON.stringify(look);
  // The background's pattern of rows begins with a C.
  const above = (12 - (look.highest % 12)) % 12;
  const style = {
    backgroundSize: `100% ${12 * look.rowHeight}px`,
    backgroundPosition: `0 ${-above * look.rowHeight}px`,
  };
  return (
    <div class="bars" style={style}>
      {shownBars().map((bar) => {
        const { content, text } = contentOf(bar);
        return <BarView key={bar.number} content={content} look={look} text={text + how} />;
      })}
    </div>
  );
}

/** The cursor of the keyboard, as wide as the note that it writes. */
function Cursor() {
  const { at, pitch } = cursor.value;
  return (
    <div
      class="cursor"
      style={{
        transform: `translate(${at * scale.value}px, ${yOf(pitch)}px)`,
        width: `${Math.max(4, entry.value * scale.value)}px`,
        height: `${rowHeight.value}px`,
      }}
    />
  );
}

function Marquee() {
  const drawn = marquee.value;
  if (!drawn) return null;
  const [x, y, toX, toY] = drawn;
  return (
    <div
      class="marquee"
      style={{
        transform: `translate(${Math.min(x, toX)}px, ${Math.min(y, toY)}px)`,
        width: `${Math.abs(toX - x)}px`,
        height: `${Math.abs(toY - y)}px`,
      }}
    />
  );
}

/** A button after the last bar that adds one. */
function More() {
  const roll = t.value.roll;
  const add = () => change(roll.addBar, (now) => reaching(now, now.length + 1));
  return (
    <button
      class="add-bar"
      style={{ transform: `translateX(${project.value.length * scale.value + 10}px)` }}
      title={roll.addBar}
      aria-label={`${roll.addBar} (${bars.value.length})`}
      onClick={add}
    >
      +
    </button>
  );
}
