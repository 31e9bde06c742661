"""Repeated sequences of notes within a voice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

_GOES_ON = -2
"""Stands for a sixteenth in which a note or rest continues."""


def repeated_lengths(spans: Sequence[tuple[int, int]]) -> Counter[str]:
    """The number of occurrences of repeated sequences, by their length in sixteenths.

    ``spans`` are the notes and rests of a voice: length in sixteenths and pitch. A sequence begins
    with a note or rest, has at least two of them and may contain only the beginning of the last
    one. It is repeated if the same pitches occur again, with or without overlap. A sequence that
    occurs only as a part of one longer repeated sequence does not count. (These are the non-trivial
    repeating patterns of Hsu, Liu and Chen 1998, as *Bach or Mock?* counts them.)

    >>> repeated_lengths([(4, 60), (4, 62), (8, 64), (4, 60), (4, 62), (4, 64), (4, 67)])
    Counter({'12': 2})
    """
    starts = [0, *accumulate(length for length, _ in spans)]
    steps = np.full(starts[-1], _GOES_ON, dtype=np.int32)
    steps[starts[:-1]] = [pitch for _, pitch in spans]
    begun = np.cumsum(steps != _GOES_ON)
    # A suffix array: sorted by the music that follows, neighbours share the longest beginnings. So
    # each repeated sequence is an interval of common prefixes.
    text = steps.astype(">u4").tobytes()
    order = sorted(range(len(spans)), key=lambda i: text[4 * starts[i] :])
    shared = [_shared(steps, starts[i], starts[j]) for i, j in pairwise(order)]
    found: Counter[str] = Counter()
    for first, last, length in _runs(shared):
        places = [order[i] for i in range(first, last + 1)]
        notes = begun[starts[places[0]] + length - 1] - begun[starts[places[0]]] + 1
        before = {spans[i - 1] if i else None for i in places}
        if notes > 1 and (len(before) > 1 or None in before):
            found[str(length)] += len(places)
    return found


def _shared(steps: NDArray[np.int32], a: int, b: int) -> int:
    """The number of equal steps in a row that begin at ``a`` and at ``b``."""
    length = len(steps) - max(a, b)
    different = steps[a : a + length] != steps[b : b + length]
    return int(different.argmax()) if different.any() else length


def _runs(shared: Sequence[int]) -> list[tuple[int, int, int]]:
    """The intervals of neighbours that share more than their surroundings.

    Each is the first neighbour, the last one, and the length that all of them share.
    """
    runs = []
    growing: list[tuple[int, int]] = []  # the first neighbour and the shared length of open runs
    for place, length in enumerate([*shared, 0]):
        first = place
        while growing and growing[-1][1] > length:
            first, longer = growing.pop()
            runs.append((first, place, longer))
        if length and (not growing or growing[-1][1] < length):
            growing.append((first, length))
    return runs
