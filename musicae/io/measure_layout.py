"""Write the measures of a given part again, without its deleted elements and with new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple
from xml.etree import ElementTree as ET

from musicae.io.musicxml_parts import is_sung, line_of
from musicae.io.musicxml_time import Timed

Place = tuple[str, str]
"""A staff and a voice."""
ANYWHERE = frozenset({"barline", "print", "bookmark", "link", "grouping"})
"""Elements without a time of their own."""
BEFORE_VOICE = frozenset(
    {"grace", "cue", "chord", "pitch", "rest", "unpitched", "duration", "tie", "instrument"}
)
AFTER_STAFF = frozenset({"beam", "notations", "lyric", "play", "listen"})
"""Elements of a note that come before its ``<voice>``, and after its ``<staff>``."""


class Placed(NamedTuple):
    """An element of a measure, with its time in units."""

    element: ET.Element
    begin: int
    duration: int
    place: Place | None
    """None unless it is a note."""


def surviving(
    items: Sequence[Timed],
    kept: set[ET.Element],
    staves: set[str],
    gone: set[Place],
    is_open: Callable[[Place, int], bool],
) -> list[Timed]:
    """The elements of a measure that stay, in order, without ``<backup>`` and ``<forward>``.

    Args:
        kept: the pitched notes that stay.
        staves: the staves that stay.
        gone: voices that leave nothing in the whole part.
        is_open: whether new notes are written at a place, at a time in units.
    """
    sung = [item for item in items if _takes_part(item)]
    places = {line_of(item.element) for item in sung if item.element in kept}
    silenced = gone | ({line_of(item.element) for item in sung} - places)
    found = []
    for item in items:
        element = item.element
        if element.tag == "note":
            place = line_of(element)
            stays = element in kept
            if not _takes_part(item):
                stays = place not in silenced and place[0] in staves
                stays &= element.find("rest") is None or not is_open(place, item.begin)
        else:
            stays = element.tag not in ("backup", "forward")
            stays &= element.findtext("staff", "").strip() in {"", *staves}
        if stays:
            found.append(item)
    return found


def lay_out(
    measure: ET.Element,
    items: Iterable[Placed],
    new: Sequence[Placed],
    divisions: Fraction,
    quarter: int,
) -> None:
    """Fill a measure with elements in order, and insert new ones at their times.

    A new note goes before the next note of its place, any other new element before a note that
    begins at the same time. ``<backup>`` and ``<forward>`` bridge jumps in time.

    Args:
        divisions: MusicXML's divisions of a quarter note.
        quarter: the units of a quarter note; times are in units.
    """
    placed = list(items)
    for item in new:
        placed.insert(_index_for(item, placed), item)
    measure[:] = []
    now = 0
    for item in placed:
        if item.begin != now and item.element.tag not in ANYWHERE:
            skip = ET.SubElement(measure, "forward" if item.begin > now else "backup")
            ET.SubElement(skip, "duration").text = length(abs(item.begin - now), divisions, quarter)
            now = item.begin
        measure.append(item.element)
        now += item.duration


def chord_heads(items: Sequence[Timed], twins: dict[ET.Element, ET.Element]) -> list[Placed]:
    """The copies of elements that stay, with their times.

    If the first note of a chord is left out, the next one takes its place and its words.

    Args:
        items: the elements of the measure.
        twins: the copy of each element that stays.
    """
    found: list[Placed] = []
    head: ET.Element | None = None
    words: list[ET.Element] = []
    for item in items:
        element = item.element
        twin = twins.get(element)
        if element.tag != "note":
            if twin is not None:
                found.append(Placed(twin, item.begin, item.duration, None))
            continue
        chord = element.find("chord")
        if chord is None:
            head, words = None, element.findall("lyric")
        if twin is None:
            continue
        follows = chord is not None and head is not None
        if chord is not None and head is None:
            twin.remove(twin.find("chord"))  # type: ignore[arg-type]
            if twin.find("lyric") is None:
                twin.extend(words)
        head = twin
        begin = item.begin + item.duration if follows else item.begin
        found.append(Placed(twin, begin, 0 if follows else item.duration, line_of(element)))
    return found


def length(units: int, divisions: Fraction, quarter: int) -> str:
    """A length in units as MusicXML writes it, in divisions; a whole number if possible."""
    exact = units * divisions / quarter
    return str(exact.numerator if exact.denominator == 1 else float(exact))


def put_at(note: ET.Element, place: Place, with_staff: bool) -> None:
    """Write the ``<voice>`` of a new note and, if ``with_staff``, its ``<staff>``."""
    for tag in ("voice", "staff"):
        for element in note.findall(tag):
            note.remove(element)
    tags = [child.tag for child in note]
    voice = ET.Element("voice")
    voice.text = place[1]
    note.insert(sum(tag in BEFORE_VOICE for tag in tags), voice)
    if with_staff:
        staff = ET.Element("staff")
        staff.text = place[0]
        note.insert(len(note) - sum(tag in AFTER_STAFF for tag in tags), staff)


def _takes_part(item: Timed) -> bool:
    return item.element.tag == "note" and is_sung(item.element) and item.duration > 0


def _index_for(item: Placed, placed: Sequence[Placed]) -> int:
    if item.place is None:
        together = (i for i, p in enumerate(placed) if p.place and p.begin == item.begin)
        index = next(together, None)
    else:
        same = [i for i, other in enumerate(placed) if other.place == item.place]
        later = (i for i in same if placed[i].begin >= item.begin)
        index = next(later, same[-1] + 1 if same else None)
    if index is not None:
        return index
    ends = bool(placed) and placed[-1].element.get("location") == "right"
    return len(placed) - ends
