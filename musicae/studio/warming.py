"""Load the models before the first request, so that the first harmonization is quick."""

from __future__ import annotations

import gc
import logging
from threading import Event, Thread

_log = logging.getLogger("musicae.studio")


class Warming:
    """Harmonizes a short tune in a thread, which loads the models."""

    def __init__(self) -> None:
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="warming", daemon=True)
        self._thread.start()

    def stop(self, patience: float) -> bool:
        """Stop the thread and wait up to ``patience`` seconds; return whether it has ended."""
        self._stopped.set()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        from musicae.api.project import Project
        from musicae.core.progress import reporting

        tune = [[24 * i, 24, pitch] for i, pitch in enumerate((67, 69, 71, 72, 74, 72, 71, 67))]
        try:
            with reporting(self._report):
                Project.of_dict({"format": 1, "tune": tune, "length": 192}).harmonized()
            gc.collect()
            gc.freeze()  # loaded modules stay; otherwise each garbage collection would scan them
        except _StoppedError:
            pass
        except Exception:  # the first request will report it
            _log.exception("the models cannot be used")

    def _report(self, _done: int, _of: int) -> None:
        if self._stopped.is_set():
            raise _StoppedError


class _StoppedError(Exception):
    """Raised when the service ends."""
