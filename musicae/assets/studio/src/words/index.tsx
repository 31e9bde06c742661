import { t } from "../strings";

export function WordsPanel() {
  return <p>{t.value.words.name}</p>;
}
