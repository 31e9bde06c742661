"""A linear-chain conditional random field of chords over the beats of a melody.

A bidirectional recurrent network reads the melody and gives two kinds of log potentials. The unary
ones score each chord (state) at each beat. Those of transitions are a mixture of a few learned
tables; the network gives the shares of the tables at each transition. Chords with the same root,
quality or bass share parameters, so rare chords are learned from common ones.

Axes: ``N`` pieces, ``B`` beats, ``F`` features, ``S`` states, ``K`` tables, ``M`` members.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.models.configs import ChordPlannerConfig
from musicae.models.recurrent import GRU
from musicae.models.second_chords import SecondChordNetwork, by_mode

SECOND_DROPOUT = 0.3
"""Dropout rate of the network for second chords, in training."""


class Potentials(NamedTuple):
    """The log potentials of one network."""

    unary: Tensor
    """``(N, B, S)`` the score of each state at each beat."""
    weights: Tensor
    """``(N, B - 1, K)`` logarithms of the shares of the tables at each transition."""
    tables: Tensor
    """``(K, S, S)`` the score of each transition; rows are the states before it."""


class ChordPlanner(nn.Module):
    """Several networks whose log potentials are averaged; see ``PlannerNetwork``."""

    temperature: Tensor
    """``(1,)`` divides the averaged log potentials."""

    def __init__(self, config: ChordPlannerConfig) -> None:
        super().__init__()
        self.config = config
        self.networks = nn.ModuleList(PlannerNetwork(config) for _ in range(config.members))
        self.register_buffer("temperature", torch.ones(1))
        self.seconds = second_chords_of(config) if config.second_width else None

    @property
    def members(self) -> list[PlannerNetwork]:
        """The networks."""
        return [network for network in self.networks if isinstance(network, PlannerNetwork)]

    def forward(self, features: Tensor, lengths: Tensor) -> list[Potentials]:
        """The potentials of each member, for features ``(N, B, F)`` and ``(N,)`` lengths."""
        return [network(features, lengths) for network in self.networks]


class PlannerNetwork(nn.Module):
    """One network: a recurrent encoder, unary potentials and mixed transition tables."""

    roots: Tensor
    qualities: Tensor
    bass_members: Tensor
    bass_classes: Tensor

    def __init__(self, config: ChordPlannerConfig) -> None:
        super().__init__()
        width, states = config.width, len(config.states)
        self.config = config
        for name, column in zip(
            ("roots", "qualities", "bass_members", "bass_classes"),
            torch.tensor(config.states).T,
            strict=True,
        ):
            self.register_buffer(name, column.clone(), persistent=False)
        n_qualities = max(quality for _, quality, _, _ in config.states) + 1
        self.read = nn.Linear(2 * config.features, width)
        inputs = [width, *[2 * width] * (config.layers - 1)]
        self.ahead = nn.ModuleList(GRU(size, width, batch_first=True) for size in inputs)
        self.behind = nn.ModuleList(GRU(size, width, batch_first=True) for size in inputs)
        self.dropout = nn.Dropout(config.dropout)
        self.hidden = nn.Linear(2 * width + width, width)
        # The unary weights of a state are the sum of those of its parts.
        self.root = nn.Linear(2 * width, 12)
        self.root_quality = nn.Linear(2 * width, 12 * n_qualities)
        self.bass = nn.Linear(2 * width, 12)
        self.quality_bass = nn.Linear(2 * width, n_qualities * 4)
        self.own = nn.Linear(2 * width, states)
        self.mix = nn.Linear(8 * width, config.tables)
        small = 0.01
        shape = (config.tables, n_qualities, n_qualities, 12)
        self.root_motion = nn.Parameter(small * torch.randn(shape))
        self.bass_motion = nn.Parameter(small * torch.randn(config.tables, 12))
        self.shared = nn.Parameter(torch.zeros(states, states))
        self.leave = nn.Parameter(0.1 * torch.randn(config.tables, states, config.rank))
        self.reach = nn.Parameter(0.1 * torch.randn(config.tables, config.rank, states))
        self.stay = nn.Parameter(torch.linspace(-1, 1, config.tables))

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Potentials:
        """The potentials for features ``(N, B, F)``.

        ``lengths`` ``(N,)`` are the beats of each piece; the potentials of padding mean nothing.
        Without ``lengths`` nothing is padded, and the features may be those of one piece,
        ``(B, F)``.
        """
        unary, weights = self.weights(features, self.encode(features, lengths))
        return Potentials(unary, weights, self.transition_tables())

    def encode(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """``(N, B, 3 width)``: for each beat the output of the recurrent layers (``2 width``), then
        the embedding of its own features. The arguments are those of ``forward``."""
        read = self.dropout(F.gelu(self.read(by_mode(features, self._mode(features)))))
        return torch.cat([self._encode(read, lengths), read], dim=-1)

    def weights(self, features: Tensor, encoding: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, B, S)`` unary log potentials, and ``(N, B - 1, K)`` logarithms of the shares of the
        tables, from the output of ``encode`` for any consecutive beats."""
        mode = self._mode(features)
        encoded = encoding[..., : 2 * self.config.width]
        hidden = self.dropout(F.gelu(self.hidden(encoding)))
        around = torch.cat([encoded[..., :-1, :], encoded[..., 1:, :]], dim=-1)
        weights = self.mix(by_mode(around, mode[..., 1:, :])).log_softmax(dim=-1)
        return self._unary(by_mode(hidden, mode)), weights

    def _mode(self, features: Tensor) -> Tensor:
        """``(N, B, 1)``: -1 in major, 1 in minor."""
        major, minor = self.config.modes
        return features[..., minor, None] - features[..., major, None]

    def _encode(self, read: Tensor, lengths: Tensor | None) -> Tensor:
        """``(N, B, 2 width)`` the output of the recurrent layers.

        The backward direction reads mirrored pieces; packed sequences would take twice the time.
        """
        encoded = read
        for ahead, behind in zip(self.ahead, self.behind, strict=True):
            back = _mirrored(behind(_mirrored(encoded, lengths))[0], lengths)
            encoded = self.dropout(torch.cat([ahead(encoded)[0], back], dim=-1))
        return encoded

    def _unary(self, hidden: Tensor) -> Tensor:
        pairs = self.root_quality(hidden)[..., self.roots * self._n_qualities + self.qualities]
        found: Tensor = (
            self.own(hidden)
            + self.root(hidden)[..., self.roots]
            + pairs
            + self.bass(hidden)[..., self.bass_classes]
            + self.quality_bass(hidden)[..., self.qualities * 4 + self.bass_members]
        )
        return found

    @property
    def _n_qualities(self) -> int:
        return self.root_motion.shape[1]

    def transition_tables(self) -> Tensor:
        """``(K, S, S)`` log potentials of the transition from one state (rows) to another."""
        up = (self.roots[None, :] - self.roots[:, None]) % 12
        bass_up = (self.bass_classes[None, :] - self.bass_classes[:, None]) % 12
        pairs = self.qualities[:, None] * self._n_qualities + self.qualities
        motion = self.root_motion.flatten(1)[:, 12 * pairs + up]
        same = torch.eye(len(self.config.states), device=up.device)
        return (
            motion
            + self.bass_motion[:, bass_up]
            + self.shared
            + self.leave @ self.reach
            + self.stay[:, None, None] * same
        )


def second_chords_of(config: ChordPlannerConfig) -> SecondChordNetwork:
    """An untrained network for the second chords of a planner's beats."""
    return SecondChordNetwork(
        config.features, config.states, config.modes, config.second_width, SECOND_DROPOUT
    )


def _mirrored(values: Tensor, lengths: Tensor | None) -> Tensor:
    """``(N, B, ...)`` with the beats of each piece reversed; padding stays at the end."""
    if lengths is None:
        return values.flip(-2)
    beats = torch.arange(values.shape[1], device=values.device).expand(values.shape[0], -1)
    last = lengths.to(values.device)[:, None] - 1
    mirror = torch.where(beats <= last, last - beats, beats)[..., None]
    return values.gather(1, mirror.expand_as(values))
