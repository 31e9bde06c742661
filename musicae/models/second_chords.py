"""Which chord, if any, follows inside a beat, given the chords at the beginnings of all beats.

Each beat is independent of the others then, so the likelihood of a plan with second chords is that
of the chain of first chords times one softmax a beat.

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
    """Reads a beat and the next one, with their chords."""

    parts: Tensor
    """``(S, P)`` root, quality and bass of each state, one-hot."""
    pairs: Tensor
    """``(S,)`` root and quality of each state together."""

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
        """``(B, 1 + S)`` logits for the ``(B, F)`` features and ``(B,)`` states of a piece."""
        here = self.told(features, states)
        return self.of_beats(here, torch.cat([here[1:], torch.zeros_like(here[:1])]))

    def told(self, features: Tensor, states: Tensor) -> Tensor:
        """``(N, F + P)`` what is told of each beat."""
        return torch.cat([features, self.parts[states]], dim=-1)

    def of_beats(self, here: Tensor, following: Tensor) -> Tensor:
        """``(N, 1 + S)`` logits for ``told`` of beats and of those after them, else zeros."""
        major, minor = self.modes
        mode = here[..., minor, None] - here[..., major, None]
        read = F.gelu(self.read(by_mode(torch.cat([here, following], dim=-1), mode)))
        hidden = self.dropout(F.gelu(self.hidden(self.dropout(read))))
        hidden = by_mode(hidden, mode)
        found = self.own(hidden) + self.by_parts(hidden) @ self.parts.T
        found = found + self.by_pair(hidden)[..., self.pairs]
        return torch.cat([self.none(hidden), found], dim=-1)


def by_mode(values: Tensor, mode: Tensor) -> Tensor:
    """Values beside their product with the mode, -1 in major and 1 in minor.

    What both modes share is learned once, and where they differ each has its own weights.
    """
    return torch.cat([values, values * mode], dim=-1)
