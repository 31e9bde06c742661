import { t } from "../strings";

export function Roll() {
  return <p>{t.value.roll.name}</p>;
}
