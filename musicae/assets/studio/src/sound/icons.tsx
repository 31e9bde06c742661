// The icons of the transport's buttons.

const SHAPES = {
  start: "M5 4h3v16H5zM20 4v16L9 12z",
  play: "M6 4l15 8-15 8z",
  pause: "M5 4h5v16H5zM14 4h5v16h-5z",
  stop: "M5 5h14v14H5z",
  loop: "M7 7h9V4l5 5-5 5v-3H7v4H4V10a3 3 0 0 1 3-3zM17 17H8v3l-5-5 1-1 4-4v3h9v-4h3v4a3 3 0 0 1-3 4z",
  metronome: "M9 3h6l4 18H5zM10.6 6L8.3 16h2.9L19 6.6l1.3 1.1L14 15.600V16h1.700L13.400 6z",
};

export function Icon({ name }: { name: keyof typeof SHAPES }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={SHAPES[name]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}
