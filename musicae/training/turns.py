"""Which pieces an epoch has, all of Bach's and by turns some of others', and in what batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

OTHERS = 1.5
"""The greatest number of pieces by others in an epoch, for each one by Bach."""
_POOL = 8
"""Pieces are sorted by length within this many batches."""


class Turns(NamedTuple):
    """The pieces of all epochs; Bach's are the first ones."""

    by_bach: int
    others: int

    @property
    def by_others(self) -> int:
        """How many pieces by others an epoch has."""
        return min(self.others, round(OTHERS * self.by_bach))

    def piece_of(self, index: int, seed: Sequence[int]) -> int:
        """The piece of an index in an epoch, the last number of ``seed``.

        Those by others take turns, epoch after epoch.
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
    """The indices ``order`` of an epoch in batches of similar ``lengths``, in random order."""
    pools = torch.split(torch.arange(len(order)), _POOL * batch_size)
    batches = [
        part
        for pool in pools
        for part in torch.split(order[pool[lengths[pool].argsort(stable=True)]], batch_size)
    ]
    rng = np.random.default_rng([*seed, len(order)])
    return [batches[i] for i in rng.permutation(len(batches))]
