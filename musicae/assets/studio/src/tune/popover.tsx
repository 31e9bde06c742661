// A button that opens a small panel beneath it; Escape or a click elsewhere closes it.
import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";

/** Pixels between the panel and the window's edge. */
const EDGE = 8;

interface Props {
  /** The button's content, and its name for screen readers. */
  label: ComponentChildren;
  name: string;
  children: (close: () => void) => ComponentChildren;
}

export function Popover({ label, name, children }: Props) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const toggled = (event: { newState: string }) => {
    const now = event.newState === "open";
    setOpen(now);
    if (!now) return;
    const from = button.current!.getBoundingClientRect();
    const { style } = panel.current!;
    style.top = `${from.bottom + 4}px`;
    style.maxHeight = `${innerHeight - from.bottom - EDGE}px`;
    requestAnimationFrame(() => {
      const width = panel.current?.offsetWidth ?? 0;
      style.left = `${Math.max(EDGE, Math.min(from.left, innerWidth - width - EDGE))}px`;
      panel.current?.querySelector<HTMLElement>("button, input, select")?.focus();
    });
  };
  const close = () => {
    panel.current?.hidePopover();
    button.current?.focus();
  };
  return (
    <>
      <button ref={button} aria-label={name} title={name} aria-expanded={open} popovertarget={id}>
        {label}
      </button>
      <div ref={panel} id={id} popover="auto" class="popover" role="dialog" aria-label={name} onToggle={toggled}>
        {open && children(close)}
      </div>
    </>
  );
}
