"""Find the directions in latent space that change one attribute of a piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Floats32
from musicae.decoding.choice import LIKELIEST, SamplingOptions
from musicae.encoding import forms
from musicae.latent.attributes import measured
from musicae.latent.compose import decode_points
from musicae.latent.space import LatentPoint, moved, sample
from musicae.models.checkpoint import Checkpoint

NUDGE = 0.7
"""The size of trial moves: of beats in standard deviations of their vectors, of levers in nats."""
CORRECTING = 48
"""The points on which directions are corrected."""
SEED = 9
"""The seed of the sampled points and of the trial moves."""


def find_directions(model: Checkpoint, deviations: Sequence[float], probes: int) -> Floats32:
    """``(L, Y + levers)`` the move that raises each attribute by one standard deviation.

    ``probes`` sampled points are moved by random vectors and by their negatives, decoded, and the
    attributes of the music are regressed on the moves. Each direction is the shortest move that, by
    this regression, changes one attribute and no other. Effects are not quite linear, so the
    directions are then ``corrected``.

    Args:
        deviations: ``(L,)`` standard deviations of ``attributes.measured`` in the corpus.
        probes: the number of sampled points.
    """
    seeds = [(SEED, number) for number in range(probes)]
    points = sample(model, forms.draw_forms(probes, SEED), "fitted", seeds)
    of_beats = np.concatenate([point.latent.beats[0] for point in points]).std(axis=0)
    spread = np.concatenate([of_beats, np.ones(model.config.levers, dtype=np.float32)])
    nudges = np.random.default_rng(SEED).standard_normal((probes, len(spread)))

    units = np.where(np.asarray(deviations) > 0, deviations, np.inf)

    def attributes(sign: int) -> NDArray[np.float64]:
        """``(N, L)`` the attributes of moved points, in deviations."""
        ways = (sign * NUDGE * nudges).astype(np.float32) * spread
        places = [moved(point, way) for point, way in zip(points, ways, strict=True)]
        made = decode_points(model, places, SamplingOptions(LIKELIEST))
        found: NDArray[np.float64] = np.array([measured(each.chorale) for each in made]) / units
        return found

    changes = (attributes(1) - attributes(-1)) / (2 * NUDGE)
    slopes = np.linalg.lstsq(nudges, changes, rcond=None)[0]  # (Y + levers, L)
    directions = np.linalg.pinv(slopes).astype(np.float32) * spread
    return corrected(model, directions, units, points[:CORRECTING])


def corrected(
    model: Checkpoint,
    directions: Floats32,
    units: NDArray[np.float64],
    points: Sequence[LatentPoint],
) -> Floats32:
    """Directions whose effects on all attributes, as measured on some points, are taken into
    account: mixed so that each changes its own by one of ``units`` and no other."""

    def attributes(way: Floats32) -> NDArray[np.float64]:
        places = [moved(point, way) for point in points]
        made = decode_points(model, places, SamplingOptions(LIKELIEST))
        found: NDArray[np.float64] = np.mean([measured(m.chorale) for m in made], axis=0) / units
        return found

    effects = np.array([(attributes(way) - attributes(-way)) / 2 for way in directions])
    found: Floats32 = np.linalg.pinv(effects).astype(np.float32) @ directions
    return found
