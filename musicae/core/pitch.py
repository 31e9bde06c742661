"""Names of pitches, from MIDI numbers and from places on the line of fifths.

The line of fifths gives every spelled note name a whole number, its place: F is -1, C 0, G 1,
F sharp 6 and B flat -2. MIDI numbers run from 0 to 127; 60 is middle C, C4.
"""

from __future__ import annotations

LETTERS = "FCGDAEB"
"""The natural notes in the order of the line of fifths, from F at -1 to B at 5."""


def pitch_name(midi: int) -> str:
    """The name of a MIDI pitch in scientific notation: 60 is ``C4``. Black keys are sharps."""
    name = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")[midi % 12]
    return f"{name}{midi // 12 - 1}"


def accidentals(sharps: int, sharp: str = "#", flat: str = "b") -> str:
    """The accidentals of a note as text: ``sharps`` signs; a negative number stands for flats.

    >>> accidentals(2), accidentals(-1), accidentals(-1, flat="♭"), accidentals(0)
    ('##', 'b', '♭', '')
    """
    return sharp * sharps if sharps > 0 else flat * -sharps


def letter_at(place: int) -> tuple[str, int]:
    """Letter and sharps (negative for flats) of a place on the line of fifths.

    >>> letter_at(0), letter_at(8), letter_at(-4)
    (('C', 0), ('G', 1), ('A', -1))
    """
    sharps, letter = divmod(place + 1, 7)
    return LETTERS[letter], sharps


MOST_SHARPS = 2
"""The most sharps or flats of a note name: a double sharp or a double flat."""


def is_plain(place: int) -> bool:
    """Whether a place has at most ``MOST_SHARPS`` sharps or flats.

    >>> is_plain(19), is_plain(20)  # B double sharp, F triple sharp
    (True, False)
    """
    return abs(letter_at(place)[1]) <= MOST_SHARPS


def place_of(letter: str, sharps: int = 0) -> int:
    """The place of a spelled note name on the line of fifths; the inverse of ``letter_at``.

    Raises ValueError if the letter is not one of ``LETTERS``.

    >>> place_of("F", 1), place_of("B", -1)
    (6, -2)
    """
    return LETTERS.index(letter) - 1 + 7 * sharps


def spelled_class(place: int) -> str:
    """The name of a place on the line of fifths, without its octave.

    >>> spelled_class(6), spelled_class(-2)
    ('F#', 'Bb')
    """
    letter, sharps = letter_at(place)
    return letter + accidentals(sharps)


def spelled_parts(midi: int, place: int) -> tuple[str, int, int]:
    """Letter, sharps (negative for flats) and octave of a MIDI pitch spelled at a place.

    >>> spelled_parts(68, -4), spelled_parts(68, 8), spelled_parts(60, 12)  # Ab4, G#4, B#3
    (('A', -1, 4), ('G', 1, 4), ('B', 1, 3))
    """
    letter, sharps = letter_at(place)
    return letter, sharps, (midi - sharps) // 12 - 1


def spelled_name(midi: int, place: int) -> str:
    """The name, in scientific notation, of a MIDI pitch spelled at a place on the line of fifths.

    >>> spelled_name(68, -4), spelled_name(68, 8)
    ('Ab4', 'G#4')
    """
    letter, sharps, octave = spelled_parts(midi, place)
    return f"{letter}{accidentals(sharps)}{octave}"
