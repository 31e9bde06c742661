"""Bach's rates of rule violations, and the limits beyond which a chorale is unlike his."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from musicae.core import assets
from musicae.core.chorale import Chorale
from musicae.theory.voice_leading.rules import RULES, chord_count, rates

RATES = assets.BACH_FIGURES / "rates.json"


SHARE_WITHIN = 0.95
"""The share of Bach's chorales that stay within the limits of all rules."""


ACCIDENT = 1
"""So many violations of a rule are never beyond Bach, however short the piece."""


@cache
def bach_rates() -> dict[str, list[float]]:
    """For each rule the rate in every chorale of Bach's on the train side, in ascending order."""
    rates_of_rules: dict[str, list[float]] = json.loads(RATES.read_text(encoding="utf-8"))["rates"]
    return rates_of_rules


@cache
def limits() -> dict[str, float]:
    """For each rule the rate beyond which a chorale is not like Bach's.

    It is one quantile for all rules, set so that ``SHARE_WITHIN`` of Bach's chorales keep all the
    limits. With each rule's own 95th percentile, half of Bach's chorales would break one.
    """
    facts = json.loads(RATES.read_text(encoding="utf-8"))
    limit: dict[str, float] = facts["limits"]
    return limit


def measure_rates(chorales: Sequence[Chorale]) -> dict[str, Any]:
    """Bach's rates and limits, as ``RATES`` holds them."""
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
    }
