"""Which of several harmonizations are offered, and in what order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER
from musicae.core.errors import ChoraleError
from musicae.theory.voice_leading.bach import bach_rates
from musicae.theory.voice_leading.rules import check

DISTINCT = 0.2
"""The share of quarters that have another chord where two harmonizations are called different."""
RAREST = 0.01
"""The least rate per 100 chords that a rule is taken to be broken at by Bach."""


class Candidate(NamedTuple):
    """A harmonization and what speaks against it."""

    chorale: Chorale
    nats: float
    """How much the model is surprised by it, over all steps that were open."""
    cost: float
    """``nats`` and, for each violation of a rule, how surprising that is of Bach, in nats."""


def weigh(chorale: Chorale, nats: float) -> Candidate:
    """A violation costs minus the logarithm of how often a chord of Bach's has it."""
    usual = {rule: max(float(np.mean(rates)), RAREST) for rule, rates in bach_rates().items()}
    surprise = sum(-math.log(usual[violation.rule] / 100) for violation in check(chorale))
    return Candidate(chorale, nats, nats + surprise)


def rerank(candidates: Sequence[Candidate], n: int) -> list[Candidate]:
    """The ``n`` best, best first, each with other chords than those before it.

    Where no candidate is ``DISTINCT`` any more, the one that differs most comes next. Raises
    ChoraleError where there are not so many different ones.
    """
    waiting = sorted(candidates, key=lambda candidate: candidate.cost)
    chosen: list[Candidate] = []
    while waiting and len(chosen) < n:
        apart = [
            min((difference(c.chorale, other.chorale) for other in chosen), default=1.0)
            for c in waiting
        ]
        distinct = next((i for i, share in enumerate(apart) if share >= DISTINCT), None)
        chosen.append(waiting.pop(int(np.argmax(apart)) if distinct is None else distinct))
        waiting = [c for c in waiting if c.chorale != chosen[-1].chorale]
    if len(chosen) < n:
        raise ChoraleError(
            f"only {len(chosen)} of {n} harmonizations differ; ask for fewer, or raise the"
            " temperature"
        )
    return chosen


def difference(one: Chorale, other: Chorale) -> float:
    """The share of quarters at which two chorales of the same length have different chords."""
    return float(np.mean([a != b for a, b in zip(_chords(one), _chords(other), strict=True)]))


def _chords(chorale: Chorale) -> list[tuple[int, frozenset[int]]]:
    """The bass note and all pitch classes at each quarter, counted from the first bar line."""
    chords = []
    first = min(chorale.pickup % STEPS_PER_QUARTER, len(chorale) - 1)
    for row in chorale.pitch[first::STEPS_PER_QUARTER]:
        sounding = row[row != REST] % 12
        chords.append((int(sounding[-1]) if len(sounding) else REST, frozenset(sounding.tolist())))
    return chords
