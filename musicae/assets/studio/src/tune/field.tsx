// An input field that keeps the typed text until it is finished, even if the piece changes meanwhile.
import { useState } from "preact/hooks";

interface Props {
  /** Whether it takes numbers instead of text. */
  numeric?: boolean;
  value: string;
  min?: number;
  max?: number;
  size?: number;
  placeholder?: string;
  /** Called with the text when the musician has finished. */
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
