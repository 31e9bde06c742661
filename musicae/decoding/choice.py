"""How a symbol is chosen: temperature, top-p, guidance, and corrections of draws.

Axes: ``N`` candidates, ``Q`` steps of candidates, ``U`` voices that are scored, ``S`` symbols of a
voice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Floats, Floats32, Ints
from musicae.decoding.levers import Levers
from musicae.decoding.motion_tilt import MotionTilt
from musicae.decoding.sonority_tilt import SonorityTilt
from musicae.decoding.step_costs import Rows
from musicae.models.vocabulary import FIRST_PITCH

LIKELIEST = 0.0
"""The temperature at which each symbol is the likeliest one and nothing is random."""
GUIDANCE = 4.0
"""The guidance scale of a requested rhythm (Ho and Salimans 2022, *Classifier-Free Diffusion
Guidance*); 1 is the conditional model alone."""


class SamplingOptions(NamedTuple):
    """How symbols are chosen."""

    temperature: float
    """Divides the log-probabilities; at ``LIKELIEST`` each symbol is the likeliest one."""
    seed: int = 0
    """The seed of the random numbers."""
    top_p: float = 1.0
    """Sampling is from the fewest symbols whose probabilities sum to this (Holtzman et al. 2020,
    *The Curious Case of Neural Text Degeneration*); 1 leaves out none."""
    rules: str = "bach"
    """The costs of breaking rules: a key of ``constraints.PRESETS``."""
    rhythm_temperature: float | None = None
    """The temperature of the choice between a new note, a hold and a rest; None for
    ``temperature``."""


class Tilts(NamedTuple):
    """Corrections that are added to the costs of symbols; None for one that is not used."""

    motion: MotionTilt | None = None
    sonority: SonorityTilt | None = None
    levers: Levers | None = None

    def costs(self, voice: int, rows: Rows) -> Floats:
        """``(M, S)`` the cost of each symbol of a voice, in nats; 0 at the first step of a piece.

        ``rows`` are ``M`` symbols that are to be chosen.
        """
        candidate, steps, before, now, last = rows
        cost: Floats | float = 0.0
        if self.motion:
            cost = cost + self.motion.costs(voice, steps, before, candidate)
        if self.sonority and last.any():
            sonority = self.sonority.costs(voice, steps, before, now, candidate)
            cost = cost + np.where(last[:, None], sonority, 0.0)
        if self.levers:
            cost = cost + self.levers.costs(voice, before, now, last, candidate)
        return np.asarray(cost * (steps > 0)[:, None])


def choose(cost: Floats, options: SamplingOptions, uniform: Floats) -> Ints:
    """``(...)`` the symbol that is chosen by each row of costs ``(..., S)``, in nats.

    ``uniform`` ``(...)`` are random numbers from 0 to 1, one for each symbol.
    """
    if options.temperature == LIKELIEST:
        best: Ints = cost.argmin(axis=-1)
        return best
    scores = cost / -options.temperature
    if options.rhythm_temperature is not None:
        # The rhythm temperature decides between hold, rest and any new note. Then the temperature
        # decides between the new notes.
        new = slice(FIRST_PITCH, None)
        scores[..., :FIRST_PITCH] = -cost[..., :FIRST_PITCH] / options.rhythm_temperature
        any_note = _log_sum(-cost[..., new]) / options.rhythm_temperature
        scores[..., new] += any_note - _log_sum(scores[..., new])
    scores -= scores.max(axis=-1, keepdims=True)
    share = np.exp(scores, out=scores)
    if options.top_p < 1:
        share /= share.sum(axis=-1, keepdims=True)
        order = np.argsort(-share, axis=-1)
        ranked = np.take_along_axis(share, order, axis=-1)
        ranked[ranked.cumsum(axis=-1) - ranked >= options.top_p] = 0.0
        np.put_along_axis(share, order, ranked, axis=-1)
    passed = share.cumsum(axis=-1)
    point = uniform[..., None] * passed[..., -1:]
    # Rounding may leave the last sum just below the point.
    chosen: Ints = np.minimum((passed <= point).sum(axis=-1), share.shape[-1] - 1)
    return chosen


def guided(conditional: Floats32, unconditional: Floats32) -> Floats32:
    """Negative log-likelihoods ``(Q, U, S)`` with classifier-free guidance of scale ``GUIDANCE``.

    A symbol that is impossible without the condition keeps its conditional value.
    """
    found = conditional.copy()
    possible = np.isfinite(unconditional)
    found[possible] += (GUIDANCE - 1) * (conditional[possible] - unconditional[possible])
    return found


def _log_sum(scores: Floats) -> Floats:
    """``(..., 1)`` the logarithm of the sum of exponentials."""
    most = scores.max(axis=-1, keepdims=True)
    total: Floats = most + np.log(np.exp(scores - most).sum(axis=-1, keepdims=True))
    return total
