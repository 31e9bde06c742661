"""A score as it is written -> ABC, with one ABC voice for each voice.

Source: the ABC standard 2.1, https://abcnotation.com/wiki/abc:standard:v2.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from musicae.core.pitch import letter_at
from musicae.io.abc_fields import CLEFS
from musicae.io.written_score import (
    Bar,
    Clef,
    Head,
    KeySignature,
    Pace,
    Staff,
    Symbol,
    Time,
    WrittenScore,
    altered,
    at_concert_pitch,
    bar_lengths,
    filled,
    is_satb,
    mode_offset,
    tuplet_groups,
    voice_names,
)

UNIT = Fraction(1, 2)
"""The length that ``L:1/8`` states, in quarters."""
BARS_A_LINE = 4
SIGNS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
BAR_LINES = {"": "|", "final": "|]", "double": "||", "dashed": ".|", "invisible": "[|]",
             "repeat": ":|"}  # fmt: skip


@dataclass
class _Voice:
    """A voice with its current key."""

    name: str
    staff: Staff
    voice: str
    leads: bool
    """Whether it is the first voice of its staff."""
    key: KeySignature = field(default_factory=lambda: KeySignature(0))


def text_of(score: WrittenScore, comments: Sequence[str] = ()) -> str:
    """The text of a score's ABC file; ``comments`` become comment lines at its beginning."""
    staves = [at_concert_pitch(staff) for staff in score.staves]
    satb = is_satb(score)
    voices: list[_Voice] = []
    for staff in staves:
        for rank, own in enumerate(voice_names(staff)):
            name = str(len(voices) + 1)
            voices.append(_Voice(name, staff, own, rank == 0))
    lengths = bar_lengths(score)
    first = staves[0].bars[0]
    lines = ["X:1", *(f"% {comment}" for comment in comments), f"T:{score.title}"]
    lines += [f"C:{score.composer}"] if score.composer else []
    lines += [f"M:{_meter(first.time)}" if first.time else "M:none", "L:1/8"]
    pace = next((pace for at, pace in first.paces if at == 0), None)
    lines += [f"Q:{_pace(pace)}"] if pace else []
    if satb:
        lines.append("%%score [ (1 2) (3 4) ]")
    for voice in voices:
        keys = [key for at, key in voice.staff.bars[0].keys if at == 0]
        voice.key = keys[0] if keys else KeySignature(0)
    shared = voices[0].key
    lines.append(f"K:{_key(shared)}")
    for voice in voices:  # music21 reads voices only one after another
        lines.append(_declaration(voice))
        for start in range(0, len(lengths), BARS_A_LINE):
            lines += _line(voice, start, lengths[start : start + BARS_A_LINE], shared)
    return "\n".join(lines) + "\n"


def _declaration(voice: _Voice) -> str:
    clefs = [clef for at, clef in voice.staff.bars[0].clefs if at == 0]
    name = voice.staff.name.replace('"', "'")
    text = f"V:{voice.name}" + (f' name="{name}"' if name else "")
    return text + (f" clef={_clef(clefs[0])}" if clefs else "")


def _line(
    voice: _Voice, start: int, lengths: Sequence[Fraction], shared: KeySignature
) -> Iterator[str]:
    """One line of a voice's bars, then a ``w:`` line for each verse."""
    bars = voice.staff.bars[start : start + len(lengths)]
    last = start + len(bars) == len(voice.staff.bars)
    text = ""
    sung: list[Symbol | None] = []
    for index, (bar, length) in enumerate(zip(bars, lengths, strict=True)):
        opens = start + index == 0
        if bar.left and (opens or voice.staff.bars[start + index - 1].right != "repeat"):
            text += "|:" if opens or index == 0 else ""
        if bar.endings:
            text += f"[{bar.endings.replace(', ', ',')} "
        text += " ".join(_bar(voice, bar, length, opens, shared))
        end = BAR_LINES[bar.right]
        following = None if index == len(bars) - 1 else bars[index + 1]
        if following is None and not last:
            following = voice.staff.bars[start + index + 1]
        if following and following.left:
            inside = index < len(bars) - 1
            end = "::" if bar.right == "repeat" else "|:" if inside else "|"
        text += f" {end} "
        sung += [s for s in bar.voices.get(voice.voice, []) if s.heads and not s.grace]
        sung.append(None)
    yield text.strip()
    verses = sorted({verse for symbol in sung if symbol for verse in symbol.lyrics})
    for verse in range(1, max(verses, default=0) + 1):
        yield f"w: {_words(sung, verse)}"


def _bar(
    voice: _Voice, bar: Bar, length: Fraction, opens: bool, shared: KeySignature
) -> Iterator[str]:
    """The symbols of a bar, with the marks between them."""
    marks = sorted(_marks(voice, bar, opens, shared), key=lambda mark: mark[0])
    keys = dict(bar.keys)
    signs: dict[tuple[str, int], int] = {}
    graces: list[Symbol] = []
    for group in tuplet_groups(filled(bar, voice.voice, length)):
        ratio = group[0].value if len(group) > 1 else None
        scaled = Fraction(ratio.actual, ratio.normal) if ratio else Fraction(1)
        if ratio:
            count = sum(not symbol.grace for symbol in group)
            yield f"({ratio.actual}:{ratio.normal}:{count}"
        for symbol in group:
            voice.key = keys.get(symbol.begin, voice.key)
            if symbol.grace:
                graces.append(symbol)
                continue
            end = symbol.begin + symbol.length
            text = "".join(mark for at, mark in marks if at < end)
            marks = [mark for mark in marks if mark[0] >= end]
            if graces:
                inner = " ".join(_note(voice, g, signs, _grace_length(g)) for g in graces)
                text += f"{{{'/' if graces[0].grace == 'slash' else ''}{inner}}}"
                graces = []
            text += "!fermata!" if symbol.fermata else ""
            text += "(" * symbol.slur_begins + _note(voice, symbol, signs, symbol.length * scaled)
            yield text + ")" * symbol.slur_ends


def _marks(
    voice: _Voice, bar: Bar, opens: bool, shared: KeySignature
) -> Iterator[tuple[Fraction, str]]:
    """The marks of a bar at their times, without those that the header states for its opening."""
    for at, key in bar.keys:
        if not (opens and at == 0 and key == shared):
            yield at, f"[K:{_key(key)}]"
    if bar.time and not opens:
        yield Fraction(0), f"[M:{_meter(bar.time)}]"
    yield from ((at, f"[K:clef={_clef(clef)}]") for at, clef in bar.clefs if at or not opens)
    if voice.leads:
        yield from ((at, f"[Q:{_pace(pace)}]") for at, pace in bar.paces if at or not opens)
        yield from ((at, f'"{_plain(chord)}"') for at, chord in bar.chords)
        yield from (
            (at, f'"{"^" if words.above else "_"}{_plain(words.text)}"') for at, words in bar.words
        )


def _note(
    voice: _Voice, symbol: Symbol, signs: dict[tuple[str, int], int], length: Fraction
) -> str:
    """A note, chord or rest; ``length`` is its drawn length in quarters."""
    if symbol.whole_bar:
        return "Z"
    size = _length(length / UNIT)
    if not symbol.heads:
        return ("x" if symbol.hidden else "z") + size
    heads = [_head(head, voice.key, signs) for head in symbol.heads]
    ties = ["-" if head.tied_after else "" for head in symbol.heads]
    if len(heads) == 1:
        return heads[0] + size + ties[0]
    if all(ties):
        return f"[{''.join(heads)}]{size}-"
    return f"[{''.join(h + t for h, t in zip(heads, ties, strict=True))}]{size}"


def _grace_length(symbol: Symbol) -> Fraction:
    """The drawn length of a grace note, in quarters."""
    return symbol.value.quarters if symbol.value else UNIT


def _head(head: Head, key: KeySignature, signs: dict[tuple[str, int], int]) -> str:
    place = head.letter, head.octave
    by_key = altered(head.letter, key)
    sign = ""
    # Written at each note: music21 and others do not carry accidentals through the bar.
    if head.sign or head.alter != by_key or head.alter != signs.get(place, by_key):
        sign = SIGNS.get(head.alter, "^^" if head.alter > 0 else "__")
        signs[place] = head.alter
    letter = head.letter.lower() if head.octave > 4 else head.letter
    marks = "'" * (head.octave - 5) if head.octave > 4 else "," * (4 - head.octave)
    return sign + letter + marks


def _length(units: Fraction) -> str:
    """The factor that multiplies the unit of lengths, as ABC writes it.

    >>> [_length(Fraction(*units)) for units in ((2, 1), (1, 2), (3, 2), (1, 1))]
    ['2', '/2', '3/2', '']
    """
    top = "" if units.numerator == 1 else str(units.numerator)
    return top if units.denominator == 1 else f"{top}/{units.denominator}"


def _words(symbols: Sequence[Symbol | None], verse: int) -> str:
    """A ``w:`` line."""
    tokens: list[str] = []
    inside = held = False
    for symbol in symbols:
        if symbol is None:
            continue
        syllable = symbol.lyrics.get(verse)
        if syllable:
            text = _plain(syllable.text).replace("-", "\\-").replace(" ", "~")
            text = "".join(c for c in text if c not in "*_|")
            inside = syllable.syllabic in ("begin", "middle")
            held = syllable.extends or inside
            tokens.append((text or "~") + ("-" if inside else " "))
        else:
            tied = all(head.tied_before for head in symbol.heads)
            tokens.append("_ " if held or tied else "* ")
    return "".join(tokens).rstrip()


def _meter(time: Time) -> str:
    if not time.beats:
        return "none"
    beats = f"({time.beats})" if "+" in time.beats else time.beats
    return {"common": "C", "cut": "C|"}.get(time.symbol, f"{beats}/{time.unit}")


def _key(key: KeySignature) -> str:
    offset, mode = mode_offset(key.mode)
    letter, alter = letter_at(key.fifths - offset)
    name = letter + "#" * alter + "b" * -alter
    return name if mode == "major" else f"{name} {mode}"


def _clef(clef: Clef) -> str:
    plain = clef._replace(octaves=0)
    name = next((name for name, known in CLEFS.items() if known == plain), "treble")
    return name + {-1: "-8", 1: "+8"}.get(clef.octaves, "")


def _pace(pace: Pace) -> str:
    text = f'"{_plain(pace.text)}" ' if pace.text else ""
    return (text + (f"1/4={pace.qpm:g}" if pace.qpm else "")).strip()


def _plain(text: str) -> str:
    """A text without quotes and percent signs, which would end it in ABC."""
    return " ".join(text.replace('"', "'").replace("%", "").split())
