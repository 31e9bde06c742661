"""A network that predicts whether a second chord begins inside a beat, and which.

It reads the chords at the beginnings of all beats. Given these, the second chords of different
beats are independent: the likelihood of a plan with second chords is the likelihood of its first
chords times one softmax for each beat.

Axes: ``B`` beats, ``N`` beats of any pieces, ``F`` features, ``S`` states, ``P`` parts of a chord.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NONE = 0
"""The index of no second chord; state ``s`` has the index ``1 + s``."""


class SecondChordNetwork(nn.Module):
    """Reads the features and first chords of a beat and of the next one."""

    parts: Tensor
    """``(S, P)`` the one-hot root, quality and bass of each state."""
    pairs: Tensor
    """``(S,)`` the number of the root and quality of each state."""

    def __init__(
        self,
        features: int,
        states: Sequence[tuple[int, int, int, int]],
        modes: tuple[int, int],
        width: int,
        dropout: float,
    ) -> None:
        """The arguments are fields of ``ChordPlannerConfig``."""
        super().__init__()
        roots, qualities, _, basses = torch.tensor(states).T
        n_qualities = int(qualities.max()) + 1
        one_hot = F.one_hot(roots, 12), F.one_hot(qualities, n_qualities), F.one_hot(basses, 12)
        self.register_buffer("parts", torch.cat(one_hot, dim=1).float(), persistent=False)
        self.register_buffer("pairs", roots * n_qualities + qualities, persistent=False)
        self.modes = modes
        n_parts = self.parts.shape[1]
        self.read = nn.Linear(4 * (features + n_parts), width)
        self.hidden = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.none = nn.Linear(2 * width, 1)
        self.by_parts = nn.Linear(2 * width, n_parts)
        self.by_pair = nn.Linear(2 * width, 12 * n_qualities)
        self.own = nn.Linear(2 * width, len(states))

    def forward(self, features: Tensor, states: Tensor) -> Tensor:
        """``(B, 1 + S)`` logits for the features ``(B, F)`` and first chords ``(B,)`` of a piece.

        Index 0 stands for no second chord.
        """
        here = self.beat_inputs(features, states)
        return self.of_beats(here, torch.cat([here[1:], torch.zeros_like(here[:1])]))

    def beat_inputs(self, features: Tensor, states: Tensor) -> Tensor:
        """``(N, F + P)`` the input for each beat: its features ``(N, F)`` and the parts of its
        first chord ``(N,)``."""
        return torch.cat([features, self.parts[states]], dim=-1)

    def of_beats(self, here: Tensor, following: Tensor) -> Tensor:
        """``(N, 1 + S)`` logits.

        ``here`` are the outputs of ``beat_inputs`` for the beats, ``following`` those for the next
        beats; zeros after the last beat of a piece.
        """
        major, minor = self.modes
        mode = here[..., minor, None] - here[..., major, None]
        read = F.gelu(self.read(by_mode(torch.cat([here, following], dim=-1), mode)))
        hidden = self.dropout(F.gelu(self.hidden(self.dropout(read))))
        hidden = by_mode(hidden, mode)
        found = self.own(hidden) + self.by_parts(hidden) @ self.parts.T
        found = found + self.by_pair(hidden)[..., self.pairs]
        return torch.cat([self.none(hidden), found], dim=-1)


def by_mode(values: Tensor, mode: Tensor) -> Tensor:
    """``values`` concatenated with ``values * mode``; ``mode`` is -1 in major and 1 in minor.

    A layer that follows can so learn weights that both modes share and weights by which they
    differ.
    """
    return torch.cat([values, values * mode], dim=-1)
