"""The style and the chords of a plan at each step: features for a harmonizer."""

from __future__ import annotations

import numpy as np

from musicae.core.arrays import Ints
from musicae.core.constants import STYLES
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.step_features import CLASSES, DISTANCES
from musicae.models.vocabulary import COLUMNS
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord
from musicae.theory.numerals import QUALITIES

UNKNOWN, GOES_ON, BEGINS = range(3)
"""Values of the column for the beginning of a chord: no chord, a later step, its first step."""
_ROOTS, _QUALITIES = 1 + 12, 1 + len(QUALITIES)
STYLE = 0
"""The column of the style."""
PLAN_SIZES = (
    1 + len(STYLES),
    *(_ROOTS, _QUALITIES, _ROOTS, BEGINS + 1),
    *(_ROOTS, _QUALITIES, _ROOTS, 1 + CLASSES),
)
"""The number of values of each column of ``plan_features``."""
MEMBERS = tuple(quality.members for quality in QUALITIES.values())
"""The members of each quality, for ``VoiceTransformerConfig.chords``."""

_NUMBER = {name: 1 + number for number, name in enumerate(QUALITIES)}


def plan_features(sketch: PartialScore) -> Ints:
    """``(T, 1 + 8)`` the style, then ``chord_columns``; 0 for what is unknown."""
    steps = len(sketch.chorale)
    columns = np.zeros((steps, len(PLAN_SIZES)), dtype=np.int64)
    columns[:, STYLE] = style_number(sketch.style)
    if sketch.plan is not None:
        columns[:, STYLE + 1 :] = chord_columns(sketch.plan, steps)
    return columns


def style_number(style: str | None) -> int:
    """The value of the column ``STYLE``; 0 if no style is requested."""
    return 0 if style is None else 1 + STYLES.index(style)


def chord_columns(plan: HarmonicPlan, steps: int) -> Ints:
    """``(T, 8)`` the columns ``COLUMNS`` of ``models.vocabulary``, at each step of a plan.

    The first four are root, quality and bass of the chord, and whether it begins there. The last
    four are root, quality and bass of the next known chord, and the class of the number of steps
    until it begins.
    """
    found = np.zeros((steps, len(COLUMNS)), dtype=np.int64)
    following, begins = (0, 0, 0), steps
    spans = _spans(plan)
    stops = [start for start, _ in spans[1:]] + [steps]
    for (start, chord), stop in zip(reversed(spans), reversed(stops), strict=True):
        here = slice(start, stop)
        if begins < steps:
            found[here, 4:7] = following
            found[here, 7] = 1 + np.digitize(begins - np.arange(start, stop), DISTANCES)
        if chord is not None:
            following, begins = _numbers(chord), start
            found[here, :3] = following
            found[here, 3] = GOES_ON
            found[start, 3] = BEGINS
    return found


def _spans(plan: HarmonicPlan) -> list[tuple[int, PlannedChord | None]]:
    """The first step and the chord (None if unknown) of each span with the same chord."""
    spans: list[tuple[int, PlannedChord | None]] = []
    for beat, chord, second in zip(plan.beats, plan.chords, plan.seconds, strict=True):
        for step, one in ((beat.start, chord), *((second,) if second else ())):
            if not spans or spans[-1][1] != one:
                spans.append((step, one))
    return spans


def _numbers(chord: PlannedChord) -> tuple[int, int, int]:
    return 1 + chord.root, _NUMBER[chord.quality], 1 + chord.bass_class
