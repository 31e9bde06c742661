"""The harmony of a piece as a plan: one chord per beat, with root, quality and bass.

The planner makes plans, a user's chords are converted to plans, and the voices follow them. Roots
are semitones above the tonic of the plan's key. Each beat also has a local key, in which its
numeral is written. ``musicae.theory.plan_reading`` derives a plan from four voices,
``musicae.theory.local_keys`` finds its local keys, and ``musicae.theory.chord_names`` writes and
reads chords as numerals and symbols.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
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

    Raises:
        ChoraleError: if a value is out of range.

    >>> chord = PlannedChord(7, "dominant", 1)
    >>> chord.numeral(Key(0)), chord.symbol(Key(0))
    ('V65', 'G7/B')
    """

    root: int
    """The root in semitones above the key's tonic, 0 to 11."""
    quality: str = "major"
    """A name of ``QUALITIES``."""
    bass: int = 0
    """The lowest member: 0 the root, 1 the third, 2 the fifth, 3 the seventh."""

    def __post_init__(self) -> None:
        if not 0 <= self.root < 12:
            raise ChoraleError(f"a root is 0 to 11 semitones above the tonic, not {self.root}")
        if self.quality not in QUALITIES:
            raise ChoraleError(f"no quality is called {self.quality!r}")
        if not 0 <= self.bass < len(QUALITIES[self.quality].members):
            raise ChoraleError(f"a {self.quality} chord has no member {self.bass}")

    @classmethod
    def parse(cls, text: str, key: Key) -> PlannedChord:
        """Read a numeral (``V65/V``) or a chord symbol (``D7/F#``).

        Args:
            text: the numeral or the symbol.
            key: the key of the numeral; roots are counted from its tonic.

        Returns:
            The chord.

        Raises:
            ChoraleError: if the text is neither.
        """
        return cls(*chord_from(text, key))

    @property
    def members(self) -> tuple[int, ...]:
        """The members from the root up, in semitones above the tonic, 0 to 11."""
        return tuple((self.root + member) % 12 for member in QUALITIES[self.quality].members)

    @property
    def bass_class(self) -> int:
        """The bass note, in semitones above the tonic, 0 to 11."""
        return self.members[self.bass]

    def rebased(self, before: Key, after: Key) -> PlannedChord:
        """Count the root from another tonic.

        Args:
            before: the key in which the root is counted now.
            after: the key in which the root is counted then.

        Returns:
            The same chord, relative to ``after``.

        >>> PlannedChord(2, "dominant").rebased(Key(0), Key(1)).numeral(Key(1))
        'V7'
        """
        return replace(self, root=(self.root + before.tonic - after.tonic) % 12)

    def numeral(self, key: Key) -> str:
        """Name the chord in a key.

        Returns:
            The Roman numeral with its figures, such as ``V65/V``.
        """
        return numeral_of(self.root, self.quality, self.bass, key.mode)

    def symbol(self, key: Key) -> str:
        """Name the chord as lead sheets do, spelled in a key.

        Returns:
            The chord symbol, such as ``D7/F#``.
        """
        return symbol_of(self.root, self.quality, self.bass, key)


class Beat(NamedTuple):
    """A beat of a piece, which has one chord of the plan."""

    start: int
    """Its first step."""
    length: int
    """Its length in steps; less than ``whole`` if a pickup or the end of a bar cuts it."""
    bar: int
    """The index of its bar in ``Chorale.measures``."""
    in_bar: int
    """The index of the beat in a whole bar. The beats of a pickup are the last ones of a bar."""
    whole: int
    """The length of a whole beat of the meter, in steps."""
    bar_length: int
    """The length of a whole bar of the meter, in steps."""


class SecondChord(NamedTuple):
    """A chord that begins inside a beat."""

    step: int
    chord: PlannedChord


_KEY_NAME = re.compile("[A-Ga-g][#b]*:")
"""A key in the text of a plan, such as ``Bb:`` for major or ``f#:`` for minor."""


@dataclass(frozen=True)
class HarmonicPlan:
    """The chords of a piece, one per beat; None if nothing sounds or the chord is unknown.

    Raises:
        ChoraleError: if the lists differ in length.

    >>> from musicae.core.chorale import Chorale
    >>> amen = Chorale.from_notes([[(0, 4, 72), (4, 4, 72)]], key=Key(0))
    >>> HarmonicPlan.parse("IV I", beats_of(amen), Key(0)).symbols()
    ('F', 'C')
    """

    key: Key
    """The key; roots are counted from its tonic."""
    beats: tuple[Beat, ...]
    """The beats in order."""
    chords: tuple[PlannedChord | None, ...]
    """The chord at the beginning of each beat."""
    seconds: tuple[SecondChord | None, ...] = ()
    """For each beat, a second chord that begins inside it, or None; by default none."""
    local: tuple[Key, ...] = ()
    """The local key of each beat, in which its numeral is written; by default ``key``."""

    def __post_init__(self) -> None:
        if not self.seconds:
            object.__setattr__(self, "seconds", (None,) * len(self.beats))
        if not self.local:
            object.__setattr__(self, "local", (self.key,) * len(self.beats))
        if not len(self.beats) == len(self.chords) == len(self.seconds) == len(self.local):
            raise ChoraleError(
                f"a plan of {len(self.beats)} beats has {len(self.chords)} chords,"
                f" {len(self.seconds)} second chords and {len(self.local)} local keys"
            )

    @classmethod
    def parse(cls, text: str, beats: Sequence[Beat], key: Key) -> HarmonicPlan:
        """Read one chord per beat, as numerals or symbols between spaces; the inverse of ``str``.

        ``-`` means no chord, ``.`` the previous chord; bar lines ``|`` are skipped. A second chord
        of a beat follows a comma, with its step in the beat: ``V,2:V7``. A key with a colon (``G:``
        for major, ``e:`` for minor) is the local key from there on, in which numerals are read.

        Args:
            text: the plan, such as ``I . V7 I | G: IV``.
            beats: the beats of the piece.
            key: the key of the piece.

        Returns:
            The plan.

        Raises:
            ChoraleError: if a word cannot be read (the message names its bar), or if the number of
                chords is not the number of beats.
        """
        words = [word for word in text.split() if word != "|"]
        count = sum(not _KEY_NAME.fullmatch(word) for word in words)
        if count != len(beats):
            raise ChoraleError(
                f"there are {count} chords for {len(beats)} beats; write one per beat"
            )
        if words and _KEY_NAME.fullmatch(words[-1]):
            raise ChoraleError(f"no chord follows the key {words[-1]}")
        chords: list[PlannedChord | None] = []
        seconds: list[SecondChord | None] = []
        local: list[Key] = []
        now = key
        sounding: PlannedChord | None = None

        def read(name: str) -> PlannedChord:
            return PlannedChord.parse(name, now).rebased(now, key)

        for word in words:
            beat = beats[len(chords)]
            try:
                if _KEY_NAME.fullmatch(word):
                    now = Key.from_short_name(word[:-1])
                    continue
                first, _, second = word.partition(",")
                chord = None
                if first == ".":
                    chord = sounding
                elif first != "-":
                    chord = read(first)
                later = None
                if second:
                    into, _, name = second.partition(":")
                    later = SecondChord(beat.start + int(into), read(name))
            except ValueError as error:
                raise ChoraleError(f"bar {beat.bar + 1}: {error}") from None
            chords.append(chord)
            seconds.append(later)
            local.append(now)
            sounding = later.chord if later else chord
        return cls(key, tuple(beats), tuple(chords), tuple(seconds), tuple(local))

    def __len__(self) -> int:
        return len(self.beats)

    def numerals(self) -> tuple[str, ...]:
        """The Roman numeral of each beat in its local key; ``-`` if there is no chord.

        A change of key is named, as in ``G: IV``; the home key at the beginning is not. A second
        chord of a beat follows as in ``str``: ``V,2:V7``.
        """
        rows = zip(self._key_names(), self._texts(PlannedChord.numeral), strict=True)
        return tuple(f"{name}: {text}" if name else text for name, text in rows)

    def symbols(self) -> tuple[str, ...]:
        """The chord symbol of each beat, spelled in its local key; ``-`` if there is no chord.

        A second chord of a beat follows as in ``str``: ``G,2:G7``.
        """
        return tuple(self._texts(PlannedChord.symbol))

    def chord_at(self, step: int) -> PlannedChord | None:
        """Find the chord that sounds at a step.

        Returns:
            The chord; None if there is none.

        Raises:
            IndexError: if the step is outside the plan.
        """
        for beat, chord, second in zip(self.beats, self.chords, self.seconds, strict=True):
            if beat.start <= step < beat.start + beat.length:
                return second.chord if second and step >= second.step else chord
        raise IndexError(f"step {step} is outside the plan")

    def beginnings(self) -> Iterator[tuple[int, Key, PlannedChord | None]]:
        """Yield step, local key and chord at the beginning of each beat and second chord."""
        for beat, chord, second, key in self._rows():
            yield beat.start, key, chord
            if second:
                yield second.step, key, second.chord

    def changes(self) -> list[tuple[int, PlannedChord]]:
        """Step and chord at each beginning of a chord that differs from the one before."""
        found: list[tuple[int, PlannedChord]] = []
        for step, _, chord in self.beginnings():
            if chord is not None and (not found or found[-1][1] != chord):
                found.append((step, chord))
        return found

    def __str__(self) -> str:
        """The numerals with bar lines and changes of key: ``I . V7 I | G: IV``."""
        words: list[str] = []
        sounding: PlannedChord | None = None
        bar = self.beats[0].bar if self.beats else 0
        rows = zip(self._rows(), self._key_names(), self._texts(PlannedChord.numeral), strict=True)
        for (beat, chord, second, _), name, text in rows:
            if beat.bar != bar:
                words.append("|")
                bar = beat.bar
            if name:
                words.append(f"{name}:")
            goes_on = chord is not None and chord == sounding and not name
            words.append("." + "".join(text.partition(",")[1:]) if goes_on else text)
            sounding = second.chord if second else chord
        return " ".join(words)

    def _rows(self) -> Iterator[tuple[Beat, PlannedChord | None, SecondChord | None, Key]]:
        return zip(self.beats, self.chords, self.seconds, self.local, strict=True)

    def _key_names(self) -> Iterator[str]:
        """For each beat, the short name of its local key if that is new, else an empty text."""
        before = self.key
        for key in self.local:
            yield key.short_name if key != before else ""
            before = key

    def _texts(self, name: Callable[[PlannedChord, Key], str]) -> Iterator[str]:
        """For each beat, its chord and, after a comma, its second chord, written by ``name``."""
        for beat, chord, second, key in self._rows():
            text = name(chord.rebased(self.key, key), key) if chord else "-"
            if second:
                own = second.chord.rebased(self.key, key)
                text += f",{second.step - beat.start}:{name(own, key)}"
            yield text


def beats_of(chorale: Chorale) -> tuple[Beat, ...]:
    """The beats of a piece: dotted ones in compound meters, otherwise at least a quarter long.

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
