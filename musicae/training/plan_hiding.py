"""Plans of which an exercise shows all, a part or nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from musicae.theory.harmonic_plan import HarmonicPlan

WHOLE_HIDDEN, SPANS_HIDDEN, CHORDS_HIDDEN, FEW_SHOWN = 0.12, 0.2, 0.12, 0.06
"""Shares of exercises in which the whole plan, spans of it, or single chords are hidden, or all but
a few; the others show the plan from beginning to end."""
MOST_SPANS = 3
MOST_CHORDS, MOST_SHOWN = 0.5, 0.3
"""At most such shares of single chords are hidden, and of few are shown."""
SECONDS_HIDDEN = 0.4
"""How likely the second chords of beats are left out."""


def partly_hidden(plan: HarmonicPlan, rng: np.random.Generator) -> HarmonicPlan | None:
    """What an exercise shows of a plan; None where that is nothing."""
    kind = rng.random()
    if kind < WHOLE_HIDDEN:
        return None
    if rng.random() < SECONDS_HIDDEN:
        plan = replace(plan, seconds=())
    beats = len(plan)
    shown = np.ones(beats, dtype=np.bool_)
    if kind < WHOLE_HIDDEN + SPANS_HIDDEN:
        for _ in range(rng.integers(1, MOST_SPANS + 1)):
            first = int(rng.integers(beats))
            shown[first : first + int(rng.integers(2, max(3, beats // 2)))] = False
    elif kind < WHOLE_HIDDEN + SPANS_HIDDEN + CHORDS_HIDDEN:
        shown = rng.random(beats) >= rng.uniform(0, MOST_CHORDS)
    elif kind < WHOLE_HIDDEN + SPANS_HIDDEN + CHORDS_HIDDEN + FEW_SHOWN:
        shown = rng.random(beats) < rng.uniform(0, MOST_SHOWN)
    return showing(plan, shown)


def showing(plan: HarmonicPlan, shown: NDArray[np.bool_]) -> HarmonicPlan:
    """A plan of which only the chords of some beats are known."""
    return replace(
        plan,
        chords=tuple(c if show else None for c, show in zip(plan.chords, shown, strict=True)),
        seconds=tuple(s if show else None for s, show in zip(plan.seconds, shown, strict=True)),
    )
