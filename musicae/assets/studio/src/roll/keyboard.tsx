// The keys of a piano at the left of the roll; a press sounds one.
import { preview } from "../sound/preview";
import { project } from "../store";
import { t } from "../strings";
import { noteName } from "./names";
import { highest, rowHeight, rows } from "./state";

const BLACK = [1, 3, 6, 8, 10];

export function Keyboard() {
  const high = rowHeight.value;
  return (
    <div class="roll-keys" aria-hidden="true" title={t.value.roll.keyboard}>
      {Array.from({ length: rows.value }, (_, row) => {
        const pitch = highest.value - row;
        const black = BLACK.includes(pitch % 12);
        return (
          <div
            key={pitch}
            class={`key ${black ? "black" : ""} ${pitch % 12 === 0 ? "octave" : ""}`}
            style={{ height: `${high}px`, lineHeight: `${high - 1}px` }}
            onPointerDown={() => preview(pitch, project.peek().voice)}
          >
            {pitch % 12 === 0 || (high >= 13 && !black) ? noteName(pitch) : ""}
          </div>
        );
      })}
    </div>
  );
}
