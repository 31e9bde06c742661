"""Split chorales into a train, a valid and a test side so that no tune is on two sides."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from musicae.core.chorale import Chorale

SIDES = ("train", "valid", "test")
"""The sides of the split. In a joined corpus ``valid`` and ``test`` have only Bach's chorales, and
``train`` has pieces of all styles."""
JOINED_SIDES = (*SIDES, "hymn-valid", "hymn-test", "held")
"""The sides of a corpus with four-part data. ``held`` has other settings of the tunes on ``valid``
and ``test``; it is used neither for training nor for measuring."""

HELD_OUT = 0.1
"""The share of the chorales on each of the sides ``valid`` and ``test``."""
LARGEST_TUNE = 1 / 8
"""The greatest share of a tune in ``valid`` or ``test``. A tune with more settings would outweigh
the others, so it is on ``train``."""
SPLIT_SEED = 0
SPLIT_TRIALS = 4000


def split(chorales: Sequence[Chorale], tunes: Sequence[int], seed: int = SPLIT_SEED) -> list[str]:
    """The side of each chorale. All chorales of a tune are on one side.

    ``tunes`` is the number of the tune of each chorale. Many random splits are tried; the one with
    the most similar sides, in meter, mode, pickup and length, is taken. The same chorales and seed
    give the same split.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for i, tune in enumerate(tunes):
        members[tune].append(i)
    target = round(HELD_OUT * len(chorales))
    most = max(1, LARGEST_TUNE * target)
    small = [tune for tune, settings in members.items() if len(settings) <= most]
    sides = ["train"] * len(chorales)
    if not target or not small:
        return sides
    traits = np.array([_traits(chorale) for chorale in chorales])
    traits = (traits - traits.mean(axis=0)) / np.maximum(traits.std(axis=0), 1e-9)
    least_uneven = np.inf
    for trial in range(SPLIT_TRIALS):
        shuffled = sorted(small, key=lambda tune: _hash(f"{seed}:{trial}:{tune}"))
        rest = iter(shuffled)
        held_out = {side: _fill(rest, members, target) for side in ("test", "valid")}
        missing = sum(target - len(places) for places in held_out.values())
        means = [traits[places].mean(axis=0) for places in held_out.values() if places]
        uneven = missing + float(np.square(means).sum())
        if uneven < least_uneven:
            least_uneven = uneven
            sides = ["train"] * len(chorales)
            for side, places in held_out.items():
                for place in places:
                    sides[place] = side
    return sides


def _fill(tunes: Iterator[int], members: Mapping[int, list[int]], target: int) -> list[int]:
    """The indices of up to ``target`` chorales of tunes, taken in turn.

    A tune with too many chorales for the rest is skipped.
    """
    places: list[int] = []
    for tune in tunes:
        if len(places) + len(members[tune]) <= target:
            places += members[tune]
        if len(places) == target:
            break
    return places


def _hash(text: str) -> bytes:
    # Unlike a random generator, a hash is the same in every version of Python and numpy.
    return hashlib.sha256(text.encode()).digest()


def _traits(chorale: Chorale) -> tuple[float, ...]:
    triple = chorale.meters[0].numerator % 3 == 0
    minor = chorale.key is not None and chorale.key.mode == "minor"
    return triple, minor, chorale.pickup > 0, np.log(len(chorale))
