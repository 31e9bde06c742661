"""Repeat passages while a piece is written: their symbols are copied from earlier steps.

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
"""The cost, in nats, of a symbol that differs from the earlier one."""


class Repeats:
    """The sources of the passages of ``PartialScore.returns``."""

    def __init__(
        self, partials: Sequence[PartialScore], steps: int, closing: Sequence[int] = ()
    ) -> None:
        """``closing`` are for each piece the step at which its close begins. No passage is repeated
        from there on."""
        self.source = np.full((len(partials), steps, N_VOICES), NONE)
        """``(N, T, V)`` the earlier step whose symbol is repeated at a step; ``NONE`` if there is
        none."""
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
        """Raise the costs of all symbols but the one that is to be repeated, if it is possible.

        Args:
            cost: ``(M, S)`` nats, which are changed.
            voice: 0 to 3, soprano to bass.
            steps: ``(M,)`` the step of each row.
            rows: ``(M,)`` the candidate of each row.
            tokens: ``(N, T, V)`` the symbols so far.
        """
        if not self.some or not self.any[steps, voice].any():
            return
        source, each = self.source[rows, steps, voice], np.arange(len(cost))
        symbol = tokens[rows, source, voice]
        other = np.where((source != NONE) & np.isfinite(cost[each, symbol]), OTHERWISE, 0.0)
        cost += other[:, None]
        cost[each, symbol] -= other
