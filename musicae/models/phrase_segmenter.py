"""A network that tells how likely a phrase ends on each note of a melody.

Convolutions over neighbouring notes take turns with attention whose weights also depend on how
many bars two notes are apart, so that a place four bars after an end is known for what it is.
Axes: ``B`` pieces, ``N`` notes, ``F`` features, ``C`` channels, ``H`` heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.models.configs import PhraseSegmenterConfig

SAME_PLACE = 1e-3
"""Bars by which notes at the same place of their bars may differ, as floats do."""


class PhraseSegmenter(nn.Module):
    """Features ``(B, N, F)`` and times in bars ``(B, N)`` -> logits ``(B, N)``."""

    def __init__(self, config: PhraseSegmenterConfig | None = None) -> None:
        super().__init__()
        self.config = config or PhraseSegmenterConfig()
        self.members = nn.ModuleList(_Member(self.config) for _ in range(self.config.members))

    def forward(self, features: Tensor, times: Tensor, mask: Tensor) -> Tensor:
        """``mask`` ``(B, N)`` is True where there is a note; the logits elsewhere mean nothing."""
        return torch.stack([m(features, times, mask) for m in self.members]).mean(dim=0)


class _Member(nn.Module):
    def __init__(self, config: PhraseSegmenterConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.dropout)
        self.embed = nn.Linear(config.n_features, config.width)
        self.rounds = nn.ModuleList(_Round(config) for _ in range(config.rounds))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, 1)

    def forward(self, features: Tensor, times: Tensor, mask: Tensor) -> Tensor:
        x = self.dropout(F.gelu(self.embed(features)))  # (B, N, C)
        for each in self.rounds:
            x = each(x, times, mask)
        logits: Tensor = self.head(self.dropout(self.norm(x))).squeeze(-1)
        return logits


class _Round(nn.Module):
    def __init__(self, config: PhraseSegmenterConfig) -> None:
        super().__init__()
        self.heads, self.farthest = config.heads, config.farthest
        width, around = config.width, config.kernel // 2
        self.first = nn.Conv1d(width, width, config.kernel, padding=around)
        self.second = nn.Conv1d(width, width, config.kernel, padding=around)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        # By whether the distance is a whole number of bars, and how many: (2 * distances, H).
        self.distance = nn.Embedding(2 * self._distances, config.heads)
        nn.init.zeros_(self.distance.weight)
        self.dropout = nn.Dropout(config.dropout)

    @property
    def _distances(self) -> int:
        return 2 * self.farthest + 1

    def forward(self, x: Tensor, times: Tensor, mask: Tensor) -> Tensor:
        x = x + self.dropout(self._convolved(self.norms[0](x), mask))
        mixed: Tensor = x + self.dropout(self.out(self._attended(self.norms[1](x), times, mask)))
        return mixed

    def _convolved(self, x: Tensor, mask: Tensor) -> Tensor:
        sounding = mask[:, None].to(x.dtype)  # (B, 1, N): padding stays zero for its neighbours
        hidden = F.gelu(self.first(x.transpose(1, 2) * sounding)) * sounding  # (B, C, N)
        convolved: Tensor = self.second(hidden).transpose(1, 2)
        return convolved

    def _attended(self, x: Tensor, times: Tensor, mask: Tensor) -> Tensor:
        batch, n, width = x.shape
        # (B, N, 3C) -> three of (B, H, N, C/H)
        q, k, v = (
            part.view(batch, n, self.heads, -1).transpose(1, 2)
            for part in self.qkv(x).chunk(3, dim=-1)
        )
        apart = times[:, None, :] - times[:, :, None]  # (B, N, N)
        bars = apart.round()
        whole = ((apart - bars).abs() < SAME_PLACE).long()
        bars = bars.clamp(-self.farthest, self.farthest).long() + self.farthest
        bias = self.distance(whole * self._distances + bars).permute(0, 3, 1, 2)  # (B, H, N, N)
        bias = bias.masked_fill(~mask[:, None, None, :], -1e9)
        heard = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return heard.transpose(1, 2).reshape(batch, n, width)  # (B, H, N, C/H) -> (B, N, C)
