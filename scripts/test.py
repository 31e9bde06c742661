"""Set up musicae with what its tests need, and pass them: ``python3 scripts/test.py``."""

from __future__ import annotations

import os
import sys

import environment

if __name__ == "__main__":
    environment.prepare("[dev]")
    os.chdir(environment.ROOT)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # each of the workers has a processor
    environment.run("python", "-m", "pytest", "-n", "auto", "--dist", "worksteal", *sys.argv[1:])
