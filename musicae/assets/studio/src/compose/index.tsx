import { t } from "../strings";

export function ComposePanel() {
  return <p>{t.value.compose.name}</p>;
}
