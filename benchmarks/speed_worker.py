"""Runs a task for ``speed.py``, once for each line on stdin.

    python speed_worker.py '{"task": "harmonize", "path": "tune.mid", "n": 1}'

After each run it prints a line of JSON with the seconds of the run and the greatest memory of this
process so far. It uses only the public API of commit 9531ff8, so it also runs in an environment of
an earlier commit.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

MEBIBYTE = 1024
"""A mebibyte in kibibytes, the unit of ``ru_maxrss``."""


def run(task: str, **settings: Any) -> None:
    """Run a task once. musicae is imported here, so the first run includes the import."""
    import musicae

    if task == "harmonize":
        musicae.harmonize(settings["path"], n=settings["n"])
    elif task == "generate":
        musicae.generate(**settings)
    else:
        raise ValueError(f"no task is called {task!r}")


def main() -> None:
    task = json.loads(sys.argv[1])
    for _ in sys.stdin:
        began = time.perf_counter()
        run(**task)
        seconds = time.perf_counter() - began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE
        print(json.dumps({"seconds": seconds, "mebibytes": memory}), flush=True)


if __name__ == "__main__":
    main()
