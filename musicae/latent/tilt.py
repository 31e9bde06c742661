"""Find the tilts with which sampled pieces move as often as training pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Floats32
from musicae.core.chorale import Chorale
from musicae.decoding.motion_tilt import MOTIONS, motion_counts
from musicae.decoding.plan_tilt import PARTS, plan_counts
from musicae.decoding.sonority_tilt import sonority_counts
from musicae.encoding import forms
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.step_features import SINCE_BEAT, step_features
from musicae.latent.compose import decode_points, usual_options
from musicae.latent.space import sample
from musicae.models.checkpoint import Checkpoint
from musicae.theory.harmonic_plan import HarmonicPlan

ROUNDS, DRAWS = 5, 64
"""The number of rounds, and of pieces that are sampled in each round."""
SMOOTHING = 10.0
"""A number added to every count of the samples, and to the scaled counts of the training pieces."""
RATE, MOST = 0.7, 1.5
"""The share of a difference that each round corrects, and the largest tilt, in nats."""
SEED = 11


class Counts(NamedTuple):
    """Counts of events in pieces; see ``motion_tilt``, ``sonority_tilt`` and ``plan_tilt``."""

    motions: NDArray[np.float64]
    """The counts of ``motion_tilt.motion_counts``."""
    sonorities: NDArray[np.float64]
    """The counts of ``sonority_tilt.sonority_counts``."""
    chords: NDArray[np.float64]
    """The counts of ``plan_tilt.plan_counts``."""


def counts_of(chorale: Chorale, plan: HarmonicPlan) -> Counts:
    """The counts of a chorale and of its plan."""
    since_beat = step_features(PartialScore.of(chorale))[:, SINCE_BEAT]
    return Counts(
        motion_counts(chorale, since_beat),
        sonority_counts(chorale, since_beat),
        plan_counts(plan.chords, plan.key.mode),
    )


def find_tilt(model: Checkpoint, bach: Sequence[Counts]) -> None:
    """Set the tilts of a model so that sampled pieces have the counts of training pieces.

    Each round samples pieces, counts, and moves each tilt by a part of the difference in nats. The
    arrays of the model change in place, and with them the network of ``torch_engine.live``.

    Args:
        model: a VAE.
        bach: the counts of each training piece in Bach's style.
    """
    tensors = model.tensors
    wanted = [np.sum(part, axis=0) for part in zip(*bach, strict=True)]
    for number in range(ROUNDS):
        seeds = [(SEED + number, i) for i in range(DRAWS)]
        points = sample(model, forms.draw_forms(DRAWS, SEED + number), "fitted", seeds)
        made = decode_points(model, points, usual_options(SEED + number))
        counts = [counts_of(each.chorale, each.plan) for each in made]
        drawn = [np.sum(part, axis=0) for part in zip(*counts, strict=True)]
        moved = _apart(wanted[0], drawn[0])
        moved[..., MOTIONS.index("rest")] = 0.0  # the rules decide on rests
        _add(tensors["tilt"], moved)
        _add(tensors["sonority_tilt"], _apart(wanted[1], drawn[1]))
        planned = [_apart(wanted[2][part], drawn[2][part]) for part in PARTS]
        _add(tensors["plan_tilt"], np.concatenate(planned))


def _add(tilt: Floats32, apart: NDArray[np.float64]) -> None:
    """Add a part of a difference to a tilt, in place."""
    tilt[:] = np.clip(tilt + RATE * apart, -MOST, MOST)


def _apart(wanted: NDArray[np.float64], drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """``log(wanted / drawn)`` in nats, with ``wanted`` scaled to the same sum on the last axis."""
    scale = drawn.sum(axis=-1, keepdims=True) / wanted.sum(axis=-1, keepdims=True)
    apart: NDArray[np.float64] = np.log(wanted * scale + SMOOTHING) - np.log(drawn + SMOOTHING)
    return apart
