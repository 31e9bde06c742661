// A choice that the browser keeps.
import { type Signal, signal } from "@preact/signals";

export function kept<T>(name: string, usual: T): Signal<T> {
  const found = signal<T>(usual);
  try {
    found.value = JSON.parse(localStorage.getItem(name) ?? "") as T;
  } catch {
    // It was never chosen.
  }
  found.subscribe((value) => localStorage.setItem(name, JSON.stringify(value)));
  return found;
}
