import { t } from "../strings";

export function Transport() {
  return <p>{t.value.sound.name}</p>;
}

export function Mixer() {
  return <p>{t.value.sound.name}</p>;
}
