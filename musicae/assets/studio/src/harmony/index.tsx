import "./harmony.css";

import { t } from "../strings";
import { breaks } from "./rules";

export { Alternatives } from "./alternatives";
export { ChordLane } from "./lane";
export { HarmonyPanel } from "./panel";
export { RulesPanel } from "./rules";

/** The name of the panel of rules, with how many are broken. */
export function rulesName(): string {
  const count = breaks.value.length;
  return count ? `${t.value.harmony.rules} (${count})` : t.value.harmony.rules;
}
