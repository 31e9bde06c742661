"""Stop hopeless drafts early, since only one draft of each group is kept.

Axes: ``N`` candidates.
"""

from __future__ import annotations

import math

import numpy as np

from musicae.core.arrays import Bools, Floats, Ints

LOOK = 16
"""The number of steps between two comparisons of drafts."""
SLACK, REACH = 15.0, 4.0
"""A draft with ``n`` steps left may be behind the likeliest of its group by ``SLACK + REACH *
sqrt(n)`` nats. Chance moves drafts apart by ``1.6 * sqrt(n)``. On the validation side the draft
that is kept is never more than 10 nats behind at its end."""


def hopeless(nats: Floats, groups: Ints, left: int) -> Bools:
    """``(N,)`` which drafts are too far behind the best of their group to overtake it.

    Args:
        nats: ``(N,)`` the negative log-likelihood of what each draft has written so far.
        groups: ``(N,)`` the group of each draft, from 0.
        left: the number of steps that are still to be written.
    """
    best = np.full(int(groups.max()) + 1, np.inf)
    np.minimum.at(best, groups, nats)
    behind: Bools = nats - best[groups] > SLACK + REACH * math.sqrt(left)
    return behind
