// The list of everything that is locked; each item can be unlocked.
import { project, selectedBars } from "../store";
import { t } from "../strings";
import { lockBars, lockVoice, unlockBars, unlockChord, unlockNotes, unlockVoice } from "./actions";
import { ChordText } from "./chordtext";
import { barsName, placeName, runsOf, voiceName, voicesOf } from "./places";

function Locked({ name, free }: { name: string; free: () => void }) {
  const label = t.value.harmony.freeIt(name);
  return (
    <li>
      <span>{name}</span>
      <button aria-label={label} title={label} onClick={free}>
        ✕
      </button>
    </li>
  );
}

export function Kept() {
  const text = t.value.harmony;
  const now = project.value;
  const { locks, settings, voice: tune } = now;
  const voices = voicesOf(settings.ensemble);
  const chosen = selectedBars.value;
  const there = [0, 1, 2, 3].filter((voice) => !settings.ensemble || !voices || voices[voice]);
  const notes = [...locks.notes].sort(([, one], [, other]) => one - other);
  return (
    <fieldset class="kept">
      <legend>{text.stays}</legend>
      <div class="voices">
        {there.map((voice) => (
          <label key={voice}>
            <input
              type="checkbox"
              checked={voice === tune || locks.voices.includes(voice)}
              disabled={voice === tune}
              onChange={(event) => (event.currentTarget.checked ? lockVoice(voice) : unlockVoice(voice))}
            />
            {voice === tune ? text.tune(voiceName(now, voice)) : voiceName(now, voice)}
          </label>
        ))}
      </div>
      {chosen && (
        <button onClick={() => lockBars(...chosen)}>{text.lockIt(barsName(...chosen))}</button>
      )}
      <ChordText />
      <ul class="freed">
        {runsOf(locks.bars).map(([first, last]) => (
          <Locked key={`bars ${first}`} name={barsName(first, last)} free={() => unlockBars(first, last)} />
        ))}
        {locks.chords.map((chord) => (
          <Locked
            key={`chord ${chord.start}`}
            name={`${chord.name}, ${placeName(chord.start)}`}
            free={() => unlockChord(chord)}
          />
        ))}
        {notes.map(([voice, start]) => (
          <Locked
            key={`note ${voice} ${start}`}
            name={`${voiceName(now, voice)}, ${placeName(start)}`}
            free={() => unlockNotes([[voice, start]])}
          />
        ))}
      </ul>
    </fieldset>
  );
}
