// Phrase ends and their cadences: marked by the musician, or found by the harmony.
import { about } from "../about";
import { placeName } from "../harmony/places";
import { type Note, type PhraseEnd, type Project, STEP } from "../project";
import { cursor } from "../roll/state";
import { change, project, selectedNotes } from "../store";
import { t } from "../strings";
import { noteAt } from "./edits";

/** The present phrase ends: the musician's marks, or else those that the harmony found. */
export function phraseEnds({ phrases, harmony, tune }: Project): PhraseEnd[] {
  if (phrases) return phrases;
  const starts = (harmony?.phrases ?? []).flatMap((at) => nearest(tune, at) ?? []);
  return [...new Set(starts)].map((at) => ({ at, cadence: null }));
}

/** The start of the note that is less than a sixteenth from a tick; harmony is on sixteenths. */
function nearest(tune: readonly Note[], tick: number): number | undefined {
  return tune.find(([start]) => Math.abs(start - tick) < STEP)?.[0];
}

/** Mark the notes that begin at these ticks as phrase ends; if all are marked, unmark them. */
export function togglePhraseEnds(project: Project, starts: readonly number[]): Project {
  if (!starts.length) return project;
  const ends = phraseEnds(project);
  const marked = new Set(ends.map((end) => end.at));
  const missing = starts.filter((at) => !marked.has(at));
  const phrases = missing.length
    ? [...ends, ...missing.map((at) => ({ at, cadence: null }))].sort((a, b) => a.at - b.at)
    : ends.filter((end) => !starts.includes(end.at));
  return { ...project, phrases };
}

/** Set the cadence of a phrase end; null allows any cadence. */
export function setCadence(project: Project, at: number, cadence: string | null): Project {
  const phrases = phraseEnds(project).map((end) => (end.at === at ? { at, cadence } : end));
  return { ...project, phrases };
}

/** The starts of the notes to mark: the selected notes, or the note at the roll's cursor. */
export function markable(): number[] {
  const { tune, voice } = project.value;
  const selected = selectedNotes.value.filter(([of]) => of === voice).map(([, start]) => start);
  if (selected.length) return selected;
  const note = noteAt(tune, cursor.value.at);
  return note ? [note[0]] : [];
}

/** Mark or unmark a phrase end. */
export function markPhraseEnd(): void {
  change(t.value.tune.did.phrase, (now) => togglePhraseEnds(now, markable()));
}

/** A button that marks or unmarks a phrase end. It is pressed if the note is marked. */
export function PhraseEndButton() {
  const text = t.value.tune;
  const starts = markable();
  const ends = phraseEnds(project.value).map((end) => end.at);
  return (
    <button
      title={text.phraseEndKey}
      aria-keyshortcuts="P"
      aria-pressed={starts.length > 0 && starts.every((at) => ends.includes(at))}
      disabled={!starts.length}
      onClick={markPhraseEnd}
    >
      {text.phraseEnd}
    </button>
  );
}

/** The list of phrase ends, each with its cadence. */
export function PhraseEnds() {
  const text = t.value.tune;
  const own = project.value.phrases !== null;
  const ends = phraseEnds(project.value);
  const names = about.value?.cadences ?? [];
  return (
    <section class="phrase-ends" aria-label={text.phraseEnds}>
      <h3>{text.phraseEnds}</h3>
      <p class="dim">{own ? text.phrasesOwn : text.phrasesFound}</p>
      <ul>
        {ends.map(({ at, cadence }) => (
          <li key={at}>
            <span>{placeName(at)}</span>
            <select
              aria-label={text.cadenceAt(placeName(at))}
              value={cadence ?? ""}
              onChange={({ currentTarget: { value } }) =>
                change(text.did.cadence, (now) => setCadence(now, at, value || null))
              }
            >
              <option value="">{text.anyCadence}</option>
              {names.map((name) => (
                <option key={name} value={name}>
                  {text.cadences[name] ?? name}
                </option>
              ))}
            </select>
            <button
              aria-label={text.unmark(placeName(at))}
              title={text.unmark(placeName(at))}
              onClick={() => change(text.did.phrase, (now) => togglePhraseEnds(now, [at]))}
            >
              ✕
            </button>
          </li>
        ))}
      </ul>
      {own && (
        <button onClick={() => change(text.did.findPhrases, (now) => ({ ...now, phrases: null }))}>
          {text.findPhrases}
        </button>
      )}
    </section>
  );
}
