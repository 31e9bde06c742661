"""Passages that sound again, while a piece is written: their symbols are those of earlier steps.

Axes: ``N`` candidates, ``T`` steps, ``V`` voices, ``S`` symbols of a voice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musicae.core.arrays import Floats, Ints
from musicae.core.constants import N_VOICES
from musicae.encoding.partial_score import PartialScore

NONE = -1
OTHERWISE = 1e6
"""The cost in nats of another symbol than the earlier one."""


class Repeats:
    """Where the passages of ``PartialScore.returns`` come from."""

    def __init__(
        self, partials: Sequence[PartialScore], steps: int, closing: Sequence[int] = ()
    ) -> None:
        """``closing`` are the steps from which on pieces close, and nothing sounds again."""
        self.source = np.full((len(partials), steps, N_VOICES), NONE)
        """``(N, T, V)`` the step whose symbol comes again at a step; ``NONE`` for none."""
        for each, partial in zip(self.source, partials, strict=True):
            for passage in partial.returns:
                length = passage.stop - passage.start
                earlier = np.arange(passage.source, passage.source + length)
                each[passage.start : passage.stop, list(passage.voices)] = earlier[:, None]
        for each, step in zip(self.source, closing, strict=False):
            each[step:] = NONE
        self.any = (self.source != NONE).any(axis=0)
        self.some = bool(self.any.any())

    def force(self, cost: Floats, voice: int, steps: Ints, rows: Ints, tokens: Ints) -> None:
        """Raise the ``(M, S)`` costs of all symbols but the earlier one, where that is possible.

        ``rows`` ``(M,)`` are candidates at ``steps`` ``(M,)``; ``tokens`` ``(N, T, V)`` are the
        symbols so far.
        """
        if not self.some or not self.any[steps, voice].any():
            return
        source, each = self.source[rows, steps, voice], np.arange(len(cost))
        symbol = tokens[rows, source, voice]
        other = np.where((source != NONE) & np.isfinite(cost[each, symbol]), OTHERWISE, 0.0)
        cost += other[:, None]
        cost[each, symbol] -= other
