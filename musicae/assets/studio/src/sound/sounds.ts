// Which sound each voice has.
import { choir } from "./choir";
import type { Instrument } from "./note";

export function instrumentOf(_voice: number): Instrument {
  return choir;
}
