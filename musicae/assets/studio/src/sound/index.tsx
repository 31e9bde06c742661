// Sound: the transport and the mixer.
import "./sound.css";

import { playedNotes } from "./note";
import { stageNow } from "./stage";

export { Mixer } from "./mixer";
export { Transport } from "./transport";

/** Read by tests and benchmarks. */
const probe = {
  /** The state of the audio context, its time in seconds, and the scheduled notes. */
  get state() {
    return stageNow()?.context.state ?? "none";
  },
  get time() {
    return stageNow()?.context.currentTime ?? 0;
  },
  scheduled: playedNotes,
  /** The root mean square of the output now. */
  level: () => stageNow()?.level() ?? 0,
};
declare global {
  interface Window {
    musicaeSound: typeof probe;
  }
}
window.musicaeSound = probe;
