"""Levers: costs by which sliders change how much of something a new piece has.

The latent vectors decide what is written. The levers make some kinds of events more or less likely:
new notes, notes outside the key, dissonances, changes of chord. A lever adds its amount, in nats,
to the logits of notes or to the potentials of chords.

Axes: ``N`` candidates, ``S`` symbols of a voice, ``A`` states of a plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from musicae.core.arrays import Bools, Floats, Ints
from musicae.core.key import SCALES, Key
from musicae.decoding.constraints import moves
from musicae.decoding.mixture_chain import MixtureChain, Tables
from musicae.decoding.sonority_tilt import FEW, completed
from musicae.models.vocabulary import FIRST_PITCH
from musicae.theory.harmonic_plan import PlannedChord

LEVERS = ("begin", "foreign", "dissonant", "change")
BEGIN, FOREIGN, DISSONANT, CHANGE = range(len(LEVERS))
NEUTRAL = (0.0,) * len(LEVERS)
_CONSONANT = (0, 1, FEW)
"""The consonant classes of ``sonority_tilt``: major and minor triads, and at most two pitch
classes."""


class Levers:
    """The levers of ``N`` candidates, each in its key."""

    def __init__(self, amounts: Sequence[Sequence[float]], keys: Sequence[Key]) -> None:
        """``amounts`` ``(N, 4)`` are in nats, in the order of ``LEVERS``; ``keys`` are ``N``."""
        self.amounts = np.array(amounts)
        self.outside = np.stack([_outside(key) for key in keys])  # (N, 12)

    def costs(self, voice: int, before: Ints, now: Ints, last: Bools, rows: Ints) -> Floats:
        """``(M, S)`` the cost of each symbol of a voice, in nats.

        ``rows`` ``(M,)`` are the candidates. The other arguments are those of ``PlanCosts.costs``.
        """
        pitch = moves(voice).motion.pitch[before[:, voice]]
        begin, foreign, dissonant, _ = self.amounts[rows].T[..., None]
        outside = np.take_along_axis(self.outside[rows], pitch % 12, axis=1)
        cost: Floats = np.where(outside, -foreign, 0.0)
        cost[:, :FIRST_PITCH] = 0.0  # only new notes count, not holds and rests
        cost[:, FIRST_PITCH:] -= begin
        if last.any():
            found = completed(voice, before, now)
            at_rest = np.isin(found.kind, _CONSONANT) | found.stays
            cost -= np.where(at_rest | ~last[:, None], 0.0, dissonant)
        return cost


def pulled(
    chain: MixtureChain,
    chords: Sequence[PlannedChord | None],
    key: Key,
    amounts: Sequence[float],
) -> MixtureChain:
    """The chain of one piece with its levers for foreign chords and for changes of chord.

    Args:
        chain: the potentials of the piece.
        chords: ``S`` the chord of each state.
        key: the key of the piece.
        amounts: of the piece, in nats, in the order of ``LEVERS``.
    """
    if not amounts[FOREIGN] and not amounts[CHANGE]:
        return chain
    outside = np.roll(_outside(key), -key.tonic)  # (12,) in semitones above the tonic
    foreign = np.array([bool(c and outside[list(c.members)].any()) for c in chords])
    factors = chain.tables.factors
    if amounts[CHANGE]:
        factors = factors.copy()
        every = np.arange(factors.shape[1])
        factors[:, every, every] *= np.exp(-amounts[CHANGE])
    return replace(chain, unary=chain.unary + amounts[FOREIGN] * foreign, tables=Tables(factors))


def _outside(key: Key) -> Bools:
    """``(12,)`` which pitch classes lie outside a key's scale."""
    return ~np.isin((np.arange(12) - key.tonic) % 12, SCALES[key.mode])
