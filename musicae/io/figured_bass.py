"""Figured bass in MusicXML: read the ``<figured-bass>`` elements of a part, or write them.

Figures come before their note in the file. If a note has several, they come in order, and each one
states its duration; only the last may omit it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from xml.etree import ElementTree as ET

from musicae.core.constants import STEPS_PER_QUARTER
from musicae.core.errors import ChoraleError
from musicae.io.musicxml_parts import Score, ScorePart
from musicae.io.musicxml_time import number, timed_measures
from musicae.theory.figured_bass import FLAT, NATURAL, RAISED, SHARP, THIRD, Figure, Figures

_SIGNS = {
    "sharp": SHARP,
    "flat": FLAT,
    "natural": NATURAL,
    "plus": RAISED,
    "slash": RAISED,
    "back-slash": RAISED,
    "vertical": RAISED,
}
"""The signs by MusicXML's names. A stroke through a number raises it."""
_NAMES = {SHARP: "sharp", FLAT: "flat", NATURAL: "natural"}


def read_figures(score: Score, part: ScorePart) -> tuple[tuple[int, Figures], ...]:
    """The figures of a part, as (step, figures), without the lines that hold a figure.

    Raises ChoraleError, with the bar, for figures that cannot be read.
    """
    found = []
    divisions = Fraction(1)
    for index, items in enumerate(part.measures):
        late = Fraction(0)
        for item in items:
            if (stated := item.element.findtext("divisions")) is not None:
                divisions = number(stated, "divisions")
            if item.element.tag != "figured-bass":
                late = Fraction(0)
                continue
            try:
                figures = _figures(item.element)
                duration = number(item.element.findtext("duration", "0"), "duration")
            except ChoraleError as error:
                raise ChoraleError(f"bar {index + 1}: {error}") from None
            if figures is not None:
                at = score.begins[index] + item.begin + round(late * score.quarter)
                found.append((score.step(at), figures))
            late += duration / divisions
    return tuple(found)


def write_figures(part: ET.Element, quarter: int, figures: Sequence[tuple[int, Figures]]) -> None:
    """Replace the figures of a part by ``figures``, given as (step, figures).

    Figures at a step where no note sounds are left out. A note without figures needs no element.
    ``quarter`` is the number of units in a quarter note; see ``musicxml_time.quarter_of``.
    """
    for measure in part.findall("measure"):
        for element in measure.findall("figured-bass"):
            measure.remove(element)
    begin, divisions = 0, Fraction(1)
    for measure, items in zip(part.findall("measure"), timed_measures(part, quarter), strict=True):
        divisions = number(measure.findtext("attributes/divisions", str(divisions)), "divisions")
        for item in items:
            if item.element.find("pitch") is None or item.element.find("chord") is not None:
                continue
            first = begin + item.begin
            stop = first + item.duration
            inside: list[tuple[Fraction, Figures | None]] = [
                (at, one)
                for step, one in sorted(figures, key=lambda found: found[0])
                if first <= (at := Fraction(step * quarter, STEPS_PER_QUARTER)) < stop
            ]
            if not inside:
                continue
            if inside[0][0] > first:
                inside.insert(0, (Fraction(first), None))
            ends = [at for at, _ in inside[1:]] + [Fraction(stop)]
            for (at, one), end in zip(inside, ends, strict=True):
                lasts = (end - at) * divisions / quarter if len(inside) > 1 else None
                if one != Figures() or lasts is not None:
                    place = list(measure).index(item.element)
                    measure.insert(place, _element(one, lasts))
        begin += max((item.begin + item.duration for item in items), default=0)


def _element(figures: Figures | None, lasts: Fraction | None) -> ET.Element:
    """The element of figures. Empty figures are written as 3; None holds the previous figures.

    ``lasts`` is the duration in divisions.
    """
    element = ET.Element("figured-bass")
    if figures is None:
        ET.SubElement(ET.SubElement(element, "figure"), "extend", type="continue")
    else:
        for number_, sign in figures.written or (Figure(3),):
            figure = ET.SubElement(element, "figure")
            if sign in _NAMES:
                ET.SubElement(figure, "prefix").text = _NAMES[sign]
            if number_ != THIRD or not sign:
                ET.SubElement(figure, "figure-number").text = str(number_)
            if sign == RAISED:
                ET.SubElement(figure, "suffix").text = "plus"
    if lasts is not None:
        ET.SubElement(element, "duration").text = (
            str(int(lasts)) if lasts.denominator == 1 else str(float(lasts))
        )
    return element


def _figures(element: ET.Element) -> Figures | None:
    """The figures of an element; None if it only holds the previous figures."""
    numbers: dict[int, str] = {}
    held = False
    for one in element.findall("figure"):
        held |= one.find("extend") is not None
        text = (one.findtext("figure-number") or "").strip()
        sign = ""
        for tag in ("prefix", "suffix"):
            name = (one.findtext(tag) or "").strip()
            sign = _SIGNS.get(name, sign)
        if text or sign:
            written = f"{text}{sign}" if sign == RAISED and text else f"{sign}{text}"
            numbers |= dict(Figures.parse(written).written)
    return None if held and not numbers else Figures.of(numbers)
