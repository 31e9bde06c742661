// The head of the page: title, undo and redo, view, language and colours.
import { effect, signal } from "@preact/signals";

import { useEffect, useRef } from "preact/hooks";

import { allShortcuts, register } from "./keys";
import { progress } from "./live";
import { change, project, redo, redoable, undo, undoable } from "./store";
import { language, languages, setLanguage, t } from "./strings";
import { view } from "./view";

type Theme = "auto" | "light" | "dark";
const KEPT = "musicae theme";
const theme = signal<Theme>((localStorage.getItem(KEPT) as Theme | null) ?? "auto");
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const dark = signal(systemIsDark.matches);
systemIsDark.addEventListener("change", (event) => (dark.value = event.matches));
effect(() => {
  const chosen = theme.value === "auto" ? (dark.value ? "dark" : "light") : theme.value;
  document.documentElement.dataset.theme = chosen;
  localStorage.setItem(KEPT, theme.value);
});

register(
  { key: "ctrl+z", does: () => t.value.page.nothingToUndo, act: undo },
  { key: "ctrl+shift+z", does: () => t.value.page.nothingToRedo, act: redo },
  { key: "ctrl+y", does: () => t.value.page.nothingToRedo, act: redo },
);

/** The list of all keys. */
function Keys() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    register({ key: "?", does: () => t.value.page.keys, act: () => dialog.current?.showModal() });
    register({ key: "shift+?", does: () => t.value.page.keys, act: () => dialog.current?.showModal() });
  }, []);
  return (
    <>
      <button
        aria-label={t.value.page.keys}
        title={t.value.page.keys}
        onClick={() => dialog.current?.showModal()}
      >
        ?
      </button>
      <dialog ref={dialog} aria-label={t.value.page.keys}>
        <h2>{t.value.page.keys}</h2>
        <table>
          <tbody>
            {allShortcuts().map((each) => (
              <tr key={each.key}>
                <th scope="row">
                  <kbd>{each.key === " " ? t.value.page.space : each.key}</kbd>
                </th>
                <td>{each.does()}</td>
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

export function Head() {
  const page = t.value.page;
  const undoing = undoable.value === null ? page.nothingToUndo : page.undo(undoable.value);
  const redoing = redoable.value === null ? page.nothingToRedo : page.redo(redoable.value);
  return (
    <header class="head">
      <h1>musicae</h1>
      <input
        class="title"
        aria-label={page.nameOfPiece}
        placeholder={page.untitled}
        value={project.value.title}
        maxLength={200}
        onInput={(event) => {
          const title = event.currentTarget.value;
          change(page.nameOfPiece, (now) => ({ ...now, title }), "title");
        }}
      />
      <button aria-label={undoing} title={undoing} disabled={undoable.value === null} onClick={undo}>
        ↶
      </button>
      <button aria-label={redoing} title={redoing} disabled={redoable.value === null} onClick={redo}>
        ↷
      </button>
      <div role="group" aria-label={page.view}>
        <button aria-pressed={view.value === "roll"} onClick={() => (view.value = "roll")}>
          {page.viewRoll}
        </button>
        <button aria-pressed={view.value === "score"} onClick={() => (view.value = "score")}>
          {page.viewScore}
        </button>
      </div>
      {progress.value !== null && (
        <progress class="progress" aria-label={page.harmonizing} value={progress.value} />
      )}
      <div class="end">
        <Keys />
        <select
          aria-label={page.language}
          value={language.value}
          onChange={(event) => setLanguage(event.currentTarget.value)}
        >
          {languages.map((tag) => (
            <option key={tag} value={tag}>
              {new Intl.DisplayNames([tag], { type: "language" }).of(tag)}
            </option>
          ))}
        </select>
        <select
          aria-label={page.theme}
          value={theme.value}
          onChange={(event) => (theme.value = event.currentTarget.value as Theme)}
        >
          {(Object.keys(page.themes) as Theme[]).map((name) => (
            <option key={name} value={name}>
              {page.themes[name]}
            </option>
          ))}
        </select>
      </div>
    </header>
  );
}
