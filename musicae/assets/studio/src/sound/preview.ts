// Plays a short note when one is drawn or moved.
import { instrumentOf } from "./sounds";
import { SoundingNote, USUAL_VELOCITY } from "./note";
import { ASIDE, openStage } from "./stage";

const LENGTH = 0.35; // seconds
let last: SoundingNote | null = null;

/** Play a short note with the sound of a voice; it ends the one before. */
export function preview(pitch: number, voice: number): void {
  const stage = openStage();
  if (!stage) return;
  const at = stage.context.currentTime + 0.005;
  last?.cut();
  last = new SoundingNote(stage, instrumentOf(voice), ASIDE, pitch, USUAL_VELOCITY, at, at + LENGTH);
}
