import { t } from "../strings";

export function Score() {
  return <p>{t.value.score.name}</p>;
}
