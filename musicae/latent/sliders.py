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
"""The size of trial moves: in standard deviations for beats' vectors, in nats for levers."""
CORRECTING = 48
"""The number of points with which directions are corrected."""
SEED = 9
"""The seed of the sampled points and of the trial moves."""


def find_directions(model: Checkpoint, deviations: Sequence[float], probes: int) -> Floats32:
    """Find, for each attribute, the move in latent space that raises it by one standard deviation.

    ``probes`` sampled points are moved by random vectors and by their negatives and decoded. The
    attributes of the music are regressed on the moves. Each direction is the shortest move that, by
    this regression, changes one attribute and no other. The effects are not quite linear, so the
    directions are then ``corrected``.

    Args:
        model: a VAE.
        deviations: ``(L,)`` the standard deviations of ``attributes.measured`` in the corpus.
        probes: the number of sampled points.

    Returns:
        ``(L, Y + levers)``, one direction for each attribute.
    """
    seeds = [(SEED, number) for number in range(probes)]
    points = sample(model, forms.draw_forms(probes, SEED), "fitted", seeds)
    of_beats = np.concatenate([point.latent.beats[0] for point in points]).std(axis=0)
    spread = np.concatenate([of_beats, np.ones(model.config.levers, dtype=np.float32)])
    nudges = np.random.default_rng(SEED).standard_normal((probes, len(spread)))

    units = np.where(np.asarray(deviations) > 0, deviations, np.inf)

    def attributes(sign: int) -> NDArray[np.float64]:
        """``(N, L)`` the attributes of the moved points, in standard deviations."""
        moves = (sign * NUDGE * nudges).astype(np.float32) * spread
        trials = [moved(point, move) for point, move in zip(points, moves, strict=True)]
        made = decode_points(model, trials, SamplingOptions(LIKELIEST))
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
    """Mix directions so that each raises its own attribute by one unit and changes no other.

    The effects of the directions on all attributes are measured at some points.

    Args:
        model: a VAE.
        directions: ``(L, Y + levers)``.
        units: ``(L,)`` the unit of each attribute.
        points: the points at which effects are measured.
    """

    def attributes(direction: Floats32) -> NDArray[np.float64]:
        trials = [moved(point, direction) for point in points]
        made = decode_points(model, trials, SamplingOptions(LIKELIEST))
        found: NDArray[np.float64] = np.mean([measured(m.chorale) for m in made], axis=0) / units
        return found

    effects = np.array([(attributes(each) - attributes(-each)) / 2 for each in directions])
    found: Floats32 = np.linalg.pinv(effects).astype(np.float32) @ directions
    return found
