"""A score as it is written -> MusicXML tree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import lcm
from xml.etree import ElementTree as ET

from musicae.core.errors import ChoraleError
from musicae.io.written_score import (
    Bar,
    Head,
    Pace,
    Staff,
    Symbol,
    Time,
    Value,
    Words,
    WrittenScore,
    tuplet_groups,
    values_of,
)

MOST_DIVISIONS = 10**7
"""The most divisions of a quarter note that a score may need."""
CHORD_KINDS = {
    "": "major",
    "m": "minor",
    "min": "minor",
    "-": "minor",
    "7": "dominant",
    "maj7": "major-seventh",
    "M7": "major-seventh",
    "m7": "minor-seventh",
    "min7": "minor-seventh",
    "dim": "diminished",
    "o": "diminished",
    "dim7": "diminished-seventh",
    "o7": "diminished-seventh",
    "ø": "half-diminished",
    "ø7": "half-diminished",
    "m7b5": "half-diminished",
    "aug": "augmented",
    "+": "augmented",
    "6": "major-sixth",
    "m6": "minor-sixth",
    "9": "dominant-ninth",
    "maj9": "major-ninth",
    "m9": "minor-ninth",
    "11": "dominant-11th",
    "13": "dominant-13th",
    "sus2": "suspended-second",
    "sus": "suspended-fourth",
    "sus4": "suspended-fourth",
    "5": "power",
}
"""MusicXML's kinds by endings of chord symbols. The first ending of a kind is the one written."""
CHORD = re.compile(r"([A-G])([#b♯♭]?)([^/\s]{0,20})(?:/([A-G])([#b♯♭]?))?")
ALTERS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
BAR_STYLES = {"final": "light-heavy", "double": "light-light", "dashed": "dashed",
              "invisible": "none", "repeat": "light-heavy"}  # fmt: skip


def is_chord(text: str) -> bool:
    """Whether a text is a chord symbol.

    >>> [is_chord(text) for text in ("Bbm7/Db", "Fine", "D.C.")]
    [True, False, False]
    """
    found = CHORD.fullmatch(text.strip())
    return bool(found) and bool(re.fullmatch(_KNOWN_KIND, found[3]))  # type: ignore[index]


_KNOWN_KIND = r"(?:m|M|maj|min|dim|aug|sus|add|alt|ø|o|°|\+|-|[#b♯♭]?\d{1,2}|[(),])*"


def chord_parts(text: str) -> tuple[tuple[str, int], str, tuple[str, int] | None]:
    """Root, ending and bass of a chord symbol; root and bass as (letter, alteration).

    Raises ChoraleError if the text is no chord symbol.

    >>> chord_parts("Bbm7/Db")
    (('B', -1), 'm7', ('D', -1))
    """
    found = CHORD.fullmatch(text.strip())
    if not found:
        raise ChoraleError(f"{text!r} is not a chord symbol that can be written")
    bass = (found[4], ALTERS[found[5]]) if found[4] else None
    return (found[1], ALTERS[found[2]]), found[3], bass


# to a tree


def to_tree(score: WrittenScore) -> ET.Element:
    """The MusicXML of a written score, with a part for each staff.

    Raises ChoraleError if its note lengths need more than ``MOST_DIVISIONS`` of a quarter.
    """
    divisions = _divisions(score)
    root = ET.Element("score-partwise", version="4.0")
    if score.title:
        ET.SubElement(ET.SubElement(root, "work"), "work-title").text = score.title
    if score.composer:
        header = ET.SubElement(root, "identification")
        ET.SubElement(header, "creator", type="composer").text = score.composer
    listing = ET.SubElement(root, "part-list")
    for number, staff in enumerate(score.staves, start=1):
        entry = ET.SubElement(listing, "score-part", id=f"P{number}")
        ET.SubElement(entry, "part-name").text = staff.name
        part = ET.SubElement(root, "part", id=f"P{number}")
        for index, bar in enumerate(staff.bars):
            part.append(_measure(bar, staff, index, divisions))
    return root


def _divisions(score: WrittenScore) -> int:
    """The divisions of a quarter in which all times of a score are whole numbers."""
    found = 1
    for staff in score.staves:
        for bar in staff.bars:
            places = [at for at, *_ in (*bar.chords, *bar.paces, *bar.words, *bar.keys, *bar.clefs)]
            for symbol in bar.symbols():
                places += [symbol.begin, symbol.length]
            found = lcm(found, *(place.denominator for place in places))
            if found > MOST_DIVISIONS:
                raise ChoraleError("has note lengths that are too fine to be read; is it damaged?")
    return found


def _measure(bar: Bar, staff: Staff, index: int, divisions: int) -> ET.Element:
    measure = ET.Element("measure", number=bar.number or str(index + 1))
    if bar.left or bar.endings:
        line = ET.SubElement(measure, "barline", location="left")
        _end(line, bar.endings, "start", "forward" if bar.left else "")
    first = index == 0
    marks = _marks(bar, staff, first, divisions)
    now = Fraction(0)
    for rank, (voice, symbols) in enumerate(bar.voices.items()):
        if now:
            _move(measure, "backup", now, divisions)
            now = Fraction(0)
        for group in tuplet_groups(list(_split(symbols))):
            is_tuplet = len(group) > 1
            for place, symbol in enumerate(group):
                edge = {0: "start", len(group) - 1: "stop"}.get(place, "") if is_tuplet else ""
                end = max(symbol.begin + symbol.length, now)
                while rank == 0 and marks and (marks[0][0] < end or marks[0][0] <= symbol.begin):
                    _put(measure, *marks.pop(0), now=symbol.begin, divisions=divisions)
                if symbol.begin > now:
                    _move(measure, "forward", symbol.begin - now, divisions)
                    now = symbol.begin
                if symbol.hidden:
                    _move(measure, "forward", symbol.length, divisions)
                else:
                    measure.extend(_notes(symbol, voice, divisions, edge))
                now = symbol.begin + symbol.length
    for at, element in marks:
        _put(measure, at, element, now=now, divisions=divisions)
    if bar.right or bar.ending_stops:
        line = ET.SubElement(measure, "barline", location="right")
        if bar.right:
            ET.SubElement(line, "bar-style").text = BAR_STYLES[bar.right]
        kind = "discontinue" if bar.ending_open else "stop"
        _end(line, bar.ending_stops, kind, "backward" if bar.right == "repeat" else "")
    return measure


def _end(line: ET.Element, ending: str, kind: str, repeat: str) -> None:
    """Append an ending and a repeat sign to a bar line."""
    if ending:
        ET.SubElement(line, "ending", number=ending, type=kind)
    if repeat:
        ET.SubElement(line, "repeat", direction=repeat)


def _marks(
    bar: Bar, staff: Staff, first: bool, divisions: int
) -> list[tuple[Fraction, ET.Element]]:
    """The elements of a bar besides notes, with their times, in order.

    ``first`` says whether it is the first bar, which has the divisions and transposition.
    """
    opening = ET.Element("attributes")
    marks = [(Fraction(0), opening)]
    if first:
        ET.SubElement(opening, "divisions").text = str(divisions)

    def attributes(at: Fraction) -> ET.Element:
        if at == 0:
            return opening
        marks.append((at, ET.Element("attributes")))
        return marks[-1][1]

    for at, key in bar.keys:
        drawn = ET.SubElement(attributes(at), "key")
        ET.SubElement(drawn, "fifths").text = str(key.fifths)
        if key.mode:
            ET.SubElement(drawn, "mode").text = key.mode
    if bar.time:
        opening.append(_time(bar.time))
    for at, clef in bar.clefs:
        drawn = ET.SubElement(attributes(at), "clef")
        ET.SubElement(drawn, "sign").text = clef.sign
        ET.SubElement(drawn, "line").text = str(clef.line)
        if clef.octaves:
            ET.SubElement(drawn, "clef-octave-change").text = str(clef.octaves)
    if first and staff.transposes != (0, 0):
        transpose = ET.SubElement(opening, "transpose")
        for tag, steps in zip(("diatonic", "chromatic"), staff.transposes[::-1], strict=True):
            ET.SubElement(transpose, tag).text = str(steps)
    harmonies = ((at, _harmony(chord)) for at, chord in bar.chords)
    marks += [(at, harmony) for at, harmony in harmonies if harmony is not None]
    marks += [(at, _tempo(pace)) for at, pace in bar.paces]
    marks += [(at, _words(words)) for at, words in bar.words]
    return sorted((mark for mark in marks if len(mark[1])), key=lambda mark: mark[0])


def _time(time: Time) -> ET.Element:
    element = ET.Element("time", {"symbol": time.symbol} if time.symbol else {})
    if time.beats:
        ET.SubElement(element, "beats").text = time.beats
        ET.SubElement(element, "beat-type").text = str(time.unit)
    else:
        ET.SubElement(element, "senza-misura")
    return element


def _words(words: Words) -> ET.Element:
    direction = ET.Element("direction", placement="above" if words.above else "below")
    ET.SubElement(ET.SubElement(direction, "direction-type"), "words").text = words.text
    return direction


def _put(
    measure: ET.Element, at: Fraction, element: ET.Element, now: Fraction, divisions: int
) -> None:
    """Append a mark for the time ``at`` to a measure at the time ``now``, with an offset."""
    if at != now and element.tag != "attributes":
        offset = ET.Element("offset")
        offset.text = str(int((at - now) * divisions))
        last = element.find("sound") if element.tag == "direction" else None
        element.insert(len(element) - (last is not None), offset)
    measure.append(element)


def _move(measure: ET.Element, tag: str, length: Fraction, divisions: int) -> None:
    ET.SubElement(ET.SubElement(measure, tag), "duration").text = str(int(length * divisions))


def _harmony(text: str) -> ET.Element | None:
    found = CHORD.fullmatch(text.strip())
    if not found:
        return None
    harmony = ET.Element("harmony")
    root = ET.SubElement(harmony, "root")
    ET.SubElement(root, "root-step").text = found[1]
    if alter := ALTERS[found[2]]:
        ET.SubElement(root, "root-alter").text = str(alter)
    kind = ET.SubElement(harmony, "kind", text=found[3])
    kind.text = CHORD_KINDS.get(found[3], "other")
    if found[4]:
        bass = ET.SubElement(harmony, "bass")
        ET.SubElement(bass, "bass-step").text = found[4]
        if alter := ALTERS[found[5]]:
            ET.SubElement(bass, "bass-alter").text = str(alter)
    return harmony


def _tempo(pace: Pace) -> ET.Element:
    direction = ET.Element("direction", placement="above")
    if pace.text:
        ET.SubElement(ET.SubElement(direction, "direction-type"), "words").text = pace.text
    if pace.qpm:
        mark = ET.SubElement(ET.SubElement(direction, "direction-type"), "metronome")
        ET.SubElement(mark, "beat-unit").text = "quarter"
        ET.SubElement(mark, "per-minute").text = f"{pace.qpm:g}"
        ET.SubElement(direction, "sound", tempo=f"{pace.qpm:g}")
    return direction


def _split(symbols: list[Symbol]) -> Iterator[Symbol]:
    """The symbols; a length that no single symbol has becomes several tied symbols."""
    for symbol in symbols:
        values = [] if symbol.value or symbol.whole_bar else values_of(symbol.length)
        if len(values) < 2:
            yield replace(symbol, value=values[0] if values else symbol.value)
            continue
        begin = symbol.begin
        for i, value in enumerate(values):
            last = i == len(values) - 1
            heads = [
                head._replace(
                    sign=head.sign if i == 0 else "",
                    tied_before=head.tied_before if i == 0 else True,
                    tied_after=head.tied_after if last else True,
                )
                for head in symbol.heads
            ]
            yield replace(
                symbol,
                begin=begin,
                length=value.quarters,
                value=value,
                heads=heads,
                fermata=symbol.fermata and last,
                slur_begins=symbol.slur_begins if i == 0 else 0,
                slur_ends=symbol.slur_ends if last else 0,
                lyrics=symbol.lyrics if i == 0 else {},
            )
            begin += value.quarters


def _notes(symbol: Symbol, voice: str, divisions: int, edge: str) -> Iterator[ET.Element]:
    """The ``<note>`` elements of a symbol.

    ``edge`` is ``start`` or ``stop`` if a tuplet starts or stops here, else empty.
    """
    heads: list[Head | None] = [*symbol.heads]
    for rank, head in enumerate(heads or [None]):
        note = ET.Element("note")
        if symbol.grace:
            ET.SubElement(note, "grace", {"slash": "yes"} if symbol.grace == "slash" else {})
        if rank:
            ET.SubElement(note, "chord")
        if head is None:
            ET.SubElement(note, "rest", {"measure": "yes"} if symbol.whole_bar else {})
        else:
            pitch = ET.SubElement(note, "pitch")
            ET.SubElement(pitch, "step").text = head.letter
            if head.alter:
                ET.SubElement(pitch, "alter").text = str(head.alter)
            ET.SubElement(pitch, "octave").text = str(head.octave)
        if not symbol.grace:
            ET.SubElement(note, "duration").text = str(int(symbol.length * divisions))
        ties = [
            kind
            for kind, tied in (
                ("stop", head and head.tied_before),
                ("start", head and head.tied_after),
            )
            if tied
        ]
        for kind in ties:
            ET.SubElement(note, "tie", type=kind)
        ET.SubElement(note, "voice").text = voice
        _draw(note, symbol.value, head.sign if head else "")
        notations = _notations(symbol if rank == 0 else None, ties, edge)
        if len(notations):
            note.append(notations)
        if rank == 0:
            note.extend(_lyrics(symbol))
        yield note


def _draw(note: ET.Element, value: Value | None, sign: str) -> None:
    """Append a note's value and its accidental."""
    if value:
        ET.SubElement(note, "type").text = value.kind
        for _ in range(value.dots):
            ET.SubElement(note, "dot")
    if sign:
        ET.SubElement(note, "accidental").text = sign
    if value and value.actual != value.normal:
        ratio = ET.SubElement(note, "time-modification")
        ET.SubElement(ratio, "actual-notes").text = str(value.actual)
        ET.SubElement(ratio, "normal-notes").text = str(value.normal)


def _notations(symbol: Symbol | None, ties: Sequence[str], edge: str) -> ET.Element:
    """The notations of a note head; ``symbol`` is given only for the first head of a symbol."""
    notations = ET.Element("notations")
    for kind in ties:
        ET.SubElement(notations, "tied", type=kind)
    if symbol is None:
        return notations
    for kind, count in (("stop", symbol.slur_ends), ("start", symbol.slur_begins)):
        for number in range(1, count + 1):
            ET.SubElement(notations, "slur", type=kind, number=str(number))
    if edge and not symbol.grace:
        ET.SubElement(notations, "tuplet", type=edge)
    if symbol.fermata:
        ET.SubElement(notations, "fermata", type="upright")
    return notations


def _lyrics(symbol: Symbol) -> Iterator[ET.Element]:
    for verse, syllable in sorted(symbol.lyrics.items()):
        lyric = ET.Element("lyric", number=str(verse))
        ET.SubElement(lyric, "syllabic").text = syllable.syllabic
        ET.SubElement(lyric, "text").text = syllable.text
        if syllable.extends:
            ET.SubElement(lyric, "extend")
        yield lyric
