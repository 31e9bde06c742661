"""Damaged MusicXML files, for minutes: each is used or refused in one line, soon, in little memory.

    python benchmarks/damaged_scores.py [--minutes 10] [--seed 0]

The files are made as in ``tests/end_to_end/test_damaged_files.py``: numbers, tags, attributes and
characters changed, encodings that do not agree, archives damaged. Each is read, checked, harmonized
by a stand-in for the model, written and read again. Prints the seeds of tracebacks, the reasons of
refusals, the slowest file and the greatest memory.
"""

from __future__ import annotations

import argparse
import importlib
import random
import re
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from musicae.core.errors import MusicaeError

sys.path.insert(0, str(Path(__file__).parents[1]))
making = importlib.import_module("tests.end_to_end.test_damaged_files")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    outcomes: Counter[str] = Counter()
    slowest, seed = 0.0, options.seed
    end = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tune.musicxml"
        while time.monotonic() < end:
            rng = random.Random(seed)
            making.damaged_score(path, rng)
            begun = time.monotonic()
            try:
                making.use(path, "harmonizer", rng)
                outcomes["used"] += 1
            except MusicaeError as error:
                reason = re.sub(r"[\d.]+|'.*?'|\(.*", "_", str(error).partition(": ")[2])
                outcomes[f"refused: {reason[:50]}"] += 1
            except Exception:
                outcomes["TRACEBACK"] += 1
                print(f"seed {seed}\n{traceback.format_exc()}")
            slowest = max(slowest, time.monotonic() - begun)
            seed += 1
    for outcome, count in outcomes.most_common():
        print(f"{count:7} {outcome}")
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{sum(outcomes.values())} files, slowest {slowest:.1f} s, {mib:.0f} MiB at most")


if __name__ == "__main__":
    main()
