"""Features of each step that the models read: bar, beat, phrase, mode and rhythm.

Axes: ``T`` steps, ``C`` columns.
"""

from __future__ import annotations

import numpy as np

from musicae.core.arrays import Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import STEPS_PER_QUARTER
from musicae.core.key import MODES
from musicae.core.meter import Measure
from musicae.encoding.partial_score import RHYTHMS, PartialScore

DISTANCES = (1, 2, 3, 4, 5, 7, 9, 13, 17, 25)
"""Bounds of the classes of a distance, in steps."""
CLASSES = len(DISTANCES) + 1
IN_BAR = 24
"""Distances to bar lines are clipped to less than this, in steps: six quarters."""
IN_BEAT = 6
"""Distances from the beat are clipped to less than this, in steps: a dotted quarter."""
_OFF_BEAT, _HALF_BEAT, _BEAT, _HALF_BAR, _BAR = range(5)
"""The metrical weight of a step."""

SIZES = (
    _BAR + 1,
    IN_BAR,
    IN_BAR,
    IN_BEAT,
    CLASSES,
    1 + CLASSES,
    1 + CLASSES,
    len(MODES),
    1 + len(RHYTHMS),
)
"""The number of values of each column of ``step_features``."""
SINCE_BAR, SINCE_BEAT, PHRASES, MODE, RHYTHM = 1, 3, slice(5, 7), 7, 8
"""Indices of columns: steps since the bar line, steps since the beat, phrases, mode, rhythm."""


def step_features(partial: PartialScore) -> Ints:
    """``(T, C)`` the features of each step, from 0 to one less than the entry in ``SIZES``.

    The columns are: metrical weight; steps since the bar line; steps to the next bar line; steps
    since the beat; class of the steps to the end of the piece; classes of the steps to the phrase's
    last note and of those since the phrase began (0 if phrases are unknown); the mode; the
    requested rhythm (0 for none).
    """
    steps = len(partial.chorale)
    columns = np.empty((steps, len(SIZES)), dtype=np.int64)
    columns[:, :4] = np.concatenate(
        [_in_bar(measure, first_step) for measure, first_step in _bars(partial.chorale)]
    )
    columns[:, 4] = _distance(np.arange(steps)[::-1] + partial.after)
    columns[:, PHRASES] = _in_phrase(partial)
    columns[:, MODE] = MODES.index(partial.key.mode)
    columns[:, RHYTHM] = 0 if partial.rhythm is None else 1 + RHYTHMS.index(partial.rhythm)
    return columns


def _bars(chorale: Chorale) -> list[tuple[Measure, int]]:
    """Each bar and the step of the full bar at which it begins: 0, but more for a pickup."""
    bars = [(measure, 0) for measure in chorale.measures]
    if chorale.pickup:
        first = chorale.measures[0]
        bars[0] = first, first.meter.steps_per_bar - first.length
    return bars


def _in_bar(measure: Measure, first_step: int) -> Ints:
    """``(T, 4)`` the first four columns, for the steps of one bar."""
    meter = measure.meter
    # A beat is at least a quarter, even in 7/8 and in meters of sixteenths.
    beat = int(max(meter.steps_per_beat, STEPS_PER_QUARTER))
    since = np.arange(first_step, first_step + measure.length)
    until = meter.steps_per_bar - 1 - since
    since_beat = since % beat
    weight = np.where(since_beat % 2 == 0, _HALF_BEAT, _OFF_BEAT)
    weight[since_beat == 0] = _BEAT
    if meter.steps_per_bar % (2 * beat) == 0:
        weight[since % (meter.steps_per_bar // 2) == 0] = _HALF_BAR
    weight[since == 0] = _BAR
    last = IN_BAR - 1
    beats = np.minimum(since_beat, IN_BEAT - 1)
    return np.stack([weight, np.minimum(since, last), np.minimum(until, last), beats], axis=-1)


def _in_phrase(partial: PartialScore) -> Ints:
    """``(T, 2)`` classes of the steps to the phrase's last note, and of those since it began.

    A phrase begins with the next onset after the last note of the phrase before, in the highest
    voice with a known onset at that last note. If no notes are known, it begins at the place in a
    bar at which the piece begins.
    """
    steps = len(partial.chorale)
    columns = np.zeros((steps, 2), dtype=np.int64)
    if partial.phrases is None:
        return columns
    onsets = np.flatnonzero(partial.chorale.onset.any(axis=1))
    if not onsets.size:
        in_bar = np.concatenate([f + np.arange(m.length) for m, f in _bars(partial.chorale)])
        onsets = np.flatnonzero(in_bar == in_bar[0])
    first = 0
    for end in (*partial.phrases, None):
        # The phrase after the last known end has no known end.
        stop = steps if end is None else _next(_onsets_of_phrase(partial, end, onsets), end, steps)
        here = np.arange(first, stop)
        to_end = np.maximum(end - here, 0) if end is not None else np.full_like(here, steps)
        columns[first:stop, 0] = 1 + _distance(to_end)
        columns[first:stop, 1] = 1 + _distance(here - first)
        first = stop
    return columns


def _onsets_of_phrase(partial: PartialScore, end: int, onsets: Ints) -> Ints:
    """The onsets of the highest voice that has one at the phrase's end; else ``onsets``."""
    sounding = np.flatnonzero(partial.chorale.onset[end])
    return np.flatnonzero(partial.chorale.onset[:, sounding[0]]) if sounding.size else onsets


def _next(onsets: Ints, step: int, steps: int) -> int:
    """The first onset after a step; the end of the piece if there is none."""
    index = int(np.searchsorted(onsets, step, side="right"))
    return int(onsets[index]) if index < len(onsets) else steps


def _distance(steps: Ints) -> Ints:
    """The classes of distances, by ``DISTANCES``."""
    return np.digitize(steps, DISTANCES).astype(np.int64)
