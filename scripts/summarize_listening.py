"""Summarize answers of the listening test: ``python scripts/summarize_listening.py FILE...``.

The files are those that listeners download from docs/listening.md. Prints for each version how
often it was taken for Bach's, with its 95% interval, and its mean rating.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from math import sqrt
from pathlib import Path
from statistics import mean
from typing import Any

from docs_listening import VERSIONS

Z = 1.96
"""Standard deviations of the normal distribution on each side of a 95% interval."""


def interval(hits: int, trials: int) -> tuple[float, float]:
    """The 95% score interval of a proportion (Wilson 1927), from 0 to 1."""
    share = hits / trials
    middle = share + Z**2 / (2 * trials)
    spread = Z * sqrt(share * (1 - share) / trials + Z**2 / (4 * trials**2))
    scale = 1 + Z**2 / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def read(path: Path) -> dict[str, Any]:
    """A listener's file. Exits with a sentence if it is none."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for answer in found["answers"]:
            if answer["guess"] not in VERSIONS or set(answer["ratings"]) != set(VERSIONS):
                raise ValueError
    except (OSError, ValueError, LookupError, TypeError):
        sys.exit(f"error: {path}: is no file of answers of the listening test")
    return found


def summary(listeners: Iterable[dict[str, Any]]) -> list[str]:
    """The lines of a table: a row for each version."""
    guesses: Counter[str] = Counter()
    ratings: defaultdict[str, list[int]] = defaultdict(list)
    people = 0
    for listener in listeners:
        people += 1
        for answer in listener["answers"]:
            guesses[answer["guess"]] += 1
            for version, rating in answer["ratings"].items():
                if rating is not None:
                    ratings[version].append(rating)
    trials = guesses.total()
    lines = [f"{people} listeners, {trials} tunes; by chance 33.3%"]
    for version, name in VERSIONS.items():
        line = f"{name:9} taken for Bach"
        if trials:
            low, high = interval(guesses[version], trials)
            line += f" {guesses[version] / trials:6.1%} [{low:.1%}, {high:.1%}]"
        rated = ratings[version]
        told = f"{mean(rated):.2f} of 5 ({len(rated)} ratings)" if rated else "none"
        lines.append(f"{line}, rating {told}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    print("\n".join(summary(map(read, parser.parse_args().files))))


if __name__ == "__main__":
    main()
