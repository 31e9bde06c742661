"""Hides the whole plan of an exercise, a part of it or nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from musicae.theory.harmonic_plan import HarmonicPlan

WHOLE_HIDDEN, SPANS_HIDDEN, CHORDS_HIDDEN, FEW_SHOWN = 0.12, 0.2, 0.12, 0.06
"""Shares of exercises in which these parts of the plan are hidden: all of it, spans of it, single
chords, or all but a few chords. The other exercises show the whole plan."""
MOST_SPANS = 3
"""The greatest number of hidden spans."""
MOST_CHORDS, MOST_SHOWN = 0.5, 0.3
"""If single chords are hidden, at most this share of the beats is hidden; if a few are shown, at
most this share is shown."""
SECONDS_HIDDEN = 0.4
"""The probability that the second chords of all beats are left out."""


def partly_hidden(plan: HarmonicPlan, rng: np.random.Generator) -> HarmonicPlan | None:
    """The part of a plan that an exercise shows; None if it shows nothing."""
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
    """The plan with only the chords of the beats ``shown`` ``(B,)``; the others are unknown."""
    return replace(
        plan,
        chords=tuple(c if show else None for c, show in zip(plan.chords, shown, strict=True)),
        seconds=tuple(s if show else None for s, show in zip(plan.seconds, shown, strict=True)),
    )
