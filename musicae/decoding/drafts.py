"""Drafts of which one is kept: those that are hopeless end early.

Axes: ``N`` candidates.
"""

from __future__ import annotations

import math

import numpy as np

from musicae.core.arrays import Bools, Floats, Ints

LOOK = 16
"""Drafts are compared every so many steps."""
SLACK, REACH = 15.0, 4.0
"""How many nats a draft may be behind the likeliest of its group: so many, and so many times the
square root of the steps that are left, for chance moves drafts apart by 1.6 times it. On the
validation side the draft that is kept is never more than 10 nats behind in the end."""


def hopeless(nats: Floats, groups: Ints, left: int) -> Bools:
    """``(N,)`` which drafts can hardly become the best of their ``groups`` ``(N,)`` any more.

    ``nats`` ``(N,)`` are those of what is written, with ``left`` steps to go.
    """
    best = np.full(int(groups.max()) + 1, np.inf)
    np.minimum.at(best, groups, nats)
    behind: Bools = nats - best[groups] > SLACK + REACH * math.sqrt(left)
    return behind
