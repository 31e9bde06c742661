// Plays notes that are not part of the piece, such as a proposed harmony or a part of a file.
import { QUARTER, type Note } from "../project";
import { playing } from "../view";
import { SoundingNote, USUAL_VELOCITY } from "./note";
import { instrumentOf } from "./sounds";
import { ASIDE, openStage } from "./stage";

const AHEAD = 1; // seconds that are scheduled ahead
const SOON = 0.05; // seconds until the first note
let stop: () => void = () => {};

/**
 * Play notes, beginning with the first: those of one part, or of each voice with its mixer levels.
 * `qpm` is the tempo in quarters a minute. It pauses the piece and ends an earlier audition.
 * Returns a function that ends the audition.
 */
export function audition(notes: Note[][] | Note[], qpm: number): () => void {
  stop();
  playing.value = false;
  const stage = openStage();
  if (!stage) return () => {};
  const voices = isVoices(notes) ? notes : [notes as Note[]];
  const parts = voices.length > 1 ? voices.map((_, voice) => voice) : [ASIDE];
  const all = voices
    .flatMap((each, i) => each.map((note) => ({ note, part: parts[i]! })))
    .sort((a, b) => a.note[0] - b.note[0]);
  const first = all[0]?.note[0] ?? 0;
  const begin = stage.context.currentTime + SOON;
  const timeOf = (tick: number) => begin + ((tick - first) * 60) / (QUARTER * qpm);
  let next = 0;
  let sounding: SoundingNote[] = [];
  const lookAhead = () => {
    const now = stage.context.currentTime;
    sounding = sounding.filter((each) => each.off > now);
    for (; next < all.length && timeOf(all[next]!.note[0]) < now + AHEAD; next++) {
      const { note, part } = all[next]!;
      const [start, length, pitch, velocity = USUAL_VELOCITY] = note;
      const instrument = instrumentOf(part === ASIDE ? 0 : part);
      sounding.push(
        new SoundingNote(stage, instrument, part, pitch, velocity, timeOf(start), timeOf(start + length)),
      );
    }
    if (next === all.length) clearInterval(timer);
  };
  const timer = window.setInterval(lookAhead, 250);
  lookAhead();
  const ending = () => {
    clearInterval(timer);
    for (const each of sounding) each.cut();
    sounding = [];
  };
  stop = ending;
  return ending;
}

function isVoices(notes: Note[][] | Note[]): notes is Note[][] {
  return notes.some((each) => Array.isArray(each[0]));
}

/** End the audition, because the piece begins. */
export function endAudition(): void {
  stop();
}
