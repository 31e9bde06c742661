// A field that keeps what is typed until it is done, whatever changes in the piece meanwhile.
import { useState } from "preact/hooks";

interface Props {
  type?: "number" | "text";
  value: string;
  min?: number;
  max?: number;
  size?: number;
  placeholder?: string;
  /** Called when the musician is done. */
  done: (typed: string) => void;
}

export function Field({ type = "text", value, done, ...rest }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <input
      {...rest}
      type={type}
      step="any"
      value={typed ?? value}
      onInput={(event) => setTyped(event.currentTarget.value)}
      onChange={(event) => {
        setTyped(null);
        done(event.currentTarget.value);
      }}
      onBlur={() => setTyped(null)}
    />
  );
}
