"""From NumPy to torch: converts the arrays of encodings to tensors.

Encodings that a loss needs are defined here a second time, for tensors on any device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from musicae.encoding.tokens import ALL_VOICES, VOCABULARY
from musicae.models.vocabulary import HOLD

Batch = TypeVar("Batch", bound=tuple[object, ...])


def tensors(batch: Batch) -> Batch:
    """A NamedTuple of arrays, which may be nested, converted to tensors. The data are copied.

    >>> from musicae.models.batches import Latent
    >>> tensors(Latent(np.zeros((1, 2)), np.zeros((1, 3, 4)))).beats.shape
    torch.Size([1, 3, 4])
    """
    parts = (torch.tensor(x) if isinstance(x, np.ndarray) else tensors(x) for x in batch)  # type: ignore[type-var]
    return type(batch)(*parts)  # type: ignore[arg-type]  # a NamedTuple takes its fields


def flatten(tokens: Tensor, voices: Sequence[int] = ALL_VOICES) -> Tensor:
    """``encoding.tokens.flatten`` for tensors: ``(..., T, V)`` int64 -> ``(..., T * P)`` float32.

    ``P`` is the number of symbols of the ``voices`` together.
    """
    return torch.cat(
        [F.one_hot(tokens[..., v], VOCABULARY[v]).flatten(-2) for v in voices], dim=-1
    ).float()


def symbol_starts(tokens: Tensor) -> Tensor:
    """``encoding.tokens.symbol_starts`` for tensors: ``(..., T, V)`` -> ``(..., T, V)`` int64."""
    steps = torch.arange(tokens.shape[-2], device=tokens.device)[:, None].expand_as(tokens)
    return torch.where(tokens != HOLD, steps, 0).cummax(dim=-2).values
