// The words of the tune. The musician types verses; the service sets their syllables on the notes.
import "./words.css";

import { upToDate } from "../live";
import { change, endMerge, project } from "../store";
import { language, t } from "../strings";
import { languageNames } from "./languages";

export { WordsLane } from "./lane";

/** Matches the service's notices about words. */
const ON_WORDS = /\b(words?|verses?|syllables?|sings?)\b/i;

function setWords(words: string): void {
  change(t.value.words.name, (now) => ({ ...now, words }), "words");
}

/** The number of syllables of each verse on the tune, and the service's notices about words. */
function Set() {
  const { harmony, tune, voice, words } = project.value;
  if (!words.trim()) return null;
  if (!tune.length) return <p>{t.value.words.noTune}</p>;
  if (!harmony || !upToDate.value) return null;
  const verses = harmony.words.filter((each) => each.voice === voice);
  const told = harmony.notices.filter((text) => ON_WORDS.test(text));
  return (
    <>
      {verses.length > 0 && (
        <ul>
          {verses.map(({ verse, syllables }) => (
            <li key={verse}>{t.value.words.set(verse, syllables.length, tune.length)}</li>
          ))}
        </ul>
      )}
      {told.map((text) => (
        <p key={text} class={verses.length ? "told" : "told wrong"}>
          {text}
        </p>
      ))}
    </>
  );
}

export function WordsPanel() {
  const words = t.value.words;
  return (
    <div class="words">
      <label for="words">{words.label}</label>
      <textarea
        id="words"
        rows={8}
        spellcheck
        aria-describedby="words-help words-set"
        lang={project.value.language ?? undefined}
        maxLength={100_000}
        placeholder={words.example}
        value={project.value.words}
        onInput={(event) => setWords(event.currentTarget.value)}
        onBlur={endMerge}
      />
      <label>
        {words.language}
        <select
          value={project.value.language ?? ""}
          onChange={(event) => {
            const chosen = event.currentTarget.value || null;
            change(words.language, (now) => ({ ...now, language: chosen }));
          }}
        >
          <option value="">{words.hyphens}</option>
          {languageNames(language.value).map(([tag, name]) => (
            <option key={tag} value={tag}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <div id="words-set" class="set" aria-live="polite">
        <Set />
      </div>
      <ul id="words-help" class="help">
        {words.help.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </div>
  );
}
