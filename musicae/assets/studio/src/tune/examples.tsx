// Example tunes.
import found from "../examples.json";
import type { Project } from "../project";
import { project } from "../store";
import { t } from "../strings";
import { replaceBy } from "./files";
import { Popover } from "./popover";
import { stage } from "./recorder";

const examples = found as unknown as Project[];
/** How many examples are offered if there is no tune yet. */
const FIRST = 3;

function begin(example: Project): void {
  replaceBy(t.value.tune.did.open(example.title), example);
}

export function Examples() {
  const text = t.value.tune;
  return (
    <Popover label={text.examples} name={text.examples}>
      {(close) => (
        <ul class="examples">
          {examples.map((example) => (
            <li key={example.title}>
              <button
                onClick={() => {
                  begin(example);
                  close();
                }}
              >
                {example.title}
              </button>
            </li>
          ))}
        </ul>
      )}
    </Popover>
  );
}

/** A hint over the roll as long as there is no tune; notes can be drawn through it. */
export function Welcome() {
  if (project.value.tune.length || stage.value !== "off") return null;
  return (
    <div class="roll-hint">
      <p>{t.value.roll.hint}</p>
      <p>{t.value.tune.begin}</p>
      <div class="row">
        {examples.slice(0, FIRST).map((example) => (
          <button key={example.title} onClick={() => begin(example)}>
            {example.title}
          </button>
        ))}
      </div>
    </div>
  );
}
