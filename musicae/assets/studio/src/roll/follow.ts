// Moves the playhead without redrawing the roll; the view follows it page by page.
import { computed, effect } from "@preact/signals";

import { stage } from "../tune/recorder";
import { playhead, playing, scale, scrolled, visible } from "../view";

/** The view turns the page when the playhead is at PAGE_END of its width; it is then at PAGE_START. */
const PAGE_END = 0.92;
const PAGE_START = 0.06;
/** Milliseconds without scrolling until the view can follow again. */
const REST = 1000;

/** Whether the playhead moves by itself: the piece plays, or a take is recorded. */
const moving = computed(() => playing.value || stage.value === "recording");

/**
 * Move the marks with the playhead, and scroll `element` while it plays. If the musician scrolls, the
 * view stays there until the playhead is in view again or playing restarts. Returns a function that
 * ends this.
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
