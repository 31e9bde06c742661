// Keyboard shortcuts of the page. Each area registers its own; the list of keys shows them all.

export interface Shortcut {
  /** KeyboardEvent.key, letters in lower case, with "ctrl+" and "shift+" in front if needed. */
  key: string;
  /** What it does, in the musician's language. */
  does: () => string;
  act: () => void;
}

const shortcuts: Shortcut[] = [];

/** All registered shortcuts, in order. */
export function allShortcuts(): readonly Shortcut[] {
  return shortcuts;
}

/** Register shortcuts. They work on the whole page except in fields and open dialogs. */
export function register(...added: Shortcut[]): void {
  shortcuts.push(...added);
}

/** Whether a key press belongs to a text field or an open dialog. */
export function isTaken(target: EventTarget | null): boolean {
  return (
    (target instanceof HTMLElement &&
      target.matches("input:not([type=checkbox], [type=radio]), textarea, select")) ||
    document.querySelector("dialog[open]") !== null
  );
}

function nameOf(event: KeyboardEvent): string {
  const held = (event.ctrlKey || event.metaKey ? "ctrl+" : "") + (event.shiftKey ? "shift+" : "");
  // With Shift, a digit's key gives another character, which depends on the keyboard's layout.
  const digit = event.shiftKey ? /^Digit(\d)$/.exec(event.code)?.[1] : undefined;
  return held + (digit ?? (event.key.length === 1 ? event.key.toLowerCase() : event.key));
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || isTaken(event.target)) return;
  // Space and Enter on a button, tab or link press it.
  const own = event.target instanceof HTMLElement && event.target.matches("button, [role=tab], a, summary");
  if (own && [" ", "Enter"].includes(event.key)) return;
  const found = shortcuts.find((each) => each.key === nameOf(event));
  if (!found) return;
  event.preventDefault();
  found.act();
});
