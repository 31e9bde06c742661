"""Where in the music each step lies: bar, beat, phrase, mode; what a harmonizer is told of it."""

from __future__ import annotations

import numpy as np

from musicae.core.arrays import Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import STEPS_PER_QUARTER
from musicae.core.key import MODES
from musicae.core.meter import Measure
from musicae.encoding.partial_score import RHYTHMS, PartialScore

DISTANCES = (1, 2, 3, 4, 5, 7, 9, 13, 17, 25)
"""Steps to or from an event, as bounds of the classes that are told apart."""
CLASSES = len(DISTANCES) + 1
IN_BAR = 24
"""Steps from a bar line are told apart up to here, six quarters."""
IN_BEAT = 6
"""Steps from a beat, of which the longest is a dotted quarter."""
_OFF_BEAT, _HALF_BEAT, _BEAT, _HALF_BAR, _BAR = range(5)
"""The weight of a step in its bar."""

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
"""How many values each column of ``step_features`` has."""
SINCE_BAR, PHRASES, RHYTHM = 1, slice(5, 7), 8
"""The columns that speak of steps since the bar line, of phrases, and of the rhythm asked for."""


def step_features(sketch: PartialScore) -> Ints:
    """``(T, C)``: metrical weight; steps since the bar line, to the next one, and since the beat;
    steps to the end of the piece; to the end of the phrase and since its beginning, 0 where
    phrases are not known; the mode; the rhythm asked for, 0 for none.
    """
    steps = len(sketch.chorale)
    columns = np.empty((steps, len(SIZES)), dtype=np.int64)
    columns[:, :4] = np.concatenate(
        [_in_bar(measure, first_step) for measure, first_step in _bars(sketch.chorale)]
    )
    columns[:, 4] = _distance(np.arange(steps)[::-1])
    columns[:, PHRASES] = _in_phrase(sketch)
    columns[:, 7] = MODES.index(sketch.key.mode)
    columns[:, RHYTHM] = 0 if sketch.rhythm is None else 1 + RHYTHMS.index(sketch.rhythm)
    return columns


def _bars(chorale: Chorale) -> list[tuple[Measure, int]]:
    """Each bar, and where in a whole bar it begins: a pickup is the end of one."""
    bars = [(measure, 0) for measure in chorale.measures]
    if chorale.pickup:
        first = chorale.measures[0]
        bars[0] = first, first.meter.steps_per_bar - first.length
    return bars


def _in_bar(measure: Measure, first_step: int) -> Ints:
    """The first four columns of a bar."""
    meter = measure.meter
    # In meters of eighths that do not come in threes, and in shorter ones, quarters are beats.
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


def _in_phrase(sketch: PartialScore) -> Ints:
    """``(T, 2)`` classes of the steps to the last note of the phrase, and since the phrase began.

    The last note lasts until the next one begins, in the highest voice that is known there. Where
    nothing is known at all, the next phrase begins where in the bar the piece did.
    """
    steps = len(sketch.chorale)
    columns = np.zeros((steps, 2), dtype=np.int64)
    if sketch.phrases is None:
        return columns
    onsets = np.flatnonzero(sketch.chorale.onset.any(axis=1))
    if not onsets.size:
        in_bar = np.concatenate([f + np.arange(m.length) for m, f in _bars(sketch.chorale)])
        onsets = np.flatnonzero(in_bar == in_bar[0])
    first = 0
    for end in (*sketch.phrases, None):
        # After the last end that is known comes a phrase whose end is not.
        stop = steps if end is None else _next(_onsets_of_phrase(sketch, end, onsets), end, steps)
        here = np.arange(first, stop)
        to_end = np.maximum(end - here, 0) if end is not None else np.full_like(here, steps)
        columns[first:stop, 0] = 1 + _distance(to_end)
        columns[first:stop, 1] = 1 + _distance(here - first)
        first = stop
    return columns


def _onsets_of_phrase(sketch: PartialScore, end: int, onsets: Ints) -> Ints:
    """The onsets of the highest voice with a note at the phrase's end; of all, if none has one."""
    sounding = np.flatnonzero(sketch.chorale.onset[end])
    return np.flatnonzero(sketch.chorale.onset[:, sounding[0]]) if sounding.size else onsets


def _next(onsets: Ints, step: int, steps: int) -> int:
    """The first onset after a step; the end of the piece where there is none."""
    index = int(np.searchsorted(onsets, step, side="right"))
    return int(onsets[index]) if index < len(onsets) else steps


def _distance(steps: Ints) -> Ints:
    return np.digitize(steps, DISTANCES).astype(np.int64)
