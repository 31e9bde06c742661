"""Set up musicae with the packages for its tests, and run these: ``python3 scripts/test.py``."""

from __future__ import annotations

import os
import sys

import environment

if __name__ == "__main__":
    environment.prepare("[dev]")
    os.chdir(environment.ROOT)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one processor for each worker
    environment.run("python", "-m", "pytest", "-n", "auto", "--dist", "worksteal", *sys.argv[1:])
