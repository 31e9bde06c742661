"""Statistics of Bach's chorales, and the limits that a chorale like his keeps.

They are the rates of rule violations, and the shares of phrases with a cadence and of full beats.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from musicae.core import assets
from musicae.core.chorale import Chorale
from musicae.theory.cadences import cadences
from musicae.theory.function import full_beats
from musicae.theory.voice_leading.rules import RULES, chord_count, rates

RATES = assets.BACH_FIGURES / "rates.json"


SHARE_WITHIN = 0.95
"""The share of Bach's chorales that stay within the limits of all rules."""


ACCIDENT = 1
"""The most violations of a rule that never exceed a limit, even in a short piece."""


SHARE_KEPT = 0.993
"""The share of Bach's chorales that reach the limit of each of ``SHARES``."""


@cache
def bach_rates() -> dict[str, list[float]]:
    """For each rule, its rates in all of Bach's chorales on the train side, in ascending order."""
    rates_of_rules: dict[str, list[float]] = json.loads(RATES.read_text(encoding="utf-8"))["rates"]
    return rates_of_rules


@cache
def limits() -> dict[str, float]:
    """For each rule, the rate above which a chorale is not like Bach's.

    All limits are the same quantile of Bach's rates. It is chosen so that ``SHARE_WITHIN`` of his
    chorales keep all limits at once. With the 95th percentile of each rule as its limit, half of
    Bach's chorales would break one.
    """
    facts = json.loads(RATES.read_text(encoding="utf-8"))
    limit: dict[str, float] = facts["limits"]
    return limit


def phrases_with_cadence(chorale: Chorale) -> list[bool]:
    """For each phrase, whether it ends in a cadence."""
    return [cadence.kind != "other" for cadence in cadences(chorale)]


SHARES: dict[str, Callable[[Chorale], list[bool]]] = {
    "phrases with a cadence": phrases_with_cadence,
    "full beats": full_beats,
}
"""What Bach does nearly always: for each phrase or beat of a chorale, whether it is so there."""


@cache
def bach_shares() -> dict[str, list[float]]:
    """For each of ``SHARES``, its values, 0 to 1, in the chorales of ``bach_rates``, ascending."""
    shares: dict[str, list[float]] = json.loads(RATES.read_text(encoding="utf-8"))["shares"]
    return shares


@cache
def share_limits() -> dict[str, float]:
    """For each of ``SHARES``, the share below which a chorale is not like Bach's.

    It is chosen so that ``SHARE_KEPT`` of Bach's chorales reach it. Chorales with at most
    ``ACCIDENT`` misses always do.
    """
    limit: dict[str, float] = json.loads(RATES.read_text(encoding="utf-8"))["share_limits"]
    return limit


def _measure_shares(chorales: Sequence[Chorale]) -> dict[str, Any]:
    shares, limit = {}, {}
    for name, share in SHARES.items():
        found = [done for chorale in chorales if (done := share(chorale))]
        shares[name] = sorted(round(float(np.mean(done)), 4) for done in found)
        missing = sorted(float(np.mean(d)) for d in found if d.count(False) > ACCIDENT)
        outside = int((1 - SHARE_KEPT) * len(found))
        limit[name] = math.floor(1e4 * missing[outside]) / 1e4 if outside < len(missing) else 0.0
    return {"share_limits": limit, "shares": shares}


def measure_rates(chorales: Sequence[Chorale]) -> dict[str, Any]:
    """Measure rates, shares and limits of Bach's chorales: the content of the file ``RATES``."""
    table = np.array([list(rates(chorale).values()) for chorale in chorales])  # (chorales, rules)
    chords = np.array([chord_count(chorale) for chorale in chorales])
    many = np.rint(table * chords[:, None] / 100) > ACCIDENT
    for quantile in np.linspace(0.9, 1.0, 201):
        limit = np.quantile(table, quantile, axis=0)
        within = ~((table > limit) & many).any(axis=1)
        if within.mean() >= SHARE_WITHIN:
            break
    return {
        "chorales": len(chorales),
        "quantile": round(float(quantile), 4),
        "limits": {name: round(float(v), 4) for name, v in zip(RULES, limit, strict=True)},
        "rates": {
            name: sorted(round(float(rate), 4) for rate in column)
            for name, column in zip(RULES, table.T, strict=True)
        },
        **_measure_shares(chorales),
    }
