"""Calibration of a model by temperature scaling on held-out music."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from musicae.models.batches import MaskedBatch
from musicae.models.voice_transformer import VoiceTransformer, surprise

TEMPERATURES = np.arange(0.8, 2.0, 0.02).round(2).tolist()
"""The softmax temperatures that are tried."""

Batch = TypeVar("Batch")


@torch.no_grad()
def calibrate(
    model: VoiceTransformer,
    batches: Sequence[Batch],
    read: Callable[[Batch], tuple[Tensor, MaskedBatch]],
) -> None:
    """Fit the softmax temperature that minimizes the negative log-likelihood of held-out batches.

    It is stored in ``model.calibration``. ``read`` returns for a batch the logits and the
    MaskedBatch with their targets. Source: Guo et al. 2017, *On Calibration of Modern Neural
    Networks*.
    """
    model.calibration.fill_(1.0)
    predictions = [read(batch) for batch in batches]
    nats = [
        sum(float(surprise(logits / temperature, batch).sum()) for logits, batch in predictions)
        for temperature in TEMPERATURES
    ]
    model.calibration.fill_(TEMPERATURES[int(np.argmin(nats))])
