"""A score as it is written, symbol for symbol: what readers and writers of notation share.

The readers of ABC, Humdrum kern and MEI make it; the writers of ABC, kern and LilyPond use it.
``written_tree`` and ``written_reader`` convert it to MusicXML and back. Times are exact, in
quarters from the bar line.
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
"""MusicXML's names of note values, the longest first."""
QUARTERS = {kind: Fraction(16) / 2**i for i, kind in enumerate(KINDS)}
"""The length of each of ``KINDS`` in quarters."""
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
MOST_DOTS = 3
TUPLETS = ((1, 1), (3, 2), (5, 4), (7, 4), (6, 4), (9, 8), (2, 3), (4, 3), (5, 2), (5, 3), (7, 8),
           (8, 3), (11, 8), (13, 8), (10, 8), (12, 8))  # fmt: skip
"""Tuplets as (notes, plain notes that take the same time), the most usual first."""


class Value(NamedTuple):
    """A note value: the length that one symbol shows."""

    kind: str
    dots: int = 0
    actual: int = 1
    normal: int = 1
    """A tuplet of ``actual`` notes takes the time of ``normal`` notes."""

    @property
    def quarters(self) -> Fraction:
        """The length in quarters."""
        plain = QUARTERS[self.kind] * (2 - Fraction(1, 2**self.dots))
        return Fraction(plain * self.normal / self.actual)


def value_of(length: Fraction, actual: int = 1, normal: int = 1) -> Value | None:
    """The note value of a length in quarters, in a tuplet if given; None if no symbol has it.

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
    """The values of symbols that, tied together, last ``length`` quarters.

    Empty if no note values, and no tuplet of ``TUPLETS``, have this length.

    >>> [value.kind for value in values_of(Fraction(5, 2))]
    ['half', 'eighth']
    """
    if value := value_of(length):
        return [value]
    if not is_binary(length):
        in_tuplets = (value_of(length, actual, normal) for actual, normal in TUPLETS)
        return [value for value in in_tuplets if value][:1]
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
    """The sounding alteration of the letter, in semitones."""
    octave: int
    """Octave 4 begins with middle C."""
    sign: str = ""
    """The drawn accidental, by MusicXML's name."""
    tied_before: bool = False
    tied_after: bool = False


class Syllable(NamedTuple):
    """A syllable under a note."""

    text: str
    syllabic: str = "single"
    """``single``, ``begin``, ``middle`` or ``end`` of a word."""
    extends: bool = False
    """Whether a line shows that it is held over the next notes."""


@dataclass
class Symbol:
    """A note, a chord, or a rest (without heads). A ``hidden`` rest is skipped time."""

    begin: Fraction
    length: Fraction
    """In quarters; 0 for a grace note."""
    value: Value | None
    """None for a whole-bar rest, and if no single symbol has the length."""
    heads: list[Head] = field(default_factory=list)
    hidden: bool = False
    whole_bar: bool = False
    grace: str = ""
    """``slash``, ``plain``, or empty if it is no grace note."""
    fermata: bool = False
    slur_begins: int = 0
    slur_ends: int = 0
    lyrics: dict[int, Syllable] = field(default_factory=dict)
    """The syllables by verse, counted from 1."""


class Clef(NamedTuple):
    """A clef: its sign (G, F or C) and the line, from 1 at the bottom."""

    sign: str
    line: int
    octaves: int = 0
    """Octaves to add to the written pitch; -1: it sounds an octave lower."""


class KeySignature(NamedTuple):
    """A key signature: sharps, or minus the flats, and the mode if it is known."""

    fifths: int
    mode: str = ""


MODE_OFFSETS = {"major": 0, "ionian": 0, "mixolydian": -1, "dorian": -2, "minor": -3,
                "aeolian": -3, "phrygian": -4, "locrian": -5, "lydian": 1}  # fmt: skip
"""For each mode: its sharps minus those of the major key on the same tonic."""


def mode_offset(mode: str) -> tuple[int, str]:
    """The offset of a mode, and its name; major if the mode is unknown."""
    name = mode if mode in MODE_OFFSETS else "major"
    return MODE_OFFSETS[name], name


def altered(letter: str, key: KeySignature | None) -> int:
    """The alteration of a letter by a key signature: -1, 0 or 1 semitones."""
    fifths = key.fifths if key else 0
    if fifths >= 0:
        return int("FCGDAEB".index(letter) < fifths)
    return -int("BEADGCF".index(letter) < -fifths)


class Time(NamedTuple):
    """A meter as it is written."""

    beats: str
    """The numerator, such as ``4`` or ``3+2``; empty in free meter."""
    unit: int
    """The denominator."""
    symbol: str = ""
    """``common`` (C), ``cut`` or empty for numbers."""

    @property
    def quarters(self) -> Fraction | None:
        """The length of a full bar in quarters; None in free meter."""
        if not self.beats:
            return None
        return Fraction(4 * sum(map(int, self.beats.split("+"))), self.unit)


class Pace(NamedTuple):
    """A tempo mark."""

    qpm: float
    """Quarters a minute; 0 if the mark has only a text."""
    text: str = ""


class Words(NamedTuple):
    """Words above or below a staff."""

    text: str
    above: bool = True


@dataclass
class Bar:
    """A bar of a staff. Times are quarters from the bar line."""

    number: str = ""
    voices: dict[str, list[Symbol]] = field(default_factory=dict)
    """The symbols of each voice, in order. Gaps between them are silent and not drawn."""
    keys: list[tuple[Fraction, KeySignature]] = field(default_factory=list)
    clefs: list[tuple[Fraction, Clef]] = field(default_factory=list)
    time: Time | None = None
    """A meter that begins here."""
    chords: list[tuple[Fraction, str]] = field(default_factory=list)
    """Chord symbols such as ``Bbm7/Db``."""
    paces: list[tuple[Fraction, Pace]] = field(default_factory=list)
    words: list[tuple[Fraction, Words]] = field(default_factory=list)
    left: str = ""
    """``repeat`` if a repeat begins here, else empty."""
    right: str = ""
    """``repeat``, ``final``, ``double``, ``dashed``, ``invisible``, or empty for a plain line."""
    endings: str = ""
    """The numbers of endings that begin here, such as ``1, 2``."""
    ending_stops: str = ""
    """The numbers of the endings that stop here."""
    ending_open: bool = False
    """Whether the line above an ending that stops here has no hook at its end."""

    @property
    def length(self) -> Fraction:
        """The length of its content in quarters, without whole-bar rests."""
        ends = (
            symbol.begin + symbol.length
            for symbols in self.voices.values()
            for symbol in symbols
            if not symbol.whole_bar
        )
        return max(ends, default=Fraction(0))

    def symbols(self) -> list[Symbol]:
        """The symbols of all voices."""
        return [symbol for symbols in self.voices.values() for symbol in symbols]


@dataclass
class Staff:
    """One staff, with its bars."""

    name: str = ""
    bars: list[Bar] = field(default_factory=list)
    transposes: tuple[int, int] = (0, 0)
    """(chromatic, diatonic) steps from the written to the sounding note."""


@dataclass
class WrittenScore:
    """Staves with the same number of bars, a title and a composer."""

    staves: list[Staff] = field(default_factory=list)
    title: str = ""
    composer: str = ""
    notices: list[str] = field(default_factory=list)
    """Sentences about what was not read."""


def fill_bars(score: WrittenScore) -> None:
    """Give all staves the same number of bars, and whole-bar rests the length of their bars."""
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
    """The symbols of a voice in order, those of a tuplet as one group, others alone.

    A tuplet ends when its ratio changes, or when plain note values add up to its length.
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
    """The length of each bar in quarters; 0 if it has no symbols."""
    return [
        max((s.begin + s.length for bar in bars for s in bar.symbols()), default=Fraction(0))
        for bars in zip(*(staff.bars for staff in score.staves), strict=True)
    ]


def at_concert_pitch(staff: Staff) -> Staff:
    """A staff at sounding pitch; only that of a transposing instrument changes."""
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
    """The names of a staff's voices with notes; if there are none, that of its first voice."""
    names = dict.fromkeys(name for bar in staff.bars for name in bar.voices)
    sung = {
        n
        for bar in staff.bars
        for n, symbols in bar.voices.items()
        if any(s.heads for s in symbols)
    }
    return [name for name in names if name in sung] or list(names)[:1] or ["1"]


def is_satb(score: WrittenScore) -> bool:
    """Whether the staves are soprano, alto, tenor and bass, with one voice each."""
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
