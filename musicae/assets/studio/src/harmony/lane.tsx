// The chord lane above the roll. Each chord is a button at its place in time.
import { computed, signal } from "@preact/signals";

import { upToDate, writing } from "../live";
import { barAt, type Chord } from "../project";
import { bars, project } from "../store";
import { t } from "../strings";
import { keyName } from "../tune/choices";
import { KEYS, playhead, playing, scale, scrolled, visible } from "../view";
import { ChordDialog, openChord } from "./choices";
import { lockedChord } from "./locks";
import { placeName } from "./places";

const KEPT = "musicae chords";
type Naming = "symbol" | "numeral";
const naming = signal<Naming>(localStorage.getItem(KEPT) === "numeral" ? "numeral" : "symbol");

const SAMPLES = { symbol: "G7", numeral: "V7" };

/** The smallest width of a button in pixels. */
const LEAST = 26;
/** Pixels that are drawn outside the view, so that not every scrolling redraws the lane. */
const BEYOND = 600;

const EMPTY: Chord[] = [];
const chords = computed(() => project.value.harmony?.chords ?? EMPTY);

interface Shown {
  chord: Chord;
  left: number;
  width: number;
  /** The key, if it changes here. */
  newKey: string | null;
  /** Whether later chords are left out because they have no room. */
  more: boolean;
}
/** The chords that have room at this zoom. */
const laid = computed(() => {
  const found: Shown[] = [];
  let key = "";
  for (const chord of chords.value) {
    const left = chord.start * scale.value;
    const right = (chord.start + chord.length) * scale.value;
    const last = found.at(-1);
    if (last && left < last.left + LEAST) {
      last.more = true;
      last.width = right - last.left;
      continue;
    }
    found.push({ chord, left, width: right - left, newKey: chord.key === key ? null : chord.key, more: false });
    key = chord.key;
  }
  return found;
});
const chunk = computed(() => Math.floor(scrolled.value / BEYOND));
const seen = computed(() => {
  const from = (chunk.value - 1) * BEYOND;
  const to = (chunk.value + 2) * BEYOND + visible.value;
  return laid.value.filter(({ left, width }) => left + width > from && left < to);
});
/** The start of the chord that has the keyboard's focus. */
const current = signal(0);
const sounding = computed(() =>
  playing.value ? (chords.value.findLast((each) => each.start <= playhead.value)?.start ?? -1) : -1,
);
const busy = computed(() => !upToDate.value || writing.value.size > 0);
const shift = computed(() => `transform: translateX(${-scrolled.value}px)`);

/** Scroll until a tick is in view. */
export function reveal(tick: number): void {
  const x = tick * scale.value;
  const seenTo = scrolled.value + visible.value;
  if (x >= scrolled.value && x <= seenTo - 2 * LEAST) return;
  const last = project.value.length * scale.value - visible.value;
  scrolled.value = Math.max(0, Math.min(x - visible.value / 3, last));
}

function moveTo(shown: Shown | undefined): void {
  if (!shown) return;
  current.value = shown.chord.start;
  reveal(shown.chord.start);
  requestAnimationFrame(() => document.getElementById(`chord-${shown.chord.start}`)?.focus());
}

function onKeyDown(event: KeyboardEvent): void {
  const at = laid.value.findLastIndex(({ chord }) => chord.start <= current.value);
  const to = {
    ArrowLeft: Math.max(0, at - 1),
    ArrowRight: Math.min(laid.value.length - 1, at + 1),
    Home: 0,
    End: laid.value.length - 1,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  moveTo(laid.value[to]);
}

function LockSign() {
  return (
    <svg class="lock-sign" viewBox="0 0 10 12" aria-hidden="true">
      <path d="M2.5 5V3.5a2.5 2.5 0 0 1 5 0V5" />
      <rect x="1" y="5" width="8" height="6.5" rx="1" />
    </svg>
  );
}

function ChordButton({ chord, left, width, newKey, more }: Shown) {
  const text = t.value.harmony;
  const locked = lockedChord(project.value, chord) !== undefined;
  const bar = barAt(bars.value, chord.start).number;
  const classes = ["chord"];
  if (locked) classes.push("locked");
  if (writing.value.has(bar)) classes.push("faint");
  if (sounding.value === chord.start) classes.push("sounding");
  const said = text.chordAt(placeName(chord.start), chord.symbol, chord.numeral, keyName(chord.key));
  const reached = seen.value.find((each) => each.chord.start >= current.value) ?? seen.value[0];
  return (
    <div class="chord-place" style={{ left: `${left}px`, width: `${width}px` }}>
      {newKey && <span class="chord-key">{keyName(newKey)}</span>}
      <button
        id={`chord-${chord.start}`}
        class={classes.join(" ")}
        aria-haspopup="dialog"
        aria-label={locked ? `${said}, ${text.locked}` : said}
        title={said}
        tabIndex={reached?.chord === chord ? 0 : -1}
        onFocus={() => {
          current.value = chord.start;
          reveal(chord.start);
        }}
        onClick={() => (openChord.value = chord)}
      >
        {locked && <LockSign />}
        {chord[naming.value] + (more ? " …" : "")}
      </button>
    </div>
  );
}

export function ChordLane() {
  const text = t.value.harmony;
  const other: Naming = naming.value === "symbol" ? "numeral" : "symbol";
  const name = () => {
    naming.value = other;
    localStorage.setItem(KEPT, other);
  };
  return (
    <section class="chord-lane" aria-label={text.chords} aria-busy={busy}>
      <button
        class="naming"
        style={{ width: `${KEYS}px` }}
        aria-label={`${SAMPLES[naming.value]}: ${text.show[other]}`}
        title={text.show[other]}
        onClick={name}
      >
        {SAMPLES[naming.value]}
      </button>
      <div class="chord-window" role="toolbar" aria-label={text.chords} onKeyDown={onKeyDown}>
        <div class="chord-strip" style={shift}>
          {seen.value.map((each) => (
            <ChordButton {...each} key={each.chord.start} />
          ))}
        </div>
      </div>
      <ChordDialog />
    </section>
  );
}
