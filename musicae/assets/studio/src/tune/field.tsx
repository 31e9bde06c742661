// A field that keeps what is typed until it is done, whatever changes in the piece meanwhile.
import { useState } from "preact/hooks";

interface Props {
  /** For numbers; otherwise for any text. */
  numeric?: boolean;
  value: string;
  min?: number;
  max?: number;
  size?: number;
  placeholder?: string;
  /** Called when the musician is done. */
  done: (typed: string) => void;
}

export function Field({ numeric = false, value, done, ...rest }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const all = {
    ...rest,
    value: typed ?? value,
    onInput: (event: InputEvent) => setTyped((event.currentTarget as HTMLInputElement).value),
    onChange: (event: Event) => {
      setTyped(null);
      done((event.currentTarget as HTMLInputElement).value);
    },
    onBlur: () => setTyped(null),
  };
  return numeric ? <input {...all} type="number" step="any" /> : <input {...all} />;
}
