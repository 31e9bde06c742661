"""The harmony of a piece as a plan: one chord a beat, with root, quality and bass.

A plan is what the planner finds, what the voices follow, and what a user's chords become. Roots
count in semitones above the tonic of the plan's key. ``musicae.theory.plan_reading`` reads a plan
off four voices; ``musicae.theory.chord_names`` writes and reads chords as numerals and symbols.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from musicae.core.chorale import Chorale
from musicae.core.constants import STEPS_PER_QUARTER
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.theory.chord_names import chord_from, numeral_of, symbol_of
from musicae.theory.numerals import QUALITIES


@dataclass(frozen=True, order=True)
class PlannedChord:
    """A chord of a key.

    Args:
        root: semitones above the key's tonic, 0 to 11.
        quality: a name of ``QUALITIES``.
        bass: the lowest member: 0 the root, 1 the third, 2 the fifth, 3 the seventh.

    >>> chord = PlannedChord(7, "dominant", 1)
    >>> chord.numeral(Key(0)), chord.symbol(Key(0))
    ('V65', 'G7/B')
    """

    root: int
    quality: str = "major"
    bass: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.root < 12:
            raise ChoraleError(f"a root is 0 to 11 semitones above the tonic, not {self.root}")
        if self.quality not in QUALITIES:
            raise ChoraleError(f"no quality is called {self.quality!r}")
        if not 0 <= self.bass < len(QUALITIES[self.quality].members):
            raise ChoraleError(f"a {self.quality} chord has no member {self.bass}")

    @classmethod
    def parse(cls, text: str, key: Key) -> PlannedChord:
        """Read a numeral (``V65/V``) or a chord symbol (``D7/F#``). Raises ChoraleError."""
        return cls(*chord_from(text, key))

    @property
    def members(self) -> tuple[int, ...]:
        """Semitones above the tonic, 0 to 11, of the members from the root up."""
        return tuple((self.root + member) % 12 for member in QUALITIES[self.quality].members)

    @property
    def bass_class(self) -> int:
        """Semitones above the tonic, 0 to 11, of the bass note."""
        return self.members[self.bass]

    def numeral(self, key: Key) -> str:
        """The Roman numeral with its figures: ``V65/V``."""
        return numeral_of(self.root, self.quality, self.bass, key.mode)

    def symbol(self, key: Key) -> str:
        """The chord symbol of a lead sheet: ``D7/F#``."""
        return symbol_of(self.root, self.quality, self.bass, key)


class Beat(NamedTuple):
    """A beat of a piece: a span of the plan."""

    start: int
    """Its first step."""
    length: int
    """In steps; shorter than the meter's beat where a pickup or the end of a bar cuts it."""
    bar: int
    """The index of its bar in ``Chorale.measures``."""
    in_bar: int
    """The index of the beat in a whole bar: a pickup's beats are the last of one."""
    whole: int
    """The steps of a whole beat of the meter."""
    bar_length: int
    """The steps of a whole bar of the meter."""


class SecondChord(NamedTuple):
    """A chord that begins inside a beat."""

    step: int
    chord: PlannedChord


@dataclass(frozen=True)
class HarmonicPlan:
    """The chords of a piece, one a beat; None where nothing sounds or nothing is known.

    Args:
        key: the key that roots count from.
        beats: the spans, in order.
        chords: the chord at the beginning of each beat.
        seconds: for each beat the chord that follows inside it, None where there is none.

    Raises ChoraleError where the lists differ in length.

    >>> from musicae.core.chorale import Chorale
    >>> amen = Chorale.from_notes([[(0, 4, 72), (4, 4, 72)]], key=Key(0))
    >>> HarmonicPlan.parse("IV I", beats_of(amen), Key(0)).symbols()
    ('F', 'C')
    """

    key: Key
    beats: tuple[Beat, ...]
    chords: tuple[PlannedChord | None, ...]
    seconds: tuple[SecondChord | None, ...] = ()

    def __post_init__(self) -> None:
        if not self.seconds:
            object.__setattr__(self, "seconds", (None,) * len(self.beats))
        if not len(self.beats) == len(self.chords) == len(self.seconds):
            raise ChoraleError(
                f"a plan of {len(self.beats)} beats has {len(self.chords)} chords"
                f" and {len(self.seconds)} second chords"
            )

    @classmethod
    def parse(cls, text: str, beats: Sequence[Beat], key: Key) -> HarmonicPlan:
        """Read one chord a beat, as numerals or symbols between spaces; the inverse of ``str``.

        ``-`` stands for no chord, ``.`` for the chord before; bar lines ``|`` are skipped. A second
        chord of a beat is joined with a comma and its step in the beat: ``V,2:V7``. Raises
        ChoraleError, with the bar, where a chord cannot be read or their number is wrong.
        """
        words = [word for word in text.split() if word != "|"]
        if len(words) != len(beats):
            raise ChoraleError(f"there are {len(words)} chords for {len(beats)} beats")
        chords: list[PlannedChord | None] = []
        seconds: list[SecondChord | None] = []
        sounding: PlannedChord | None = None
        for word, beat in zip(words, beats, strict=True):
            first, _, second = word.partition(",")
            try:
                chord = None
                if first == ".":
                    chord = sounding
                elif first != "-":
                    chord = PlannedChord.parse(first, key)
                later = None
                if second:
                    into, _, name = second.partition(":")
                    later = SecondChord(beat.start + int(into), PlannedChord.parse(name, key))
            except ValueError as error:
                raise ChoraleError(f"bar {beat.bar + 1}: {error}") from None
            chords.append(chord)
            seconds.append(later)
            sounding = later.chord if later else chord
        return cls(key, tuple(beats), tuple(chords), tuple(seconds))

    def __len__(self) -> int:
        return len(self.beats)

    def numerals(self) -> tuple[str, ...]:
        """The Roman numeral of each beat, ``-`` where there is no chord."""
        return tuple(chord.numeral(self.key) if chord else "-" for chord in self.chords)

    def symbols(self) -> tuple[str, ...]:
        """The chord symbol of each beat, ``-`` where there is no chord."""
        return tuple(chord.symbol(self.key) if chord else "-" for chord in self.chords)

    def chord_at(self, step: int) -> PlannedChord | None:
        """The chord that sounds at a step. Raises IndexError outside the plan."""
        for beat, chord, second in zip(self.beats, self.chords, self.seconds, strict=True):
            if beat.start <= step < beat.start + beat.length:
                return second.chord if second and step >= second.step else chord
        raise IndexError(f"step {step} is outside the plan")

    def changes(self) -> list[tuple[int, PlannedChord]]:
        """Step and chord wherever a chord begins that differs from the one before."""
        found: list[tuple[int, PlannedChord]] = []
        for beat, chord, second in zip(self.beats, self.chords, self.seconds, strict=True):
            for step, one in ((beat.start, chord), *((second,) if second else ())):
                if one is not None and (not found or found[-1][1] != one):
                    found.append((step, one))
        return found

    def __str__(self) -> str:
        """The numerals with bar lines: ``I . V7 I | IV``."""
        words: list[str] = []
        sounding: PlannedChord | None = None
        bar = self.beats[0].bar if self.beats else 0
        for beat, chord, second in zip(self.beats, self.chords, self.seconds, strict=True):
            if beat.bar != bar:
                words.append("|")
                bar = beat.bar
            if chord is None:
                word = "-"
            elif chord == sounding:
                word = "."
            else:
                word = chord.numeral(self.key)
            if second:
                word += f",{second.step - beat.start}:{second.chord.numeral(self.key)}"
            words.append(word)
            sounding = second.chord if second else chord
        return " ".join(words)


def beats_of(chorale: Chorale) -> tuple[Beat, ...]:
    """The beats of a piece: dotted ones in compound meters, else of a quarter at least.

    >>> from musicae.core.meter import Meter
    >>> tune = Chorale.from_notes([[(0, 2, 67), (2, 12, 69)]], meters=(Meter(0, 6, 8),), pickup=2)
    >>> [(beat.start, beat.length, beat.in_bar) for beat in beats_of(tune)]
    [(0, 2, 1), (2, 6, 0), (8, 6, 1)]
    """
    beats = []
    for bar, measure in enumerate(chorale.measures):
        meter = measure.meter
        whole = int(max(meter.steps_per_beat, STEPS_PER_QUARTER))
        before = meter.steps_per_bar - measure.length if bar == 0 and chorale.pickup else 0
        step = 0
        while step < measure.length:
            in_bar, into = divmod(before + step, whole)
            length = min(whole - into, measure.length - step)
            beats.append(
                Beat(measure.start + step, length, bar, in_bar, whole, meter.steps_per_bar)
            )
            step += length
    return tuple(beats)
