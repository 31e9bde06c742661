"""Layers that the models share: summed embeddings, local attention and transformer blocks.

Axes: ``B`` pieces or candidates, ``J`` frames, ``K`` features, ``H`` heads, ``D`` dimensions of
a head, ``W`` width.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from musicae.models.vocabulary import NONE

Turns = tuple[Tensor, Tensor]
"""Cosines and sines of the rotary angles of frames, each ``(J, D / 2)``."""
LEAST = 1e-30
"""Sums of weights are clipped to at least this before a division."""
FEW_ROWS = 64
"""``FeatureSum`` looks embeddings up for at most this many rows; for more it multiplies
matrices."""


class FeatureSum(nn.Module):
    """The sum of the embeddings of ``K`` categorical features."""

    first: Tensor
    """``(K,)`` the first row of each feature in the table of embeddings."""

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        """``sizes`` are the numbers of values of the ``K`` features."""
        super().__init__()
        *begins, self.count = accumulate(sizes, initial=0)
        self.register_buffer("first", torch.tensor(begins), persistent=False)
        # The last row stands for absent features; it stays zero.
        self.weight = nn.Parameter(torch.randn(self.count + 1, width) * 0.7 * len(sizes) ** -0.5)
        nn.init.zeros_(self.weight[-1])

    def forward(self, features: Tensor) -> Tensor:
        """Values ``(..., K)``, each at least 0 or ``NONE`` -> ``(..., W)``."""
        index = torch.where(features == NONE, self.count, features + self.first)
        if torch.onnx.is_in_onnx_export():
            return self._traced(index)
        shape = index.shape[:-1]
        index = index.flatten(0, -2)
        if len(index) <= FEW_ROWS:
            x = F.embedding_bag(index, self.weight, mode="sum", padding_idx=self.count)
            return x.view(*shape, -1)
        # For many rows a product with multi-hot rows is faster than gathering embeddings.
        rows = self.weight.new_zeros((len(index), self.count + 1), dtype=_working_type(self.weight))
        rows.scatter_(1, index, 1)
        x = F.linear(rows[:, :-1], self.weight[:-1].T)
        return x.view(*shape, -1)

    def _traced(self, index: Tensor) -> Tensor:
        """The product with multi-hot rows; the traced graph holds for any number of rows."""
        rows = torch.zeros((*index.shape[:-1], self.count + 1))
        return rows.scatter(-1, index, (index < self.count).float()) @ self.weight


class Dropout(nn.Module):
    """Dropout at a rate rounded to 1/256: it draws one random byte for each number, which is fast
    on a CPU."""

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
    """Self-attention over frames at most ``span`` away, with rotary position embedding.

    Rotary embedding: Su et al. 2021, *RoFormer*. The frames are divided into blocks of ``span``. A
    block attends to itself and the neighbouring blocks, so time and memory are linear in the
    length.
    """

    def __init__(self, width: int, heads: int, span: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.span, self.causal = heads, span, causal
        self.inputs = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, J, W)`` -> ``(B, J, W)``. A ``causal`` layer attends to no later frames."""
        batch, length = x.shape[:2]
        width = self.output.in_features
        # Shorter blocks save time if pieces are short; an exported graph must fit every length.
        size = self.span if torch.onnx.is_in_onnx_export() else min(self.span, length)
        blocks = (length + size - 1) // size
        x = F.pad(x, (0, 0, 0, blocks * size - length))
        turns = _turns(torch.arange(blocks * size, device=x.device), width // self.heads)
        # N blocks of S frames: (B, H, N * S, D) -> (B, H, N, S, D)
        q, k, v = (part.view(batch, self.heads, blocks, size, -1) for part in self._heads(x, turns))
        offsets = (-1, 0) if self.causal else (-1, 0, 1)
        k, v = (torch.cat([_neighbour(part, o) for o in offsets], dim=3) for part in (k, v))
        # (B * N, H, S, D) and (B * N, H, 2 S or 3 S, D)
        q, k, v = (part.transpose(1, 2).flatten(0, 1) for part in (q, k, v))
        mask = self._near(blocks, size, length, offsets, x.device).repeat(batch, 1, 1)[:, None]
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernel is slower on blocks this short
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        y = y.transpose(1, 2).reshape(batch, blocks * size, width)  # (B * N, S, H, D) before
        output: Tensor = self.output(y[:, :length])
        return output

    def extend(self, x: Tensor, past: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """The output of a causal layer for one more frame.

        Args:
            x: ``(B, W)`` the input of the frame.
            past: ``(P, 2, B, W)`` the keys and values of the ``P`` frames to which it attends.
            position: ``(1,)`` the number of the frame.

        Returns the output ``(B, W)``, and the frame's key and value ``(1, 2, B, W)``.
        """
        depth = self.output.in_features // self.heads
        parts = self.inputs(x).view(-1, 3, self.heads, depth)
        q, k = _rotate(parts[:, :2], *_turns(position, depth)).unbind(dim=1)
        own, q = torch.stack([k, parts[:, 2]])[None], q * depth**-0.5  # (1, 2, B, H, D)
        # (2, B, H, P, D): with this order of the axes BLAS computes both products.
        past = past.view(*past.shape[:3], self.heads, depth).permute(1, 2, 3, 0, 4)
        keys, values = past[0], past[1]
        scores = [
            (q[:, :, None] @ keys.transpose(-1, -2))[:, :, 0],
            (q * own[0, 0]).sum(dim=-1, keepdim=True),
        ]
        share = torch.cat(scores, dim=-1).softmax(dim=-1)  # (B, H, P + 1)
        y = (share[:, :, None, :-1] @ values)[:, :, 0] + share[..., -1:] * own[0, 1]  # (B, H, D)
        output: Tensor = self.output(y.flatten(1))
        return output, own.flatten(-2)

    def _heads(self, x: Tensor, turns: Turns) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values ``(B, H, J, D)``; queries and keys are rotated."""
        parts = self.inputs(x).view(*x.shape[:2], 3, self.heads, -1)  # (B, J, 3, H, D)
        parts = parts.permute(2, 0, 3, 1, 4)
        q, k = _rotate(parts[:2], *turns).unbind()
        return q, k, parts[2]

    def _near(
        self, blocks: int, size: int, length: int, offsets: Sequence[int], device: torch.device
    ) -> Tensor:
        """``(N, S, 2 S or 3 S)`` whether a frame may attend to another."""
        begin = torch.arange(blocks, device=device)[:, None, None] * size
        to = torch.cat([torch.arange(size, device=device) + o * size for o in offsets])
        ahead = to - torch.arange(size, device=device)[:, None]  # (S, 2 S or 3 S)
        near = (ahead <= (0 if self.causal else self.span)) & (ahead >= -self.span)
        inside = (begin + to >= 0) & (begin + to < length)
        # Padding frames of the last block attend to themselves; a row without any would be NaN.
        return (near & inside) | (ahead == 0)


class Block(nn.Module):
    """A transformer layer with layer normalization before attention and before feedforward."""

    def __init__(self, width: int, heads: int, span: int, dropout: float, causal: bool) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(width), Attention(width, heads, span, causal)
        self.feedforward = FeedForward(width, 4 * width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm(x)))
        y: Tensor = x + self.dropout(self.feedforward(x))
        return y

    def extend(self, x: Tensor, past: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """One more frame ``(B, W)``; see ``Attention.extend``."""
        y, own = self.attention.extend(self.norm(x), past, position)
        x = x + y
        return x + self.feedforward(x), own


class FeedForward(nn.Module):
    """Layer normalization and one hidden layer, applied to each frame separately."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(F.gelu(self.up(self.norm(x))))
        return y


class Pool(nn.Module):
    """Attention pooling with one learned query for each head: the members of a group become one
    vector."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.scores, self.values = nn.Linear(width, heads), nn.Linear(width, width)
        self.output, self.norm = nn.Linear(width, width), nn.LayerNorm(width)

    def forward(self, x: Tensor, group: Tensor, count: int) -> Tensor:
        """``x`` ``(B, J, W)`` and the group of each frame ``(B, J)`` -> ``(B, count, W)``.

        Groups are numbers from 0 to ``count - 1``, or ``NONE`` for frames to leave out.
        """
        scores = self.scores(x).float()  # (B, J, H)
        index = torch.where(group == NONE, count, group)[..., None].expand_as(scores)
        least = torch.full_like(scores[:, :1], -torch.inf).repeat(1, count + 1, 1)
        top = least.scatter_reduce(1, index, scores.detach(), "amax").gather(1, index)
        weights = (scores - top).exp()
        values = self.values(x).float().view(*scores.shape, -1)  # (B, J, H, D)
        summed = group_sums((weights[..., None] * values).flatten(2), group, count)
        total = group_sums(weights, group, count)  # (B, count, H)
        summed = summed.view(*total.shape, -1) / total.clamp_min(LEAST)[..., None]
        pooled = summed.flatten(2).to(x.dtype)
        y: Tensor = self.norm(F.gelu(self.output(pooled)))
        return y


def group_sums(x: Tensor, group: Tensor, count: int) -> Tensor:
    """``(B, count, W)`` the sum of ``x`` ``(B, J, W)`` over each group; see ``Pool.forward``."""
    index = torch.where(group == NONE, count, group)[..., None].expand_as(x)
    return torch.zeros_like(x[:, :1]).repeat(1, count + 1, 1).scatter_add(1, index, x)[:, :-1]


def _neighbour(blocks: Tensor, offset: int) -> Tensor:
    """``(B, H, N, S, D)``: each block is replaced by the one ``offset`` later, cyclically."""
    return blocks if offset == 0 else blocks.roll(-offset, dims=2)


def _turns(positions: Tensor, depth: int) -> Turns:
    """The rotary angles of frames at positions ``(J,)``."""
    even = torch.arange(0, depth, 2, device=positions.device)
    angles = positions[:, None] * 10_000 ** (-even / depth)
    return angles.cos(), angles.sin()


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """``x`` ``(..., J, D)``, each frame rotated by its rotary angles."""
    a, b = x.chunk(2, dim=-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def _working_type(weight: Tensor) -> torch.dtype:
    """The type of matrix products: autocast's if autocast is on, else the weight's."""
    kind = weight.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
