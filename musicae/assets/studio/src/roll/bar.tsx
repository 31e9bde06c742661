// One bar of the roll with its grid and notes. It is redrawn only if its content changes.
import { Component } from "preact";

import { type Bar, QUARTER } from "../project";
import { t } from "../strings";
import type { BarContent, Segment } from "./content";
import { gridStart } from "./geometry";
import { lengthName, noteName, placeName, spokenName } from "./names";

/** The layout that all bars share. */
export interface Look {
  scale: number;
  rowHeight: number;
  highest: number;
  rows: number;
  grid: number;
  language: string;
  key: string;
}

interface Props {
  content: BarContent;
  look: Look;
  /** Content and look as text, for comparison. */
  text: string;
}

/** The smallest distance in pixels between lines of the grid. */
const LEAST_GAP = 5;
/** If a quarter has fewer pixels than this, notes have no borders and phrase ends are not drawn. */
export const LEAST_QUARTER = 10;
const LETTERS = ["S", "A", "T", "B"];

function lines(every: number, bar: Bar, look: Look): string {
  if (every * look.scale < LEAST_GAP) return "";
  const height = look.rows * look.rowHeight;
  let path = "";
  const first = gridStart(bar) - bar.start + every;
  for (let at = first; at < bar.length; at += every) if (at > 0) path += `M${at * look.scale + 0.5} 0v${height}`;
  return path;
}

export class BarView extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    return next.text !== this.props.text;
  }

  override render({ content, look }: Props) {
    const { bar, locked, selected, writing, segments } = content;
    const height = look.rows * look.rowHeight;
    const far = look.scale * QUARTER < LEAST_QUARTER;
    const states = [
      far && "far",
      locked && "locked",
      selected && "selected",
      writing && "writing",
    ].filter(Boolean);
    return (
      <svg
        class={`bar ${states.join(" ")}`}
        role="group"
        aria-label={t.value.roll.barName(bar.number, locked, selected)}
        width={bar.length * look.scale}
        height={height}
        style={{ transform: `translateX(${bar.start * look.scale}px)` }}
      >
        <path class="grid-line" d={lines(look.grid, bar, look)} />
        <path class="beat-line" d={lines(bar.beat, bar, look)} />
        <path class="bar-line" d={`M0.5 0v${height}`} />
        {content.phraseEnds.map(([at, given]) => (
          <path
            key={at}
            class={given ? "phrase-end" : "phrase-end found"}
            d={`M${at * look.scale - 2} 0v${height}`}
          />
        ))}
        {segments.map((segment) => (
          <NoteView key={`${segment.voice} ${segment.start}`} segment={segment} look={look} />
        ))}
      </svg>
    );
  }
}

function NoteView({ segment, look }: { segment: Segment; look: Look }) {
  const { voice, pitch, tune, begins, ends, locked } = segment;
  const x = segment.from * look.scale + (begins ? 0.5 : 0);
  const width = Math.max(2, segment.to * look.scale - x - (ends ? 1 : 0));
  const high = look.rowHeight - (tune ? 1 : 3);
  const y = (look.highest - pitch) * look.rowHeight + (tune ? 0.5 : 1.5);
  const roll = t.value.roll;
  const name = roll.noteOf(
    t.value.page.voices[voice]!,
    placeName(segment.start),
    spokenName(pitch),
    lengthName(segment.length),
    locked,
    segment.selected,
  );
  const states = [tune ? "tune" : "other", segment.selected && "selected"].filter(Boolean).join(" ");
  const text = Math.min(12, high - 2);
  const label = tune ? noteName(pitch) : LETTERS[voice]!;
  const fits = begins && high >= 9 && width >= text * 0.66 * label.length + 6;
  const lock = locked && ends && width >= (fits ? 26 : 12);
  return (
    <g
      class={`note voice-${voice} ${states}`}
      role={begins ? "img" : undefined}
      aria-label={begins ? name : undefined}
      aria-hidden={begins ? undefined : true}
    >
      <rect x={x} y={y} width={width} height={high} rx={tune ? 4 : 2} />
      {fits && (
        <text x={x + 4} y={y + high / 2} font-size={text}>
          {label}
        </text>
      )}
      {lock && (
        <path class="lock" transform={`translate(${x + width - 11} ${y + high / 2 - 5})`} d={LOCK} />
      )}
    </g>
  );
}

/** The path of a padlock, 8 by 10 pixels. */
export const LOCK = "M0 4h8v6h-8zM1.6 4v-1.6a2.4 2.4 0 0 1 4.8 0v1.6h-1.4v-1.6a1 1 0 0 0-2 0v1.6z";
