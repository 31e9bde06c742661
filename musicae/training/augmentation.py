"""Augmentation that keeps a piece's harmony: note values, bar lines, endings, phrase marks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER, STEPS_PER_WHOLE
from musicae.core.errors import ChoraleError
from musicae.core.meter import Measure, Meter, meters_of

MARK_DROPPED = 0.3
"""The probability that ``fewer_marks`` removes a mark of a phrase end."""
MOST_BEATS = 3
"""The last note of a phrase becomes longer or shorter by at most this many quarters."""
PHRASE_CHANGED = 0.6
"""The probability that ``other_endings`` changes the last note of a phrase; it always changes the
last note of the piece."""
LONGEST_SCALED = 384
"""Pieces with more steps are not written in notes of twice the length."""
REWRITTEN = {
    (3, 4): ((6, 8),),
    (6, 8): ((3, 4),),
    (4, 4): ((2, 2), (2, 4)),
    (2, 2): ((4, 4),),
    (2, 4): ((4, 4),),
    (3, 2): ((6, 4),),
    (6, 4): ((3, 2),),
}
"""For each meter, the other meters in which its notes can be written."""


def augmented(chorale: Chorale, rng: np.random.Generator) -> Chorale:
    """The piece with one or two of ``CHANGES``; a change that is impossible is left out."""
    for number in rng.permutation(len(CHANGES))[: rng.integers(1, 3)]:
        try:
            chorale = CHANGES[number](chorale, rng)
        except ChoraleError:  # the result would have an impossible meter or grid
            continue
    return chorale


def scaled(chorale: Chorale, rng: np.random.Generator) -> Chorale:
    """The piece in notes of twice the length, or of half the length if the grid allows it."""
    odd = _moves(chorale)[1::2].any()
    halves = not odd and not len(chorale) % 2 and not chorale.pickup % 2
    if halves and rng.random() < 0.5:
        rows, up, down = np.arange(0, len(chorale), 2), 1, 2
    elif len(chorale) <= LONGEST_SCALED:
        rows, up, down = np.arange(len(chorale)).repeat(2), 2, 1
    else:
        return chorale
    first = np.diff(rows, prepend=-1) > 0
    return replace(
        chorale,
        pitch=chorale.pitch[rows],
        onset=chorale.onset[rows] & first[:, None],
        meters=tuple(_scaled_meter(meter, up, down) for meter in chorale.meters),
        pickup=chorale.pickup * up // down,
        fermatas=tuple(step * up // down for step in chorale.fermatas),
        tempos=(),
    )


def barred_later(chorale: Chorale, rng: np.random.Generator) -> Chorale:
    """The piece with its bar lines shifted by one or more quarters; unchanged if it has several
    meters."""
    meter = chorale.meters[0]
    beats = meter.steps_per_bar // STEPS_PER_QUARTER
    if len(chorale.meters) > 1 or beats < 2 or meter.steps_per_bar % STEPS_PER_QUARTER:
        return chorale
    shift = STEPS_PER_QUARTER * int(rng.integers(1, beats))
    pickup = (chorale.pickup + shift) % meter.steps_per_bar
    return replace(chorale, pickup=pickup if pickup < len(chorale) else 0)


def rewritten(chorale: Chorale, rng: np.random.Generator) -> Chorale:
    """The same notes in another meter of ``REWRITTEN``; unchanged if there are several meters."""
    meter = chorale.meters[0]
    others = REWRITTEN.get((meter.numerator, meter.denominator))
    if len(chorale.meters) > 1 or not others:
        return chorale
    other = Meter(0, *others[rng.integers(len(others))])
    return replace(chorale, meters=(other,), pickup=chorale.pickup % other.steps_per_bar)


def other_endings(chorale: Chorale, rng: np.random.Generator) -> Chorale:
    """The piece with the last notes of some phrases shorter or longer by whole quarters; their bars
    change by the same length."""
    notes = {note.step: note for note in chorale.notes(0)}
    if not notes:
        return chorale
    last = max(notes)
    moves = np.flatnonzero(_moves(chorale).any(axis=1))
    times = np.ones(len(chorale), dtype=np.int64)
    change = int(rng.integers(-MOST_BEATS, MOST_BEATS + 1))
    for step in {*chorale.fermatas, last}:
        if step != last and rng.random() >= PHRASE_CHANGED:
            continue
        stop = step + notes[step].duration
        if change > 0:
            times[stop - 1] += STEPS_PER_QUARTER * change
        elif change < 0:
            # Remove only steps at which all voices hold, and keep at least a quarter.
            held = max(moves[moves < stop].max(initial=0), step) + STEPS_PER_QUARTER
            times[max(held, stop + STEPS_PER_QUARTER * change) : stop] = 0
    return _with_rows(chorale, np.arange(len(chorale)).repeat(times))


def fewer_marks(chorale: Chorale, rng: np.random.Generator) -> Chorale:
    """The piece without some of the marks of phrase ends."""
    kept = rng.random(len(chorale.fermatas)) >= MARK_DROPPED
    return replace(chorale, fermatas=tuple(np.array(chorale.fermatas, dtype=int)[kept].tolist()))


CHANGES: tuple[Callable[[Chorale, np.random.Generator], Chorale], ...] = (
    scaled,
    barred_later,
    rewritten,
    other_endings,
    fewer_marks,
)


def _moves(chorale: Chorale) -> NDArray[np.bool_]:
    """``(T, V)`` True where a note or a rest begins."""
    before = np.vstack([np.full((1, chorale.pitch.shape[1]), REST), chorale.pitch[:-1]])
    moves: NDArray[np.bool_] = chorale.onset | (chorale.pitch != before)
    return moves


def _scaled_meter(meter: Meter, up: int, down: int) -> Meter:
    """A meter with bars ``up / down`` times as long: the beats change their length or number."""
    numerator, denominator = meter.numerator, meter.denominator
    if up > 1:
        if denominator > 1:
            denominator //= up
        else:
            numerator *= up
    elif numerator % down:
        denominator *= down
    else:
        numerator //= down
    return Meter(meter.step * up // down, numerator, denominator)


def _with_rows(chorale: Chorale, rows: Ints) -> Chorale:
    """The piece made of the steps ``rows`` of a chorale, in ascending order.

    Steps may be missing; a repeated step is held. Raises ChoraleError if a bar would have a length
    that is no meter.
    """
    first = np.diff(rows, prepend=-1) > 0
    measures, start = [], 0
    for measure in chorale.measures:
        inside = (rows >= measure.start) & (rows < measure.start + measure.length)
        length = int(inside.sum())
        if length:
            numerator = measure.numerator
            if length != measure.length and not (measure.start == 0 and chorale.pickup):
                numerator, rest = divmod(length * measure.denominator, STEPS_PER_WHOLE)
                if rest:
                    raise ChoraleError(f"{length} steps are no bar of {measure.denominator}ths")
            measures.append(Measure(start, length, numerator, measure.denominator))
        start += length
    meters, pickup = meters_of(measures)
    place = np.searchsorted(rows, chorale.fermatas)
    return replace(
        chorale,
        pitch=chorale.pitch[rows],
        onset=chorale.onset[rows] & first[:, None],
        meters=meters,
        pickup=pickup,
        fermatas=tuple(int(step) for step in place),
        tempos=(),
    )
