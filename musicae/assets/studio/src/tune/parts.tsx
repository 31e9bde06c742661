// A dialog with the parts of a file: the musician can listen to each, and chooses the tune.
import { useEffect, useRef, useState } from "preact/hooks";

import { audition, endAudition } from "../sound/audition";
import { t } from "../strings";
import { offered, type OpenedPart, take } from "./files";

export function PartsDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const { name, parts } = offered.value ?? { name: "", parts: [] };
  const [chosen, choose] = useState(0);
  const [heard, hear] = useState<number | null>(null);
  useEffect(() => {
    if (!offered.value) return dialog.current?.close();
    choose(Math.max(0, parts.findIndex((part) => part.chosen)));
    dialog.current?.showModal();
  }, [offered.value]);
  const silence = () => {
    endAudition();
    hear(null);
  };
  const play = (part: OpenedPart, index: number) => {
    audition(part.project.tune, part.project.tempos[0]?.[1] ?? 90);
    hear(index);
  };
  const text = t.value.tune;
  return (
    <dialog
      ref={dialog}
      class="parts"
      aria-labelledby="parts-name"
      onClose={() => {
        silence();
        offered.value = null;
      }}
    >
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          const part = parts[chosen];
          if (part) take(name, part);
        }}
      >
        <h2 id="parts-name">{text.whichPart(name)}</h2>
        <ul>
          {parts.map((part, index) => (
            <li key={index}>
              <label>
                <input
                  type="radio"
                  name="part"
                  checked={chosen === index}
                  onChange={() => choose(index)}
                />
                <span>{part.name || text.part(index + 1)}</span>
                <small>{text.notes(part.notes)}</small>
              </label>
              <button
                type="button"
                aria-label={heard === index ? text.silence : text.hear(part.name)}
                onClick={() => (heard === index ? silence() : play(part, index))}
              >
                {heard === index ? "■" : "▶"}
              </button>
            </li>
          ))}
        </ul>
        <div class="row">
          <button class="primary">{text.take}</button>
          <button type="button" onClick={() => dialog.current?.close()}>
            {text.cancel}
          </button>
        </div>
      </form>
    </dialog>
  );
}
