"""Measure music theory on the corpus: time of the rules, keys, cadences, limits and phrase ends.

    python benchmarks/voice_leading.py [--music21]

With ``--music21`` every motion of every chorale is also checked with music21's VoiceLeadingQuartet.
The functions for this are those of the test that does the same for a sample.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from musicae.api import check
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.key import Key
from musicae.corpus import load
from musicae.corpus.split import SIDES
from musicae.decoding import phrases
from musicae.theory.cadences import cadences
from musicae.theory.key_finding import find_key
from musicae.theory.voice_leading import rules

ROOT = Path(__file__).resolve().parent.parent


def soprano_alone(chorale: Chorale) -> Chorale:
    pitch, onset = chorale.pitch.copy(), chorale.onset.copy()
    pitch[:, 1:], onset[:, 1:] = REST, False
    return replace(chorale, pitch=pitch, onset=onset)


def keys(chorales: Sequence[Chorale]) -> str:
    """The shares of chorales with the recorded key found, and with its relative key found."""
    recorded = [chorale.key for chorale in chorales]
    found = [find_key(chorale) for chorale in chorales]
    right = np.mean([_same(a, b) for a, b in zip(recorded, found, strict=True)])
    relative = np.mean(
        [
            a is not None and a.mode != b.mode and (a.fifths - b.fifths) % 12 == 0
            for a, b in zip(recorded, found, strict=True)
        ]
    )
    return f"{100 * right:.1f}% right, {100 * relative:.1f}% the relative key"


def _same(a: Key | None, b: Key) -> bool:
    return a is not None and (a.tonic, a.mode) == (b.tonic, b.mode)


def phrase_ends(chorales: Sequence[Chorale]) -> str:
    """How well phrase ends are found in sopranos alone; fermatas are the truth.

    Chorales without fermatas are left out. The last note counts; it is never missed.
    """
    found = right = marked = 0
    for chorale in chorales:
        if chorale.fermatas:
            ends = set(phrases.phrase_ends(replace(soprano_alone(chorale), key=None)))
            found += len(ends)
            marked += len(chorale.fermatas)
            right += len(ends & set(chorale.fermatas))
    precision, recall, f1 = right / found, right / marked, 2 * right / (found + marked)
    return f"precision {precision:.1%}, recall {recall:.1%}, F1 {f1:.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music21", action="store_true", help="compare every motion with music21")
    with_music21 = parser.parse_args().music21
    bach = load.load()
    milliseconds = []
    for chorale in bach.chorales:
        began = time.perf_counter()
        rules.check(chorale)
        milliseconds.append(1000 * (time.perf_counter() - began))
    print(f"all rules: median {np.median(milliseconds):.2f} ms, most {max(milliseconds):.2f} ms")
    for name in SIDES:
        side = bach.side(name)
        kinds = Counter(cadence.kind for chorale in side for cadence in cadences(chorale))
        shares = ", ".join(f"{kind} {n / kinds.total():.1%}" for kind, n in kinds.most_common())
        print(f"{name}: keys {keys(side)}; sopranos {keys([soprano_alone(c) for c in side])}")
        print(f"{name}: cadences {shares}")
        print(f"{name}: phrase ends {phrase_ends(side)}")
        beyond = sum(bool(check.check(chorale).beyond_bach) for chorale in side)
        print(f"{name}: {beyond} of {len(side)} chorales exceed Bach's limits")
    if with_music21:
        sys.path.insert(0, str(ROOT))
        disagreements = importlib.import_module("tests.theory.test_voice_leading").disagreements
        differing = sum(len(disagreements(chorale)) for chorale in bach.chorales)
        print(f"music21 differs {differing} times in {len(bach)} chorales")


if __name__ == "__main__":
    main()
