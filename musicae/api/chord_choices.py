"""The chords that fit in place of a chord of a harmonization, with their probabilities.

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
"""The most chords that are listed, and the least probability of one; the current chord is always
listed."""


class ChordChoice(NamedTuple):
    """A chord that fits."""

    symbol: str
    """The chord symbol, such as ``D7/F#``."""
    numeral: str
    """The Roman numeral in the local key, such as ``V65``."""
    probability: float
    """The probability of this chord over this bass, 0 to 1."""
    chosen: bool
    """Whether it is the current chord."""


class ChordChoices(NamedTuple):
    """The chords that fit in place of a chord.

    Their probabilities are the planner's for one chord in all these steps, given the melody, the
    locked notes there, and the chords before and after.
    """

    start: int
    """The step at which the current chord begins; in a ``Project``, the tick."""
    length: int
    """The length of the current chord in steps; in a ``Project``, in ticks."""
    choices: tuple[ChordChoice, ...]
    """The chords, likeliest first; empty if there is no chord."""


def choices_at(task: Task, music: LiveMusic, step: int) -> ChordChoices:
    """The chords that fit in place of the chord at a step. Raises ChoraleError."""
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
    """The likeliest chords for some steps, always with ``chord``, and their probabilities."""
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
