"""The state of one voice while an ABC tune is read: notes, ties, tuplets, bars and endings."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

from musicae.core.constants import MOST_BARS, MOST_ELEMENTS
from musicae.core.errors import ChoraleError
from musicae.io import abc_fields as fields
from musicae.io.written_score import (
    Bar,
    Clef,
    Head,
    KeySignature,
    Staff,
    Symbol,
    Time,
    Words,
    altered,
    value_of,
)
from musicae.io.written_tree import is_chord

LENGTH = r"(\d*/*\d*)"
NOTE = re.compile(r"(\^\^|\^|=|__|_)?([A-Ga-g])([,']*)" + LENGTH)
SIGNS = {"^^": "double-sharp", "^": "sharp", "=": "natural", "_": "flat", "__": "flat-flat"}
SHORT = {"H": "fermata", "T": "trill", ".": "staccato", "~": "roll", "u": "upbow", "v": "downbow",
         "L": "accent", "M": "lowermordent", "O": "coda", "P": "uppermordent", "S": "segno",
         "J": "slide", "R": "roll"}  # fmt: skip
"""Decorations of one letter."""
IN_TIME_OF = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
"""For a tuplet of n notes, how many plain notes take the same time. It is 2 for other n, or 3 in a
compound meter."""
PLACES = "^_<>@"
"""The first character of an annotation; chord symbols have none of these."""


@dataclass
class Voice:
    """A voice of a tune, with the settings that hold until they change."""

    staff: Staff
    unit: Fraction
    """The unit of lengths, in whole notes."""
    meter: Time | None
    signature: KeySignature
    by_key: dict[str, int]
    """Alteration of each letter in the current key, in semitones."""
    octave: int = 0
    """Octaves added to every note."""
    bar: Bar = field(default_factory=Bar)
    layer: int = 1
    signs: dict[tuple[str, int], int] = field(default_factory=dict)
    """The accidentals drawn in this bar, in semitones by letter and octave."""
    now: Fraction = Fraction(0)
    """Quarters since the beginning of the bar."""
    broken: Fraction = Fraction(0)
    """The factor for the next note's length after ``>`` or ``<``; 0 if there was none."""
    tuplet: tuple[int, int, int] = (1, 1, 0)
    """The tuplet as (notes, plain notes that take the same time, symbols still to come)."""
    slurs: int = 0
    decorations: list[str] = field(default_factory=list)
    tied: dict[tuple[str, int, int], tuple[Symbol, int]] = field(default_factory=dict)
    """Note heads that start a tie, by letter, alteration and octave."""
    line: list[Symbol | None] = field(default_factory=list)
    """The notes of the current line of music, with None at bar lines."""
    verse: int = 0
    joined: bool = False
    """Whether the next line of music continues this one."""
    ending: str = ""
    unread: Counter[str] = field(default_factory=Counter)
    """How often each sign was not carried over; shared by the voices of a tune."""
    count: int = 0
    """How many notes and rests the voice has."""

    def set_meter(self, meter: Time | None) -> None:
        """Begin a meter; None keeps the current one."""
        if meter:
            self.meter = meter
            self.bar.time = meter

    def set_key(self, key: fields.KeyField) -> None:
        """Apply a ``K:`` field from here on."""
        if key.key:
            self.signature = key.key
            self.bar.keys.append((self.now, key.key))
        if key.key or key.altered:
            self.by_key = {
                letter: key.altered.get(letter, altered(letter, self.signature))
                for letter in "CDEFGAB"
            }
        self.place(key.clef, key.octave, key.transpose)

    def place(self, clef: Clef | None, octave: int, transpose: int | None) -> None:
        """Set clef, octave shift and transposition; None and 0 keep the current ones."""
        if clef:
            self.bar.clefs.append((self.now, clef))
        self.octave = octave or self.octave
        if transpose is not None:
            self.staff.transposes = transpose, round(transpose * 7 / 12)

    def sign(self, sign: str) -> None:
        """Read a sign of one character, such as a slur, a tie or a decoration."""
        if sign == "(":
            self.slurs += 1
        elif sign == ")":
            if last := self.last():
                last.slur_ends += 1
        elif sign == "-":
            self.tie()
        elif sign == "&":
            self.layer += 1
            self.now = Fraction(0)
        elif sign in SHORT:
            self.decorations.append(SHORT[sign])
        elif sign not in " \t\\$y`!*;?@#)":
            self.unread[sign if sign.isprintable() else "?"] += 1

    def last(self) -> Symbol | None:
        """The previous note, in this line of music."""
        return next((s for s in reversed(self.line) if s is not None), None)

    def head(self, found: re.Match[str]) -> Head:
        """The note head of a match of ``NOTE``. Raises ChoraleError outside octaves -1 to 9."""
        sign, letter, marks = found[1], found[2].upper(), found[3]
        octave = 4 + found[2].islower() + marks.count("'") - marks.count(",") + self.octave
        if not -1 <= octave <= 9:
            raise ChoraleError(
                f"has the note {found[0][:20]} in octave {octave}; octaves are -1 to 9"
            )
        if sign:
            self.signs[letter, octave] = fields.ACCIDENTALS[sign]
        # A tied note keeps its accidental beyond the bar line.
        tied = [key for key in self.tied if (key[0], key[2]) == (letter, octave)]
        alter = self.signs.get((letter, octave), self.by_key[letter])
        if tied and not sign and (letter, octave) not in self.signs:
            alter = tied[0][1]
        return Head(letter, alter, octave, SIGNS.get(sign or "", ""))

    def add(self, heads: list[Head], length: str, hidden: bool = False) -> Symbol:
        """Append a note, a chord or a rest."""
        self.count += 1
        if self.count > MOST_ELEMENTS // 10:
            raise ChoraleError(f"has more than {MOST_ELEMENTS // 10:,} notes; is it damaged?")
        plain = fields.length_of(length) * self.unit * 4
        if self.broken:
            plain *= self.broken
            self.broken = Fraction(0)
        actual, normal, left = self.tuplet
        if left:
            self.tuplet = (actual, normal, left - 1) if left > 1 else (1, 1, 0)
        sounds = plain * normal / actual
        if not sounds:
            raise ChoraleError("has a note without length; is it damaged?")
        symbol = Symbol(self.now, sounds, value_of(sounds, actual, normal), heads, hidden=hidden)
        self.decorate(symbol)
        if heads:
            self.join(symbol)
            symbol.slur_begins, self.slurs = self.slurs, 0
            self.line.append(symbol)
        self.bar.voices.setdefault(str(self.layer), []).append(symbol)
        self.now += sounds
        return symbol

    def decorate(self, symbol: Symbol) -> None:
        """Give a symbol the decorations before it; only fermatas are carried over."""
        for name in self.decorations:
            if name in ("fermata", "invertedfermata"):
                symbol.fermata = True
            else:
                self.unread[name] += 1
        self.decorations = []

    def tie(self) -> None:
        """Start a tie from the previous note."""
        last = self.last()
        if last:
            for rank, head in enumerate(last.heads):
                self.tied[head.letter, head.alter, head.octave] = last, rank

    def join(self, symbol: Symbol) -> None:
        """End the ties that started from the previous notes."""
        for rank, head in enumerate(symbol.heads):
            before = self.tied.get((head.letter, head.alter, head.octave))
            if before:
                origin, place = before
                origin.heads[place] = origin.heads[place]._replace(tied_after=True)
                symbol.heads[rank] = head._replace(tied_before=True)
        self.tied.clear()

    def chord(self, text: str, at: int) -> int:
        """Read a chord such as ``[CEG]2``; its first note gives the length inside the brackets."""
        end = text.find("]", at)
        if end < 0:
            self.unread["["] += 1
            return at + 1
        heads, inner = [], ""
        for found in NOTE.finditer(text[at + 1 : end]):
            heads.append(self.head(found))
            inner = inner or found[4]
        length = re.compile(LENGTH).match(text, end + 1)
        assert length
        if not heads:
            return end + 1
        unit = self.unit
        self.unit *= fields.length_of(inner)
        self.add(heads, length[1])
        self.unit = unit
        if text[at + 1 : end].count("-") and text[end : end + 2] != "]-":
            self.tie()
        return length.end()

    def grace(self, text: str, at: int) -> int:
        """Read grace notes in braces: one is an eighth, several are sixteenths."""
        end = text.find("}", at)
        if end < 0:
            self.unread["{"] += 1
            return at + 1
        inside = text[at + 1 : end]
        notes = list(NOTE.finditer(inside))
        for found in notes:
            plain = Fraction(1, 4) if len(notes) > 1 else Fraction(1, 2)
            value = value_of(plain * fields.length_of(found[4])) or value_of(plain)
            grace = "slash" if inside.startswith("/") else "plain"
            head = self.head(found)
            symbol = Symbol(self.now, Fraction(0), value, [head], grace=grace)
            self.bar.voices.setdefault(str(self.layer), []).append(symbol)
        return end + 1

    def begin_tuplet(self, found: re.Match[str]) -> None:
        """Begin a tuplet such as ``(3`` or ``(3:2:4``."""
        actual = int(found[1])
        if actual < 2:
            self.unread["tuplet of 1"] += 1
            return
        time = self.meter
        bar = time.quarters if time and time.unit == 8 else None
        compound = bar is not None and 2 * bar % 3 == 0
        usual = IN_TIME_OF.get(actual, 3 if compound else 2)
        normal = int(found[2]) if found[2] else usual
        count = int(found[3]) if found[3] else actual
        self.tuplet = (actual, normal or usual, count or actual)

    def quoted(self, text: str) -> None:
        """Read a text in quotes: an annotation, a chord symbol or words."""
        text = text.strip()
        if text and text[0] in PLACES:
            if text[1:].strip():
                self.bar.words.append((self.now, Words(text[1:].strip(), text[0] != "_")))
        elif is_chord(text):
            self.bar.chords.append((self.now, text))
        elif text:
            self.bar.words.append((self.now, Words(text)))

    def break_rhythm(self, marks: str) -> None:
        """``>`` lengthens the previous note by half and halves the next one; ``<`` the reverse."""
        part = Fraction(1, 2 ** len(marks))
        before, after = (2 - part, part) if marks[0] == ">" else (part, 2 - part)
        symbols = self.bar.voices.get(str(self.layer), [])
        last = next((s for s in reversed(symbols) if not s.grace), None)
        if last is None:
            return
        self.now += last.length * (before - 1)
        last.length *= before
        old = last.value
        last.value = value_of(last.length, *((old.actual, old.normal) if old else (1, 1)))
        self.broken = after

    def bar_line(self, line: str, numbers: str) -> None:
        """Read a bar line, with the numbers of an ending that begins there."""
        self.line.append(None)
        repeats_before = line.startswith(":")
        repeats_after = (line.endswith(":") and "|" in line) or line == "::"
        right = "repeat" if repeats_before else ""
        if not right and line == "[|]":
            right = "invisible"
        elif not right and ("]" in line or line == "[|"):
            right = "final"
        elif not right and "||" in line:
            right = "double"
        has_music = any(self.bar.voices.values())
        closes = right in ("repeat", "final") or repeats_after or bool(numbers)
        if line and has_music:
            self.bar.right = right
            self.close(ends=closes)
        elif line and self.staff.bars and right:
            self.staff.bars[-1].right = right
            self.end_ending(closes)
        if repeats_after:
            self.bar.left = "repeat"
        if numbers:
            self.end_ending(True)
            self.ending = ", ".join(_ending_numbers(numbers))
            self.bar.endings = self.ending

    def close(self, ends: bool = False) -> None:
        """End the bar."""
        if len(self.staff.bars) >= MOST_BARS:
            raise ChoraleError(f"has more than {MOST_BARS:,} bars; is it damaged?")
        self.bar.number = ""
        self.staff.bars.append(self.bar)
        self.end_ending(ends)
        self.bar, self.signs, self.layer = Bar(), {}, 1
        self.now = Fraction(0)

    def end_ending(self, ends: bool) -> None:
        """End the current ending at the last bar, if ``ends`` and there is one."""
        if ends and self.ending and self.staff.bars:
            last = self.staff.bars[-1]
            last.ending_stops = self.ending
            last.ending_open = last.right != "repeat"
            self.ending = ""

    def rest(self, count: int) -> None:
        """Rest for whole bars. The bar line after them ends the last one."""
        for index in range(count):
            silence = Symbol(Fraction(0), Fraction(0), None, whole_bar=True)
            self.bar.voices.setdefault(str(self.layer), []).append(silence)
            if index < count - 1:
                self.close()


def _ending_numbers(text: str) -> list[str]:
    found: list[str] = []
    for part in text.strip(",-").split(","):
        ends = [int(end) for end in part.split("-") if end][:2]
        if ends and ends[-1] - ends[0] < 20:
            found += [str(number) for number in range(ends[0], ends[-1] + 1)]
    return found or ["1"]
