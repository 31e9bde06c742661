// What a musician asks for by hand: another way, alternatives, a mended place. One at a time.
import { signal } from "@preact/signals";

import { question, settled, showProgress } from "../live";
import { compute, connected, refused, ServerError, Unreachable } from "../server";
import { project, tell } from "../store";

export interface Asking {
  /** What is asked for, in the musician's language. */
  label: string;
  share: number;
  cancel: () => void;
}
/** What is being computed; null for nothing. */
export const asking = signal<Asking | null>(null);

/**
 * Ask the service about the project as it is, once its harmony is up to date. Null where it was
 * cancelled, the tune or a lock changed meanwhile, or there is no answer; errors have then been told.
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
    shown.tell(share);
    if (asking.value?.cancel === cancel) asking.value = { label, share, cancel };
  };
  let unwatch = () => {};
  try {
    if (!(await settled()) || controller.signal.aborted) return null;
    const what = question.value;
    const { locks } = project.value;
    unwatch = project.subscribe((now) => {
      if (question.value !== what || now.locks !== locks) cancel();
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
