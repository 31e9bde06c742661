// Sound: the transport and the mixer.
import "./sound.css";

import { handed } from "./note";
import { stageNow } from "./stage";

export { Mixer } from "./mixer";
export { Transport } from "./transport";

/** What tests and benchmarks ask for. */
const heard = {
  /** The state of the audio context, its time in seconds, and what was handed to it. */
  get state() {
    return stageNow()?.context.state ?? "none";
  },
  get time() {
    return stageNow()?.context.currentTime ?? 0;
  },
  scheduled: handed,
  /** The root mean square of what is heard now. */
  level: () => stageNow()?.level() ?? 0,
};
declare global {
  interface Window {
    musicaeSound: typeof heard;
  }
}
window.musicaeSound = heard;
