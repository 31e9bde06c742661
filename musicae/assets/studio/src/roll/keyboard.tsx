// The piano keys at the left of the roll; a press plays one.
import { preview } from "../sound/preview";
import { project } from "../store";
import { t } from "../strings";
import { highest, rowHeight, rows } from "./state";

/** The letters of the keys of an octave; black keys have none. */
const LETTERS = ["C", "", "D", "", "E", "F", "", "G", "", "A", "", "B"];

export function Keyboard() {
  const high = rowHeight.value;
  const name = (letter: string) => t.value.roll.noteName(letter, 0);
  return (
    <div class="roll-keys" aria-hidden="true" title={t.value.roll.keyboard}>
      {Array.from({ length: rows.value }, (_, row) => {
        const pitch = highest.value - row;
        const letter = LETTERS[pitch % 12]!;
        return (
          <div
            key={pitch}
            class={`key ${letter ? "" : "black"} ${pitch % 12 === 0 ? "octave" : ""}`}
            style={{ height: `${high}px`, lineHeight: `${high - 1}px` }}
            onPointerDown={() => preview(pitch, project.peek().voice)}
          >
            {letter && (letter === "C" || high >= 13) && name(letter) + (Math.floor(pitch / 12) - 1)}
          </div>
        );
      })}
    </div>
  );
}
