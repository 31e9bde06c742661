"""Which way to move the latent vectors of a piece's beats, so that it has more of something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicae.decoding.sampler import LIKELIEST, SamplingOptions
from musicae.encoding import forms
from musicae.latent.attributes import measured
from musicae.latent.compose import decode_points
from musicae.latent.space import LatentPoint, sample
from musicae.models.checkpoint import Checkpoint
from musicae.models.vae import ChoraleVAE, Latent

NUDGE = 0.4
"""How far beats are moved to try a way, beside how far they spread."""
SEED = 9


def find_directions(model: ChoraleVAE, deviations: Sequence[float], probes: int) -> Tensor:
    """``(K, Y)`` the move of all beats by which a piece gets one deviation more of each attribute.

    So many imagined pieces are nudged one way and the other, and what is measured of the music is
    regressed on the nudges. Of the moves that by this regression change one attribute and no
    other, each is the shortest. ``deviations`` are those of ``attributes.measured`` in the corpus.
    """
    seeds = [(SEED, number) for number in range(probes)]
    places = sample(model, forms.draw_forms(probes, SEED), "fitted", seeds)
    spread = torch.cat([place.latent.beats[0] for place in places]).std(dim=0, correction=0)
    nudges = np.random.default_rng(SEED).standard_normal((probes, len(spread)))

    units = np.where(np.asarray(deviations) > 0, deviations, np.inf)

    def has(sign: int) -> NDArray[np.float64]:
        """``(N, K)`` what nudged pieces have, in deviations."""
        moves = torch.from_numpy(sign * NUDGE * nudges).float() * spread
        moved = [
            LatentPoint(place.form, Latent(place.latent.piece, place.latent.beats + move))
            for place, move in zip(places, moves, strict=True)
        ]
        made = decode_points(Checkpoint("vae", model, {}, ""), moved, SamplingOptions(LIKELIEST))
        found: NDArray[np.float64] = np.array([measured(each.chorale) for each in made]) / units
        return found

    slopes = np.linalg.lstsq(nudges, (has(1) - has(-1)) / (2 * NUDGE), rcond=None)[0]  # (Y, K)
    return torch.from_numpy(np.linalg.pinv(slopes)).float() * spread
