// Sliders for the attributes of new pieces: more or less than usual.
import { about } from "../about";
import { t } from "../strings";
import { sliders } from "./making";

const STEP = 0.5;

function set(name: string, value: number, usual: number): void {
  const { [name]: _old, ...others } = sliders.value;
  sliders.value = value === usual ? others : { ...others, [name]: value };
}

export function Sliders() {
  const words = t.value.compose;
  const moved = Object.keys(sliders.value).length > 0;
  return (
    <div class="sliders" role="group" aria-label={words.sliders}>
      <div class="row">
        <span>{words.sliders}</span>
        {moved && <button onClick={() => (sliders.value = {})}>{words.usual}</button>}
      </div>
      {(about.value?.sliders ?? []).map(({ name, low, high, usual }) => {
        const value = sliders.value[name] ?? usual;
        return (
          <label key={name}>
            <span>{words.attributes[name] ?? name}</span>
            <input
              type="range"
              min={low}
              max={high}
              step={STEP}
              value={value}
              aria-valuetext={words.deviations(value)}
              onInput={(event) => set(name, Number(event.currentTarget.value), usual)}
            />
            <output>{value > 0 ? `+${value}` : String(value).replace("-", "−")}</output>
          </label>
        );
      })}
    </div>
  );
}
