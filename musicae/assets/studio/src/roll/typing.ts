// Assigns keys to the commands of the roll.
import { t } from "../strings";
import { grid } from "../view";
import * as commands from "./commands";
import { fit, zoom } from "./geometry";
import { copy, cut, deselect, paste } from "./selection";

/** The length in ticks for each digit. */
const LENGTHS: Record<string, number> = { 1: 96, 2: 48, 4: 24, 8: 12, 6: 6, 3: 8, 9: 4 };
const ZOOM = 1.25;

const KEYS: Record<string, () => void> = {
  ArrowLeft: () => commands.step(-1),
  ArrowRight: () => commands.step(1),
  ArrowUp: () => commands.climb(1),
  ArrowDown: () => commands.climb(-1),
  "ctrl+ArrowUp": () => commands.climb(12),
  "ctrl+ArrowDown": () => commands.climb(-12),
  "ctrl+ArrowLeft": () => commands.goToNote(-1),
  "ctrl+ArrowRight": () => commands.goToNote(1),
  "shift+ArrowUp": () => commands.move(0, 1),
  "shift+ArrowDown": () => commands.move(0, -1),
  "ctrl+shift+ArrowUp": () => commands.move(0, 12),
  "ctrl+shift+ArrowDown": () => commands.move(0, -12),
  "shift+ArrowLeft": () => commands.lengthen(-grid.value),
  "shift+ArrowRight": () => commands.lengthen(grid.value),
  "ctrl+shift+ArrowLeft": () => commands.move(-grid.value, 0),
  "ctrl+shift+ArrowRight": () => commands.move(grid.value, 0),
  Enter: commands.toggle,
  Delete: commands.erase,
  Backspace: commands.eraseBack,
  Home: commands.goToStart,
  End: commands.goToEnd,
  PageUp: () => commands.goToBar(-1, false),
  PageDown: () => commands.goToBar(1, false),
  "shift+PageUp": () => commands.goToBar(-1, true),
  "shift+PageDown": () => commands.goToBar(1, true),
  "ctrl+a": commands.selectAll,
  "ctrl+c": copy,
  "ctrl+x": cut,
  "ctrl+v": paste,
  s: commands.pick,
  k: commands.toggleLock,
  "ctrl+Enter": commands.playFromCursor,
  "0": commands.rest,
  ".": commands.dot,
  "+": () => zoom(ZOOM),
  "-": () => zoom(1 / ZOOM),
  "=": fit,
  Escape: deselect,
};

/** The name of a key as in the table. A character that needs Shift has no "shift+" in front. */
function nameOf({ key, ctrlKey, metaKey, shiftKey }: KeyboardEvent): string {
  const control = ctrlKey || metaKey;
  const named = key.length > 1;
  const held = (control ? "ctrl+" : "") + (shiftKey && (named || control) ? "shift+" : "");
  return held + (named ? key : key.toLowerCase());
}

/** Run the roll's command for a key. Other keys are left to the page. */
export function onKeyDown(event: KeyboardEvent): void {
  if (event.altKey || event.target !== event.currentTarget) return;
  const name = nameOf(event);
  const letter = t.value.roll.letters[name];
  const length = LENGTHS[name];
  if (letter) commands.writeLetter(...letter);
  else if (length) commands.chooseLength(length);
  else if (KEYS[name]) KEYS[name]();
  else return;
  event.preventDefault();
}
