// Mouse, pen and one finger on the canvas draw, move, lengthen, select and erase notes.
import { batch } from "@preact/signals";

import { type Note, type Project, soundingVoices } from "../project";
import { preview } from "../sound/preview";
import { change, endMerge, project, selectedNotes } from "../store";
import { t } from "../strings";
import {
  endOf,
  moveNotes,
  possibleMove,
  putNotes,
  removeNotes,
  resizeNote,
} from "../tune/edits";
import { grid, KEYS, scale } from "../view";
import { type Hit, noteUnder, pitchAt, placeOf, snapped, tickAt, yOf } from "./geometry";
import { deselect, isSelected, selectedStarts, selectNotes, selectTune, toggleNote } from "./selection";
import { cursor, marquee, rowHeight, RULER, scroller, tool } from "./state";

/** A press becomes a drag when the pointer has moved more pixels than this. */
const SLACK = { mouse: 3, pen: 5, touch: 8 };
/** The longest time in milliseconds between the presses of a double click. */
const DOUBLE = 400;
/** A drag scrolls the view if it is within so many pixels of its edges. */
const NEAR = 24;
const RIGHT = 2;
/** The button number of a pen's eraser. */
const ERASER = 5;

interface Drag {
  pointer: number;
  from: [x: number, y: number];
  slack: number;
  moved: boolean;
  /** Called for each move of a drag. */
  move: (x: number, y: number) => void;
  /** Called if the press ends without a drag. */
  click: () => void;
}
let drag: Drag | null = null;
let drags = 0;
let lastPress = { time: 0, note: null as Note | null };

/** Apply a change to the tune as it was when the drag began. Harmony that came since then stays. */
function drawFrom(base: Project, label: string, next: (base: Project) => Project): void {
  const { tune, phrases, length } = next(base);
  change(
    label,
    (now) =>
      JSON.stringify(tune) === JSON.stringify(now.tune) ? now : { ...now, tune, phrases, length },
    `roll ${drags}`,
  );
}

/** Returns a function that plays a pitch if it differs from the last one. */
function sounding(first: number | null = null): (pitch: number) => void {
  let last = first;
  return (pitch) => {
    if (pitch !== last) preview(pitch, project.peek().voice);
    last = pitch;
  };
}

export function press(event: PointerEvent): void {
  if (drag) return;
  const [x, y] = placeOf(event);
  const touch = event.pointerType !== "mouse";
  const hit = noteUnder(x, y, touch ? 8 : 3);
  scroller.current?.focus({ preventScroll: true });
  event.preventDefault();
  const own = hit?.voice === project.value.voice ? hit.note : null;
  const erase = tool.value === "erase" || event.button === ERASER;
  if (event.button === RIGHT) {
    drags += 1;
    if (own) eraseNote(own);
    return;
  }
  if (event.button !== 0 && event.button !== ERASER) return;
  drags += 1;
  const twice = own !== null && own === lastPress.note && event.timeStamp - lastPress.time < DOUBLE;
  lastPress = { time: event.timeStamp, note: own };
  const kind = event.pointerType as keyof typeof SLACK;
  drag = {
    pointer: event.pointerId,
    from: [x, y],
    slack: SLACK[kind] ?? SLACK.mouse,
    moved: false,
    ...(erase ? erasing(x, y) : action(event, hit, x, y)),
    ...(twice && { click: () => eraseNote(own) }),
  };
  (event.currentTarget as Element).setPointerCapture(event.pointerId);
}

/**
 * Drop the press, because a second finger begins to scroll. Returns false, and drops nothing, if the
 * press is already a drag.
 */
export function forgetPress(): boolean {
  if (drag?.moved) return false;
  drag = null;
  return true;
}

export function movePress(event: PointerEvent): void {
  if (!drag || drag.pointer !== event.pointerId) {
    if (event.pointerType === "mouse") showWhatHappens(event);
    return;
  }
  const [x, y] = placeOf(event);
  drag.moved ||= Math.hypot(x - drag.from[0], y - drag.from[1]) > drag.slack;
  if (!drag.moved) return;
  scrollNear(event);
  drag.move(x, y);
}

export function endPress(event: PointerEvent): void {
  if (!drag || drag.pointer !== event.pointerId) return;
  if (event.type === "pointerup" && !drag.moved) drag.click();
  drag = null;
  marquee.value = null;
  endMerge();
}

type Action = Pick<Drag, "move" | "click">;

function action(event: PointerEvent, hit: Hit | null, x: number, y: number): Action {
  const adding = event.shiftKey || event.ctrlKey || event.metaKey;
  if (hit && adding) {
    return { move: selecting(x, y, true), click: () => toggleNote(hit.voice, hit.note[0]) };
  }
  if (hit?.voice === project.value.voice) return editing(hit, x, y);
  if (adding || tool.value === "select") {
    return { move: selecting(x, y, adding), click: () => selectOnly(hit) };
  }
  if (x > project.value.length * scale.value) return { move: () => {}, click: deselect };
  const draw = drawing(x, y);
  if (hit) return { move: draw.move, click: () => selectOnly(hit) };
  if (event.pointerType === "mouse") draw.click();
  return draw;
}

function selectOnly(hit: Hit | null): void {
  if (hit) selectNotes([[hit.voice, hit.note[0]]]);
  else deselect();
}

/** Draw a note; a drag sets its length. */
function drawing(x: number, y: number): Action {
  const base = project.value;
  const pitch = pitchAt(y);
  const start = snapped(tickAt(x), Math.floor);
  const sound = sounding();
  const draw = (end: number) => {
    const least = Math.min(snapped(start + grid.value, Math.ceil), base.length);
    const note: Note = [start, Math.max(least, end) - start, pitch];
    drawFrom(base, t.value.roll.draw, (before) => putNotes(before, [note]));
    sound(pitch);
    batch(() => {
      deselect();
      cursor.value = { at: start, pitch };
    });
  };
  return { move: (toX) => draw(snapped(tickAt(toX), Math.ceil)), click: () => draw(0) };
}

/** Move a note of the tune, or change its length at one of its ends; a click selects it. */
function editing({ note, part }: Hit, x: number, y: number): Action {
  const base = project.value;
  const [start, length, pitch] = note;
  const group = isSelected(base.voice, start) ? selectedStarts() : [start];
  const click = () => {
    selectTune([start]);
    cursor.value = { at: start, pitch };
    preview(pitch, base.voice);
  };
  if (part === "end") {
    const move = (toX: number) => {
      const end = Math.max(snapped(tickAt(toX)), start + Math.min(grid.value, length));
      drawFrom(base, t.value.roll.resize, (now) => resizeNote(now, start, start, end - start));
    };
    return { move, click };
  }
  if (part === "start") {
    const move = (toX: number) => {
      const latest = endOf(note) - Math.min(grid.value, length);
      const from = Math.min(snapped(tickAt(toX)), latest);
      drawFrom(base, t.value.roll.resize, (now) => resizeNote(now, start, from, endOf(note) - from));
      selectTune([from]);
    };
    return { move, click };
  }
  const sound = sounding(pitch);
  const grabbed = pitchAt(y);
  const move = (toX: number, toY: number) => {
    const target = snapped(Math.max(0, start + (toX - x) / scale.value));
    const semitones = pitchAt(toY) - grabbed;
    const [later, higher] = possibleMove(base, group, target - start, semitones);
    drawFrom(base, t.value.roll.move, (now) => moveNotes(now, group, later, higher));
    batch(() => {
      selectTune(group.map((each) => each + later));
      cursor.value = { at: start + later, pitch: pitch + higher };
    });
    sound(pitch + higher);
  };
  return { move, click };
}

/** Select the notes that a rectangle touches. */
function selecting(x: number, y: number, adding: boolean): Drag["move"] {
  const before = adding ? selectedNotes.value : [];
  return (toX, toY) => {
    marquee.value = [x, y, toX, toY];
    const [left, right] = [Math.min(x, toX) / scale.value, Math.max(x, toX) / scale.value];
    const [top, bottom] = [Math.min(y, toY), Math.max(y, toY)];
    const touched = soundingVoices(project.value).flatMap((notes, voice) =>
      notes
        .filter((note) => {
          const high = yOf(note[2]);
          return note[0] < right && endOf(note) > left && high < bottom && high + rowHeight.value > top;
        })
        .map(([start]): [number, number] => [voice, start]),
    );
    const fresh = touched.filter(
      ([voice, start]) => !before.some(([v, at]) => v === voice && at === start),
    );
    selectNotes([...before, ...fresh]);
  };
}

function erasing(x: number, y: number): Action {
  const move = (toX: number, toY: number) => {
    const hit = noteUnder(toX, toY, 3);
    if (hit?.voice === project.value.voice) eraseNote(hit.note);
  };
  return { move, click: () => move(x, y) };
}

function eraseNote([start]: Note): void {
  change(t.value.roll.remove(1), (now) => removeNotes(now, [start]), `roll ${drags}`);
  selectNotes([]);
}

/** Scroll if a drag is near the edges of the view and moves towards them. */
function scrollNear(event: PointerEvent): void {
  const element = scroller.current;
  if (!element) return;
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const { clientX, clientY, movementX, movementY } = event;
  if (movementX > 0 && clientX > right - NEAR) element.scrollLeft += NEAR;
  if (movementX < 0 && clientX < left + KEYS + NEAR) element.scrollLeft -= NEAR;
  if (movementY > 0 && clientY > bottom - NEAR) element.scrollTop += NEAR / 6;
  if (movementY < 0 && clientY < top + RULER + NEAR) element.scrollTop -= NEAR / 6;
}

function showWhatHappens(event: PointerEvent): void {
  const canvas = event.currentTarget as HTMLElement;
  const hit = noteUnder(...placeOf(event), 3);
  const own = hit?.voice === project.value.voice;
  const shape =
    tool.value === "erase"
      ? "not-allowed"
      : own
        ? hit.part === "middle"
          ? "grab"
          : "ew-resize"
        : tool.value === "select"
          ? "crosshair"
          : hit
            ? "pointer"
            : "cell";
  if (canvas.style.cursor !== shape) canvas.style.cursor = shape;
}
