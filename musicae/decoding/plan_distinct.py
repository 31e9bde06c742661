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
"""Nats a beat that the labels of another path cost at first and at most; it is doubled."""
PRECISION = 2**-8
"""Of the least penalty that is enough, in nats."""


def n_best_distinct(
    chain: Chain,
    count: int,
    labels: Ints,
    apart: float = 0.15,
    *,
    first: Ints | None = None,
    among: Bools | None = None,
) -> list[Ints]:
    """Up to ``count`` likely paths, any two of which differ in ``labels`` on a share of the beats.

    The first is the best path, or ``first``. Each other is the best path of the chain in which the
    labels of the paths before cost a penalty at every beat; the penalty is the smallest, up to
    ``PRECISION``, at which the result is ``apart`` from all of them. They come in order of their
    score. Where the constraints leave no such path there are fewer.

    Args:
        chain: the potentials.
        count: how many paths to find.
        labels: ``(S,)`` what makes states alike, such as their roots.
        apart: the share of the beats on which the labels differ, 0 to 1.
        first: the first path.
        among: ``(B,)`` the beats that are compared; None for all.
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
    """The next path of ``n_best_distinct`` after ``(n, B)`` paths, if there is one."""
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
