// The selection and its commands.
import { batch, signal } from "@preact/signals";

import { barAt, type Note } from "../project";
import { bars, change, project, selectedBars, selectedNotes } from "../store";
import { t } from "../strings";
import { altered, endOf, putNotes, removeNotes } from "../tune/edits";
import { loop } from "../view";
import { cursor, said } from "./state";

export function selectBars(first: number, last: number): void {
  batch(() => {
    selectedBars.value = [first, last];
    selectedNotes.value = [];
  });
}

export function selectNotes(notes: [voice: number, start: number][]): void {
  batch(() => {
    selectedNotes.value = notes;
    if (notes.length) selectedBars.value = null;
  });
}

/** Select notes of the tune. */
export function selectTune(starts: readonly number[]): void {
  selectNotes(starts.map((start) => [project.value.voice, start]));
}

export function deselect(): void {
  batch(() => {
    selectedNotes.value = [];
    selectedBars.value = null;
  });
}

export function isSelected(voice: number, start: number): boolean {
  return selectedNotes.value.some(([v, at]) => v === voice && at === start);
}

export function toggleNote(voice: number, start: number): void {
  const others = selectedNotes.value.filter(([v, at]) => v !== voice || at !== start);
  const had = others.length < selectedNotes.value.length;
  selectNotes(had ? others : [...others, [voice, start]]);
}

/** The first tick of the selected bars and the tick after them; null if none are selected. */
export function selectedSpan(): [from: number, to: number] | null {
  const selection = selectedBars.value;
  if (!selection) return null;
  const chosen = bars.value.filter(
    ({ number }) => selection[0] <= number && number <= selection[1],
  );
  const last = chosen.at(-1);
  return last ? [chosen[0]!.start, last.start + last.length] : null;
}

/** The starts of the notes of the tune that are selected by themselves or with their bars. */
export function selectedStarts(): number[] {
  const span = selectedSpan();
  if (span) {
    return project.value.tune
      .map(([start]) => start)
      .filter((start) => span[0] <= start && start < span[1]);
  }
  const { voice, tune } = project.value;
  const starts = new Set(tune.map(([start]) => start));
  return selectedNotes.value
    .flatMap(([v, start]) => (v === voice && starts.has(start) ? [start] : []))
    .sort((a, b) => a - b);
}

/** The selected notes of the other voices. */
export function selectedOthers(): [voice: number, start: number][] {
  return selectedNotes.value.filter(([voice]) => voice !== project.value.voice);
}

/** The first and last bar of the selection: selected bars, or bars in which selected notes begin. */
export function selectionBars(): [first: number, last: number] | null {
  if (selectedBars.value) return selectedBars.value;
  const numbers = selectedNotes.value.map(([, start]) => barAt(bars.value, start).number);
  return numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : null;
}

/** Remove the notes of the tune that begin at these ticks, and read that aloud. */
export function remove(starts: readonly number[]): void {
  if (!starts.length) return;
  const roll = t.value.roll;
  change(roll.remove(starts.length), (now) => removeNotes(now, starts));
  said.value = roll.removed(starts.length);
  selectNotes(selectedOthers());
}

/** Loop the selected bars. If they are the loop already, or none are selected, end the loop. */
export function toggleLoop(): void {
  const span = selectedSpan();
  const now = loop.value;
  const same = span && now && span[0] === now[0] && span[1] === now[1];
  loop.value = same ? null : span;
  said.value = loop.value ? t.value.roll.looped : t.value.roll.notLooped;
}

interface Copied {
  /** Their starts are relative to the beginning of the copied span. */
  notes: Note[];
  length: number;
}
export const copied = signal<Copied | null>(null);

/** Copy the selected notes of the tune. Returns whether there are any. */
export function copy(): boolean {
  const starts = selectedStarts();
  const notes = project.value.tune.filter(([start]) => starts.includes(start));
  if (!notes.length) return false;
  const [from, to] = selectedSpan() ?? [notes[0]![0], endOf(notes.at(-1)!)];
  copied.value = {
    notes: notes.map((note) => altered(note, note[0] - from, note[1], note[2])),
    length: to - from,
  };
  said.value = t.value.roll.copiedNotes(notes.length);
  return true;
}

export function cut(): void {
  if (copy()) remove(selectedStarts());
}

/** Paste the copied notes at the cursor, and move the cursor to their end. */
export function paste(): void {
  const kept = copied.value;
  if (!kept) return;
  const { at } = cursor.value;
  const notes = kept.notes.map((note) => altered(note, note[0] + at, note[1], note[2]));
  change(t.value.roll.paste, (now) => putNotes(now, notes));
  cursor.value = { ...cursor.value, at: at + kept.length };
  selectTune(notes.map(([start]) => start));
  said.value = t.value.roll.pasted(notes.length);
}
