import { t } from "../strings";

export function ChordLane() {
  return <p>{t.value.harmony.name}</p>;
}

export function HarmonyPanel() {
  return <p>{t.value.harmony.name}</p>;
}

export function RulesPanel() {
  return <p>{t.value.harmony.name}</p>;
}

export function Alternatives() {
  return <p>{t.value.harmony.name}</p>;
}
