"""Exact time in MusicXML: the elements of each measure, the bars and their meters, in units.

Units are fine enough that each division of a quarter note in the file is a whole number of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from math import lcm
from statistics import mode
from typing import NamedTuple
from xml.etree import ElementTree as ET

from musicae.core.constants import MOST_BAR_STEPS, MOST_STEPS, STEPS_PER_QUARTER
from musicae.core.errors import ChoraleError
from musicae.core.meter import Meter
from musicae.io.musicxml_file import one_line

UNITS = 10_080
"""The fewest units of a quarter note: 2^5 x 3^2 x 5 x 7, so that usual tuplets are whole."""
MOST_UNITS = 10**12
"""The most units of a quarter note. The times of a file that needs more are rounded to ``UNITS``
a quarter."""


class Timed(NamedTuple):
    """An element of a measure, with its time from the bar line and its duration, in units."""

    element: ET.Element
    begin: int
    duration: int
    offset: int = 0
    """How much later than ``begin`` a direction or a chord symbol applies, in units."""


def number(text: str | None, what: str) -> Fraction:
    """A number as MusicXML writes it. ``what`` names it in the ChoraleError if it is none."""
    found = re.fullmatch(r"\s*([+-]?\d{1,12}(?:\.\d{1,30})?)\s*", (text or "")[:60], re.ASCII)
    if not found:
        raise ChoraleError(
            f"is a damaged score: its {what} is {one_line(text)[:40]!r}, not a number"
        )
    return Fraction(found[1])


def quarter_of(root: ET.Element) -> int:
    """The units of a quarter note in a file. Raises ChoraleError for invalid divisions."""
    found = UNITS
    for text in {divisions.text for divisions in root.iter("divisions")}:
        divisions = number(text, "divisions")
        if divisions <= 0:
            raise ChoraleError(
                f"is a damaged score: its divisions of a quarter note are {one_line(text)!r}"
            )
        found = lcm(found, divisions.numerator)
        if found > MOST_UNITS:
            return UNITS
    return found


def timed_measures(part: ET.Element, quarter: int) -> Iterator[tuple[Timed, ...]]:
    """The elements of each measure of a part with their times.

    ``quarter`` is the number of units in a quarter note. Raises ChoraleError for times that are no
    numbers, or negative.
    """
    divisions = Fraction(1)
    for measure in part.findall("measure"):
        now = head = 0
        items = []
        for element in measure:
            if element.tag == "attributes":
                divisions = number(element.findtext("divisions", str(divisions)), "divisions")
            duration = 0
            if element.tag in ("note", "backup", "forward") and element.find("grace") is None:
                text = element.findtext("duration")
                whole = element.find("rest[@measure='yes']") is not None
                exact = Fraction(0) if whole and text is None else number(text, "duration")
                duration = round(exact * quarter / divisions)
                if duration < 0:
                    raise ChoraleError(
                        f"is a damaged score: it has the duration {one_line(text)!r}"
                    )
            if element.tag == "backup":
                now = max(0, now - duration)
            elif element.find("chord") is not None:
                items.append(Timed(element, head, duration))
                continue
            elif element.tag == "note":
                head = now
            offset = 0
            if element.tag in ("direction", "harmony") and element.find("offset") is not None:
                exact = number(element.findtext("offset"), "offset")
                offset = round(exact * quarter / divisions)
            forward = 0 if element.tag == "backup" else duration
            items.append(Timed(element, now, forward, offset))
            now += forward
        yield tuple(items)


def bars_of(
    timed: list[list[tuple[Timed, ...]]], quarter: int
) -> tuple[list[int], list[tuple[int, int]]]:
    """The beginnings of the bars in units, with the end of the piece last, and the bars' meters.

    - A bar is as long as its content, including skipped time. Nothing else in a file says that a
      bar is cut short, as pickups and bars before repeat signs are.
    - A bar with only whole-bar rests is as long as its meter says.
    - Skipped time at the end of the last bar does not count if, without it, the content of most
      parts makes a full bar together with the pickup.

    Raises ChoraleError if a bar or the piece is too long.
    """
    begins, times = [0], []
    time = (4, 4)
    bars = max(map(len, timed))
    for i in range(bars):
        drawn = [measures[i] for measures in timed if i < len(measures)]
        stated = (item.element.find("time") for bar in drawn for item in bar)
        time = next((_time(found) for found in stated if found is not None), None) or time
        nominal = Meter(0, *time).steps_per_bar * quarter // STEPS_PER_QUARTER
        length = max(_lengths(drawn), default=0) or nominal
        if 0 < i == bars - 1:
            usual = mode(_lengths(drawn, skipped=False) or [length])
            begun = (t.begin for bar in drawn for t in bar if t.element.find("pitch") is not None)
            completes = usual > 0 and usual + begins[1] == nominal
            if completes and all(begin < usual for begin in begun):
                length = usual
        if length * STEPS_PER_QUARTER > MOST_BAR_STEPS * quarter:
            raise ChoraleError(
                f"bar {i + 1} lasts {length // quarter} quarter notes; is it damaged?"
            )
        begins.append(begins[-1] + length)
        times.append(time)
        steps = begins[-1] * STEPS_PER_QUARTER // quarter
        if steps > MOST_STEPS:
            raise ChoraleError(f"lasts {steps // STEPS_PER_QUARTER} quarter notes; is it damaged?")
    return begins, times


def _lengths(drawn: list[tuple[Timed, ...]], skipped: bool = True) -> list[int]:
    """The length of each part's content in a bar, in units.

    ``skipped`` says whether skipped time at its end counts. Parts with a whole-bar rest are left
    out; its length has no meaning.
    """
    return [
        max((t.begin + t.duration for t in bar if skipped or t.element.tag == "note"), default=0)
        for bar in drawn
        if not _is_silent(bar)
    ]


def _time(element: ET.Element) -> tuple[int, int] | None:
    """The meter of a ``<time>``; None if it states none. ``3+2`` and pairs of beats are summed."""
    beats = [
        sum(int(number(n, "beats")) for n in (b.text or "").split("+"))
        for b in element.findall("beats")
    ]
    units = [int(number(unit.text, "beat-type")) for unit in element.findall("beat-type")]
    if not beats or len(beats) != len(units):
        return None
    for pair in zip(beats, units, strict=True):
        Meter(0, *pair)
    common = max(units)
    return sum(b * common // unit for b, unit in zip(beats, units, strict=True)), common


def _is_silent(bar: tuple[Timed, ...]) -> bool:
    """Whether a bar has only a whole-bar rest."""
    notes = [t.element for t in bar if t.element.tag == "note"]
    return len(notes) == 1 and notes[0].find("rest[@measure='yes']") is not None
