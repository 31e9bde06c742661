"""Which notes of a staff need an accidental, and which accidental."""

from __future__ import annotations

from musicae.core.pitch import letter_at

SIGNS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
"""MusicXML's names of accidentals by alteration in semitones."""


class Accidentals:
    """The accidentals of a staff; ask for its notes in order.

    An accidental holds for its letter and octave until the bar ends. A note also has one, as a
    reminder, if its letter was last altered differently in this bar or the previous one, in any
    octave. A note that is tied to the previous note has none.

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
        """The accidentals drawn in this bar: alteration by letter and octave."""
        self._last: dict[str, tuple[int, int]] = {}
        """The last alteration of each letter, and the bar in which it was."""
        self._bar = 0

    def set_signature(self, fifths: int) -> None:
        """Change the key signature to ``fifths`` sharps (negative: flats)."""
        self._signature = dict(map(letter_at, range(fifths - 1, fifths + 6)))

    def next_bar(self) -> None:
        """Begin a bar; the accidentals of the previous bar end."""
        self._held = {}
        self._bar += 1

    def sign(
        self, letter: str, alter: int, octave: int, *, tied: bool = False, always: bool = False
    ) -> str:
        """The accidental of the next note, by MusicXML's name; empty if it has none.

        ``alter`` is its alteration in semitones; beyond -2 to 2 there is no accidental.
        ``always`` draws one even if none is needed.
        """
        wrong = self._held.get((letter, octave), self._signature[letter]) != alter
        before, since = self._last.get(letter, (alter, self._bar))
        reminds = before != alter and since >= self._bar - 1
        self._last[letter] = alter, self._bar
        if tied or not (wrong or reminds or always):
            return ""
        self._held[letter, octave] = alter
        return SIGNS.get(alter, "")
