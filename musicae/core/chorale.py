"""A four-part chorale as a frozen value on a grid of sixteenth notes.

Axes, here and everywhere else: ``T`` time in steps (sixteenths), ``V`` voices in the order soprano,
alto, tenor, bass. The sounding pitch (``pitch``) and the beginnings of notes (``onset``) are two
arrays, so that a repeated note differs from a held one.
"""

from __future__ import annotations

import shutil
import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale_checks import check_order, check_voices, frozen
from musicae.core.constants import (
    N_VOICES,
    REST,
    STEPS_PER_QUARTER,
    UNSTATED_QPM,
    VOICE_RANGES,
    VOICES,
)
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import COMMON_TIME, Measure, Meter, Tempo, measures_of, meters_of

UNSPELLED = -128
"""The place of a note whose spelling is not known; see ``Chorale.places``."""


class Note(NamedTuple):
    """A note of one voice."""

    step: int
    """The step (sixteenth) at which it begins."""
    duration: int
    """The length in steps."""
    pitch: int
    """The MIDI pitch, 0 to 127."""


@dataclass(frozen=True, eq=False, repr=False)
class Chorale:
    """Four voices on a grid of sixteenths, with key, meters, tempos and phrase ends.

    Voices may be silent: a melody is a chorale with three silent voices. A chorale never changes.

    Raises:
        ChoraleError: if the fields contradict each other.

    Example:
        ```pycon
        >>> chords = [[(0, 4, 67)], [(0, 4, 64)], [(0, 4, 60)], [(0, 4, 48)]]
        >>> Chorale.from_notes(chords, title="Amen")
        Chorale('Amen', 4/4, 1 bar, 4 steps, SATB)

        ```
    """

    pitch: NDArray[np.int16]
    """``(T, V)`` the sounding MIDI pitch, 0 to 127, or ``REST``."""
    onset: NDArray[np.bool_]
    """``(T, V)`` True where a note begins."""
    meters: tuple[Meter, ...] = COMMON_TIME
    """The meters, each with its first step; the first begins at step 0. A meter that is the same as
    the one before only cuts a bar short."""
    pickup: int = 0
    """The steps before the first bar line (the anacrusis), less than a bar."""
    key: Key | None = None
    """The key; None if it is unknown."""
    fermatas: tuple[int, ...] = ()
    """The steps at which the soprano's notes under fermatas begin; each ends a phrase."""
    tempos: tuple[Tempo, ...] = ()
    """The tempo changes; empty if no tempo is known."""
    title: str = ""
    """The title, on one line."""
    source: str = ""
    """The origin of the piece, on one line: a catalogue number, a file, a model."""
    places: NDArray[np.int8] | None = None
    """``(T, V)`` the place of each note on the line of fifths (see ``core.pitch``) as the source
    spells it, ``UNSPELLED`` elsewhere; None if the source has no spelling, such as MIDI. Equality
    ignores it."""
    _measures: tuple[Measure, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "pitch", frozen(self.pitch, np.int16))
        set_field(self, "onset", frozen(self.onset, np.bool_))
        check_voices(self.pitch, self.onset)
        if self.places is not None:
            set_field(self, "places", frozen(self.places, np.int8))
            if self.places.shape != self.pitch.shape:
                raise ChoraleError(f"places are {self.places.shape}, pitches {self.pitch.shape}")
        steps = len(self.pitch)
        check_order("meters", [meter.step for meter in self.meters], steps)
        check_order("tempos", [tempo.step for tempo in self.tempos], steps)
        check_order("fermatas", self.fermatas, steps)
        if not self.meters or self.meters[0].step != 0:
            raise ChoraleError("the first meter begins at step 0")
        if not 0 <= self.pickup < self.meters[0].steps_per_bar:
            raise ChoraleError(
                f"a pickup of {self.pickup} steps does not fit before a bar of {self.meters[0]}"
            )
        for step in self.fermatas:
            if not self.onset[step, 0]:
                raise ChoraleError(f"no soprano note begins under the fermata at step {step}")
        for name in ("title", "source"):
            text = getattr(self, name)
            if not text.isprintable() or text != " ".join(text.split()):
                raise ChoraleError(f"the {name} {text!r} is not one line of plain text")
        # Equal bar lines must give equal values, so meters and pickup take one canonical form.
        meters, pickup = meters_of(measures_of(self.meters, self.pickup, steps))
        set_field(self, "meters", meters)
        set_field(self, "pickup", pickup)
        set_field(self, "_measures", tuple(measures_of(meters, pickup, steps)))
        set_field(self, "fermatas", tuple(int(step) for step in self.fermatas))
        set_field(self, "tempos", tuple(self.tempos))

    @classmethod
    def from_notes(
        cls,
        voices: Sequence[Iterable[tuple[int, int, int]]],
        steps: int | None = None,
        **facts: Any,
    ) -> Chorale:
        """Make a chorale from lists of notes.

        Args:
            voices: up to four voices from the soprano down, each a list of (step, duration, pitch).
                The next note of a voice ends the one before it.
            steps: the length of the piece; None ends it with its last note.
            **facts: other fields of ``Chorale``, such as ``key`` and ``title``.

        Returns:
            The chorale.

        Raises:
            ChoraleError: if there are more voices, no step, a note outside the piece, or fields
                that contradict each other.
        """
        lists = [sorted(Note(*note) for note in voice) for voice in voices]
        if steps is None:
            steps = max((n.step + n.duration for voice in lists for n in voice), default=0)
        if steps < 1 or len(lists) > N_VOICES:
            raise ChoraleError(f"a chorale has up to {N_VOICES} voices and at least one step")
        pitch = np.full((steps, N_VOICES), REST, dtype=np.int16)
        onset = np.zeros((steps, N_VOICES), dtype=np.bool_)
        for v, notes in enumerate(lists):
            for note in notes:
                if note.duration < 1 or note.step < 0 or note.step + note.duration > steps:
                    raise ChoraleError(f"{VOICES[v]}: {note} does not fit into {steps} steps")
                pitch[note.step : note.step + note.duration, v] = note.pitch
                onset[note.step : note.step + note.duration, v] = False
                onset[note.step, v] = True
        return cls(pitch, onset, **facts)

    def __len__(self) -> int:
        return len(self.pitch)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Every bar in order; a pickup comes first."""
        return self._measures

    @property
    def bar_count(self) -> int:
        """The number of bars without the pickup."""
        return len(self.measures) - bool(self.pickup)

    def notes(self, voice: int) -> list[Note]:
        """List the notes of a voice.

        Args:
            voice: the voice, 0 soprano to 3 bass.

        Returns:
            The notes in order.
        """
        column = self.pitch[:, voice]
        begins = np.flatnonzero(self.onset[:, voice])
        sounding = column != REST
        ends = np.flatnonzero(sounding & ~np.append(sounding[1:] & ~self.onset[1:, voice], False))
        return [
            Note(int(b), int(e - b + 1), int(column[b])) for b, e in zip(begins, ends, strict=True)
        ]

    @property
    def note_starts(self) -> NDArray[np.int64]:
        """``(T, V)`` for each step and voice, the step at which the voice's latest note began.

        It is 0 before the first note of a voice, and goes on through rests.
        """
        begins = np.where(self.onset, np.arange(len(self))[:, None], 0)
        starts: NDArray[np.int64] = np.maximum.accumulate(begins)
        return starts

    def measure_index(self, step: int) -> int:
        """Find the bar of a step.

        Returns:
            The index in ``measures`` of the bar with this step; after the end, that of the last.
        """
        return bisect_right(self.measures, step, key=lambda measure: measure.start) - 1

    def position(self, step: int) -> tuple[int, float]:
        """Find the bar and the beat of a step.

        Returns:
            The number of the bar, from 1 (a pickup is 0), and the beat in it, from 1.

        Raises:
            IndexError: if the step is outside the piece.
        """
        if not 0 <= step < len(self):
            raise IndexError(f"step {step} is outside the piece of {len(self)} steps")
        index = self.measure_index(step)
        measure = self.measures[index]
        meter = measure.meter
        into = step - measure.start
        if index == 0 and self.pickup:
            into += meter.steps_per_bar - self.pickup
        return index + (0 if self.pickup else 1), 1 + into / meter.steps_per_beat

    def transpose(self, semitones: int) -> Chorale:
        """Transpose the music.

        Args:
            semitones: how far up; negative numbers go down.

        Returns:
            The transposed chorale, with its key and spelling.

        Raises:
            ChoraleError: if a pitch leaves the range 0 to 127.
        """
        pitch = np.where(self.pitch == REST, REST, self.pitch + semitones)
        if np.any(pitch[self.pitch != REST] < 0):
            raise ChoraleError(f"transposed by {semitones} semitones, notes leave MIDI's range")
        key = self.key.transpose(semitones) if self.key else None
        places = self.places
        if places is not None:
            fifths = (
                key.fifths - self.key.fifths if self.key and key else (7 * semitones + 5) % 12 - 5
            )
            places = np.where(places == UNSPELLED, UNSPELLED, places + fifths)
        return replace(self, pitch=pitch, key=key, places=places)

    def bars(self, first: int, last: int) -> Chorale:
        """Take some bars out of the piece.

        A note that is held into the first of these bars begins with it.

        Args:
            first: the number of the first bar, from 1; a pickup is bar 0.
            last: the number of the last bar, which is included.

        Returns:
            A chorale with these bars.

        Raises:
            ChoraleError: if the piece does not have all these bars.
        """
        shift = 0 if self.pickup else 1
        if not shift <= first <= last <= len(self.measures) - 1 + shift:
            raise ChoraleError(
                f"bars {first} to {last} are not all in the piece, which has"
                f" {self.bar_count} bars{' and a pickup (bar 0)' if self.pickup else ''}"
            )
        measures = self.measures[first - shift : last - shift + 1]
        start, stop = measures[0].start, measures[-1].start + measures[-1].length
        pitch, onset = self.pitch[start:stop], self.onset[start:stop].copy()
        onset[0] = pitch[0] != REST
        fermatas = {step - start for step in self.fermatas if start <= step < stop}
        held = next((n for n in self.notes(0) if n.step < start < n.step + n.duration), None)
        if held and held.step in self.fermatas:
            fermatas.add(0)
        tempos = {max(0, t.step - start): t.qpm for t in self.tempos if t.step < stop}
        meters, pickup = meters_of([m._replace(start=m.start - start) for m in measures])
        return replace(
            self,
            pitch=pitch,
            onset=onset,
            meters=meters,
            pickup=pickup,
            fermatas=tuple(sorted(fermatas)),
            places=None if self.places is None else self.places[start:stop],
            tempos=tuple(Tempo(step, qpm) for step, qpm in sorted(tempos.items())),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Chorale):
            return NotImplemented
        return (
            np.array_equal(self.pitch, other.pitch)
            and np.array_equal(self.onset, other.onset)
            and self._facts() == other._facts()
        )

    def __hash__(self) -> int:
        return hash((self.pitch.tobytes(), self.onset.tobytes(), self._facts()))

    def _facts(self) -> tuple[Any, ...]:
        return tuple(
            getattr(self, f.name)
            for f in fields(self)
            if f.init and f.name not in ("pitch", "onset", "places")
        )

    def __repr__(self) -> str:
        parts = [repr(self.title)] if self.title else []
        if self.key:
            parts.append(str(self.key))
        parts.append(" ".join(dict.fromkeys(str(meter) for meter in self.meters)))
        parts.append(f"{self.bar_count} bar{'s' * (self.bar_count != 1)}")
        if self.pickup:
            parts.append(f"pickup of {self.pickup}")
        parts.append(f"{len(self)} steps")
        sounding = (self.pitch != REST).any(axis=0)
        parts.append(
            "".join(name[0] for name, on in zip(VOICES, sounding, strict=True) if on) or "silent"
        )
        return f"Chorale({', '.join(parts)})"

    def show(self, width: int | None = None, file: TextIO | None = None) -> None:
        """Print a piano roll with one row per pitch and one column per sixteenth.

        The letters S, A, T and B mark the beginnings of notes. Longer pieces are split into several
        systems.

        Args:
            width: the width in characters; None takes that of the terminal.
            file: where to print; None is the standard output.
        """
        if width is None:
            width = shutil.get_terminal_size().columns
        from musicae.core.drawing import drawn

        print(drawn(self, width), file=file or sys.stdout)


def seconds_of(chorale: Chorale) -> list[float]:
    """The time in seconds at which each step begins, and the end: ``T + 1`` numbers."""
    tempos = {t.step: t.qpm for t in chorale.tempos}
    seconds, qpm = [0.0], UNSTATED_QPM
    for step in range(len(chorale)):
        qpm = tempos.get(step, qpm)
        seconds.append(seconds[-1] + 60 / qpm / STEPS_PER_QUARTER)
    return seconds


def sounding_voices(chorale: Chorale) -> tuple[int, ...]:
    """The voices that have notes, from the soprano down."""
    return tuple(np.flatnonzero((chorale.pitch != REST).any(axis=0)).tolist())


def silent_voices(chorale: Chorale) -> str:
    """A clause about the voices without notes, such as ``the alto and the tenor never sing``.

    Empty if every voice has notes.

    >>> silent_voices(Chorale.from_notes([[(0, 4, 72)], [(0, 4, 67)], [], [(0, 4, 48)]]))
    'the tenor never sings'
    """
    there = sounding_voices(chorale)
    names = [f"the {name.lower()}" for v, name in enumerate(VOICES) if v not in there]
    *others, last = names or [""]
    listed = " and ".join(filter(None, [", ".join(others), last]))
    return listed and f"{listed} never sing{'s' * (len(names) == 1)}"


def transpositions(chorale: Chorale) -> range:
    """The shifts in semitones that keep every voice within ``VOICE_RANGES``; may be empty."""
    least, most = -127, 127
    for column, (low, high) in zip(chorale.pitch.T, VOICE_RANGES, strict=True):
        sounding = column[column != REST]
        if sounding.size:
            least = max(least, low - int(sounding.min()))
            most = min(most, high - int(sounding.max()))
    return range(least, most + 1)


def nearest_transposition(chorale: Chorale) -> int:
    """The smallest shift of ``transpositions``, in semitones; of two equal ones the downward one.

    Raises ChoraleError if no key fits the voices' ranges.

    >>> nearest_transposition(Chorale.from_notes([[(0, 4, 86)]]))
    -5
    """
    shifts = transpositions(chorale)
    if not shifts:
        raise ChoraleError("leaves the voices' ranges in every key")
    return min(shifts, key=abs)
