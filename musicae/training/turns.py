"""The pieces of an epoch, all of Bach's and in turn some of others', and their batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

OTHERS = 1.5
"""The greatest ratio of pieces by others to pieces by Bach in an epoch."""
_POOL = 8
"""Pieces are sorted by length within groups of this many batches."""


class Turns(NamedTuple):
    """Chooses the pieces of each epoch. Pieces are numbered; those by Bach come first."""

    by_bach: int
    """The number of pieces by Bach."""
    others: int
    """The number of pieces by others."""

    @property
    def by_others(self) -> int:
        """The number of pieces by others in an epoch."""
        return min(self.others, round(OTHERS * self.by_bach))

    def piece_of(self, index: int, seed: Sequence[int]) -> int:
        """The number of the piece at an index of an epoch.

        The last number of ``seed`` is the epoch. Pieces by others are used in turn, epoch after
        epoch, in a random order that ``seed`` fixes. Without ``seed`` it is the index itself.
        """
        index = int(index)
        if index < self.by_bach or not seed:
            return index
        place = seed[-1] * self.by_others + index - self.by_bach
        turn, place = divmod(place, self.others)
        order = np.random.default_rng([*seed[:-1], turn]).permutation(self.others)
        return self.by_bach + int(order[place])


def batches_by_length(
    order: Tensor, lengths: Tensor, batch_size: int, seed: Sequence[int]
) -> list[Tensor]:
    """The indices ``order`` of an epoch in batches of pieces with similar lengths, in random order.

    ``lengths`` are those of the pieces in ``order``.
    """
    pools = torch.split(torch.arange(len(order)), _POOL * batch_size)
    batches = [
        part
        for pool in pools
        for part in torch.split(order[pool[lengths[pool].argsort(stable=True)]], batch_size)
    ]
    rng = np.random.default_rng([*seed, len(order)])
    return [batches[i] for i in rng.permutation(len(batches))]
