"""The layout of a piano roll: the bars of each system, and the rectangle of each note.

``piano_roll`` draws them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import N_VOICES
from musicae.core.errors import MusicaeError
from musicae.core.pitch import accidentals, letter_at
from musicae.rendering.canvas import Area
from musicae.theory.spelling import spell
from musicae.theory.voice_leading.rules import Violation

LONGEST_SYSTEM = 72
"""The greatest length of a system, in steps: four bars of 4/4 and a pickup, six of 3/4 or 6/8,
three of 3/2."""
NOTE_HEIGHT, UNISON_HEIGHT = 0.86, 1.4
"""Heights in semitones: of a single note, and of all notes together that share a pitch."""
GAP = 0.2
"""The space at the end of a note, in steps, so that repeated notes are visible as such."""
OVERHANG = 0.4
"""The length, in steps, by which a note that is held over the end of a system extends beyond its
frame."""

STEP_WIDTH, SEMITONE = 0.14, 0.105
"""The width of a step and the height of a semitone, in inches. An eighth has room for a name such
as F-sharp."""


class NoteBlock(NamedTuple):
    """A note as it is drawn."""

    voice: int
    note: Note
    name: str
    """Its spelling without the octave, such as ``F♯``."""
    given: bool
    """Whether it was given, not generated."""
    marked: bool
    """Whether it belongs to a violation."""
    lane: int
    """Its index, from the top, among the voices that share its pitch while it sounds."""
    lanes: int
    """The number of these voices."""


class Frame(NamedTuple):
    """The place of a system on the page; lengths are in inches from the upper left corner."""

    start: int
    """The first step."""
    stop: int
    """The step after the last one."""
    high: float
    """The pitch at the upper edge."""
    low: float
    """The pitch at the lower edge."""
    left: float
    top: float

    def x(self, step: float) -> float:
        """The horizontal place of a step."""
        return self.left + (step - self.start) * STEP_WIDTH

    def y(self, pitch: float) -> float:
        """The vertical place of a pitch."""
        return self.top + (self.high - pitch) * SEMITONE

    @property
    def area(self) -> Area:
        """The rectangle of the system."""
        return Area(self.left, self.top, self.x(self.stop), self.y(self.low))

    def holds(self, note: Note) -> bool:
        """Whether the system shows any part of a note."""
        return note.step < self.stop and note.step + note.duration > self.start

    def area_of(self, block: NoteBlock) -> Area:
        """The rectangle of a note; voices on the same pitch divide the height."""
        begin, end = block.note.step, block.note.step + block.note.duration
        semitones = NOTE_HEIGHT if block.lanes == 1 else UNISON_HEIGHT / block.lanes
        upper = block.note.pitch + (block.lanes / 2 - block.lane) * semitones
        return Area(
            self.x(begin if begin >= self.start else self.start - OVERHANG),
            self.y(upper),
            self.x(end - GAP if end <= self.stop else self.stop + OVERHANG),
            self.y(upper - semitones),
        )


def system_spans(chorale: Chorale, bars: int | None = None) -> list[tuple[int, int]]:
    """The first step of each system and the one after its last.

    A system has as many whole bars as fit into ``LONGEST_SYSTEM``; only a longer bar is divided.
    ``bars`` is the number of bars that are shown, without the pickup; None shows all. Raises
    MusicaeError if it is less than 1.

    >>> system_spans(Chorale.from_notes([[(0, 100, 60)]], pickup=4))
    [(0, 68), (68, 100)]
    """
    measures = chorale.measures
    if bars is not None:
        if bars < 1:
            raise MusicaeError(f"{bars} bars cannot be drawn; ask for 1 or more")
        measures = measures[: bars + bool(chorale.pickup)]
    breaks = [0]
    for measure in measures:
        stop = measure.start + measure.length
        if stop - breaks[-1] > LONGEST_SYSTEM and measure.start > breaks[-1]:
            breaks.append(measure.start)
        while stop - breaks[-1] > LONGEST_SYSTEM:
            breaks.append(breaks[-1] + LONGEST_SYSTEM)
    return list(zip(breaks, [*breaks[1:], stop], strict=True))


def blocks(
    chorale: Chorale, given: NDArray[np.bool_] | None, violations: Iterable[Violation]
) -> list[NoteBlock]:
    """The notes of all voices, voice by voice.

    ``given`` ``(T, V)`` says which notes were given; None: all. For each violation the notes of its
    voices at its first and last step are marked.
    """
    places = spell(chorale)
    broken = np.zeros(chorale.pitch.shape, dtype=np.bool_)
    for violation in violations:
        broken[[[violation.since], [violation.step]], violation.voices] = True
    found = []
    for voice in range(N_VOICES):
        for note in chorale.notes(voice):
            steps = slice(note.step, note.step + note.duration)
            sharing = (chorale.pitch[steps] == note.pitch).any(axis=0)
            letter, sharps = letter_at(int(places[note.step, voice]))
            found.append(
                NoteBlock(
                    voice,
                    note,
                    letter + accidentals(sharps, "♯", "♭"),
                    given is None or bool(given[note.step, voice]),
                    bool(broken[steps, voice].any()),
                    int(sharing[:voice].sum()),
                    int(sharing.sum()),
                )
            )
    return found
