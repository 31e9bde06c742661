// The panel of harmony: another way, settings, locks and notices.
import { register } from "../keys";
import { project, selectedBars } from "../store";
import { t } from "../strings";
import { PhraseEnds } from "../tune/phrases";
import { redraw } from "./actions";
import { asking } from "./asking";
import { Kept } from "./kept";
import { barsName } from "./places";
import { HarmonySettings } from "./settings";

register({
  key: "w",
  does: () => t.value.harmony.anotherWayHere,
  act: () => void redraw(selectedBars.value),
});

export function HarmonyPanel() {
  const text = t.value.harmony;
  const chosen = selectedBars.value;
  const notices = project.value.harmony?.notices ?? [];
  const idle = asking.value === null && project.value.tune.length > 0;
  return (
    <div class="harmony-panel">
      <h2 class="hidden-label">{text.name}</h2>
      <div class="row">
        <button disabled={!idle} onClick={() => void redraw(null)}>
          {text.anotherWay}
        </button>
        {chosen && (
          <button disabled={!idle} onClick={() => void redraw(chosen)}>
            {text.anotherWayIn(barsName(...chosen))}
          </button>
        )}
        {asking.value?.label === text.anotherWay && (
          <button onClick={asking.value.cancel}>{text.cancel}</button>
        )}
      </div>
      <HarmonySettings />
      <PhraseEnds />
      <Kept />
      {notices.length > 0 && (
        <section aria-label={text.notices}>
          <h3>{text.notices}</h3>
          <ul class="notices">
            {notices.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
