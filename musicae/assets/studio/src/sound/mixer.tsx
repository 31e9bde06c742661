// The mixer: mute, solo and volume of each voice.
import { about } from "../about";
import { register } from "../keys";
import { VOICES } from "../project";
import { project } from "../store";
import { t } from "../strings";
import { channels, setChannel, toggleMute } from "./mix";

/** The names of the voices; null for a voice that the ensemble lacks. */
function voiceNames(): (string | null)[] {
  const name = project.value.settings.ensemble;
  const ensemble = about.value?.ensembles.find((each) => each.name === name);
  return VOICES.map((_, voice) =>
    ensemble ? (ensemble.voices[voice]?.name ?? null) : t.value.page.voices[voice]!,
  );
}

register(
  ...VOICES.map((_, voice) => ({
    key: `shift+${voice + 1}`,
    does: () => t.value.sound.muteOf(t.value.page.voices[voice]!),
    act: () => toggleMute(voice),
  })),
);

export function Mixer() {
  const words = t.value.sound;
  return (
    <div class="mixer">
      {voiceNames().map((name, voice) => {
        if (name === null) return null;
        const { muted, solo, volume } = channels.value[voice]!;
        return (
          <div key={voice} role="group" aria-label={name} class={`channel ${VOICES[voice]}`}>
            <span class="voice">{name}</span>
            <button
              aria-label={words.muteOf(name)}
              title={`${words.muteOf(name)} (Shift+${voice + 1})`}
              aria-pressed={muted}
              onClick={() => toggleMute(voice)}
            >
              {words.mute}
            </button>
            <button
              aria-label={words.soloOf(name)}
              title={words.soloOf(name)}
              aria-pressed={solo}
              onClick={() => setChannel(voice, { solo: !solo })}
            >
              {words.solo}
            </button>
            <input
              type="range"
              min={0}
              max={100}
              aria-label={words.volumeOf(name)}
              value={Math.round(volume * 100)}
              onInput={(event) => setChannel(voice, { volume: event.currentTarget.valueAsNumber / 100 })}
            />
          </div>
        );
      })}
      <p class="hint">{words.mixerHint}</p>
    </div>
  );
}
