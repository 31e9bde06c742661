"""How sure a model may be: one number, found on music that it did not learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from musicae.models.voice_transformer import MaskedBatch, VoiceTransformer, surprise

CALIBRATIONS = np.arange(0.8, 2.0, 0.02).round(2).tolist()

Batch = TypeVar("Batch")


@torch.no_grad()
def calibrate(
    model: VoiceTransformer,
    batches: Sequence[Batch],
    read: Callable[[Batch], tuple[Tensor, MaskedBatch]],
) -> None:
    """Divide the logits by what makes batches that it did not learn from the likeliest.

    Guo et al. 2017, *On Calibration of Modern Neural Networks*. ``read`` gives a batch's logits
    and what they speak of.
    """
    model.calibration.fill_(1.0)
    found = [read(batch) for batch in batches]
    nats = [sum(float(surprise(x / c, p).sum()) for x, p in found) for c in CALIBRATIONS]
    model.calibration.fill_(CALIBRATIONS[int(np.argmin(nats))])
