"""Chords as Roman numerals (``V65/V``) and as chord symbols (``D7/F#``), written and read.

A chord is a root in semitones above the tonic, a quality of ``QUALITIES`` and the member in the
bass. In a key every chord is written as one numeral and one symbol; several texts can be read as
the same chord.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.pitch import spelled_class
from musicae.theory.chord_symbols import ChordSymbol, Member, read_symbol
from musicae.theory.numerals import APPLIED, FIGURES, NUMERALS, QUALITIES, TARGETS
from musicae.theory.spelling import places_near

Chord = tuple[int, str, int]
"""Root in semitones above the tonic, quality, and the member in the bass: 0 is the root."""

DEGREES = {
    "major": ("I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII"),
    "minor": ("I", "bII", "II", "III", "#III", "IV", "#IV", "V", "VI", "#VI", "VII", "#VII"),
}
"""The degree of each semitone above the tonic, in capitals, for chords that are not in
``NUMERALS``."""
LOWER_CASE = ("minor", "diminished", "minor-seventh", "half-diminished", "diminished-seventh")
_LOWERED = re.compile("(b|N|V7/[bN])")
"""The beginning of numerals on lowered degrees, and of the applied V7 that leads to one."""
FIFTHS = {0: 0, 3: -3, 4: 4, 6: -6, 7: 1, 8: 8, 9: -9, 10: -2, 11: 5}
"""Places on the line of fifths from the root to each chord member, by semitones above the root."""
MOST_FLAT, MOST_SHARP = -8, 12
"""The lowest and the highest root on the line of fifths, F flat and B sharp: the roots of symbols
have no double accidentals."""

_COSTS = {(numeral.mode, numeral.root, numeral.quality): numeral.cost for numeral in NUMERALS}
_NUMERAL = re.compile("([b#]?)(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)(?=[^VIvi/]|$)([^/]*)")


def numeral_of(root: int, quality: str, bass: int, mode: str) -> str:
    """The Roman numeral of a chord, with its figures.

    >>> numeral_of(2, "dominant", 1, "major"), numeral_of(6, "minor", 0, "major")
    ('V65/V', '#iv')
    """
    return _written(mode)[root, quality, bass]


def likeliest_root(root: int, quality: str, bass: int, mode: str) -> Chord:
    """The chord with its likeliest root in a mode, if several roots give the same pitch classes.

    Each note of a diminished seventh chord can be its root; the likeliest is a leading note. Other
    chords are returned as they are.

    >>> likeliest_root(2, "diminished-seventh", 0, "minor"), likeliest_root(2, "major", 0, "minor")
    ((11, 'diminished-seventh', 1), (2, 'major', 0))
    """
    members = QUALITIES[quality].members
    roots = [(root + member) % 12 for member in members]
    alike = [
        (_COSTS[mode, other, quality], place, other)
        for place, other in enumerate(roots)
        if (mode, other, quality) in _COSTS
        and {(other + member) % 12 for member in members} == set(roots)
    ]
    if not alike:
        return root, quality, bass
    _, place, other = min(alike)
    return other, quality, (bass - place) % len(members)


def symbol_of(root: int, quality: str, bass: int, key: Key) -> str:
    """The chord symbol of a chord, spelled in its key; a lowered degree is spelled as lowered.

    >>> symbol_of(7, "dominant", 1, Key(2))
    'A7/C#'
    >>> symbol_of(3, "major", 0, Key(2)), symbol_of(1, "diminished", 0, Key(2))
    ('F', 'D#dim')
    """
    place = int(places_near(key.fifths)[(key.tonic + root) % 12])
    if place > key.fifths and _LOWERED.match(numeral_of(root, quality, 0, key.mode)):
        place -= 12
    if not MOST_FLAT <= place <= MOST_SHARP:
        place = (place - MOST_FLAT) % 12 + MOST_FLAT
    name = spelled_class(place) + QUALITIES[quality].symbol
    if not bass:
        return name
    return f"{name}/{spelled_class(place + FIFTHS[QUALITIES[quality].members[bass]])}"


def chord_from(text: str, key: Key) -> Chord:
    """Read a numeral or a chord symbol. Raises ChoraleError if it is neither.

    >>> chord_from("viio65/V", Key(0)), chord_from("F#m7b5/A", Key(0))
    ((6, 'diminished-seventh', 1), (6, 'half-diminished', 1))
    """
    found = _from_numeral(text, key) or _from_symbol(text, key)
    if found is None:
        raise ChoraleError(f"{text!r} is not a chord; write it like V65, V7/V or D7/F#")
    return found


def read_chord(text: str, key: Key, b_is_flat: bool = False) -> ChordSymbol:
    """Read a numeral in a key, or a chord symbol, as pitch classes; see ``read_symbol``.

    Numerals may have the endings of symbols: ``V7sus4``. Raises ChoraleError if it is neither.

    >>> [read_chord(name, Key(1)).classes for name in ("V65/V", "iiadd9", "D9")]
    [(9, 1, 4, 7), (9, 0, 4, 11), (2, 6, 9, 0, 4)]
    """
    if found := _from_numeral(text, key):
        root, quality, bass = found
        degrees = zip((1, 3, 5, 7), QUALITIES[quality].members, strict=False)
        members = tuple(Member(degree, above) for degree, above in degrees)
        tonic = (key.tonic + root) % 12
        return ChordSymbol(text, tonic, members, (tonic + members[bass].above) % 12, bass > 0)
    numeral = _NUMERAL.fullmatch(text.strip())
    degree = _from_numeral(numeral[1] + numeral[2], key) if numeral else None
    if numeral and degree:
        minor = "m" if numeral[2].islower() else ""
        with suppress(ChoraleError):
            chord = read_symbol(f"C{minor}{numeral[3]}")
            root = (key.tonic + degree[0]) % 12
            return ChordSymbol(text, root, chord.members, root)
    return read_symbol(text, b_is_flat)


def is_numeral(text: str, key: Key) -> bool:
    """Whether a chord is written as a numeral, so that its notes depend on the key."""
    plain = _NUMERAL.fullmatch(text.strip())
    return _from_numeral(text, key) is not None or plain is not None


def _from_numeral(text: str, key: Key) -> Chord | None:
    plain = text.strip().replace("♭", "b").replace("♯", "#")
    return _read(key.mode).get(plain.replace("/o", "ø").replace("o", "°").replace("0", "ø"))


def _from_symbol(text: str, key: Key) -> Chord | None:
    """The chord of a symbol; None if it is no chord of ``QUALITIES``.

    Raises ChoraleError if its bass is no member of the chord.
    """
    try:
        chord = read_symbol(text)
    except ChoraleError:
        return None
    above = tuple(member.above for member in chord.members)
    quality = next((name for name, kind in QUALITIES.items() if kind.members == above), None)
    if quality is None:
        return None
    if chord.bass not in chord.classes:
        raise ChoraleError(f"{text!r}: the bass is not a member of the chord")
    return (chord.root - key.tonic) % 12, quality, chord.classes.index(chord.bass)


def _candidates(mode: str) -> Iterator[tuple[int, str, str, str, str]]:
    """Yield root, quality, degree, mark and target of every numeral; preferred names come first."""
    for numeral in NUMERALS:
        if numeral.mode == mode and numeral.quality in QUALITIES:
            mark = QUALITIES[numeral.quality].mark
            yield numeral.root, numeral.quality, numeral.degree, mark, numeral.of
    for degrees in (DEGREES[mode], DEGREES["major"]):
        for root, degree in enumerate(degrees):
            for quality, kind in QUALITIES.items():
                if quality == "dominant":
                    continue
                case = degree.lower() if quality in LOWER_CASE else degree
                yield root, quality, case, kind.mark, ""
                if quality == "major-seventh":
                    yield root, quality, degree, "M", ""
    for of, target in (*TARGETS[mode].items(), *((d, t) for t, d in enumerate(DEGREES[mode]))):
        for row in APPLIED.replace("\n", ";").split(";"):
            if row.strip():
                degree, above, quality, _ = row.split()
                root = (target + int(above)) % 12
                yield root, quality, degree, QUALITIES[quality].mark, of


@lru_cache
def _tables(mode: str) -> tuple[dict[Chord, str], dict[str, Chord]]:
    """The text of each chord, and the chord of each text."""
    written: dict[Chord, str] = {}
    read: dict[str, Chord] = {}
    for root, quality, degree, mark, of in _candidates(mode):
        figures = FIGURES[len(QUALITIES[quality].members)]
        for bass, figure in enumerate(figures):
            text = f"{degree}{mark}{figure}" + (f"/{of}" if of else "")
            chord = root, quality, bass
            if read.setdefault(text, chord) == chord:
                written.setdefault(chord, text)
    return written, read


def _written(mode: str) -> dict[Chord, str]:
    return _tables(mode)[0]


def _read(mode: str) -> dict[str, Chord]:
    return _tables(mode)[1]
