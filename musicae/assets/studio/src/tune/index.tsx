// The tune's tools: a bar above the roll. On narrow screens the less important ones are folded.
import "./tune.css";

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { register } from "../keys";
import { emptyProject } from "../project";
import { project } from "../store";
import { t } from "../strings";
import { GridChoice, KeyChoice, TempoChoice, VoiceChoice } from "./choices";
import { DropHere } from "./drop";
import { Examples } from "./examples";
import { openFile, openNamed, reading, replaceBy, SUFFIXES } from "./files";
import { BarTools, MeterTools } from "./meter";
import { PartsDialog } from "./parts";
import { markPhraseEnd, PhraseEndButton } from "./phrases";
import { Piano, RecordTools } from "./record";

export { PhraseEnds } from "./phrases";

const unfolded = signal(false);
register({ key: "p", does: () => t.value.tune.phraseEnd, act: markPhraseEnd });

export function TuneTools() {
  const text = t.value.tune;
  useEffect(() => void openNamed(), []);
  return (
    <>
      <div class="tune-tools">
        <FileTools />
        <RecordTools />
        <button
          class="fold"
          aria-expanded={unfolded.value}
          aria-controls="tune-settings"
          aria-label={text.more}
          title={text.more}
          onClick={() => (unfolded.value = !unfolded.value)}
        >
          ⋯
        </button>
        <div id="tune-settings" class={unfolded.value ? "settings unfolded" : "settings"}>
          <GridChoice />
          <MeterTools />
          <BarTools />
          <KeyChoice />
          <TempoChoice />
          <VoiceChoice />
          <PhraseEndButton />
        </div>
      </div>
      <Piano />
      <PartsDialog />
      <DropHere />
    </>
  );
}

function FileTools() {
  const text = t.value.tune;
  const chooser = useRef<HTMLInputElement>(null);
  return (
    <div class="files" role="group" aria-label={text.files}>
      <button
        disabled={!project.value.tune.length && !project.value.title}
        onClick={() => replaceBy(text.did.new, emptyProject())}
      >
        {text.new}
      </button>
      <button aria-busy={reading.value} onClick={() => chooser.current?.click()}>
        {reading.value ? text.reading : text.open}
      </button>
      <input
        ref={chooser}
        type="file"
        hidden
        accept={SUFFIXES}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (file) void openFile(file);
        }}
      />
      <Examples />
    </div>
  );
}
