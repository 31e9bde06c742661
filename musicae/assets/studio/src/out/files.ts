// Saves files with the browser. The project file needs no service.
import { register } from "../keys";
import type { Project } from "../project";
import { project } from "../store";
import { t } from "../strings";

/** The largest number of characters of a file's name without its suffix. */
const LONGEST_NAME = 40;

/** Let the browser save a file. */
export function save(file: File): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A file name for a title, valid on all systems, without a suffix. The service uses the same rule. */
export function fileName(title: string): string {
  const ends = /^[ -]+|[ -]+$/g;
  const words = title.replace(/[^\p{L}\p{M}\p{N}_'()-]+/gu, " ").replace(ends, "");
  return [...words].slice(0, LONGEST_NAME).join("").replace(ends, "") || "chorale";
}

/** The project file, with all locks and the plan. The page can open it again. */
export function projectFile(now: Project): File {
  const text = JSON.stringify(now);
  return new File([text], `${fileName(now.title)}.musicae`, { type: "application/json" });
}

export function saveProject(): void {
  save(projectFile(project.value));
}

register({ key: "ctrl+s", does: () => t.value.out.saveProject, act: saveProject });
// Ctrl+S works in input fields too; otherwise the browser would save the page.
addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.shiftKey || event.altKey) return;
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
  event.preventDefault();
  saveProject();
});
