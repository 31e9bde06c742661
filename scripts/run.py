"""Set up musicae and run it: ``python3 scripts/run.py harmonize MELODY -o OUT``, or any command."""

from __future__ import annotations

import sys

import environment

if __name__ == "__main__":
    environment.prepare("[studio]")
    environment.run("musicae", *sys.argv[1:])
