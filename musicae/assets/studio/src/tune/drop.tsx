// Opens a file that is dropped anywhere on the page.
import { signal } from "@preact/signals";

import { t } from "../strings";
import { openFile } from "./files";

/** Whether a file is being dragged over the page. */
const over = signal(false);
/** dragenter events minus dragleave events: the file enters a child before it leaves the parent. */
let depth = 0;

function holdsFile(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

addEventListener("dragenter", (event) => {
  if (!holdsFile(event)) return;
  depth += 1;
  over.value = true;
});
addEventListener("dragleave", (event) => {
  if (!holdsFile(event)) return;
  depth = Math.max(0, depth - 1);
  over.value = depth > 0;
});
addEventListener("dragover", (event) => {
  if (!holdsFile(event)) return;
  event.preventDefault();
  event.dataTransfer!.dropEffect = "copy";
});
addEventListener("drop", (event) => {
  depth = 0;
  over.value = false;
  if (!holdsFile(event)) return;
  event.preventDefault();
  const file = event.dataTransfer!.files[0];
  if (file) void openFile(file);
});

/** Shown while a file is being dragged over the page. */
export function DropHere() {
  if (!over.value) return null;
  return (
    <div class="drop-here" role="status">
      {t.value.tune.drop}
    </div>
  );
}
