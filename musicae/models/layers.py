"""The blocks that models share: sums of features, and attention that looks only so far.

Axes: ``B`` pieces or candidates, ``J`` frames, ``K`` features, ``H`` heads, ``D`` numbers of one
head, ``W`` width.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

Turns = tuple[Tensor, Tensor]
"""Cosines and sines, each ``(J, D / 2)``, of the angles by which frames are turned."""
NONE = -1
"""The index of a feature that is not there."""
AHEAD = 64
"""For so many frames that may follow, a memory knows how they are turned."""
FEW_ROWS = 64
"""Up to so many sums of features are looked up; more are multiplied."""


class FeatureSum(nn.Module):
    """One embedding for the value of each of K features, summed."""

    first: Tensor

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        *begins, self.count = accumulate(sizes, initial=0)
        self.register_buffer("first", torch.tensor(begins), persistent=False)
        # The last row is that of features that are not there; it stays zero.
        self.weight = nn.Parameter(torch.randn(self.count + 1, width) * 0.7 * len(sizes) ** -0.5)
        nn.init.zeros_(self.weight[-1])

    def forward(self, features: Tensor) -> Tensor:
        """Values ``(..., K)``, each from 0 or ``NONE`` -> ``(..., W)``."""
        index = torch.where(features == NONE, self.count, features + self.first)
        shape = index.shape[:-1]
        index = index.flatten(0, -2)
        if len(index) <= FEW_ROWS:
            x = F.embedding_bag(index, self.weight, mode="sum", padding_idx=self.count)
            return x.view(*shape, -1)
        # Many rows of zeros and ones are multiplied sooner than their embeddings are gathered.
        rows = self.weight.new_zeros((len(index), self.count + 1), dtype=_working_type(self.weight))
        rows.scatter_(1, index, 1)
        x = F.linear(rows[:, :-1], self.weight[:-1].T)
        return x.view(*shape, -1)


class Dropout(nn.Module):
    """Dropout, in steps of 1/256, that costs a processor little: one random byte a number."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.dropped = round(256 * share)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.dropped:
            return x
        numbers = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device)
        octets = numbers.random_(-(2**63), None).view(torch.uint8)[: x.numel()].view(x.shape)
        return x * (octets >= self.dropped) * (256 / (256 - self.dropped))


class Attention(nn.Module):
    """Self-attention over the ``span`` nearest frames, with rotary positions.

    Rotary embedding after Su et al. 2021 (*RoFormer*). Frames are taken in blocks of ``span``,
    and a block looks at itself and its neighbours, so time and memory grow with the length alone.
    """

    def __init__(self, width: int, heads: int, span: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.span, self.causal = heads, span, causal
        self.inputs = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, J, W)`` -> ``(B, J, W)``; a frame sees those up to ``span`` away, of the future
        only where the attention is not ``causal``."""
        batch, length, width = x.shape
        size = min(self.span, length)
        blocks = -(-length // size)
        x = F.pad(x, (0, 0, 0, blocks * size - length))
        turns = _turns(torch.arange(blocks * size, device=x.device), width // self.heads)
        # N blocks of S frames: (B, H, N * S, D) -> (B, H, N, S, D)
        q, k, v = (part.view(batch, self.heads, blocks, size, -1) for part in self._heads(x, turns))
        offsets = (-1, 0) if self.causal else (-1, 0, 1)
        k, v = (torch.cat([_neighbour(part, o) for o in offsets], dim=3) for part in (k, v))
        # (B * N, H, S, D) and (B * N, H, 2 S or 3 S, D)
        q, k, v = (part.transpose(1, 2).flatten(0, 1) for part in (q, k, v))
        mask = self._near(blocks, size, length, offsets, x.device).repeat(batch, 1, 1)[:, None]
        with sdpa_kernel(SDPBackend.MATH):  # on blocks as short as these the fused one is slower
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        y = y.transpose(1, 2).reshape(batch, blocks * size, width)  # (B * N, S, H, D) before
        output: Tensor = self.output(y[:, :length])
        return output

    def step(self, x: Tensor, memory: Memory, position: int) -> Tensor:
        """The next frame ``(B, W)`` of a causal attention, with those before in ``memory``."""
        q, k, v = self._heads(
            x[:, None], memory.turns(position, x.shape[-1] // self.heads, x.device)
        )
        keys, values = memory.add(k, v)
        y = F.scaled_dot_product_attention(q, keys, values)
        output: Tensor = self.output(y.transpose(1, 2).flatten(1))
        return output

    def _heads(self, x: Tensor, turns: Turns) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values ``(B, H, J, D)``, the first two turned by their positions."""
        parts = self.inputs(x).view(*x.shape[:2], 3, self.heads, -1)  # (B, J, 3, H, D)
        parts = parts.permute(2, 0, 3, 1, 4)
        q, k = _rotate(parts[:2], *turns)
        return q, k, parts[2]

    def _near(
        self, blocks: int, size: int, length: int, offsets: Sequence[int], device: torch.device
    ) -> Tensor:
        """``(N, S, 2 S or 3 S)`` whether a frame may look at another."""
        begin = torch.arange(blocks, device=device)[:, None, None] * size
        to = torch.cat([torch.arange(size, device=device) + o * size for o in offsets])
        ahead = to - torch.arange(size, device=device)[:, None]  # (S, 2 S or 3 S)
        near = (ahead <= (0 if self.causal else self.span)) & (ahead >= -self.span)
        inside = (begin + to >= 0) & (begin + to < length)
        # Rows of frames that only pad the last block look somewhere, lest they become NaN.
        return (near & inside) | (ahead == 0)


class Memory:
    """The keys and values of the last ``span`` frames of one causal attention."""

    def __init__(self, span: int) -> None:
        self.span = span
        self.filled = 0
        self.kept: tuple[Tensor, Tensor] | None = None
        self.turned: tuple[range, Turns] | None = None

    def add(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Take those of a new frame, each ``(B, H, 1, D)``; returns all that it may look at."""
        room = 2 * (self.span + 1)
        if self.kept is None:
            shape = (*key.shape[:2], room, key.shape[3])
            self.kept = key.new_empty(shape), value.new_empty(shape)
        if self.filled == room:  # move the frames that are still needed to the front
            for kept in self.kept:
                kept[:, :, : self.span] = kept[:, :, -self.span :].clone()
            self.filled = self.span
        for kept, new in zip(self.kept, (key, value), strict=True):
            kept[:, :, self.filled] = new[:, :, 0]
        self.filled += 1
        recent = slice(max(0, self.filled - self.span - 1), self.filled)
        return self.kept[0][:, :, recent], self.kept[1][:, :, recent]

    def turns(self, position: int, depth: int, device: torch.device) -> Turns:
        """How a frame is turned; those that may follow are worked out at once."""
        if self.turned is None or position not in self.turned[0]:
            ahead = range(position, position + AHEAD)
            self.turned = (
                ahead,
                _turns(torch.arange(position, position + AHEAD, device=device), depth),
            )
        row = position - self.turned[0].start
        cos, sin = self.turned[1]
        return cos[row : row + 1], sin[row : row + 1]


class Block(nn.Module):
    """A transformer's layer, normalized before each part."""

    def __init__(self, width: int, heads: int, span: int, dropout: float, causal: bool) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(width), Attention(width, heads, span, causal)
        self.feedforward = FeedForward(width, 4 * width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm(x)))
        y: Tensor = x + self.dropout(self.feedforward(x))
        return y

    def step(self, x: Tensor, memory: Memory, position: int) -> Tensor:
        """The next frame ``(B, W)``; see ``Attention.step``."""
        x = x + self.attention.step(self.norm(x), memory, position)
        y: Tensor = x + self.feedforward(x)
        return y


class FeedForward(nn.Module):
    """What is added to each frame by itself: normalized, one hidden layer."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(F.gelu(self.up(self.norm(x))))
        return y


def _neighbour(blocks: Tensor, offset: int) -> Tensor:
    """``(B, H, N, S, D)`` the block so many places on; beyond the ends the ones at the ends."""
    return blocks if offset == 0 else blocks.roll(-offset, dims=2)


def _turns(positions: Tensor, depth: int) -> Turns:
    """Those of frames at positions ``(J,)``."""
    even = torch.arange(0, depth, 2, device=positions.device)
    angles = positions[:, None] * 10_000 ** (-even / depth)
    return angles.cos(), angles.sin()


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def _working_type(weight: Tensor) -> torch.dtype:
    """What matrix products are computed in: autocast's type where it is on."""
    kind = weight.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
