"""Rank harmonizations by likelihood and voice leading, and choose ones that differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Bools, Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER
from musicae.core.errors import ChoraleError
from musicae.decoding.planner import FoundPlan
from musicae.theory.voice_leading.bach import bach_rates
from musicae.theory.voice_leading.rules import check

DISTINCT = 0.2
"""Two harmonizations are distinct if at least this share of quarters has different chords."""
RAREST = 0.01
"""The least rate of violations of any rule that is assumed for Bach, per 100 chords."""


class Candidate(NamedTuple):
    """A harmonization with its cost."""

    chorale: Chorale
    nats: float
    """The negative log-likelihood of the symbols that were open."""
    cost: float
    """The cost by which candidates are ranked, in nats; it includes the plan's nats."""
    found: FoundPlan | None = None
    """The plan that the voices follow."""


def cost(chorale: Chorale, nats: float) -> float:
    """``nats`` plus for each violation minus the logarithm of its rate in Bach's chords."""
    prices = _prices()
    return nats + sum(prices[violation.rule] for violation in check(chorale))


@cache
def _prices() -> dict[str, float]:
    """The cost of one violation of each rule, in nats."""
    rates = {rule: max(float(np.mean(each)), RAREST) for rule, each in bach_rates().items()}
    return {rule: -math.log(rate / 100) for rule, rate in rates.items()}


def rerank(
    candidates: Sequence[Candidate], n: int, among: Bools | None = None, *, fewer: bool = False
) -> list[Candidate]:
    """The ``n`` best candidates, best first, each distinct from all before it.

    If no candidate is distinct, the one that differs most is next. For ``among`` see
    ``difference``. Raises ChoraleError if fewer than ``n`` candidates differ at all; with
    ``fewer``, returns those that do.
    """
    waiting = sorted(candidates, key=lambda candidate: candidate.cost)
    chosen: list[Candidate] = []
    while waiting and len(chosen) < n:
        apart = [
            min((difference(c.chorale, other.chorale, among) for other in chosen), default=1.0)
            for c in waiting
        ]
        distinct = next((i for i, share in enumerate(apart) if share >= DISTINCT), None)
        chosen.append(waiting.pop(int(np.argmax(apart)) if distinct is None else distinct))
        waiting = [c for c in waiting if c.chorale != chosen[-1].chorale]
    if len(chosen) < n and not fewer:
        raise ChoraleError(
            f"only {len(chosen)} of {n} harmonizations differ; ask for fewer, or raise the"
            " temperature"
        )
    return chosen


def difference(one: Chorale, other: Chorale, among: Bools | None = None) -> float:
    """The share, 0 to 1, of quarters at which two chorales of equal length have different chords.

    Two chords are equal if they have the same pitch classes and the same lowest pitch class.
    ``among`` ``(T,)`` says at which steps quarters are compared; all are if it is None or if no
    quarter begins at any of them.
    """
    quarters = _quarters(one)
    if among is not None and among[quarters].any():
        quarters = quarters[among[quarters]]
    pairs = zip(_chords(one, quarters), _chords(other, quarters), strict=True)
    return float(np.mean([a != b for a, b in pairs]))


def _quarters(chorale: Chorale) -> Ints:
    """The steps at which quarters begin, counted from the first bar line."""
    first = min(chorale.pickup % STEPS_PER_QUARTER, len(chorale) - 1)
    return np.arange(first, len(chorale), STEPS_PER_QUARTER)


def _chords(chorale: Chorale, steps: Ints) -> list[tuple[int, frozenset[int]]]:
    """For each step the lowest pitch class (``REST`` in silence) and the set of pitch classes."""
    chords = []
    for row in chorale.pitch[steps]:
        sounding = row[row != REST] % 12
        chords.append((int(sounding[-1]) if len(sounding) else REST, frozenset(sounding.tolist())))
    return chords
