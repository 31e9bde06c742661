// The pieces of the shelf. The musician can listen to each, take it over as the tune, or remove it.
import { signal } from "@preact/signals";

import { SmallRoll } from "../harmony/preview";
import { barsOf, QUARTER, soundingVoices, type Project } from "../project";
import { audition } from "../sound/audition";
import { project as present } from "../store";
import { t } from "../strings";
import { keyName } from "../tune/choices";
import { replaceBy } from "../tune/files";
import { layPresent, newest } from "./making";
import { type Piece, shelf, take } from "./shelf";

const heard = signal<{ id: string; stop: () => void } | null>(null);

function silence(): void {
  heard.value?.stop();
  heard.value = null;
}

function hear({ id, project }: Piece): void {
  silence();
  const [, qpm] = project.tempos[0]!;
  const end = audition(soundingVoices(project), qpm);
  const seconds = (project.length * 60) / (QUARTER * qpm);
  const timer = setTimeout(() => (heard.value = null), 1000 * seconds);
  heard.value = {
    id,
    stop: () => {
      clearTimeout(timer);
      end();
    },
  };
}

/** The piece becomes the project, its highest voice the tune. */
function takeOver(piece: Piece): void {
  silence();
  replaceBy(t.value.compose.takeOver, piece.project);
}

function titleOf(project: Project): string {
  return project.title || t.value.page.untitled;
}

function Card({ piece, isNew }: { piece: Piece; isNew: boolean }) {
  const words = t.value.compose;
  const { id, project } = piece;
  const title = titleOf(project);
  const plays = heard.value?.id === id;
  const key = project.harmony?.key ?? project.key;
  const [, beats, unit] = project.meters[0]!;
  const bars = barsOf(project).at(-1)!.number;
  const facts = [key && keyName(key), `${beats}/${unit}`, words.barsOf(bars)];
  return (
    <li class={isNew ? "piece new" : "piece"} aria-label={title}>
      <b>{title}</b>
      <span class="dim">
        {facts.filter(Boolean).join(" · ")}
      </span>
      <SmallRoll voices={soundingVoices(project)} extent={{ start: 0, stop: project.length }} />
      <div class="row">
        <button
          aria-pressed={plays}
          aria-label={`${plays ? words.stop : words.listen}: ${title}`}
          onClick={() => (plays ? silence() : hear(piece))}
        >
          {plays ? words.stop : words.listen}
        </button>
        <button
          aria-pressed={present.value.tune === project.tune}
          aria-label={`${words.takeOver}: ${title}`}
          onClick={() => takeOver(piece)}
        >
          {words.takeOver}
        </button>
        <button aria-label={`${words.remove}: ${title}`} onClick={() => void take(id)}>
          ✕
        </button>
      </div>
    </li>
  );
}

export function Shelf() {
  const words = t.value.compose;
  const pieces = shelf.value;
  return (
    <section aria-label={words.shelf}>
      <h2>{words.shelf}</h2>
      <button disabled={!present.value.tune.length} onClick={() => void layPresent()}>
        {words.layPresent}
      </button>
      {pieces.length === 0 && <p class="dim">{words.emptyShelf}</p>}
      <ul class="pieces">
        {pieces.map((piece, i) => (
          <Card key={piece.id} piece={piece} isNew={i < newest.value} />
        ))}
      </ul>
    </section>
  );
}
