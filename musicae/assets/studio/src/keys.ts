// The page's keys: areas register theirs, the list of keys shows them all.

export interface Shortcut {
  /** As KeyboardEvent.key, lower case for letters; "shift+" or "ctrl+" may stand before. */
  key: string;
  /** What it does, in the musician's language. */
  does: () => string;
  act: () => void;
}

const shortcuts: Shortcut[] = [];

/** All that are registered, in order. */
export function allShortcuts(): readonly Shortcut[] {
  return shortcuts;
}

/** Register keys that work everywhere on the page but in fields and open dialogs. */
export function register(...added: Shortcut[]): void {
  shortcuts.push(...added);
}

/** Whether keys belong to a field that is written in, or to an open dialog. */
export function isTaken(target: EventTarget | null): boolean {
  return (
    (target instanceof HTMLElement &&
      target.matches("input:not([type=checkbox], [type=radio]), textarea, select")) ||
    document.querySelector("dialog[open]") !== null
  );
}

function nameOf(event: KeyboardEvent): string {
  const held = (event.ctrlKey || event.metaKey ? "ctrl+" : "") + (event.shiftKey ? "shift+" : "");
  // With Shift, a digit's key writes another sign, which depends on the keyboard's layout.
  const digit = event.shiftKey ? /^Digit(\d)$/.exec(event.code)?.[1] : undefined;
  return held + (digit ?? (event.key.length === 1 ? event.key.toLowerCase() : event.key));
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || isTaken(event.target)) return;
  // Buttons and tabs have the space bar and the arrows to themselves.
  const own = event.target instanceof HTMLElement && event.target.matches("button, [role=tab], a, summary");
  if (own && [" ", "Enter"].includes(event.key)) return;
  const found = shortcuts.find((each) => each.key === nameOf(event));
  if (!found) return;
  event.preventDefault();
  found.act();
});
