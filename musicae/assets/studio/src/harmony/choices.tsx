// A dialog with other chords for a place: the musician can listen to, choose, lock or type one.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";

import { accept, settled } from "../live";
import { type Chord, type Harmony, type LockedChord, type Note, soundingVoices } from "../project";
import { compute, ServerError } from "../server";
import { audition } from "../sound/audition";
import { project, tell } from "../store";
import { t } from "../strings";
import { keyName } from "../tune/choices";
import { lockChord, unlockChord } from "./actions";
import { lockedChord, withChordLocked } from "./locks";
import { placeName } from "./places";

interface Choice {
  symbol: string;
  numeral: string;
  probability: number;
  chosen: boolean;
}
interface Choices {
  start: number;
  length: number;
  choices: Choice[];
}

/** The chord whose dialog is open; null if there is none. */
export const openChord = signal<Chord | null>(null);

/** The notes of each voice from the chord before to the chord after, cut at these bounds. */
function around(harmony: Harmony, start: number, length: number): Note[][] {
  const from = harmony.chords.findLast((each) => each.start < start)?.start ?? start;
  const after = harmony.chords.find((each) => each.start >= start + length);
  const to = after ? after.start + after.length : start + length;
  const inside = ([at, duration]: Note) => at + duration > from && at < to;
  const cut = ([at, duration, pitch]: Note): Note => {
    const begin = Math.max(at, from);
    return [begin, Math.min(at + duration, to) - begin, pitch];
  };
  return soundingVoices({ ...project.value, harmony }).map((notes) => notes.filter(inside).map(cut));
}

function hear(harmony: Harmony, chord: LockedChord): void {
  const [, qpm] = project.value.tempos.findLast(([at]) => at <= chord.start) ?? [0, 90];
  audition(around(harmony, chord.start, chord.length), qpm);
}

function List({ found, close }: { found: Choices; close: () => void }) {
  const text = t.value.harmony;
  const signal = useStopped();
  const harmonies = useRef(new Map<string, Harmony>());
  const [busy, setBusy] = useState("");
  const [wrong, setWrong] = useState("");
  const [typed, setTyped] = useState("");
  const chordOf = (name: string): LockedChord => ({ start: found.start, length: found.length, name });

  /** The harmony with a chord in this place. It is kept, so that the musician gets what was heard. */
  const withChord = async (name: string): Promise<Harmony | null> => {
    const known = harmonies.current.get(name);
    if (known) return known;
    setBusy(name);
    setWrong("");
    try {
      const asked = withChordLocked(project.value, chordOf(name));
      const { harmony } = await compute<{ harmony: Harmony }>("/api/harmonize", { project: asked }, { signal });
      harmonies.current.set(name, harmony);
      return harmony;
    } catch (error) {
      if (error instanceof ServerError) setWrong(error.message);
      return null;
    } finally {
      setBusy("");
    }
  };
  const choose = (name: string) => {
    const harmony = harmonies.current.get(name);
    if (!harmony) lockChord(chordOf(name));
    else accept(text.lockChord, (now) => ({ ...withChordLocked(now, chordOf(name)), harmony }));
    close();
  };
  const lockTyped = async () => {
    const name = typed.trim();
    if (name && (await withChord(name))) choose(name);
  };
  return (
    <>
      <ul class="choices" aria-label={text.fits}>
        {found.choices.map((each, index) => (
          <li key={index}>
            <button
              class="choice"
              aria-pressed={each.chosen}
              onClick={() => choose(each.symbol)}
            >
              <b>{each.symbol}</b> <span class="numeral">{each.numeral}</span>{" "}
              <span class="share" aria-hidden="true">
                <span style={{ width: `${100 * each.probability}%` }} />
              </span>
              <span class="percent">{percent(each.probability)}</span>
            </button>
            <button
              class="hear"
              aria-label={text.hear(each.symbol)}
              title={text.hear(each.symbol)}
              aria-busy={busy === each.symbol}
              onClick={async () => {
                const harmony = each.chosen ? project.value.harmony : await withChord(each.symbol);
                if (harmony) hear(harmony, chordOf(each.symbol));
              }}
            >
              ▶︎
            </button>
          </li>
        ))}
      </ul>
      <form
        class="typed"
        onSubmit={(event) => {
          event.preventDefault();
          void lockTyped();
        }}
      >
        <label>
          {text.typed}
          <input
            value={typed}
            maxLength={40}
            spellcheck={false}
            autocomplete="off"
            placeholder="D7/F#, V65"
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button disabled={!typed.trim()}>{text.lock}</button>
      </form>
      {wrong && (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      )}
    </>
  );
}

/** An AbortSignal that is aborted when the component is removed. */
function useStopped(): AbortSignal {
  const [controller] = useState(() => new AbortController());
  useEffect(() => () => controller.abort(), []);
  return controller.signal;
}

function percent(share: number): string {
  return share < 0.005 ? "<1%" : `${Math.round(100 * share)}%`;
}

export function ChordDialog() {
  const chord = openChord.value;
  return chord && <Opened chord={chord} key={chord.start} />;
}

function Opened({ chord }: { chord: Chord }) {
  const text = t.value.harmony;
  const dialog = useRef<HTMLDialogElement>(null);
  const [found, setFound] = useState<Choices | null>(null);
  const signal = useStopped();
  const button = () => document.getElementById(`chord-${chord.start}`);
  const close = () => dialog.current?.close();
  useEffect(() => {
    const box = dialog.current!;
    box.showModal();
    place(box, button());
    void (async () => {
      try {
        if (!(await settled()) || signal.aborted) return;
        setFound(await compute("/api/chords", { project: project.value, start: chord.start }, { signal }));
      } catch (error) {
        if (!signal.aborted) close();
        if (error instanceof ServerError) tell(error.message, true);
      }
    })();
  }, []);
  useEffect(() => {
    if (!found) return;
    place(dialog.current!, button());
    dialog.current!.querySelector<HTMLElement>(".choice[aria-pressed=true]")?.focus();
  }, [found]);
  const locked = lockedChord(project.value, chord);
  return (
    <dialog
      ref={dialog}
      class="chord-dialog"
      aria-label={text.chordAt(placeName(chord.start), chord.symbol, chord.numeral, keyName(chord.key))}
      onClose={() => {
        openChord.value = null;
        button()?.focus();
      }}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="inside">
        <header>
          <h2>{placeName(chord.start)}</h2>
          <span>{keyName(chord.key)}</span>
          <button aria-label={t.value.page.close} onClick={close}>
            ✕
          </button>
        </header>
        {locked && (
          <p class="row">
            {text.isLocked(locked.name)}
            <button
              onClick={() => {
                unlockChord(chord);
                close();
              }}
            >
              {text.free}
            </button>
          </p>
        )}
        {found ? <List found={found} close={close} /> : <p aria-busy="true">{text.looking}</p>}
      </div>
    </dialog>
  );
}

/** Place the dialog below its chord, inside the window. In narrow windows it is at the bottom. */
function place(box: HTMLDialogElement, button: HTMLElement | null): void {
  if (!button || innerWidth < 500) return;
  const { left, bottom } = button.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  box.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  box.style.top = `${Math.max(8, Math.min(bottom + 4, innerHeight - height - 8))}px`;
}
