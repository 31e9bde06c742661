"""Returns: finds repeated passages of a soprano, and how far the other voices repeat with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import REST, SOPRANO

INTERVALS = 7
"""A return has at least this many successive intervals, so at least eight notes. 40% of Bach's
chorales on the train side have a return, 39% on the validation side and 34% on the test side
(``benchmarks/new_pieces.py``)."""


class Return(NamedTuple):
    """A repeated passage of the soprano."""

    first: int
    """The step at which the earlier passage begins."""
    again: int
    """The step at which the later passage begins."""
    steps: int
    """The length of both in steps; if their last notes differ in length, with the shorter one."""
    semitones: int
    """The transposition of the later passage: above 0 it is higher, below 0 lower."""


class Likeness(NamedTuple):
    """The likeness of the later passages to the earlier ones: shares of their steps, 0 to 1."""

    all_voices: float
    """The share of steps at which all voices equal those of the earlier passage."""
    voices: tuple[float, ...]
    """The same for each voice alone, soprano first. It is 1 for the soprano, except for rests."""


def returns(chorale: Chorale, intervals: int = INTERVALS) -> list[Return]:
    """The repeated passages of the soprano, in order of the later passage.

    A passage returns if at least ``intervals`` successive intervals (in semitones) and the times
    between their onsets equal those of an earlier passage. The last notes may differ in length. The
    passage is as long as both continue alike. The earlier and the later passage do not overlap, and
    later passages do not overlap each other. If there are several earlier passages, the first
    counts.

    >>> tune = [(4 * i, 4, 60 + pitch) for i, pitch in enumerate((0, 2, 4, 5, 7, 5, 4, 2) * 2)]
    >>> returns(Chorale.from_notes([tune]))
    [Return(first=0, again=32, steps=32, semitones=0)]
    """
    notes = chorale.notes(SOPRANO)
    found: list[Return] = []
    again = intervals + 1
    while again + intervals < len(notes):
        for first in range(again - intervals):
            length = _alike(notes, first, again)
            if length >= intervals:
                one, other = notes[first], notes[again]
                last, twin = notes[first + length], notes[again + length]
                shorter = min(last.duration, twin.duration)
                steps = last.step - one.step + shorter
                found.append(Return(one.step, other.step, steps, other.pitch - one.pitch))
                again += length
                break
        again += 1
    return found


def return_share(chorales: Sequence[Chorale]) -> float:
    """The share of chorales whose soprano has a return, 0 to 1; 0 if there are no chorales."""
    return float(np.mean([bool(returns(c)) for c in chorales])) if chorales else 0.0


def likeness(chorales: Sequence[Chorale]) -> Likeness | None:
    """The likeness of all returns in some chorales; None if there is no return.

    A voice equals that of the earlier passage at a step if it has the same pitch, transposed like
    the soprano, or if it rests at both. All steps (sixteenths) of the later passages count equally.
    """
    same = [_same(chorale, each) for chorale in chorales for each in returns(chorale)]
    if not same:
        return None
    steps = np.concatenate(same)
    return Likeness(float(steps.all(axis=1).mean()), tuple(steps.mean(axis=0).tolist()))


def _alike(notes: Sequence[Note], first: int, again: int) -> int:
    """The number of equal intervals in a row from two notes on; the passages do not overlap."""
    length = 0
    while first + length + 1 < again and again + length + 1 < len(notes):
        one, other = (
            (b.step - a.step, b.pitch - a.pitch)
            for a, b in ((notes[i + length], notes[i + length + 1]) for i in (first, again))
        )
        if one != other:
            break
        length += 1
    return length


def _same(chorale: Chorale, place: Return) -> NDArray[np.bool_]:
    """``(steps, V)`` bool: whether each voice of the later passage equals the earlier one."""
    pitch = chorale.pitch.astype(np.int64)
    before = pitch[place.first : place.first + place.steps]
    after = pitch[place.again : place.again + place.steps]
    moved = np.where(before == REST, REST, before + place.semitones)
    same: NDArray[np.bool_] = moved == after
    return same
