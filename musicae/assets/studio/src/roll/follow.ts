// The playhead moves without anything being drawn anew, and the view follows it page by page.
import { computed, effect } from "@preact/signals";

import { stage } from "../tune/recorder";
import { playhead, playing, scale, scrolled, visible } from "../view";

/** The share of the view that the playhead passes before the next page, and where it stands then. */
const PAGE_END = 0.92;
const PAGE_START = 0.06;
/** Milliseconds after which the musician scrolls no longer. */
const REST = 1000;

/** Whether the playhead goes on by itself: the piece plays, or a take is recorded. */
const moving = computed(() => playing.value || stage.value === "recording");

/**
 * Move the marks with the playhead, and scroll `element` while it plays. Where the musician scrolls,
 * the view stays, until the playhead is in it again or playing begins anew. Returns what ends it.
 */
export function follow(element: HTMLElement, marks: HTMLElement[]): () => void {
  let following = true;
  let turned = -1;
  let scrolledAt = -Infinity;
  const ends = [
    effect(() => {
      if (moving.value) following = true;
    }),
    effect(() => {
      const left = scrolled.value;
      if (!moving.peek() || Math.abs(left - turned) < 2) return;
      following = false;
      scrolledAt = performance.now();
    }),
    effect(() => {
      const x = playhead.value * scale.value;
      for (const mark of marks) mark.style.transform = `translateX(${x}px)`;
      if (!moving.value) return;
      const seen = x - scrolled.peek();
      if (seen >= 0 && seen <= visible.peek() && performance.now() - scrolledAt > REST) following = true;
      if (!following || (seen >= 0 && seen <= PAGE_END * visible.peek())) return;
      element.scrollLeft = x - PAGE_START * visible.peek();
      turned = element.scrollLeft;
    }),
  ];
  return () => ends.forEach((end) => end());
}
