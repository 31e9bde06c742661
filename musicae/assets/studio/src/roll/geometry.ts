// Converts between ticks and pitches and pixels of the canvas; finds notes; scrolls and zooms.
import { type Bar, barAt, type Note, soundingVoices } from "../project";
import { bars, project } from "../store";
import { endOf, inRange } from "../tune/edits";
import { grid, KEYS, scale, visible } from "../view";
import { frameHeight, highest, rowHeight, RULER, scroller } from "./state";

/** Bounds of the zoom, in pixels per tick. */
const LEAST_SCALE = 0.03;
const MOST_SCALE = 8;
/** The width in pixels of a note's ends; dragging them changes its length. */
const EDGE = 7;

export function yOf(pitch: number): number {
  return (highest.value - pitch) * rowHeight.value;
}

export function pitchAt(y: number): number {
  return inRange(highest.value - Math.floor(y / rowHeight.value));
}

export function tickAt(x: number): number {
  return Math.min(Math.max(0, x / scale.value), project.value.length);
}

/** The tick at which a bar's grid begins. A pickup's grid begins with its first, incomplete beat. */
export function gridStart(bar: Bar): number {
  const cut = bar.number === 0 ? bar.length % bar.beat : 0;
  return cut ? bar.start + cut - bar.beat : bar.start;
}

/** A tick rounded to the grid, which restarts with each bar. */
export function snapped(tick: number, round: (value: number) => number = Math.round): number {
  const bar = barAt(bars.value, tick);
  const from = gridStart(bar);
  const at = from + round((tick - from) / grid.value) * grid.value;
  return Math.min(Math.max(bar.start, at), bar.start + bar.length);
}

/** The next tick of the grid, or with -1 the previous one. */
export function stepped(at: number, direction: 1 | -1): number {
  if (direction < 0 && at <= 0) return 0;
  const bar = barAt(bars.value, direction < 0 ? at - 1 : at);
  const from = gridStart(bar);
  const into = (at - from) / grid.value;
  const line = direction < 0 ? Math.ceil(into) - 1 : Math.floor(into) + 1;
  const next = Math.max(bar.start, from + line * grid.value);
  return Math.min(next, bar.start + bar.length, project.value.length);
}

export interface Hit {
  voice: number;
  note: Note;
  part: "start" | "middle" | "end";
}

/** The note at a point of the canvas, the tune's first. Its ends are `slack` pixels wider. */
export function noteUnder(x: number, y: number, slack = 0): Hit | null {
  const now = project.value;
  const tick = x / scale.value;
  const pitch = pitchAt(y);
  const voices = soundingVoices(now);
  for (const voice of [now.voice, 0, 1, 2, 3]) {
    const edge = voice === now.voice ? slack / scale.value : 0;
    const note = voices[voice]!.find(
      (each) => each[2] === pitch && each[0] <= tick && tick < endOf(each) + edge,
    );
    if (!note) continue;
    const width = note[1] * scale.value;
    const reach = Math.min(EDGE + slack, width / 4);
    const into = (tick - note[0]) * scale.value;
    return { voice, note, part: into > width - reach ? "end" : into < reach ? "start" : "middle" };
  }
  return null;
}

/** Scroll so that a tick and pitch are in view. */
export function reveal(at: number, pitch: number): void {
  const element = scroller.current;
  if (!element) return;
  const x = at * scale.value;
  const margin = Math.min(80, visible.value / 4);
  if (x < element.scrollLeft + margin / 4) element.scrollLeft = Math.max(0, x - margin);
  else if (x > element.scrollLeft + visible.value - margin) {
    element.scrollLeft = x - visible.value + 2 * margin;
  }
  const y = yOf(pitch);
  const height = frameHeight.value - RULER;
  if (y < element.scrollTop) element.scrollTop = y - 2 * rowHeight.value;
  else if (y + rowHeight.value > element.scrollTop + height) {
    element.scrollTop = y + 3 * rowHeight.value - height;
  }
}

function possibleScale(wanted: number): number {
  return Math.min(MOST_SCALE, Math.max(LEAST_SCALE, wanted));
}

/** Zoom by a factor. The point at `x` pixels from the left of the view stays there. */
export function zoom(by: number, x = visible.value / 2): void {
  const element = scroller.current;
  if (!element) return;
  const tick = (element.scrollLeft + x) / scale.value;
  scale.value = possibleScale(scale.value * by);
  element.scrollLeft = tick * scale.value - x;
}

/** Show the whole piece. */
export function fit(): void {
  scale.value = possibleScale(visible.value / project.value.length);
  if (scroller.current) scroller.current.scrollLeft = 0;
}

/** The position of a pointer in pixels of the canvas. */
export function placeOf(event: { clientX: number; clientY: number }): [x: number, y: number] {
  const element = scroller.current!;
  const frame = element.getBoundingClientRect();
  return [
    event.clientX - frame.left - KEYS + element.scrollLeft,
    event.clientY - frame.top - RULER + element.scrollTop,
  ];
}
