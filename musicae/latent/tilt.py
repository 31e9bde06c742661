"""Find the tilt under which draws move as often as the training pieces; see ``motion_tilt``."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicae.core.chorale import Chorale
from musicae.decoding.motion_tilt import motion_counts
from musicae.encoding import forms
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.step_features import SINCE_BEAT, step_features
from musicae.latent.compose import decode_points, usual_options
from musicae.latent.space import sample
from musicae.models.checkpoint import Checkpoint
from musicae.models.vae import ChoraleVAE

ROUNDS, DRAWS = 5, 64
"""How often draws are compared with the training pieces, and how many each time."""
SMOOTHING = 20.0
"""Added to every count."""
RATE, MOST = 0.7, 1.5
"""How much of a difference each round corrects, and the greatest tilt, in nats."""
SEED = 11


def counts_of(chorale: Chorale) -> NDArray[np.float64]:
    """``motion_counts`` of a chorale."""
    return motion_counts(chorale, step_features(PartialScore.of(chorale))[:, SINCE_BEAT])


def find_tilt(model: ChoraleVAE, wanted: NDArray[np.float64]) -> Tensor:
    """The tilt, of the shape ``motion_tilt.SHAPE``; it is set in the model, too.

    ``wanted`` are the ``counts_of`` the training pieces in Bach's style, summed.
    """
    for number in range(ROUNDS):
        seeds = [(SEED + number, i) for i in range(DRAWS)]
        points = sample(model, forms.draw_forms(DRAWS, SEED + number), "fitted", seeds)
        made = decode_points(Checkpoint("vae", model, {}, ""), points, usual_options(SEED + number))
        drawn = np.sum([counts_of(each.chorale) for each in made], axis=0)
        apart = np.log(_shares(wanted)) - np.log(_shares(drawn))
        tilt = model.tilt + RATE * torch.from_numpy(apart).float()
        model.tilt.copy_(tilt.clamp(-MOST, MOST))
    return model.tilt


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    smoothed = counts + SMOOTHING
    shares: NDArray[np.float64] = smoothed / smoothed.sum(axis=-1, keepdims=True)
    return shares
