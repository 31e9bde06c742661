// The metronome's click.
import type { Scheduled } from "./note";
import { ASIDE, openStage } from "./stage";

const LENGTH = 0.05; // seconds

/** Schedule a click; `at` is the audio context's time in seconds. An accented click is higher. */
export function click(at: number, accented = false): Scheduled | null {
  const stage = openStage();
  if (!stage) return null;
  const { context } = stage;
  const source = new OscillatorNode(context, { type: "square", frequency: accented ? 1760 : 1174.66 });
  const level = new GainNode(context, { gain: accented ? 0.5 : 0.3 });
  level.gain.setTargetAtTime(0, at, LENGTH / 5);
  source.connect(level).connect(stage.buses[ASIDE]!);
  source.onended = () => level.disconnect();
  source.start(at);
  source.stop(at + LENGTH);
  return { at, off: at + LENGTH, hold() {}, cut: () => source.stop() };
}
