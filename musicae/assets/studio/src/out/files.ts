// Files that the browser saves; the project's own needs no service.
import { register } from "../keys";
import type { Project } from "../project";
import { project } from "../store";
import { t } from "../strings";

/** Characters of a file's name without its suffix. */
const LONGEST_NAME = 40;

/** Let the browser save a file. */
export function save(file: File): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A title as the name of a file on any system, without a suffix; as the service names files. */
export function fileName(title: string): string {
  const ends = /^[ -]+|[ -]+$/g;
  const words = title.replace(/[^\p{L}\p{M}\p{N}_'()-]+/gu, " ").replace(ends, "");
  return [...words].slice(0, LONGEST_NAME).join("").replace(ends, "") || "chorale";
}

/** The project with all that is locked and planned, as a file that opens again. */
export function projectFile(now: Project): File {
  const text = JSON.stringify(now);
  return new File([text], `${fileName(now.title)}.musicae`, { type: "application/json" });
}

export function saveProject(): void {
  save(projectFile(project.value));
}

register({ key: "ctrl+s", does: () => t.value.out.saveProject, act: saveProject });
// In fields too, where other keys are theirs: else the browser would save the page.
addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.shiftKey || event.altKey) return;
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
  event.preventDefault();
  saveProject();
});
