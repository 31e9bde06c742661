"""Measure how much the lower voices move: with plain rhythm, flowing rhythm, and neither.

    python benchmarks/rhythm.py

Printed are the notes per quarter in alto, tenor and bass, under the first ``PIECES`` sopranos of
the validation side.
"""

from __future__ import annotations

import argparse

import numpy as np

from musicae.corpus import load
from musicae.decoding import harmonize
from musicae.encoding.partial_score import RHYTHMS, PartialScore
from musicae.models.checkpoint import load_model

PIECES = 20


def notes_a_quarter(rhythm: str | None) -> float:
    """Notes per quarter in alto, tenor and bass: the mean over voices and chorales."""
    model, planner, rates = load_model("harmonizer"), load_model("planner"), []
    for chorale in load.load().side("valid")[:PIECES]:
        partial = PartialScore.of(chorale, voices=(0,), rhythm=rhythm)
        (made,) = harmonize.harmonize(model, partial, planner=planner)
        rates.append(made.chorale.onset[:, 1:].sum() / 3 / (len(chorale) / 4))
    return float(np.mean(rates))


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    for rhythm in (RHYTHMS[0], None, RHYTHMS[1]):
        print(f"rhythm {rhythm or 'not set'}: {notes_a_quarter(rhythm):.2f} notes per quarter")


if __name__ == "__main__":
    main()
