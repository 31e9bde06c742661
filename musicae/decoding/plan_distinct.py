"""Likely paths of a chain that differ from one another.

Axes: ``B`` beats, ``S`` states.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musicae.core.arrays import Bools
from musicae.core.progress import pulse, report
from musicae.decoding.plan import FORBIDDEN, Chain, Ints, best_path

LEAST_PENALTY, MOST_PENALTY = 0.25, 8.0
"""The first and the greatest penalty that is tried, in nats for each beat on which a path has the
label of an earlier path. The penalty doubles from one to the other."""
PRECISION = 2**-8
"""The precision of the smallest sufficient penalty, in nats."""


def n_best_distinct(
    chain: Chain,
    count: int,
    labels: Ints,
    apart: float = 0.15,
    *,
    first: Ints | None = None,
    among: Bools | None = None,
) -> list[Ints]:
    """Up to ``count`` likely paths. Any two of them differ in their labels on enough beats.

    The first is the best path, or ``first``. Each other one is the best path of a chain in which
    the labels of the earlier paths cost a penalty on every beat. The penalty is the smallest one
    with which the path differs enough, up to ``PRECISION``. These paths are sorted by their score.
    There are fewer paths if the constraints do not allow more.

    Args:
        chain: the potentials.
        count: the number of paths to find.
        labels: ``(S,)`` the label of each state, such as its root.
        apart: the least share of the beats on which the labels of two paths differ, 0 to 1.
        first: ``(B,)`` the first path; None for the best one.
        among: ``(B,)`` which beats are compared; None for all.
    """
    found = [best_path(chain) if first is None else first]
    beats = np.arange(len(chain))
    among = np.ones(len(chain), dtype=np.bool_) if among is None else among
    while len(found) < count:
        report(len(found), count)
        best = _apart_from(chain, labels, np.stack(found), apart, among)
        if best is None or chain.unary[beats, best].min() <= FORBIDDEN / 2:
            break
        found.append(best)
    return [found[0], *sorted(found[1:], key=chain.score, reverse=True)]


def _apart_from(chain: Chain, labels: Ints, paths: Ints, apart: float, among: Bools) -> Ints | None:
    """The next path of ``n_best_distinct`` after ``paths`` ``(n, B)``; None if there is none."""
    others = labels[paths]
    taken = (others[:, :, None] == labels).sum(axis=0)

    def met(penalty: float) -> Ints | None:
        pulse()
        path = best_path(replace(chain, unary=chain.unary - penalty * taken))
        far = (labels[path] != others)[:, among].mean(axis=1).min() >= apart
        return path if far else None

    low, high = 0.0, LEAST_PENALTY
    while (best := met(high)) is None:
        if high == MOST_PENALTY:
            return None
        low, high = high, 2 * high
    while high - low > PRECISION:
        middle = (low + high) / 2
        if (path := met(middle)) is None:
            low = middle
        else:
            best, high = path, middle
    return best
