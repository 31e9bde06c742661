// Gestures: two fingers scroll and zoom; Ctrl and the wheel zoom.
import { KEYS } from "../view";
import { zoom } from "./geometry";
import { endPress, forgetPress, movePress, press } from "./pointer";
import { scroller } from "./state";

interface Finger {
  x: number;
  y: number;
}
const fingers = new Map<number, Finger>();
/** Whether two fingers are scrolling. Until both are lifted, a single finger draws nothing. */
let scrolling = false;

function centre(): Finger & { apart: number } {
  const [one, other] = [...fingers.values()] as [Finger, Finger];
  return {
    x: (one.x + other.x) / 2,
    y: (one.y + other.y) / 2,
    apart: Math.max(24, Math.hypot(one.x - other.x, one.y - other.y)),
  };
}

export function onPointerDown(event: PointerEvent): void {
  if ((event.target as Element).closest("button")) return;
  if (event.pointerType !== "touch") return press(event);
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (fingers.size === 1 && !scrolling) press(event);
  else if (fingers.size === 2) scrolling = forgetPress();
}

export function onPointerMove(event: PointerEvent): void {
  const finger = fingers.get(event.pointerId);
  if (!finger || !scrolling) return movePress(event);
  if (fingers.size !== 2) return;
  const before = centre();
  finger.x = event.clientX;
  finger.y = event.clientY;
  const after = centre();
  const element = scroller.current!;
  zoom(after.apart / before.apart, after.x - element.getBoundingClientRect().left - KEYS);
  element.scrollLeft -= after.x - before.x;
  element.scrollTop -= after.y - before.y;
}

export function onPointerEnd(event: PointerEvent): void {
  fingers.delete(event.pointerId);
  if (!scrolling) endPress(event);
  else if (!fingers.size) scrolling = false;
}

export function onWheel(event: WheelEvent): void {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const left = scroller.current!.getBoundingClientRect().left + KEYS;
  zoom(Math.exp(-event.deltaY / 300), event.clientX - left);
}
