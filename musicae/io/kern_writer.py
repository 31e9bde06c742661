"""A score as it is written -> Humdrum kern, a column for each voice, the lowest first.

The columns of a voice's words (``**text``) follow the voice; chord symbols (``**mxhm``) are the
last column. Source: the reference guide of Humdrum, https://www.humdrum.org/guide/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from musicae.core.pitch import letter_at
from musicae.io.written_score import (
    Bar,
    Clef,
    Head,
    KeySignature,
    Staff,
    Syllable,
    Symbol,
    Time,
    WrittenScore,
    at_concert_pitch,
    bar_lengths,
    filled,
    mode_offset,
    voice_names,
)

NULL, SAME = ".", "*"
SHARPS, FLATS = "fcgdaeb", "beadgcf"


@dataclass
class _Column:
    """A voice with its words: one column of notes and one for each verse."""

    staff: Staff
    number: int
    """The number of the staff, counted from 1 at the top."""
    voice: str
    verses: list[int] = field(default_factory=list)

    def line(self, note: str, words: str) -> list[str]:
        """The tokens of its columns: the note, then ``words`` for each verse."""
        return [note, *(words for _ in self.verses)]


def text_of(score: WrittenScore, comments: Sequence[str] = ()) -> str:
    """The text of a score's kern file; ``comments`` become comment lines at its beginning."""
    columns = _columns(score)
    lengths = bar_lengths(score)
    chords = any(bar.chords for bar in score.staves[0].bars)
    writer = _Writer(columns, chords)
    lines = writer.lines
    lines += [f"!!!OTL: {score.title}"] if score.title else []
    lines += [f"!!!COM: {score.composer}"] if score.composer else []
    lines += [f"!! {comment}" for comment in comments]
    writer.line(["**kern" for _ in columns], "**text", "**mxhm")
    writer.line([f"*staff{column.number}" for column in columns])
    if any(column.staff.name for column in columns):
        names = [column.staff.name for column in columns]
        writer.line([f'*I"{name}' if name else "*" for name in names])
    for index, length in enumerate(lengths):
        writer.bar(index, length, index == len(lengths) - 1)
    writer.line(["*-" for _ in columns], "*-", "*-")
    return "\n".join(lines) + "\n"


def _columns(score: WrittenScore) -> list[_Column]:
    """The voices from the lowest, each with the numbers of its verses."""
    found = []
    for number, written in enumerate(score.staves, start=1):
        staff = at_concert_pitch(written)
        for voice in voice_names(staff):
            verses = {
                verse
                for bar in staff.bars
                for symbol in bar.voices.get(voice, [])
                for verse in symbol.lyrics
            }
            found.append(_Column(staff, number, voice, sorted(verses)))
    return found[::-1]


class _Writer:
    def __init__(self, columns: Sequence[_Column], chords: bool) -> None:
        self.columns, self.chords = columns, chords
        self.lines: list[str] = []
        self.inside: dict[int, bool] = {}  # whether a column is within a word

    def line(self, notes: Sequence[str], words: str = SAME, chord: str = SAME) -> None:
        """Append a line: a token for each voice, ``words`` for all verses, and the chord."""
        tokens: list[str] = []
        for column, note in zip(self.columns, notes, strict=True):
            tokens += column.line(note, words)
        self.lines.append("\t".join(tokens + ([chord] if self.chords else [])))

    def marks(self, texts: Sequence[str]) -> None:
        """Append a line of interpretations, unless all texts are empty."""
        if any(texts):
            self.line([text or SAME for text in texts])

    def bar(self, index: int, length: Fraction, last: bool) -> None:
        bars = [column.staff.bars[index] for column in self.columns]
        before = [column.staff.bars[index - 1] if index else None for column in self.columns]
        if index or not _is_pickup(bars[0], length):
            sign = _bar_line(before[0], bars[0])
            self.line([f"={bars[0].number or index + 1}{sign}"] * len(bars), *_barred(bars, index))
        self.marks([_clef(bar.clefs[0][1]) if bar.clefs else "" for bar in bars])
        self.marks([_signature(bar.keys[0][1]) if bar.keys else "" for bar in bars])
        self.marks([_key(bar.keys[0][1]) if bar.keys else "" for bar in bars])
        self.marks([_time(bar.time) if bar.time else "" for bar in bars])
        self.marks([_symbol_of(bar.time) if bar.time else "" for bar in bars])
        pace = next((p.qpm for bar in reversed(bars) for _, p in bar.paces if p.qpm), 0)
        self.marks([f"*MM{pace:g}" if pace else ""] * len(bars))
        self.symbols(bars, length)
        if last:
            self.line([_end(bars[0])] * len(bars), _end(bars[0]), _end(bars[0]))

    def symbols(self, bars: Sequence[Bar], length: Fraction) -> None:
        """Append the notes of a bar, one line for each onset."""
        rows: dict[tuple[Fraction, int], dict[int, Symbol]] = {}
        for place, (column, bar) in enumerate(zip(self.columns, bars, strict=True)):
            symbols = filled(bar, column.voice, length)
            count: dict[Fraction, int] = {}
            for symbol in symbols:
                if symbol.grace:
                    count[symbol.begin] = count.get(symbol.begin, 0) + 1
            left = dict(count)
            for symbol in symbols:
                rank = 0
                if symbol.grace:
                    rank = -left[symbol.begin]
                    left[symbol.begin] -= 1
                rows.setdefault((symbol.begin, rank), {})[place] = symbol
        chords = dict(bars[-1].chords) if self.chords else {}
        for at in chords:
            rows.setdefault((at, 0), {})
        for (at, rank), found in sorted(rows.items()):
            self.words_above(bars, at, rank)
            tokens: list[str] = []
            for place, column in enumerate(self.columns):
                here = found.get(place)
                tokens.append(_token(here) if here else NULL)
                for verse in column.verses:
                    syllable = here.lyrics.get(verse) if here else None
                    tokens.append(_syllable(syllable) if syllable else NULL)
            chord = chords.get(at, NULL) if rank == 0 else NULL
            self.lines.append("\t".join(tokens + ([chord] if self.chords else [])))

    def words_above(self, bars: Sequence[Bar], at: Fraction, rank: int) -> None:
        """Append the words printed at a time, as layout comments."""
        texts = [
            next((w for when, w in bar.words if when == at and rank == 0), None) for bar in bars
        ]
        if any(texts):
            self.line(
                [
                    f"!LO:TX:{'a' if w.above else 'b'}:t={w.text.replace(':', '&colon;')}"
                    if w
                    else "!"
                    for w in texts
                ],
                "!",
                "!",
            )


def _is_pickup(bar: Bar, length: Fraction) -> bool:
    nominal = bar.time.quarters if bar.time else None
    return nominal is not None and length < nominal and not bar.left


def _barred(bars: Sequence[Bar], index: int) -> tuple[str, str]:
    token = f"={bars[0].number or index + 1}"
    return token, token


def _bar_line(before: Bar | None, bar: Bar) -> str:
    """The signs after the number of a bar line: repeats or a double bar."""
    ends, begins = bool(before) and before.right == "repeat", bool(bar.left)  # type: ignore[union-attr]
    if ends or begins:
        return (":|" if ends else "") + "!" + ("|:" if begins else "")
    return "||" if before and before.right == "double" else ""


def _end(bar: Bar) -> str:
    return "=:|!" if bar.right == "repeat" else "=="


def _clef(clef: Clef) -> str:
    return f"*clef{clef.sign}{'v' * -clef.octaves}{'^' * clef.octaves}{clef.line}"


def _signature(key: KeySignature) -> str:
    letters = SHARPS[: key.fifths] if key.fifths >= 0 else FLATS[: -key.fifths]
    sign = "#" if key.fifths > 0 else "-"
    return f"*k[{''.join(letter + sign for letter in letters)}]"


def _key(key: KeySignature) -> str:
    """The key, such as ``*G:``, ``*e:`` or ``*d:dor``."""
    if not key.mode:
        return ""
    offset, mode = mode_offset(key.mode)
    letter, alter = letter_at(key.fifths - offset)
    tonic = letter + "#" * alter + "-" * -alter
    minor = mode in ("minor", "dorian", "phrygian", "aeolian", "locrian")
    church = "" if mode in ("major", "minor") else mode[:3]
    return f"*{tonic.lower() if minor else tonic}:{church}"


def _time(time: Time) -> str:
    return f"*M{time.beats}/{time.unit}" if time.beats else "*MX"


def _symbol_of(time: Time) -> str:
    return {"common": "*met(c)", "cut": "*met(c|)"}.get(time.symbol, "")


def _token(symbol: Symbol) -> str:
    """A note, a chord or a rest."""
    value = symbol.value
    if symbol.grace:
        mark = "q" if symbol.grace == "slash" else "qq"
        duration = _duration(
            value.quarters if value else Fraction(1, 2), value.dots if value else 0
        )
        return " ".join(duration + mark + _pitch(head) for head in symbol.heads)
    duration = _duration(symbol.length, value.dots if value else None)
    if not symbol.heads:
        return f"{duration}r{'yy' if symbol.hidden else ''}{';' if symbol.fermata else ''}"
    tokens = []
    for rank, head in enumerate(symbol.heads):
        begins = "[" if head.tied_after and not head.tied_before else ""
        ends = "_" if head.tied_after and head.tied_before else "]" if head.tied_before else ""
        slurs = ("(" * symbol.slur_begins, ")" * symbol.slur_ends) if rank == 0 else ("", "")
        fermata = ";" if symbol.fermata and rank == 0 else ""
        tokens.append(f"{slurs[0]}{begins}{duration}{_pitch(head)}{fermata}{ends}{slurs[1]}")
    return " ".join(tokens)


def _duration(quarters: Fraction, dots: int | None) -> str:
    """A length in quarters as kern writes it: n for 1/n of a whole note, with dots, else ``n%m``.

    >>> _duration(Fraction(3, 2), 1), _duration(Fraction(1, 3), 0), _duration(Fraction(8), 0)
    ('4.', '12', '0')
    """
    for count in (dots,) if dots is not None else (0, 1, 2, 3):
        plain = quarters / 4 / (2 - Fraction(1, 2**count))
        if plain.numerator == 1:
            return str(plain.denominator) + "." * count
        if plain in (2, 4):
            return "0" * int(plain / 2) + "." * count
    whole = quarters / 4
    return f"{whole.denominator}%{whole.numerator}"


def _pitch(head: Head) -> str:
    upper = head.octave < 4
    letter = head.letter if upper else head.letter.lower()
    count = 4 - head.octave if upper else head.octave - 3
    sign = {"natural": "n"}.get(head.sign, "") if not head.alter else ""
    return letter * count + "#" * head.alter + "-" * -head.alter + sign


def _syllable(syllable: Syllable) -> str:
    begins = "-" if syllable.syllabic in ("middle", "end") else ""
    ends = "-" if syllable.syllabic in ("begin", "middle") else "_" if syllable.extends else ""
    text = " ".join(syllable.text.split())
    return begins + (text if text[:1] not in ("!", "*", "=", ".") else "\\" + text) + ends
