// What the musician set for listening: kept in this browser, not in the project.
import { effect, signal, type Signal } from "@preact/signals";

/** A signal whose value is kept in the browser's storage, if it can be read again. */
export function kept<T>(name: string, usual: T, isValid: (value: unknown) => boolean): Signal<T> {
  const key = `musicae ${name}`;
  let value = usual;
  try {
    const read: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    if (isValid(read)) value = read as T;
  } catch {
    // What another version wrote.
  }
  const made = signal(value);
  effect(() => localStorage.setItem(key, JSON.stringify(made.value)));
  return made;
}
