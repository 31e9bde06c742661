// Requests by a command: another way, alternatives, a mended violation. One at a time.
import { signal } from "@preact/signals";

import { question, settled, showProgress } from "../live";
import { compute, connected, refused, ServerError, Unreachable } from "../server";
import { project, tell } from "../store";

export interface Asking {
  /** The name of the command, in the musician's language. */
  label: string;
  share: number;
  cancel: () => void;
}
/** The running request; null if there is none. */
export const asking = signal<Asking | null>(null);

/**
 * Send a request with the project, when its harmony is up to date. Returns null if the request was
 * cancelled, the tune or a lock changed meanwhile, or it failed; the error is then already shown.
 */
export async function ask<T>(label: string, path: string, body: object): Promise<T | null> {
  asking.value?.cancel();
  if (!connected.value || refused.value) return null;
  const controller = new AbortController();
  const cancel = () => {
    controller.abort();
    if (asking.value?.cancel === cancel) asking.value = null;
  };
  asking.value = { label, share: 0, cancel };
  const shown = showProgress();
  const onProgress = (share: number) => {
    shown.report(share);
    if (asking.value?.cancel === cancel) asking.value = { label, share, cancel };
  };
  let unwatch = () => {};
  try {
    if (!(await settled()) || controller.signal.aborted) return null;
    const asked = question.value;
    const { locks } = project.value;
    unwatch = project.subscribe((now) => {
      if (question.value !== asked || now.locks !== locks) cancel();
    });
    return await compute<T>(
      path,
      { project: project.value, ...body },
      { signal: controller.signal, progress: onProgress },
    );
  } catch (error) {
    if (controller.signal.aborted || error instanceof Unreachable) return null;
    if (!(error instanceof ServerError)) throw error;
    if (error.status !== 401) tell(error.message, true);
    return null;
  } finally {
    unwatch();
    shown.end();
    if (asking.value?.cancel === cancel) asking.value = null;
  }
}
