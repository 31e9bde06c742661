// A small piano roll of a harmony, and its chords as a line of text.
import type { Chord, Harmony, Note, Project } from "../project";
import { barsOf } from "../project";

const HEIGHT = 48;
const WIDTH = 240;
/** The largest number of bars whose chords are shown. */
const MOST_BARS = 8;

export interface Extent {
  start: number;
  stop: number;
}

function path(notes: Note[], { start, stop }: Extent, low: number, high: number): string {
  const across = WIDTH / (stop - start);
  const up = (HEIGHT - 4) / Math.max(high - low, 12);
  return notes
    .filter(([at, length]) => at < stop && at + length > start)
    .map(([at, length, pitch]) => {
      const y = HEIGHT - 2 - (pitch - low) * up;
      return `M${((at - start) * across).toFixed(1)} ${y.toFixed(1)}h${(length * across - 0.6).toFixed(1)}`;
    })
    .join("");
}

export function SmallRoll({ voices, extent }: { voices: Note[][]; extent: Extent }) {
  const pitches = voices.flat().map(([, , pitch]) => pitch);
  const low = Math.min(...pitches);
  const high = Math.max(...pitches);
  return (
    <svg class="small-roll" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {voices.map((notes, voice) => (
        <path key={voice} class={`voice-${voice}`} d={path(notes, extent, low, high)} />
      ))}
    </svg>
  );
}

interface LineProps {
  project: Project;
  harmony: Harmony;
  than: Harmony;
  /** The number of the first bar. */
  from: number;
}

/** The chords of a few bars. Chords that differ from those of the harmony `than` are bold. */
export function ChordLine({ project, harmony, than, from }: LineProps) {
  const there = new Set(than.chords.map((each) => `${each.start} ${each.symbol}`));
  const shown = barsOf(project)
    .filter((bar) => bar.number >= from)
    .slice(0, MOST_BARS);
  const inBar = (start: number, length: number): Chord[] =>
    harmony.chords.filter((each) => each.start >= start && each.start < start + length);
  return (
    <p class="chord-line">
      {shown.map((bar) => (
        <span key={bar.number} class="chord-bar">
          {inBar(bar.start, bar.length).map((each) => {
            const Weight = there.has(`${each.start} ${each.symbol}`) ? "span" : "b";
            return <Weight key={each.start}>{each.symbol} </Weight>;
          })}
        </span>
      ))}
    </p>
  );
}
