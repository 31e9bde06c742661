import { t } from "../strings";

export function TuneTools() {
  return <p>{t.value.tune.name}</p>;
}
