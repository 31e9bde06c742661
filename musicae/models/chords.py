"""The chords of a plan as the input of networks: columns of the context, and chord members.

Degrees and roots are semitones above the tonic. In a column 0 means unknown; roots, qualities and
basses count from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from musicae.models.vocabulary import COLUMNS, MEMBERS, NONE, PLACES


class Chords(NamedTuple):
    """Columns of the context, each ``(...)`` int64."""

    root: Tensor
    quality: Tensor
    bass: Tensor
    next_root: Tensor
    next_quality: Tensor

    @classmethod
    def of(cls, context: Tensor) -> Chords:
        """The chords of a context ``(..., C)``."""
        columns = context[..., -len(COLUMNS) :]
        return cls(*(columns[..., COLUMNS.index(name)] for name in cls._fields))


class ChordMembers(nn.Module):
    """A table that tells for each quality which interval above the root is which chord member."""

    table: Tensor

    def __init__(self, qualities: Sequence[Sequence[int]]) -> None:
        """``qualities`` are the members of each quality, in semitones above the root."""
        super().__init__()
        table = torch.arange(MEMBERS, PLACES).repeat(1 + len(qualities), 1)
        for row, members in zip(table[1:], qualities, strict=True):
            for place, member in enumerate(members):
                row[member] = place
        self.register_buffer("table", table, persistent=False)  # (1 + Q, 12)

    def forward(self, degree: Tensor, root: Tensor, quality: Tensor) -> Tensor:
        """The place of each degree in a chord, 0 to ``PLACES - 1``, or ``NONE``.

        It is ``NONE`` if there is no degree or if the chord is unknown. The arguments are
        broadcast. ``root`` and ``quality`` are columns of the context.
        """
        place = self.table.flatten()[12 * quality + (degree - root + 1) % 12]
        return place.masked_fill((degree == NONE) | (root == 0), NONE)

    def relations(self, degree: Tensor, chords: Chords) -> Tensor:
        """``(..., CHORD_RELATIONS, P)`` the relations of degrees ``(..., P)`` to the chords.

        They are the place in the chord, the interval above its bass and the place in the next
        chord. An unknown relation has an index one above all others.
        """
        root, quality, bass, next_root, next_quality = (c[..., None] for c in chords)
        now, later = self(degree, root, quality), self(degree, next_root, next_quality)
        above_bass = torch.where(bass == 0, 12, (degree - bass + 1) % 12)
        shape = (degree + root).shape
        parts = (
            torch.where(now == NONE, PLACES, now),
            above_bass,
            torch.where(later == NONE, PLACES, later),
        )
        return torch.stack([part.expand(shape) for part in parts], dim=-2)
