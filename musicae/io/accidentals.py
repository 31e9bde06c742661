"""Which notes of a staff have an accidental drawn, and which."""

from __future__ import annotations

from musicae.core.pitch import letter_at

SIGNS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
"""What MusicXML calls the accidental of so many sharps, flats where negative."""


class Accidentals:
    """The accidentals of a staff, asked for note after note.

    A sign holds to the end of the bar, for its letter in its octave. A note whose letter was last
    sung otherwise, in this bar or the one before, in any octave, has a sign as a reminder. A note
    that is tied to the one before has none.

    >>> staff = Accidentals(fifths=1)  # G major
    >>> [staff.sign(*note) for note in (("F", 1, 4), ("F", 0, 4), ("F", 0, 4), ("F", 1, 5))]
    ['', 'natural', '', 'sharp']
    >>> staff.next_bar()
    >>> staff.sign("F", 1, 4), staff.sign("G", 1, 4, tied=True), staff.sign("G", 1, 4)
    ('', '', 'sharp')
    """

    def __init__(self, fifths: int = 0) -> None:
        self.set_signature(fifths)
        self._held: dict[tuple[str, int], int] = {}
        """By letter and octave, what the signs of this bar say."""
        self._last: dict[str, tuple[int, int]] = {}
        """By letter, how it was last altered, and in which bar."""
        self._bar = 0

    def set_signature(self, fifths: int) -> None:
        """A key signature of so many sharps, flats where negative, from here on."""
        self._signature = dict(map(letter_at, range(fifths - 1, fifths + 6)))

    def next_bar(self) -> None:
        """Begin a bar, in which no sign of the last one holds."""
        self._held = {}
        self._bar += 1

    def sign(
        self, letter: str, alter: int, octave: int, *, tied: bool = False, always: bool = False
    ) -> str:
        """The sign of the next note, as MusicXML calls it; empty if it has none.

        ``alter`` are its sharps, flats where negative, of which more than two have no sign.
        ``always`` draws a sign though none is needed.
        """
        wrong = self._held.get((letter, octave), self._signature[letter]) != alter
        before, since = self._last.get(letter, (alter, self._bar))
        reminds = before != alter and since >= self._bar - 1
        self._last[letter] = alter, self._bar
        if tied or not (wrong or reminds or always):
            return ""
        self._held[letter, octave] = alter
        return SIGNS.get(alter, "")
