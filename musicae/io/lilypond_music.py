"""The notes of a voice in LilyPond: symbols, tuplets, grace notes, meters, keys and bar lines.

Source: the LilyPond notation reference 2.24, https://lilypond.org/doc/v2.24/Documentation/notation/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import takewhile

from musicae.core.errors import ChoraleError
from musicae.core.pitch import letter_at
from musicae.io.written_score import (
    Bar,
    Clef,
    Head,
    KeySignature,
    Pace,
    Staff,
    Syllable,
    Symbol,
    Time,
    Value,
    filled,
    mode_offset,
    tuplet_groups,
    values_of,
)

DURATIONS = {"long": "\\longa", "breve": "\\breve", "whole": "1", "half": "2", "quarter": "4",
             "eighth": "8", "16th": "16", "32nd": "32", "64th": "64", "128th": "128",
             "256th": "256", "512th": "512", "1024th": "1024"}  # fmt: skip
ALTERS = {-2: "eses", -1: "es", 0: "", 1: "is", 2: "isis"}
CLEFS = {Clef("G", 2): "treble", Clef("G", 2, -1): "treble_8", Clef("F", 4): "bass",
         Clef("C", 3): "alto", Clef("C", 4): "tenor", Clef("C", 1): "soprano",
         Clef("C", 2): "mezzosoprano", Clef("F", 3): "varbaritone", Clef("G", 2, 1): "treble^8",
         Clef("F", 4, -1): "bass_8", Clef("G", 1): "french"}  # fmt: skip
BAR_LINES = {"final": "|.", "double": "||", "dashed": "!", "invisible": "", "repeat": ":|."}


@dataclass
class VoiceLine:
    """A voice, with the name of its variable in the LilyPond file."""

    name: str
    staff: Staff
    voice: str
    leads: bool
    """Whether it is the first voice of its staff. Only this one writes the signs of the staff."""
    clef: Clef | None = None
    """The clef to write instead of those of the staff."""

    def words(self, verse: int) -> str:
        """The name of the variable with the words of a verse, counted from 1."""
        return f"{self.name}Words{letters(verse - 1)}"

    def syllables(self, verse: int) -> list[Syllable]:
        """The syllables of a verse in order."""
        return [
            symbol.lyrics[verse]
            for bar in self.staff.bars
            for symbol in bar.voices.get(self.voice, [])
            if verse in symbol.lyrics
        ]


def graces_first(bar: Bar, voice: str) -> list[Symbol]:
    """The grace notes of a voice before the first note of a bar."""
    symbols = takewhile(lambda symbol: symbol.grace, bar.voices.get(voice, []))
    return [symbol for symbol in symbols if symbol.begin == 0]


def bars_of(
    voice: VoiceLine,
    lengths: Sequence[Fraction],
    satb: bool,
    graces: Mapping[int, Sequence[Symbol]],
) -> Iterator[str]:
    """One line for each bar of a voice.

    Args:
        lengths: the length of each bar in quarters.
        satb: whether the score is written for SATB on two staves.
        graces: grace notes at the beginning of bars, in any voice, by the bar's index. The other
            voices get skips of the same length; without them LilyPond draws the bar line twice.
    """
    nominal = current = Fraction(4)
    stopped = False  # whether an ending has to be closed here
    quiet = slurs_with_words(voice)
    for index, (bar, length) in enumerate(zip(voice.staff.bars, lengths, strict=True)):
        tokens: list[str] = []
        if satb and voice.clef and index == 0:
            tokens.append(f"\\clef {quoted(CLEFS[voice.clef])}")
        if bar.time:
            tokens.append(_time(bar.time))
            nominal = current = bar.time.quarters or length
        if index == 0 and length < nominal and length:
            tokens.append(f"\\partial {duration_of(length)}")
        elif index and length and length != current:
            tokens.append(f"\\set Timing.measureLength = #(ly:make-moment {length / 4})")
            current = length
        if voice.leads:
            tokens += _opening(bar, stopped)
            stopped = bool(bar.ending_stops)
        if index in graces and not graces_first(bar, voice.voice):
            skips = " ".join(f"s{_duration(symbol.value)}" for symbol in graces[index])
            tokens.append(f"\\grace {{ {skips} }}")
        tokens += _symbols(voice, bar, length, satb, quiet)
        tokens += ["|"]
        last = index == len(lengths) - 1
        following = "" if last else voice.staff.bars[index + 1].left
        if voice.leads and bar.right and not (bar.right == "repeat" and following):
            tokens.append(f'\\bar "{BAR_LINES[bar.right]}"')
        elif voice.leads and following:
            both = ":..:" if bar.right == "repeat" else ".|:"
            tokens.append(f'\\bar "{both}"')
        if voice.leads and last and stopped:
            tokens.append("\\set Score.repeatCommands = #'((volta #f))")
        yield f"  {' '.join(tokens)} % {bar.number or index + 1}"


def _opening(bar: Bar, stopped: bool) -> Iterator[str]:
    """The commands for endings at the bar line before a bar."""
    commands = ["(volta #f)"] if stopped else []
    commands += [f'(volta "{bar.endings}.")'] if bar.endings else []
    if commands:
        yield f"\\set Score.repeatCommands = #'({' '.join(commands)})"


def _symbols(
    voice: VoiceLine, bar: Bar, length: Fraction, satb: bool, quiet: set[int]
) -> Iterator[str]:
    """The symbols of a voice in a bar, with the marks between them."""
    marks: list[tuple[Fraction, str]] = [(at, _key(key)) for at, key in bar.keys]
    if not satb:
        marks += [(at, f"\\clef {quoted(_clef(clef))}") for at, clef in bar.clefs]
    words: list[tuple[Fraction, str]] = []
    if voice.leads:
        marks += [(at, mark) for at, pace in bar.paces if (mark := _pace(pace))]
    if voice.leads or satb:
        for at, said in bar.words:
            words.append((at, f"{'^' if said.above else '_'}\\markup {quoted(said.text)}"))
    marks.sort(key=lambda mark: mark[0])
    graces: list[Symbol] = []
    for group in tuplet_groups(filled(bar, voice.voice, length)):
        ratio = group[0].value if len(group) > 1 else None
        if ratio:
            yield f"\\tuplet {ratio.actual}/{ratio.normal} {{"
        for symbol in group:
            while marks and marks[0][0] <= symbol.begin:
                yield marks.pop(0)[1]
            if symbol.grace:
                graces.append(symbol)
                continue
            if graces:
                yield _graces(graces)
                graces = []
            end = symbol.begin + symbol.length
            here = "".join(text for at, text in words if symbol.begin <= at < end)
            yield _symbol(symbol, bool(ratio), quiet) + here
        if ratio:
            yield "}"
    if graces:
        yield _graces(graces)
    yield from (mark for _, mark in marks)


def _graces(symbols: Sequence[Symbol]) -> str:
    command = "\\slashedGrace" if symbols[0].grace == "slash" else "\\grace"
    inner = " ".join(_note(symbol.heads) + _duration(symbol.value) for symbol in symbols)
    return f"{command} {{ {inner} }}"


def _symbol(symbol: Symbol, in_tuplet: bool, quiet: set[int]) -> str:
    """A note, chord, rest or skip; several tied ones if no single note value has its length."""
    after = "\\fermata" if symbol.fermata else ""
    if id(symbol) not in quiet:
        after += ")" * symbol.slur_ends + "(" * symbol.slur_begins
    if symbol.whole_bar:
        return f"R1*{symbol.length / 4}{after}"
    value = symbol.value
    if value and (in_tuplet or value.actual == value.normal):
        return (
            _note(symbol.heads, symbol.hidden, ties=True) + _duration(value) + _tie(symbol) + after
        )
    values = values_of(symbol.length) if not value else []
    if not values or values[0].actual != values[0].normal:  # a part of a tuplet on its own
        duration = f"1*{symbol.length / 4}"
        return _note(symbol.heads, symbol.hidden, ties=True) + duration + _tie(symbol) + after
    tied = " ~ " if symbol.heads else " "
    parts = [_note(symbol.heads, symbol.hidden) + _duration(part) for part in values]
    return tied.join(parts) + _tie(symbol) + after


def _note(heads: Sequence[Head], hidden: bool = False, ties: bool = False) -> str:
    if not heads:
        return "s" if hidden else "r"
    if len(heads) == 1:
        return _pitch(heads[0])
    some = ties and not all(head.tied_after for head in heads)
    each = (_pitch(head) + ("~" if some and head.tied_after else "") for head in heads)
    return f"<{' '.join(each)}>"


def _tie(symbol: Symbol) -> str:
    return "~" if symbol.heads and all(head.tied_after for head in symbol.heads) else ""


def _pitch(head: Head) -> str:
    if head.alter not in ALTERS:
        raise ChoraleError(
            f"a note with {abs(head.alter)} sharps or flats cannot be written in LilyPond; the most"
            " is 2"
        )
    marks = "'" * (head.octave - 3) if head.octave > 3 else "," * (3 - head.octave)
    return head.letter.lower() + ALTERS[head.alter] + marks


def _duration(value: Value | None) -> str:
    return DURATIONS[value.kind] + "." * value.dots if value else "4"


def duration_of(length: Fraction) -> str:
    """A length in quarters as a LilyPond duration, such as ``4.`` or ``1*5/8``."""
    values = values_of(length)
    if len(values) == 1 and values[0].actual == values[0].normal:
        return _duration(values[0])
    return f"1*{length / 4}"


def _time(time: Time) -> str:
    if not time.beats:
        return "\\cadenzaOn"
    style = "\\defaultTimeSignature" if time.symbol else "\\numericTimeSignature"
    if "+" in time.beats:
        beats = time.beats.replace("+", " ")
        return f"{style} \\compoundMeter #'(({beats} {time.unit}))"
    return f"{style} \\time {time.beats}/{time.unit}"


def _key(key: KeySignature) -> str:
    offset, mode = mode_offset(key.mode)
    letter, alter = letter_at(key.fifths - offset)
    return f"\\key {letter.lower()}{ALTERS.get(alter, '')} \\{mode}"


def _clef(clef: Clef) -> str:
    return CLEFS.get(clef) or CLEFS.get(clef._replace(octaves=0), "treble")


def _pace(pace: Pace) -> str:
    text = f"{quoted(pace.text)} " if pace.text else ""
    mark = f"4 = {max(1, round(pace.qpm))}" if pace.qpm else ""
    return f"\\tempo {text}{mark}".rstrip() if text or mark else ""


def verses_of(voice: VoiceLine) -> list[int]:
    """The numbers of a voice's verses, in order."""
    return sorted(
        {
            verse
            for bar in voice.staff.bars
            for symbol in bar.voices.get(voice.voice, [])
            for verse in symbol.lyrics
        }
    )


def slurs_with_words(voice: VoiceLine) -> set[int]:
    """The ``id()`` of symbols whose slurs are left out.

    LilyPond sets one syllable under a slur, so slurs over several syllables cannot be written.
    """
    quiet: set[int] = set()
    under: list[Symbol] = []
    for bar in voice.staff.bars:
        for symbol in bar.voices.get(voice.voice, []):
            if under or symbol.slur_begins:
                under.append(symbol)
            if under and symbol.slur_ends:
                if any(each.lyrics for each in under[1:]):
                    quiet |= {id(each) for each in under}
                under = []
    return quiet | {id(each) for each in under}


def quoted(text: str) -> str:
    """A text as a LilyPond string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def letters(number: int) -> str:
    """A number from 0 as letters: A, B ... Z, AA. Names in LilyPond have only letters."""
    return chr(65 + number) if number < 26 else letters(number // 26 - 1) + chr(65 + number % 26)
