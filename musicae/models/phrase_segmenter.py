"""A network that predicts for each note of a melody the probability that a phrase ends on it.

Convolutions over neighbouring notes alternate with attention. The attention weights also depend on
the distance between two notes in bars: phrases often end a whole number of bars apart.

Axes: ``B`` pieces, ``N`` notes, ``F`` features, ``C`` channels, ``H`` heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.models.configs import PhraseSegmenterConfig

SAME_PLACE = 1e-3
"""Tolerance in bars for rounding: two notes are at the same place of their bars if their distance
is this near to a whole number of bars."""


class PhraseSegmenter(nn.Module):
    """Features ``(B, N, F)`` and times in bars ``(B, N)`` -> logits ``(B, N)``."""

    def __init__(self, config: PhraseSegmenterConfig | None = None) -> None:
        super().__init__()
        self.config = config or PhraseSegmenterConfig()
        self.members = nn.ModuleList(_Member(self.config) for _ in range(self.config.members))

    def forward(self, features: Tensor, times: Tensor, mask: Tensor) -> Tensor:
        """The logits ``(B, N)``.

        Args:
            features: ``(B, N, F)`` the features of the notes.
            times: ``(B, N)`` the onsets of the notes, in bars.
            mask: ``(B, N)`` bool, True for a note; the logits of padding mean nothing.
        """
        apart = _apart(times, self.config.farthest)
        return torch.stack([m(features, apart, mask) for m in self.members]).mean(dim=0)


class _Member(nn.Module):
    def __init__(self, config: PhraseSegmenterConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.dropout)
        self.embed = nn.Linear(config.n_features, config.width)
        self.rounds = nn.ModuleList(_Round(config) for _ in range(config.rounds))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, 1)

    def forward(self, features: Tensor, apart: Tensor, mask: Tensor) -> Tensor:
        x = self.dropout(F.gelu(self.embed(features)))  # (B, N, C)
        for each in self.rounds:
            x = each(x, apart, mask)
        logits: Tensor = self.head(self.dropout(self.norm(x))).squeeze(-1)
        return logits


class _Round(nn.Module):
    def __init__(self, config: PhraseSegmenterConfig) -> None:
        super().__init__()
        self.heads = config.heads
        width, around = config.width, config.kernel // 2
        self.first = nn.Conv1d(width, width, config.kernel, padding=around)
        self.second = nn.Conv1d(width, width, config.kernel, padding=around)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.distance = nn.Embedding(2 * _distances(config.farthest), config.heads)
        nn.init.zeros_(self.distance.weight)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, apart: Tensor, mask: Tensor) -> Tensor:
        x = x + self.dropout(self._convolved(self.norms[0](x), mask))
        mixed: Tensor = x + self.dropout(self.out(self._attended(self.norms[1](x), apart, mask)))
        return mixed

    def _convolved(self, x: Tensor, mask: Tensor) -> Tensor:
        real = mask[:, None].to(x.dtype)  # (B, 1, N): padding is zero before each convolution
        hidden = F.gelu(self.first(x.transpose(1, 2) * real)) * real  # (B, C, N)
        convolved: Tensor = self.second(hidden).transpose(1, 2)
        return convolved

    def _attended(self, x: Tensor, apart: Tensor, mask: Tensor) -> Tensor:
        size = x.shape[-1] // self.heads
        # (B, N, 3C) -> three of (B, H, N, C/H)
        parts = self.qkv(x).view(x.shape[0], -1, 3, self.heads, size).permute(2, 0, 3, 1, 4)
        q, k, v = parts[0], parts[1], parts[2]
        bias = self.distance(apart).permute(0, 3, 1, 2)  # (B, H, N, N)
        bias = bias.masked_fill(~mask[:, None, None, :], -1e9)
        attended: Tensor = (q @ k.transpose(-2, -1) * size**-0.5 + bias).softmax(dim=-1) @ v
        return attended.transpose(1, 2).flatten(2)  # (B, H, N, C/H) -> (B, N, C)


def _distances(farthest: int) -> int:
    """The number of different clipped distances in bars."""
    return 2 * farthest + 1


def _apart(times: Tensor, farthest: int) -> Tensor:
    """``(B, N, N)`` the class of the distance between two notes.

    It depends on the number of bars, rounded and clipped to ``farthest``, and on whether the
    distance is a whole number of bars.
    """
    apart = times[:, None, :] - times[:, :, None]
    bars = apart.round()
    whole = ((apart - bars).abs() < SAME_PLACE).long()
    classes: Tensor = (
        whole * _distances(farthest) + bars.clamp(-farthest, farthest).long() + farthest
    )
    return classes
