// The page: its layout and its start.
import "./theme.css";
import "./page.css";

import { signal } from "@preact/signals";
import { render } from "preact";

import { learn } from "./about";
import { ComposePanel } from "./compose";
import { Head } from "./head";
import { Alternatives, ChordLane, HarmonyPanel, RulesPanel, rulesName } from "./harmony";
import { followTune } from "./live";
import { OutPanel } from "./out";
import { Roll } from "./roll";
import { Score } from "./score";
import { connected, refused, takeToken, watchConnection } from "./server";
import { Mixer, Transport } from "./sound";
import { keepSaved, notice } from "./store";
import { language, setLanguage, t } from "./strings";
import { TuneTools } from "./tune";
import { view } from "./view";
import { WordsLane, WordsPanel } from "./words";

const PANELS = {
  harmony: { name: () => t.value.harmony.name, panel: HarmonyPanel },
  rules: { name: rulesName, panel: RulesPanel },
  sound: { name: () => t.value.sound.name, panel: Mixer },
  words: { name: () => t.value.words.name, panel: WordsPanel },
  out: { name: () => t.value.out.name, panel: OutPanel },
  compose: { name: () => t.value.compose.name, panel: ComposePanel },
};
type PanelName = keyof typeof PANELS;
export const panel = signal<PanelName>("harmony");

function Side() {
  const names = Object.keys(PANELS) as PanelName[];
  const Open = PANELS[panel.value].panel;
  const move = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = names[(names.indexOf(panel.value) + by + names.length) % names.length]!;
    panel.value = next;
    document.getElementById(`tab-${next}`)?.focus();
    event.preventDefault();
  };
  return (
    <aside class="side" aria-label={t.value.page.panels}>
      <div role="tablist" aria-label={t.value.page.panels} onKeyDown={move}>
        {names.map((name) => (
          <button
            key={name}
            id={`tab-${name}`}
            role="tab"
            aria-selected={panel.value === name}
            aria-controls="panel"
            tabIndex={panel.value === name ? 0 : -1}
            onClick={() => (panel.value = name)}
          >
            {PANELS[name].name()}
          </button>
        ))}
      </div>
      <div id="panel" role="tabpanel" aria-labelledby={`tab-${panel.value}`} tabIndex={0}>
        <Open />
      </div>
    </aside>
  );
}

function Notices() {
  const shown = refused.value
    ? { text: t.value.page.refused, error: true }
    : !connected.value
      ? { text: t.value.page.away, error: true }
      : notice.value;
  return (
    <div aria-live="polite">
      {shown && (
        <div class={shown.error ? "notice error" : "notice"}>
          <span>{shown.text}</span>
          {shown === notice.value && (
            <button onClick={() => (notice.value = null)}>{t.value.page.close}</button>
          )}
        </div>
      )}
    </div>
  );
}

function Page() {
  return (
    <div class="page">
      <a class="skip" href="#roll">
        {t.value.page.skip}
      </a>
      <Head />
      <section class="tools" aria-label={t.value.tune.name}>
        <TuneTools />
      </section>
      <main class="work">
        <Notices />
        {view.value === "roll" ? (
          <div class="roll-view">
            <ChordLane />
            <WordsLane />
            <Roll />
          </div>
        ) : (
          <div class="score-view">
            <Score />
          </div>
        )}
        <Alternatives />
      </main>
      <Side />
      <section class="transport" aria-label={t.value.sound.name}>
        <Transport />
      </section>
    </div>
  );
}

takeToken();
setLanguage(language.value);
await keepSaved();
render(<Page />, document.getElementById("studio")!);
followTune();
watchConnection();
void learn();
