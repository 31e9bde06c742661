// The form with the requests for new pieces.
import { about } from "../about";
import { t } from "../strings";
import { keyName } from "../tune/choices";
import { compose, type Wishes, wish, wishes } from "./making";
import { Sliders } from "./sliders";

const METERS = ["4/4", "3/4", "2/4", "2/2", "3/2", "6/8", "6/4"];
const KEYS = ["C", "G", "D", "A", "E", "B", "F", "Bb", "Eb", "Ab", "Db"].map((tonic) => `${tonic} major`);
const MINOR_KEYS = ["A", "E", "B", "F#", "C#", "D", "G", "C", "F", "Bb"].map((tonic) => `${tonic} minor`);
const MOST_PIECES = 8;
const MOST_BARS = 64;
const MOST_SEED = 2 ** 31 - 1;

interface ChoiceProps {
  name: string;
  field: "meter" | "key" | "style" | "form";
  choices: readonly string[];
  named?: (choice: string) => string;
}

/** A choice among names; the default is any. */
function Choice({ name, field, choices, named = (choice) => choice }: ChoiceProps) {
  return (
    <label>
      {name}
      <select value={wishes.value[field]} onChange={(event) => wish({ [field]: event.currentTarget.value })}>
        <option value="">{t.value.compose.any}</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {named(choice)}
          </option>
        ))}
      </select>
    </label>
  );
}

interface WholeProps {
  name: string;
  field: "n" | "bars" | "seed";
  low: number;
  high: number;
}

/** A field for a whole number; the number of bars may be empty. */
function Whole({ name, field, low, high }: WholeProps) {
  const type = (typed: number) => {
    const fits = Number.isInteger(typed) && typed >= low && typed <= high;
    if (fits) wish({ [field]: typed } as Partial<Wishes>);
  };
  const change = (input: HTMLInputElement) => {
    const typed = input.valueAsNumber;
    const open = Number.isNaN(typed) && field === "bars";
    const value = open ? null : Math.min(Math.max(low, Math.round(typed || low)), high);
    input.value = String(value ?? "");
    wish({ [field]: value } as Partial<Wishes>);
  };
  return (
    <label>
      {name}
      <input
        type="number"
        min={low}
        max={high}
        placeholder={field === "bars" ? t.value.compose.any : undefined}
        value={wishes.value[field] ?? ""}
        onInput={(event) => type(event.currentTarget.valueAsNumber)}
        onChange={(event) => change(event.currentTarget)}
      />
    </label>
  );
}

/** The number of pieces, and the seed. */
export function Count() {
  const words = t.value.compose;
  return (
    <div class="pair">
      <Whole name={words.count} field="n" low={1} high={MOST_PIECES} />
      <Whole name={words.seed} field="seed" low={0} high={MOST_SEED} />
    </div>
  );
}

export function ComposeForm() {
  const words = t.value.compose;
  const styles = t.value.harmony.styles;
  return (
    <>
      <div class="pair">
        <Whole name={words.bars} field="bars" low={1} high={MOST_BARS} />
        <Choice name={words.meter} field="meter" choices={METERS} />
        <Choice name={words.key} field="key" choices={[...KEYS, ...MINOR_KEYS]} named={keyName} />
        <Choice
          name={words.style}
          field="style"
          choices={about.value?.styles ?? []}
          named={(choice) => styles[choice] ?? choice}
        />
        <Choice name={words.form} field="form" choices={about.value?.compose.forms ?? []} />
      </div>
      <details>
        <summary>{words.character}</summary>
        <Sliders />
      </details>
      <Count />
      <button class="primary" onClick={() => void compose()}>
        {words.doCompose}
      </button>
    </>
  );
}
