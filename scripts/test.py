"""Set up musicae with what its tests need, and pass them: ``python3 scripts/test.py``."""

from __future__ import annotations

import os
import sys

import environment

if __name__ == "__main__":
    environment.prepare("[dev]")
    os.chdir(environment.ROOT)
    environment.run("python", "-m", "pytest", *sys.argv[1:])
