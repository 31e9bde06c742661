"""A score as it is written, symbol for symbol: what readers and writers of notation share.

ABC, Humdrum kern and MEI are read to it, and kern, ABC and LilyPond are written from it; MusicXML
is on the other side (``written_tree``). Times are exact, in quarters from the bar line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

from musicae.core.pitch import place_of, spelled_parts
from musicae.io.voice_tracks import voice_of_name

KINDS = (
    "long",
    "breve",
    "whole",
    "half",
    "quarter",
    "eighth",
    "16th",
    "32nd",
    "64th",
    "128th",
    "256th",
    "512th",
    "1024th",
)
"""What MusicXML calls note values, from the longest."""
QUARTERS = {kind: Fraction(16) / 2**i for i, kind in enumerate(KINDS)}
"""How many quarters each of ``KINDS`` lasts."""
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
MOST_DOTS = 3
TUPLETS = ((1, 1), (3, 2), (5, 4), (7, 4), (6, 4), (9, 8), (2, 3), (4, 3), (5, 2), (5, 3), (7, 8),
           (8, 3), (11, 8), (13, 8), (10, 8), (12, 8))  # fmt: skip
"""Tuplets as (notes, in the time of), the likeliest first."""


class Value(NamedTuple):
    """A note value: what one symbol says of its length."""

    kind: str
    dots: int = 0
    actual: int = 1
    normal: int = 1
    """Of a tuplet, ``actual`` notes stand in the time of ``normal``."""

    @property
    def quarters(self) -> Fraction:
        plain = QUARTERS[self.kind] * (2 - Fraction(1, 2**self.dots))
        return Fraction(plain * self.normal / self.actual)


def value_of(length: Fraction, actual: int = 1, normal: int = 1) -> Value | None:
    """The value of a length in quarters, in a tuplet where that is given; None if no symbol has it.

    >>> value_of(Fraction(3, 2))
    Value(kind='quarter', dots=1, actual=1, normal=1)
    >>> value_of(Fraction(1, 3), 3, 2).kind
    'eighth'
    """
    plain = length * actual / normal
    for dots in range(MOST_DOTS + 1):
        base = plain / (2 - Fraction(1, 2**dots))
        for kind, quarters in QUARTERS.items():
            if base == quarters:
                return Value(kind, dots, actual, normal)
    return None


def values_of(length: Fraction) -> list[Value]:
    """The values of symbols, tied together, that last so many quarters.

    Empty if no tuplet of ``TUPLETS`` says it.

    >>> [value.kind for value in values_of(Fraction(5, 2))]
    ['half', 'eighth']
    """
    for actual, normal in TUPLETS:
        if value := value_of(length, actual, normal):
            return [value]
    if not is_binary(length):
        return []
    found = []
    for quarters in QUARTERS.values():
        while length >= quarters:
            value = value_of(quarters)
            assert value
            found.append(value)
            length -= quarters
    return [] if length else found


class Head(NamedTuple):
    """One pitch of a symbol."""

    letter: str
    alter: int
    """Semitones by which the letter is altered, as it sounds."""
    octave: int
    """4 is the octave from middle C."""
    sign: str = ""
    """The accidental that is drawn, as MusicXML calls it."""
    tied_before: bool = False
    tied_after: bool = False


class Syllable(NamedTuple):
    """A syllable under a note."""

    text: str
    syllabic: str = "single"
    """``single``, ``begin``, ``middle`` or ``end`` of a word."""
    extends: bool = False


@dataclass
class Symbol:
    """A note, a chord, a rest (no heads) or, where ``hidden``, skipped time."""

    begin: Fraction
    length: Fraction
    """In quarters; 0 of a grace note."""
    value: Value | None
    """None of a rest of a whole bar, and where one symbol cannot say the length."""
    heads: list[Head] = field(default_factory=list)
    hidden: bool = False
    whole_bar: bool = False
    grace: str = ""
    """``slash``, ``plain``, or empty if it is no grace note."""
    fermata: bool = False
    slur_begins: int = 0
    slur_ends: int = 0
    lyrics: dict[int, Syllable] = field(default_factory=dict)
    """By verse."""


class Clef(NamedTuple):
    sign: str
    line: int
    octaves: int = 0
    """-1: sounds an octave lower than drawn."""


class KeySignature(NamedTuple):
    fifths: int
    mode: str = ""


MODE_OFFSETS = {"major": 0, "ionian": 0, "mixolydian": -1, "dorian": -2, "minor": -3,
                "aeolian": -3, "phrygian": -4, "locrian": -5, "lydian": 1}  # fmt: skip
"""Sharps more than the major key on the same tonic has."""


def mode_offset(mode: str) -> tuple[int, str]:
    """The offset of a mode and its name; major where it is not known."""
    name = mode if mode in MODE_OFFSETS else "major"
    return MODE_OFFSETS[name], name


def altered(letter: str, key: KeySignature | None) -> int:
    """By how many semitones a key signature alters a letter."""
    fifths = key.fifths if key else 0
    if fifths >= 0:
        return int("FCGDAEB".index(letter) < fifths)
    return -int("BEADGCF".index(letter) < -fifths)


class Time(NamedTuple):
    beats: str
    """Such as ``4`` or ``3+2``; empty in free meter."""
    unit: int
    symbol: str = ""
    """``common`` or ``cut``."""

    @property
    def quarters(self) -> Fraction | None:
        """The length of a whole bar; None in free meter."""
        if not self.beats:
            return None
        return Fraction(4 * sum(map(int, self.beats.split("+"))), self.unit)


class Pace(NamedTuple):
    """A tempo mark."""

    qpm: float
    """Quarters a minute; 0 where it is only a word."""
    text: str = ""


class Words(NamedTuple):
    text: str
    above: bool = True


@dataclass
class Bar:
    """A bar of a staff. What stands at a time comes with the quarters from the bar line."""

    number: str = ""
    voices: dict[str, list[Symbol]] = field(default_factory=dict)
    """The symbols of each voice, in order; time between them is silent and not drawn."""
    keys: list[tuple[Fraction, KeySignature]] = field(default_factory=list)
    clefs: list[tuple[Fraction, Clef]] = field(default_factory=list)
    time: Time | None = None
    """A meter that begins here."""
    chords: list[tuple[Fraction, str]] = field(default_factory=list)
    """Chord symbols such as ``Bbm7/Db``."""
    paces: list[tuple[Fraction, Pace]] = field(default_factory=list)
    words: list[tuple[Fraction, Words]] = field(default_factory=list)
    left: str = ""
    """``repeat`` where a repeat begins."""
    right: str = ""
    """``repeat``, ``final``, ``double``, ``dashed`` or ``invisible``; plain where empty."""
    endings: str = ""
    """The numbers of endings that begin here, such as ``1, 2``."""
    ending_stops: str = ""
    """The numbers of the endings that stop here."""
    ending_open: bool = False
    """Whether the line above an ending that stops here has no hook at its end."""

    @property
    def length(self) -> Fraction:
        """In quarters; rests of the whole bar do not count."""
        ends = (
            symbol.begin + symbol.length
            for symbols in self.voices.values()
            for symbol in symbols
            if not symbol.whole_bar
        )
        return max(ends, default=Fraction(0))

    def symbols(self) -> list[Symbol]:
        """Of all voices."""
        return [symbol for symbols in self.voices.values() for symbol in symbols]


@dataclass
class Staff:
    """What one staff, or one part, holds."""

    name: str = ""
    bars: list[Bar] = field(default_factory=list)
    transposes: tuple[int, int] = (0, 0)
    """Chromatic and diatonic steps from what is written to what sounds."""


@dataclass
class WrittenScore:
    """Staves of as many bars each, with the facts of the header."""

    staves: list[Staff] = field(default_factory=list)
    title: str = ""
    composer: str = ""
    notices: list[str] = field(default_factory=list)
    """Sentences on what was not read."""


def fill_bars(score: WrittenScore) -> None:
    """Give all staves the same bars, and rests of whole bars the length of their bars."""
    count = max((len(staff.bars) for staff in score.staves), default=0)
    for staff in score.staves:
        staff.bars += [Bar() for _ in range(count - len(staff.bars))]
    nominal = Fraction(4)
    for bars in zip(*(staff.bars for staff in score.staves), strict=True):
        time = next((bar.time for bar in bars if bar.time), None)
        if time and time.quarters:
            nominal = time.quarters
        length = max(bar.length for bar in bars) or nominal
        for bar in bars:
            for symbol in bar.symbols():
                if symbol.whole_bar:
                    symbol.length = length


def tuplet_groups(symbols: Sequence[Symbol]) -> Iterator[list[Symbol]]:
    """The symbols of a voice in order: those of one tuplet together, others alone.

    A tuplet goes on while the ratio stays and until its length is that of plain notes.
    """
    group: list[Symbol] = []
    for symbol in symbols:
        ratio = _ratio(symbol)
        if group and not symbol.grace and ratio != _ratio(group[0]):
            yield group
            group = []
        if symbol.grace and not group:
            yield [symbol]
            continue
        group.append(symbol)
        length = sum((each.length for each in group), Fraction(0))
        if not symbol.grace and (ratio is None or is_binary(length)):
            yield group
            group = []
    if group:
        yield group


def is_binary(length: Fraction) -> bool:
    """Whether plain note values, without tuplets, add up to a length."""
    return not length.denominator & (length.denominator - 1)


def _ratio(symbol: Symbol) -> tuple[int, int] | None:
    value = symbol.value
    if value is None or value.actual == value.normal:
        return None
    return value.actual, value.normal


def bar_lengths(score: WrittenScore) -> list[Fraction]:
    """How long each bar is, in quarters; 0 where nothing tells."""
    return [
        max((s.begin + s.length for bar in bars for s in bar.symbols()), default=Fraction(0))
        for bars in zip(*(staff.bars for staff in score.staves), strict=True)
    ]


def at_concert_pitch(staff: Staff) -> Staff:
    """The staff of a transposing instrument as it sounds; any other as it is."""
    chromatic, diatonic = staff.transposes
    if not chromatic and not diatonic:
        return staff
    fifths = 7 * chromatic - 12 * diatonic
    bars = []
    for bar in staff.bars:
        keys = [(at, key._replace(fifths=key.fifths + fifths)) for at, key in bar.keys]
        voices = {
            name: [
                replace(symbol, heads=[_moved(head, chromatic, fifths) for head in symbol.heads])
                for symbol in symbols
            ]
            for name, symbols in bar.voices.items()
        }
        bars.append(replace(bar, keys=keys, voices=voices))
    return Staff(staff.name, bars)


def _moved(head: Head, chromatic: int, fifths: int) -> Head:
    semitones = 12 * (head.octave + 1) + SEMITONES[head.letter] + head.alter + chromatic
    letter, alter, octave = spelled_parts(semitones, place_of(head.letter, head.alter) + fifths)
    return head._replace(letter=letter, alter=alter, octave=octave)


def voice_names(staff: Staff) -> list[str]:
    """The names of a staff's voices that have a note, else of its first voice."""
    names = dict.fromkeys(name for bar in staff.bars for name in bar.voices)
    sung = {
        n
        for bar in staff.bars
        for n, symbols in bar.voices.items()
        if any(s.heads for s in symbols)
    }
    return [name for name in names if name in sung] or list(names)[:1] or ["1"]


def is_satb(score: WrittenScore) -> bool:
    """Whether its staves are soprano, alto, tenor and bass, a voice each."""
    called = [voice_of_name(staff.name) for staff in score.staves]
    return called == [0, 1, 2, 3] and all(len(voice_names(s)) == 1 for s in score.staves)


def filled(bar: Bar, voice: str, length: Fraction) -> list[Symbol]:
    """The symbols of a voice in a bar, with skipped time as hidden symbols."""
    found: list[Symbol] = []
    now = Fraction(0)
    for symbol in bar.voices.get(voice, []):
        if symbol.begin > now:
            found.append(Symbol(now, symbol.begin - now, None, hidden=True))
        found.append(symbol)
        now = symbol.begin + symbol.length
    if now < length:
        found.append(Symbol(now, length - now, None, hidden=True))
    return found
