// Shows the engraved pages, marks the notes that sound, and moves the playhead on a click.
import { effect } from "@preact/signals";

import { playhead, playing } from "../view";
import { engraved, type Engraved } from "./engraved";
import { type Moment, momentAt, momentsOf } from "./sounding";

const SOUNDING = "sounding";
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** A score drawn in an element of the page. */
class Drawn {
  private readonly begins = new Map<string, number>();
  readonly moments: Moment[];
  private shown: Element[] = [];
  private system: Element | null = null;

  constructor(
    private readonly place: HTMLElement,
    score: Engraved,
  ) {
    const elements = new Map<string, SVGElement>();
    for (const page of score.pages) {
      for (const old of page.querySelectorAll(`.${SOUNDING}`)) old.classList.remove(SOUNDING);
      for (const element of page.querySelectorAll<SVGElement>("[id]")) elements.set(element.id, element);
    }
    for (const { at, ids } of score.times) for (const id of ids) this.begins.set(id, at);
    this.moments = momentsOf(score, elements);
    place.replaceChildren(...score.pages);
  }

  /** Colour the notes that sound at a tick, and return their system. */
  show(tick: number): Element | null {
    const sounding = this.moments[momentAt(this.moments, tick)]?.sounding ?? [];
    const elements = sounding.map(({ element }) => element);
    for (const element of this.shown) if (!elements.includes(element as SVGElement)) element.classList.remove(SOUNDING);
    for (const element of elements) element.classList.add(SOUNDING);
    this.shown = elements;
    this.system = elements[0]?.closest(".system") ?? this.system;
    return this.system;
  }

  /** The start of the note or rest nearest to a point of the window, in the system at that point. */
  beginning(x: number, y: number): number | undefined {
    const isAt = (system: Element) => {
      const { top, bottom } = system.getBoundingClientRect();
      return top <= y && y <= bottom;
    };
    const systems = [...this.place.querySelectorAll(".system")].filter(isAt);
    let [best, least]: [number | undefined, number] = [undefined, Infinity];
    for (const element of systems.flatMap((system) => [...system.querySelectorAll(".note, .rest")])) {
      const { left, width } = element.getBoundingClientRect();
      const away = Math.abs(left + width / 2 - x);
      const tick = this.begins.get(element.id);
      if (tick !== undefined && away < least) [best, least] = [tick, away];
    }
    return best;
  }
}

/** Draw the score in `place`, which scrolls in `frame`. Returns a function that ends this. */
export function drawIn(frame: HTMLElement, place: HTMLElement): () => void {
  let drawn: Drawn | null = null;
  let score: Engraved | null = null;
  let system: Element | null = null;
  const end = effect(() => {
    if (engraved.value !== score) {
      score = engraved.value;
      drawn = score && new Drawn(place, score);
      system = null;
    }
    const now = drawn?.show(playhead.value) ?? null;
    if (now && now !== system && (playing.value || system)) reveal(frame, now);
    system = now;
  });
  const clicked = (event: MouseEvent) => {
    const tick = drawn?.beginning(event.clientX, event.clientY);
    if (tick !== undefined) playhead.value = tick;
  };
  const typed = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || !drawn || event.ctrlKey || event.metaKey || event.altKey) return;
    const { moments } = drawn;
    const here = momentAt(moments, playhead.value);
    const next = by < 0 && playhead.value > moments[here]!.at ? here : here + by;
    playhead.value = moments[Math.min(Math.max(0, next), moments.length - 1)]!.at;
    event.preventDefault();
  };
  place.addEventListener("click", clicked);
  frame.addEventListener("keydown", typed);
  return () => {
    end();
    place.removeEventListener("click", clicked);
    frame.removeEventListener("keydown", typed);
  };
}

/** Scroll a frame, if needed, so that the whole system is visible. */
function reveal(frame: HTMLElement, system: Element): void {
  const [seen, asked] = [frame.getBoundingClientRect(), system.getBoundingClientRect()];
  if (asked.top >= seen.top && asked.bottom <= seen.bottom) return;
  const top = frame.scrollTop + asked.top - seen.top - Math.max(0, (seen.height - asked.height) / 4);
  frame.scrollTo({ top, behavior: calm.matches ? "auto" : "smooth" });
}
