"""Single elements of MEI: durations, keys, meters, clefs, accidentals and syllables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from xml.etree import ElementTree as ET

from musicae.core.errors import ChoraleError
from musicae.io.musicxml_file import one_line
from musicae.io.musicxml_time import number
from musicae.io.written_score import KINDS, Clef, KeySignature, Syllable, Time

ALTERS = {"s": 1, "f": -1, "n": 0, "x": 2, "ss": 2, "ff": -2, "ns": 1, "nf": -1, "sx": 3, "xs": 3,
          "ts": 3, "tf": -3}  # fmt: skip
"""Alterations by MEI's names of accidentals, in semitones."""
SIGNS = {"s": "sharp", "f": "flat", "n": "natural", "x": "double-sharp", "ss": "sharp-sharp",
         "ff": "flat-flat"}  # fmt: skip
"""MusicXML's names of accidentals by MEI's."""
BAR_LINES = {"end": "final", "dbl": "double", "dashed": "dashed", "invis": "invisible",
             "rptend": "repeat", "rptboth": "repeat"}  # fmt: skip
SYLLABICS = {"i": "begin", "m": "middle", "t": "end", "s": "single"}
READINGS = ("corr", "reg", "expan", "lem", "rdg", "sic", "orig", "abbr")
"""The order in which alternatives are preferred."""
TRANSPARENT = ("section", "ending", "parts", "part", "beam", "graceGrp", "bTrem", "fTrem",
               "supplied", "add", "unclear", "damage", "restore", "subst", "corr", "reg", "expan",
               "lem", "rdg", "sic", "orig", "abbr")  # fmt: skip
"""Elements that only group other elements; these are read as if they stood in the parent."""


def reading_of(element: ET.Element) -> ET.Element | None:
    """The alternative of a ``<choice>`` or ``<app>`` that is read; None if it has none."""
    for tag in READINGS:
        if (found := element.find(tag)) is not None:
            return found
    return None


def inside(element: ET.Element, tags: Sequence[str]) -> Iterator[ET.Element]:
    """The children of an element with these tags, also those inside editorial markup or groups."""
    for child in element:
        if child.tag in tags:
            yield child
        elif child.tag in ("app", "choice"):
            if (read := reading_of(child)) is not None:
                yield from inside(read, tags)
        elif child.tag in TRANSPARENT:
            yield from inside(child, tags)


def duration_of(element: ET.Element, text: str) -> tuple[str, int]:
    """The kind of note value that ``dur`` (``text``) states, and the number of dots.

    Raises ChoraleError if there is no such note value.
    """
    text = text.strip()
    named = dict(zip(("long", "breve", *(str(2**i) for i in range(11))), KINDS, strict=True))
    if text not in named:
        raise ChoraleError(
            f"has the note value (dur) {one_line(text)[:40]!r}; known are long, breve, 1, 2, 4 and"
            " so on to 1024"
        )
    dots = int(number(element.get("dots", "0"), "dots")) or len(element.findall("dot"))
    return named[text], dots


def tuplet_of(element: ET.Element) -> tuple[int, int]:
    """The notes of a tuplet, and the number of plain notes that take the same time.

    Raises ChoraleError unless both are 1 to 999.
    """
    numbers = [int(number(element.get(k, d), k)) for k, d in (("num", "3"), ("numbase", "2"))]
    if not all(0 < n < 1000 for n in numbers):
        raise ChoraleError(
            f"has a tuplet of {numbers[0]} notes in the time of {numbers[1]}; is it damaged?"
        )
    return numbers[0], numbers[1]


def key_of(element: ET.Element) -> KeySignature | None:
    """The key signature of a scoreDef, staffDef or keySig; None if it states none."""
    sign = element if element.tag == "keySig" else element.find("keySig")
    text = element.get("keysig") or element.get("key.sig") or ""
    mode = element.get("key.mode", "")
    if sign is not None:
        text = text or sign.get("sig", "")
        mode = mode or sign.get("mode", "")
    found = re.fullmatch(r"([0-7])([sf]?)", text.strip())
    if not found:
        return None
    return KeySignature(int(found[1]) * (-1 if found[2] == "f" else 1), one_line(mode))


def time_of(element: ET.Element) -> Time | None:
    """The meter of a scoreDef, staffDef or meterSig; None if it states none.

    Raises ChoraleError if its denominator is not 1 to 1024.
    """
    sign = element if element.tag == "meterSig" else element.find("meterSig")
    if sign is not None:
        count, unit, symbol = (sign.get(name, "") for name in ("count", "unit", "sym"))
    else:
        count, unit, symbol = (element.get(f"meter.{n}", "") for n in ("count", "unit", "sym"))
    symbol = symbol if symbol in ("common", "cut") else ""
    if symbol and not count:
        return Time("4", 4, symbol) if symbol == "common" else Time("2", 2, symbol)
    beats = count.replace(" ", "")
    if not re.fullmatch(r"[1-9]\d{0,2}(\+[1-9]\d{0,2}){0,9}", beats):
        return None
    bottom = int(number(unit or "4", "meter.unit"))
    if not 0 < bottom <= 1024:
        raise ChoraleError(f"has the meter {beats}/{bottom}; is it damaged?")
    return Time(beats, bottom, symbol)


def clef_of(element: ET.Element) -> Clef | None:
    """The clef of a staffDef or a ``<clef>``; None if it states none of G, F or C."""
    sign = element if element.tag == "clef" else element.find("clef")
    if sign is not None:
        names = ("shape", "line", "dis", "dis.place")
        shape, line, octaves, place = (sign.get(name, "") for name in names)
    else:
        names = ("clef.shape", "clef.line", "clef.dis", "clef.dis.place")
        shape, line, octaves, place = (element.get(name, "") for name in names)
    if shape not in ("G", "F", "C", "GG"):
        return None
    lines = {"G": "2", "F": "4", "C": "3", "GG": "2"}
    drawn = int(line) if re.fullmatch("[1-5]", line) else int(lines[shape])
    down = -1 if shape == "GG" else {"8": 1, "15": 2}.get(octaves, 0)
    down = -down if place == "below" else down
    return Clef(shape[0], drawn, down)


def accidentals_of(note: ET.Element) -> tuple[str, str]:
    """The drawn and the sounding accidental of a note, by MEI's names; empty if not stated."""
    inner = next(inside(note, ("accid",)), None)
    drawn, sounding = note.get("accid", ""), note.get("accid.ges", "")
    if inner is not None:
        drawn, sounding = drawn or inner.get("accid", ""), sounding or inner.get("accid.ges", "")
    return drawn, sounding


def lyrics_of(element: ET.Element) -> dict[int, Syllable]:
    """The syllables under a note or chord, by verse."""
    found: dict[int, Syllable] = {}
    for verse in element.iter("verse"):
        syllables = list(verse.iter("syl"))
        text = " ".join(one_line("".join(syllable.itertext())) for syllable in syllables).strip()
        if text.strip(" |"):
            digits = re.search(r"\d{1,2}", verse.get("n", "1"))
            kind = SYLLABICS.get(syllables[-1].get("wordpos", ""), "")
            goes_on = syllables[-1].get("con") == "d"
            found.setdefault(
                int(digits[0]) if digits else 1,
                Syllable(
                    text,
                    kind or ("begin" if goes_on else "single"),
                    syllables[-1].get("con") == "u",
                ),
            )
    if element.get("syl") and not found:
        found[1] = Syllable(one_line(element.get("syl")))
    return found


def qpm_of(tempo: ET.Element) -> float:
    """The tempo of a tempo mark in quarters a minute; 0 if it states no number."""
    try:
        if tempo.get("midi.bpm"):
            return float(number(tempo.get("midi.bpm"), "midi.bpm"))
        unit = int(number(tempo.get("mm.unit", "4"), "mm.unit"))
        dots = min(2, int(number(tempo.get("mm.dots", "0"), "mm.dots")))
        beat = Fraction(4, unit) * (2 - Fraction(1, 2**dots))
        return float(number(tempo.get("mm"), "mm") * beat)
    except (ChoraleError, ZeroDivisionError):  # "ca. 80"
        return 0.0
