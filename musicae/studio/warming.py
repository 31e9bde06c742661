"""Load the models before they are asked for, so that the first harmonization is quick."""

from __future__ import annotations

import gc
import logging
from threading import Event, Thread

_log = logging.getLogger("musicae.studio")


class Warming:
    """Harmonizes a short tune in a thread."""

    def __init__(self) -> None:
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="warming", daemon=True)
        self._thread.start()

    def stop(self, patience: float) -> bool:
        """Stop it, and wait some seconds until it has ended; whether it has."""
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
            gc.freeze()  # what is loaded stays; else each search for garbage reads all of it
        except _StoppedError:
            pass
        except Exception:  # what is wrong is told where it is asked for
            _log.exception("the models cannot be used")

    def _report(self, _done: int, _of: int) -> None:
        if self._stopped.is_set():
            raise _StoppedError


class _StoppedError(Exception):
    """Raised where the service ends."""
