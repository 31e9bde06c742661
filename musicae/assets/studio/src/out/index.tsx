import { t } from "../strings";

export function OutPanel() {
  return <p>{t.value.out.name}</p>;
}
