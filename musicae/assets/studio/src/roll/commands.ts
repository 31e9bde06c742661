// The keyboard commands of the roll. A cursor writes, moves, lengthens and selects notes; screen
// readers read each step aloud.
import { batch } from "@preact/signals";

import { lockBars, lockNotes, unlockBars, unlockNotes } from "../harmony/actions";
import { barAt, type Note, soundingVoices } from "../project";
import { preview } from "../sound/preview";
import { bars, change, project, selectedBars } from "../store";
import { t } from "../strings";
import {
  endOf,
  inRange,
  moveNotes,
  noteAt,
  possibleMove,
  putNotes,
  removeNotes,
  resizeNote,
} from "../tune/edits";
import { grid, playhead } from "../view";
import { reveal, stepped } from "./geometry";
import { askedSignature, lengthName, placeName, spokenName } from "./names";
import {
  deselect,
  isSelected,
  remove,
  selectBars,
  selectedOthers,
  selectedStarts,
  selectTune,
  toggleNote,
} from "./selection";
import { cursor, entry, said } from "./state";

const OCTAVE = 12;
const FIFTH = 7;
const GRIDS = [24, 12, 8, 6, 4];
const DOTTED = [72, 36, 18];
/** The letters in the order of the line of fifths. */
const LETTERS = ["F", "C", "G", "D", "A", "E", "B"];

function own(): number {
  return project.peek().voice;
}

/** Move the cursor, and read aloud what sounds there. */
function go(at: number, pitch: number): void {
  cursor.value = { at: Math.max(0, at), pitch: inRange(pitch) };
  reveal(cursor.value.at, cursor.value.pitch);
  tellPlace();
}

/** Read aloud where the cursor is and what sounds there. */
function tellPlace(): void {
  const roll = t.value.roll;
  const { at, pitch } = cursor.value;
  const here = [placeName(at), spokenName(pitch)];
  const voices = soundingVoices(project.value);
  const names = voices.flatMap((notes, voice) => {
    const note = noteAt(notes, at);
    if (note?.[2] !== pitch) return [];
    const name = t.value.page.voices[voice]!;
    return roll.noteHere(name, lengthName(note[1]), isSelected(voice, note[0]));
  });
  const tune = noteAt(voices[own()]!, at);
  if (names.length) here.push(...names);
  else if (!tune) here.push(roll.empty);
  if (tune && tune[2] !== pitch) here.push(roll.tuneHas(spokenName(tune[2])));
  said.value = here.join(", ");
}

/** Write a note of the tune at the cursor; with `ahead`, move the cursor to the note's end. */
function write(pitch: number, ahead: boolean): void {
  const { at } = cursor.value;
  const note: Note = [at, entry.value, pitch];
  change(t.value.roll.draw, (now) => putNotes(now, [note]));
  preview(pitch, own());
  batch(() => {
    deselect();
    go(ahead ? endOf(note) : at, pitch);
    said.value = t.value.roll.written(placeName(at), spokenName(pitch), lengthName(note[1]));
  });
}

/**
 * Write the note of a letter in the octave nearest to the cursor. If `accidental` is null, the
 * requested key gives the accidental.
 */
export function writeLetter(letter: string, accidental: number | null): void {
  const place = LETTERS.indexOf(letter) - 1;
  const { fifths } = askedSignature.value;
  const raised = accidental ?? Math.ceil((fifths - 1 - place) / LETTERS.length);
  const pitchClass = (place + LETTERS.length * raised) * FIFTH;
  const { pitch } = cursor.value;
  const up = (((pitchClass - pitch) % OCTAVE) + OCTAVE) % OCTAVE;
  write(inRange(up > OCTAVE / 2 ? pitch + up - OCTAVE : pitch + up), true);
}

/** Write a note at the cursor, or remove the one that is there. */
export function toggle(): void {
  const { at, pitch } = cursor.value;
  const there = noteAt(project.value.tune, at);
  if (there?.[2] === pitch) remove([there[0]]);
  else write(pitch, false);
}

/** The starts of the notes that keys change: the selected notes, or the note at the cursor. */
function chosen(): number[] {
  const starts = selectedStarts();
  if (starts.length) return starts;
  const there = noteAt(project.value.tune, cursor.value.at);
  return there ? [there[0]] : [];
}

export function move(ticks: number, semitones: number): void {
  const starts = chosen();
  if (!starts.length) return tellPlace();
  const alone = selectedStarts().length === 0;
  const [later, higher] = possibleMove(project.value, starts, ticks, semitones);
  change(t.value.roll.move, (now) => moveNotes(now, starts, later, higher));
  const first = noteAt(project.value.tune, starts[0]! + later)!;
  if (!alone && !selectedBars.value) selectTune(starts.map((start) => start + later));
  preview(first[2], own());
  go(first[0], first[2]);
}

export function lengthen(by: number): void {
  const starts = chosen();
  change(t.value.roll.resize, (now) =>
    starts.toReversed().reduce((tune, start) => {
      const note = noteAt(tune.tune, start);
      return note ? resizeNote(tune, start, note[0], note[1] + by) : tune;
    }, now),
  );
  tellPlace();
}

/** Go to the next note of the tune, or with -1 to the previous one. */
export function goToNote(direction: 1 | -1): void {
  const { at } = cursor.value;
  const { tune } = project.value;
  const note =
    direction > 0 ? tune.find(([start]) => start > at) : tune.findLast(([start]) => start < at);
  if (note) {
    go(note[0], note[2]);
    preview(note[2], own());
  } else tellPlace();
}

export function goToBar(direction: 1 | -1, select: boolean): void {
  const all = bars.value;
  const { at, pitch } = cursor.value;
  const index = all.indexOf(barAt(all, at));
  const back = direction < 0 && at > all[index]!.start && !select ? 0 : direction;
  const target = all[Math.min(all.length - 1, Math.max(0, index + back))]!;
  if (!select) return go(target.start, pitch);
  const selection = selectedBars.value;
  const number = selection ? target.number : all[index]!.number;
  const anchor = selection ? anchorOf(selection, all[index]!.number) : number;
  selectBars(Math.min(anchor, number), Math.max(anchor, number));
  go(selection ? target.start : at, pitch);
  said.value = t.value.roll.barsSelected(...selectedBars.value!);
}

/** The fixed end of the selected bars: the one where the cursor is not. */
function anchorOf([first, last]: [number, number], at: number): number {
  return at === first ? last : first;
}

export function chooseLength(ticks: number): void {
  if (GRIDS.includes(ticks)) grid.value = ticks;
  else if (grid.value === 8 || grid.value === 4) grid.value = 24;
  entry.value = ticks;
  said.value = lengthName(ticks);
}

/** Lock the selection; if all of it is locked, unlock it. */
export function toggleLock(): void {
  const { locks } = project.value;
  const span = selectedBars.value;
  const notes = selectedOthers();
  if (span) {
    let all = true;
    for (let bar = span[0]; bar <= span[1]; bar += 1) all &&= locks.bars.includes(bar);
    (all ? unlockBars : lockBars)(...span);
    said.value = all ? t.value.roll.freed : t.value.roll.lockedNow;
  } else if (notes.length) {
    const held = ([voice, start]: [number, number]) =>
      locks.notes.some(([v, at]) => v === voice && at === start);
    const all = notes.every(held);
    (all ? unlockNotes : lockNotes)(notes);
    said.value = all ? t.value.roll.freed : t.value.roll.lockedNow;
  } else said.value = t.value.roll.nothingSelected;
}

/** Select or deselect the note at the cursor, of any voice. */
export function pick(): void {
  const { at, pitch } = cursor.value;
  const voices = soundingVoices(project.value);
  const found = [own(), 0, 1, 2, 3].find((voice) => noteAt(voices[voice]!, at)?.[2] === pitch);
  if (found !== undefined) toggleNote(found, noteAt(voices[found]!, at)![0]);
  tellPlace();
}

/** Remove the selected notes, or the note at the cursor. */
export function erase(): void {
  const starts = chosen();
  remove(starts);
  if (!starts.length) tellPlace();
}

/** Remove the selected notes, or the note before the cursor, and move the cursor back to it. */
export function eraseBack(): void {
  if (selectedStarts().length) return erase();
  const { at, pitch } = cursor.value;
  const before = project.value.tune.findLast((note) => note[0] < at);
  if (!before) return tellPlace();
  change(t.value.roll.remove(1), (now) => removeNotes(now, [before[0]]));
  go(before[0], pitch);
}

/** Move the cursor by the length of a note, which leaves a rest. */
export function rest(): void {
  const { at, pitch } = cursor.value;
  go(Math.min(at + entry.value, project.value.length), pitch);
}

export function step(direction: 1 | -1): void {
  go(stepped(cursor.value.at, direction), cursor.value.pitch);
}

export function climb(semitones: number): void {
  const { at, pitch } = cursor.value;
  go(at, pitch + semitones);
  preview(cursor.value.pitch, own());
}

export function goToStart(): void {
  go(0, cursor.value.pitch);
}

/** Go to the end of the last note. */
export function goToEnd(): void {
  const last = project.value.tune.at(-1);
  go(last ? endOf(last) : 0, last?.[2] ?? cursor.value.pitch);
}

export function selectAll(): void {
  const starts = project.value.tune.map(([start]) => start);
  selectTune(starts);
  said.value = t.value.roll.notesSelected(starts.length);
}

/** Make the length of the next note dotted, or undotted. */
export function dot(): void {
  const dotted = (entry.value * 3) / 2;
  const plain = (entry.value * 2) / 3;
  if (DOTTED.includes(entry.value)) chooseLength(plain);
  else if (Number.isInteger(dotted)) entry.value = dotted;
  said.value = lengthName(entry.value);
}

/** Move the playhead to the cursor. */
export function playFromCursor(): void {
  playhead.value = cursor.value.at;
  said.value = t.value.roll.playheadAt(placeName(cursor.value.at));
}
