// Rings around the notes that break a rule of voice leading. A press opens the explanation.
import { type Break, isFault, type Note, soundingVoices } from "../project";
import { project } from "../store";
import { endOf } from "../tune/edits";
import { openBreak, scale } from "../view";
import { shownBars } from "./content";
import { yOf } from "./geometry";
import { rowHeight } from "./state";

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The box around the notes of a voice that a violation is about. */
function boxOf(notes: Note[], { start, end }: Break): Box | null {
  const about = notes.filter((note) => note[0] < end && endOf(note) > start);
  if (!about.length) return null;
  const pitches = about.map(([, , pitch]) => pitch);
  const from = Math.max(about[0]![0], start);
  const to = Math.min(endOf(about.at(-1)!), end);
  return {
    left: from * scale.value - 2,
    top: yOf(Math.max(...pitches)) - 2,
    width: (to - from) * scale.value + 4,
    height: (Math.max(...pitches) - Math.min(...pitches) + 1) * rowHeight.value + 4,
  };
}

const BADGE = 24;

export function Breaks() {
  const now = project.value;
  const seen = shownBars();
  const first = seen[0];
  const last = seen.at(-1);
  if (!first || !last || !now.harmony) return null;
  const voices = soundingVoices(now);
  const near = now.harmony.breaks.filter(
    (each) =>
      each.start < last.start + last.length &&
      each.end > first.start &&
      (isFault(each) || each === openBreak.value),
  );
  return near.map((each, index) => {
    const boxes = each.voices.flatMap((voice) => boxOf(voices[voice] ?? [], each) ?? []);
    if (!boxes.length) return null;
    const open = openBreak.value === each;
    const before = near.slice(0, index).filter(({ start }) => start === each.start).length;
    const top = Math.min(...boxes.map((box) => box.top)) - BADGE;
    return (
      <div key={`${each.rule} ${each.start} ${each.voices}`} class={open ? "ringed open" : "ringed"}>
        {boxes.map((box) => (
          <div
            key={box.top}
            class="ring"
            style={{
              transform: `translate(${box.left}px, ${box.top}px)`,
              width: `${box.width}px`,
              height: `${box.height}px`,
            }}
          />
        ))}
        <button
          class="badge"
          aria-label={each.text}
          aria-pressed={open}
          title={each.text}
          style={{
            transform: `translate(${boxes[0]!.left + before * BADGE}px, ${Math.max(0, top)}px)`,
          }}
          onClick={() => (openBreak.value = open ? null : each)}
        >
          !
        </button>
      </div>
    );
  });
}
