// The ruler above the notes: bar numbers to select bars, and below them the lane of playhead and loop.
import { barAt, QUARTER } from "../project";
import { bars, project, selectedBars } from "../store";
import { t } from "../strings";
import { loop, playhead, playing, scale } from "../view";
import { LEAST_QUARTER, LOCK } from "./bar";
import { phraseEnds, shownBars } from "./content";
import { placeOf, snapped, tickAt } from "./geometry";
import { selectBars } from "./selection";

/** The width in pixels of the loop's ends; dragging them moves them. */
const EDGE = { mouse: 6, pen: 8, touch: 14 };
/** A press becomes a drag when the pointer has moved more pixels than this. */
const SLACK = 4;
/** The width in pixels of a bar's number. */
const NUMBER = 26;

interface Drag {
  from: number;
  fromX: number;
  moved: boolean;
  /** Called with the tick under the pointer. */
  move: (tick: number) => void;
  click: () => void;
}
let drag: Drag | null = null;

function begin(event: PointerEvent, move: Drag["move"], click: () => void): void {
  if (event.button !== 0) return;
  const [x] = placeOf(event);
  drag = { from: tickAt(x), fromX: x, moved: false, move, click };
  (event.currentTarget as Element).setPointerCapture(event.pointerId);
  event.preventDefault();
}

function moveDrag(event: PointerEvent): void {
  if (!drag) return;
  const [x] = placeOf(event);
  drag.moved ||= Math.abs(x - drag.fromX) > SLACK;
  if (drag.moved) drag.move(tickAt(x));
}

function endDrag(event: PointerEvent): void {
  if (event.type === "pointerup" && drag && !drag.moved) drag.click();
  drag = null;
}

function pressBar(event: PointerEvent): void {
  const number = barAt(bars.value, tickAt(placeOf(event)[0])).number;
  const anchor = event.shiftKey ? (selectedBars.value?.[0] ?? number) : number;
  const extend = (to: number) => selectBars(Math.min(anchor, to), Math.max(anchor, to));
  begin(
    event,
    (tick) => extend(barAt(bars.value, tick).number),
    () => {
      const alone = selectedBars.value?.[0] === number && selectedBars.value[1] === number;
      if (alone && !event.shiftKey) selectedBars.value = null;
      else extend(number);
      if (!playing.value) playhead.value = barAt(bars.value, tickAt(placeOf(event)[0])).start;
    },
  );
}

function pressTime(event: PointerEvent): void {
  const [x] = placeOf(event);
  const from = snapped(tickAt(x));
  const now = loop.value;
  const reach = EDGE[event.pointerType as keyof typeof EDGE] ?? EDGE.mouse;
  const near = (tick: number) => Math.abs(x - tick * scale.value) <= reach;
  const between = (a: number, b: number) => {
    loop.value = a === b ? null : [Math.min(a, b), Math.max(a, b)];
  };
  let move = (tick: number) => between(from, snapped(tick));
  if (now && near(now[1])) move = (tick) => between(now[0], snapped(tick));
  else if (now && near(now[0])) move = (tick) => between(snapped(tick), now[1]);
  else if (now && now[0] < from && from < now[1]) {
    move = (tick) => {
      const by = Math.max(snapped(tick) - from, -now[0]);
      loop.value = [now[0] + by, Math.min(now[1] + by, project.value.length)];
    };
  }
  begin(event, move, () => (playhead.value = from));
}

export function Ruler() {
  const roll = t.value.roll;
  const seen = shownBars();
  const locked = new Set(project.value.locks.bars);
  const selection = selectedBars.value;
  const every = numberEvery(seen[1]?.length ?? 96);
  const [from, to] = loop.value ?? [0, 0];
  const end = (seen.at(-1)?.start ?? 0) + (seen.at(-1)?.length ?? 0);
  const near = scale.value * QUARTER >= LEAST_QUARTER;
  const signs = phraseEnds.value.filter(([at]) => near && seen[0]!.start < at && at <= end);
  return (
    <div
      class="ruler"
      aria-hidden="true"
      onPointerMove={moveDrag}
      onPointerUp={endDrag}
      onPointerCancel={endDrag}
    >
      <div class="ruler-bars" title={roll.barLane} onPointerDown={pressBar}>
        {seen.map((bar) => {
          const chosen = selection && selection[0] <= bar.number && bar.number <= selection[1];
          const numbered = bar.number <= 1 || bar.number % every === 0;
          return (
            <div
              key={bar.number}
              class={`ruler-bar ${chosen ? "selected" : ""} ${numbered ? "numbered" : ""}`}
              style={{
                transform: `translateX(${bar.start * scale.value}px)`,
                width: `${bar.length * scale.value}px`,
              }}
            >
              {numbered && bar.number}
              {locked.has(bar.number) && near && (
                <svg class="lock" width="8" height="10">
                  <path d={LOCK} />
                </svg>
              )}
            </div>
          );
        })}
      </div>
      <div
        class="ruler-time"
        title={roll.timeLane}
        onPointerDown={pressTime}
        onDblClick={() => (loop.value = null)}
      >
        {loop.value && (
          <div
            class="loop"
            style={{
              transform: `translateX(${from * scale.value}px)`,
              width: `${(to - from) * scale.value}px`,
            }}
          />
        )}
        {signs.map(([at, given]) => (
          <span
            key={at}
            class={given ? "phrase-sign" : "phrase-sign found"}
            style={{ transform: `translateX(${at * scale.value - 14}px)` }}
          >
            𝄐
          </span>
        ))}
      </div>
    </div>
  );
}

/** Show the number of every n-th bar; this is n for a bar length in ticks. */
function numberEvery(length: number): number {
  const width = length * scale.value;
  return [1, 2, 4, 5, 10, 20].find((every) => every * width >= NUMBER) ?? 50;
}
