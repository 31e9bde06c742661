// The bar above the roll: the tools, zoom, the list of keys, and the commands for the selection.
import { useRef } from "preact/hooks";

import { lockBars, lockNotes, redraw, unlockBars, unlockNotes } from "../harmony/actions";
import { project, selectedBars, selectedNotes } from "../store";
import { t } from "../strings";
import { fit, zoom } from "./geometry";
import {
  copied,
  copy,
  deselect,
  paste,
  remove,
  selectedOthers,
  selectedStarts,
  selectionBars,
  toggleLoop,
} from "./selection";
import { type Tool, tool } from "./state";

const TOOLS: Record<Tool, string> = { draw: "✎", select: "⬚", erase: "⌫" };

export function RollTools() {
  const roll = t.value.roll;
  return (
    <div class="roll-tools" role="group" aria-label={roll.tools}>
      <div role="group" aria-label={roll.tool} class="joined">
        {(Object.keys(TOOLS) as Tool[]).map((name) => (
          <button
            key={name}
            aria-pressed={tool.value === name}
            title={roll.toolHelp[name]}
            onClick={() => (tool.value = name)}
          >
            <span aria-hidden="true">{TOOLS[name]}</span> {roll.toolNames[name]}
          </button>
        ))}
      </div>
      <div role="group" aria-label={roll.zoom} class="joined aside">
        <button aria-label={roll.zoomOut} title={roll.zoomOut} onClick={() => zoom(0.8)}>
          −
        </button>
        <button aria-label={roll.zoomIn} title={roll.zoomIn} onClick={() => zoom(1.25)}>
          +
        </button>
        <button title={roll.fitHelp} onClick={fit}>
          {roll.fit}
        </button>
      </div>
      <KeysOfRoll />
      {copied.value && (
        <button class="aside" onClick={paste}>
          {roll.paste}
        </button>
      )}
      <Selection />
    </div>
  );
}

/** The commands for the selected notes or bars; nothing if none are selected. */
function Selection() {
  const roll = t.value.roll;
  const bars = selectedBars.value;
  const chosen = selectionBars();
  const starts = selectedStarts();
  const others = selectedOthers();
  if (!chosen) return null;
  const { locks, harmony } = project.value;
  const held = bars
    ? locks.bars.some((bar) => bars[0] <= bar && bar <= bars[1])
    : locks.notes.some(([v, at]) => others.some(([voice, start]) => v === voice && at === start));
  const count = bars ? roll.barsSelected(...bars) : roll.notesSelected(selectedNotes.value.length);
  const lock = () => (bars ? lockBars(...bars) : lockNotes(others));
  const free = () => (bars ? unlockBars(...bars) : unlockNotes(others));
  return (
    <div class="roll-selection" role="group" aria-label={count}>
      <span>{count}</span>
      {harmony && (
        <button title={roll.rewriteHelp} onClick={() => void redraw(chosen)}>
          {roll.rewrite}
        </button>
      )}
      {(bars || others.length > 0) && <button onClick={lock}>{roll.lock}</button>}
      {held && <button onClick={free}>{roll.free}</button>}
      {bars && <button onClick={toggleLoop}>{roll.loop}</button>}
      {starts.length > 0 && <button onClick={copy}>{roll.copy}</button>}
      {starts.length > 0 && <button onClick={() => remove(starts)}>{roll.removeThem}</button>}
      <button aria-label={roll.deselect} title={roll.deselect} onClick={deselect}>
        ×
      </button>
    </div>
  );
}

function KeysOfRoll() {
  const dialog = useRef<HTMLDialogElement>(null);
  const roll = t.value.roll;
  return (
    <>
      <button class="aside" aria-haspopup="dialog" onClick={() => dialog.current?.showModal()}>
        {roll.keys}
      </button>
      <dialog ref={dialog} class="roll-keys-help" aria-label={roll.keysTitle}>
        <h2>{roll.keysTitle}</h2>
        <table>
          <tbody>
            {roll.keysHelp.map(([keys, does]) => (
              <tr key={keys}>
                <th scope="row">
                  <kbd>{keys}</kbd>
                </th>
                <td>{does}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <form method="dialog">
          <button>{t.value.page.close}</button>
        </form>
      </dialog>
    </>
  );
}
