// Settings for listening are stored in this browser, not in the project.
import { effect, signal, type Signal } from "@preact/signals";

/** A signal that is stored in the browser; `usual` if the stored value is missing or not valid. */
export function kept<T>(name: string, usual: T, isValid: (value: unknown) => boolean): Signal<T> {
  const key = `musicae ${name}`;
  let value = usual;
  try {
    const read: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    if (isValid(read)) value = read as T;
  } catch {
    // Another version may have written something that is not JSON.
  }
  const made = signal(value);
  effect(() => localStorage.setItem(key, JSON.stringify(made.value)));
  return made;
}
