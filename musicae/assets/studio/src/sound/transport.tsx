// The transport: play, position, loop, tempo, metronome, sound and volume.
import { computed, effect, signal } from "@preact/signals";

import { register } from "../keys";
import { barAt } from "../project";
import { bars, project, selectedBars } from "../store";
import { t } from "../strings";
import { loop, playhead, playing } from "../view";
import { Icon } from "./icons";
import { master } from "./mix";
import { clicking, rate, stop, tempoMap, togglePlaying, toStart } from "./player";
import { sound, SOUNDS, type SoundName } from "./sounds";

/** Bounds of the tempo, in percent of the piece's own. */
const SLOWEST = 25;
const FASTEST = 200;
/** Milliseconds between two updates of the position in figures. */
const READABLE = 100;

/** The playhead's tick as displayed; while playing it changes only every READABLE milliseconds. */
const place = signal(0);
let written = 0;
effect(() => {
  const tick = playhead.value;
  const now = performance.now();
  if (playing.value && now - written < READABLE) return;
  written = now;
  place.value = tick;
});

/** End the loop; if there is none, loop the selected bars or the whole piece. */
function toggleLoop(): void {
  if (loop.value) {
    loop.value = null;
    return;
  }
  const chosen = selectedBars.value;
  const inside = chosen
    ? bars.value.filter(({ number }) => number >= chosen[0] && number <= chosen[1])
    : bars.value;
  const last = inside.at(-1);
  if (last) loop.value = [inside[0]!.start, last.start + last.length];
}

register(
  { key: " ", does: () => t.value.sound.playOrPause, act: togglePlaying },
  { key: "Home", does: () => t.value.sound.toStart, act: toStart },
  { key: "l", does: () => t.value.sound.loop, act: toggleLoop },
);

/** Bar, beat, minutes and seconds: "3.2  0:14". */
const figures = computed(() => {
  const tick = Math.min(place.value, project.value.length - 1);
  const bar = barAt(bars.value, tick);
  const beat = Math.floor((tick - bar.start) / bar.beat) + 1;
  const seconds = Math.floor(tempoMap.value.secondsAt(place.value) / rate.value);
  return `${bar.number}.${beat}  ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
});
/** The piece's own tempo at the displayed position, in quarters a minute. */
const ownTempo = computed(() => Math.round(tempoMap.value.tempoAt(place.value)));

function Place() {
  return (
    <span class="place" role="timer" aria-label={t.value.sound.place}>
      {figures}
    </span>
  );
}

function Tempo() {
  const words = t.value.sound;
  const qpm = ownTempo.value;
  return (
    <label class="tempo">
      <span>{words.tempo}</span>
      <input
        type="number"
        min={SLOWEST}
        max={FASTEST}
        step={5}
        aria-label={words.tempoPercent}
        value={Math.round(rate.value * 100)}
        onChange={(event) => {
          const percent = event.currentTarget.valueAsNumber || 100;
          rate.value = Math.min(FASTEST, Math.max(SLOWEST, percent)) / 100;
          event.currentTarget.value = String(Math.round(rate.value * 100));
        }}
      />
      <span>%</span>
      <span class="qpm" title={words.ownTempo(qpm)}>
        ♩ = {Math.round(qpm * rate.value)}
      </span>
    </label>
  );
}

export function Transport() {
  const words = t.value.sound;
  return (
    <div class="sound">
      <div class="buttons">
        <button aria-label={words.toStart} title={`${words.toStart} (Home)`} onClick={toStart}>
          <Icon name="start" />
        </button>
        <button
          class="primary"
          aria-label={playing.value ? words.pause : words.play}
          title={`${words.playOrPause} (${t.value.page.space})`}
          onClick={togglePlaying}
        >
          <Icon name={playing.value ? "pause" : "play"} />
        </button>
        <button aria-label={words.stop} title={words.stop} onClick={stop}>
          <Icon name="stop" />
        </button>
        <button
          aria-label={words.loop}
          title={`${words.loop} (L)`}
          aria-pressed={loop.value !== null}
          onClick={toggleLoop}
        >
          <Icon name="loop" />
        </button>
        <button
          aria-label={words.metronome}
          title={words.metronome}
          aria-pressed={clicking.value}
          onClick={() => (clicking.value = !clicking.value)}
        >
          <Icon name="metronome" />
        </button>
      </div>
      <Place />
      <Tempo />
      <select
        aria-label={words.sound}
        value={sound.value}
        onChange={(event) => (sound.value = event.currentTarget.value as SoundName)}
      >
        {SOUNDS.map((name) => (
          <option key={name} value={name}>
            {words.sounds[name]}
          </option>
        ))}
      </select>
      <label class="master">
        <span>{words.volume}</span>
        <input
          type="range"
          min={0}
          max={100}
          value={Math.round(master.value * 100)}
          onInput={(event) => (master.value = event.currentTarget.valueAsNumber / 100)}
        />
      </label>
    </div>
  );
}
