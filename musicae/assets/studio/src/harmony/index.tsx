import "./harmony.css";

import { t } from "../strings";
import { faults } from "./rules";

export { Alternatives } from "./alternatives";
export { ChordLane } from "./lane";
export { HarmonyPanel } from "./panel";
export { RulesPanel } from "./rules";

/** The name of the panel of rules, with the number of faults. */
export function rulesName(): string {
  const count = faults.value.length;
  return count ? `${t.value.harmony.rules} (${count})` : t.value.harmony.rules;
}
