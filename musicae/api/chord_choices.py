"""Which chords fit in a place of a harmonization, and how likely each is.

Axes: ``B`` beats, ``S`` states of the planner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from musicae.api.live_window import Window
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.theory.harmonic_plan import PlannedChord

if TYPE_CHECKING:
    from musicae.api.harmonize import Task
    from musicae.api.live_music import LiveMusic

MOST, LEAST = 12, 0.001
"""How many chords are listed, and the probability below which none is but the present one."""


class ChordChoice(NamedTuple):
    """A chord that fits."""

    symbol: str
    """Such as ``D7/F#``."""
    numeral: str
    """In the local key, such as ``V65``."""
    probability: float
    """Of this chord over this bass, 0 to 1."""
    chosen: bool
    """Whether it is the one that stands there."""


class ChordChoices(NamedTuple):
    """The chords that fit in some steps.

    Their probabilities are the planner's for a chord that stays in all of them, given the melody,
    what is locked there, and the chords that stand before and after.
    """

    start: int
    """The step at which the present chord begins."""
    length: int
    """The steps in which it stays."""
    choices: tuple[ChordChoice, ...]
    """The likeliest first; empty where there is no chord."""


def choices_at(task: Task, music: LiveMusic, step: int) -> ChordChoices:
    """The chords that fit where the chord at a step stays. Raises ChoraleError."""
    if not 0 <= step < len(music):
        raise ChoraleError(f"step {step} is not in the piece, which has {len(music)} steps")
    start, stop, local, chord = _span_at(music, step)
    if chord is None:
        return ChordChoices(start, stop - start, ())
    bars = [music.measure_index(each) for each in (start, stop - 1)]
    window = Window.of(task, music, bars[0], bars[1]).emptied(music)
    key = task.partial.key
    found = [
        ChordChoice(
            other.rebased(key, local).symbol(local),
            other.rebased(key, local).numeral(local),
            round(share, 4),
            other == chord,
        )
        for other, share in _shares(task, music, window, (start, stop), chord)
    ]
    return ChordChoices(start, stop - start, tuple(found))


def _span_at(music: LiveMusic, step: int) -> tuple[int, int, Key, PlannedChord | None]:
    """The first step of the chord at a step, the step after it, its local key, and the chord."""
    rows = list(music.plan.beginnings())
    stops = [*(row[0] for row in rows[1:]), len(music)]
    here = next(i for i, stop in enumerate(stops) if step < stop)
    first = last = here
    while first and rows[first - 1][2] == rows[here][2]:
        first -= 1
    while last + 1 < len(rows) and rows[last + 1][2] == rows[here][2]:
        last += 1
    return rows[first][0], stops[last], rows[first][1], rows[here][2]


def _shares(
    task: Task, music: LiveMusic, window: Window, steps: tuple[int, int], chord: PlannedChord
) -> list[tuple[PlannedChord, float]]:
    """The likeliest chords for some steps, ``chord`` among them."""
    from musicae.decoding.chord_shares import shares_of_span

    assert task.planner
    plan = music.plan_of(window.begin, window.end)
    span = range(steps[0] - window.start, steps[1] - window.start)
    shares = shares_of_span(task.planner, window.partial(), plan, span)
    ranked = sorted(shares.items(), key=lambda each: -each[1])
    return [
        each
        for rank, each in enumerate(ranked)
        if each[0] == chord or (rank < MOST and each[1] >= LEAST)
    ]
