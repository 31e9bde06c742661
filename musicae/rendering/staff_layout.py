"""Turn four-part MusicXML into the MusicXML that is engraved: a close or an open score.

A close score has soprano and alto on one staff and tenor and bass on another, an open score has one
staff for each voice. Voices without notes and empty staves are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from musicae.core.constants import N_VOICES
from musicae.core.errors import MusicaeError
from musicae.io.accidentals import Accidentals

STAVES = ((0, 1), (2, 3))
"""The voices on each staff of the close score."""
_CLEFS = (("G", "2"), ("F", "4"))
"""The sign and line of the clef of each staff."""
MIDDLE_LINES = (("B", "4"), ("D", "3"))
"""The step and octave of each staff's middle line, on which a rest of both voices is drawn."""
_STEMS = ("up", "down")
"""The stems of the two voices that share a staff."""

NOTE_CHILDREN = (
    *("grace", "chord", "pitch", "rest", "duration", "tie", "voice", "type", "dot", "accidental"),
    *("time-modification", "stem", "notehead", "staff", "beam", "notations", "lyric"),
)
"""The child elements of a note, in the order that MusicXML requires."""

_LAST = 1_000
"""More than any number of voices."""


class Item(NamedTuple):
    """A child element of a measure, with its time and its voice."""

    at: int
    """Divisions from the beginning of the measure."""
    voice: int
    element: ET.Element

    @property
    def length(self) -> int:
        """The duration of a note, in divisions; 0 for other elements."""
        return int(self.element.findtext("duration", "0")) if self.element.tag == "note" else 0

    @property
    def span(self) -> tuple[int, int]:
        """Time and length."""
        return self.at, self.length

    @property
    def is_text(self) -> bool:
        """Whether it is a direction or a chord symbol."""
        return self.element.tag in ("direction", "harmony")

    def order(self) -> tuple[int, bool, int]:
        """A sorting key for the items of a measure: by voice, texts before notes, then by time."""
        voice = {"attributes": -1, "barline": _LAST}.get(self.element.tag, self.voice)
        if self.element.get("location") == "left":
            voice = -1
        return voice, not self.is_text, self.at


def lay_out(xml: bytes, open_score: bool = False) -> bytes:
    """The MusicXML that is engraved, made from the four-part MusicXML of a chorale.

    In a close score two voices share a staff, with stems up and down, new accidentals, and one
    fermata for both: above the upper staff or below the lower one. Raises MusicaeError if there are
    not four parts.
    """
    root = ET.fromstring(xml)
    parts, names = root.findall("part"), list(root.iter("score-part"))
    if len(parts) != N_VOICES:
        raise MusicaeError(f"a score of a chorale has {N_VOICES} parts, not {len(parts)}")
    _align_numerals(parts[-1])
    if not open_score:
        _share_words(parts)
    singing = [v for v in range(N_VOICES) if parts[v].find("measure/note/pitch") is not None]
    silent = [v for v in range(N_VOICES) if v not in (singing or [0])]
    kept: list[ET.Element] = []
    for staff, group in enumerate([[v] for v in range(N_VOICES)] if open_score else STAVES):
        voices = [v for v in group if v not in silent]
        if not voices:
            continue
        # The texts of voices that are left out move to the first staff.
        bars = _bars(parts, voices, [] if kept else silent)
        if not open_score:
            _set_clef(bars, *_CLEFS[staff])
        if len(voices) > 1:
            _share_staff(bars, group, MIDDLE_LINES[staff])
        for measure, items in zip(parts[voices[0]].findall("measure"), bars, strict=True):
            fill(measure, items)
        kept.append(_named(names, voices))
    for part in parts:
        if part.get("id") not in [name.get("id") for name in kept]:
            root.remove(part)
    set_part_list(root, kept, "bracket" if open_score else "brace")
    return _text(root)


def _text(root: ET.Element) -> bytes:
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _align_numerals(bass: ET.Element) -> None:
    """Turn texts below the bass into harmony elements, which are aligned in each system."""
    for direction in bass.findall("measure/direction[@placement='below']"):
        words = direction.findtext("direction-type/words")
        if words is None:
            continue
        direction.tag = "harmony"
        direction[:] = []
        numeral = ET.SubElement(direction, "numeral")
        ET.SubElement(numeral, "numeral-root", text=words).text = "1"
        ET.SubElement(direction, "kind", text="").text = "none"


def _share_words(parts: Sequence[ET.Element]) -> None:
    """Keep the words of the highest voice of each staff that has words; print equal words once.

    Words of the lower staff are removed if they equal those of the upper staff, for hymnals print
    them once, between the staves. The other voice of a staff loses its words.
    """
    texts = [[lyric.findtext("text") for lyric in part.iter("lyric")] for part in parts]
    shown: list[int] = []
    for group in STAVES:
        first = next((v for v in group if texts[v]), None)
        if first is not None and not any(texts[v] == texts[first] for v in shown):
            shown.append(first)
    for voice, part in enumerate(parts):
        for note in part.iter("note") if voice not in shown else ():
            for lyric in note.findall("lyric"):
                note.remove(lyric)


def _bars(
    parts: Sequence[ET.Element], voices: Sequence[int], silent: Sequence[int]
) -> list[list[Item]]:
    """The items of each measure: those of ``voices``, and the texts of ``silent`` voices."""
    bars = []
    for measures in zip(*(part.findall("measure") for part in parts), strict=True):
        items = list(_items(measures[voices[0]], voices[0]))
        for v in [*voices[1:], *silent]:
            sung = ("note",) if v in voices else ()
            items += [i for i in _items(measures[v], v) if i.is_text or i.element.tag in sung]
        bars.append(sorted(items, key=Item.order))
    return bars


def _items(measure: ET.Element, voice: int) -> Iterator[Item]:
    """The items of a measure; offsets of texts are removed, for their times include them."""
    at = 0
    for element in measure:
        if element.tag in ("backup", "forward"):
            length = int(element.findtext("duration", "0"))
            at += length if element.tag == "forward" else -length
            continue
        offset = element.find("offset")
        later = 0
        if offset is not None:
            later = int(offset.text or "0")
            element.remove(offset)
        item = Item(at + later, voice, element)
        yield item
        at += item.length


def fill(measure: ET.Element, items: Sequence[Item]) -> None:
    """Replace the content of a measure by items; texts get offsets from its beginning."""
    measure[:] = []
    reached = 0
    for item in items:
        if item.element.find("chord") is not None:
            measure.append(item.element)
            continue
        start = 0 if item.is_text else item.at
        if start != reached:
            move = ET.SubElement(measure, "forward" if start > reached else "backup")
            ET.SubElement(move, "duration").text = str(abs(start - reached))
        if item.is_text and item.at:
            offset = ET.Element("offset")
            offset.text = str(item.at)
            after = len(item.element.findall("direction-type")) or len(item.element)
            item.element.insert(after, offset)
        measure.append(item.element)
        reached = start + item.length


def _named(names: Sequence[ET.Element], voices: Sequence[int]) -> ET.Element:
    """The part-list entry of voices that share a part: that of the first one, with all names."""
    for tag in ("part-name", "part-abbreviation"):
        name = names[voices[0]].find(tag)
        if name is not None:
            name.text = "\n".join(names[v].findtext(tag, "") for v in voices)
    return names[voices[0]]


def set_part_list(root: ET.Element, names: Sequence[ET.Element], symbol: str) -> None:
    """Write the part list, with a brace or bracket at the left; a brace also joins bar lines."""
    parts = root.find("part-list")
    assert parts is not None
    parts[:] = names
    if len(names) > 1:
        group = ET.Element("part-group", number="1", type="start")
        ET.SubElement(group, "group-symbol").text = symbol
        ET.SubElement(group, "group-barline").text = "yes" if symbol == "brace" else "no"
        parts.insert(0, group)
        ET.SubElement(parts, "part-group", number="1", type="stop")


def _set_clef(bars: Sequence[Sequence[Item]], sign: str, line: str) -> None:
    for clef in (clef for items in bars for item in items for clef in item.element.iter("clef")):
        clef[:] = []
        ET.SubElement(clef, "sign").text = sign
        ET.SubElement(clef, "line").text = line


def _share_staff(
    bars: Sequence[Sequence[Item]], voices: Sequence[int], middle: tuple[str, str]
) -> None:
    """Put two voices on one staff: the second has its stems, fermatas and texts below."""
    for items in bars:
        for item in items:
            lower = item.voice == voices[1]
            if item.element.tag == "note":
                set_child(item.element, "voice", str(1 + lower))
                if item.element.find("pitch") is not None:
                    set_child(item.element, "stem", _STEMS[lower])
                for fermata in item.element.iter("fermata"):
                    fermata.set("type", "inverted" if lower else "upright")
            elif item.element.tag == "direction" and lower:
                item.element.set("placement", "below")
        share_rests(items, voices, middle)
        _share_fermatas(items)
    set_accidentals(bars)


def share_rests(items: Sequence[Item], voices: Sequence[int], middle: tuple[str, str]) -> None:
    """Draw a rest that both voices have only once, in the middle of the staff."""
    rests = [item for item in items if item.element.find("rest") is not None]
    lower = {item.span: item.element for item in rests if item.voice == voices[1]}
    for item in rests:
        if item.voice == voices[0] and item.span in lower:
            rest = item.element.find("rest")
            assert rest is not None
            ET.SubElement(rest, "display-step").text = middle[0]
            ET.SubElement(rest, "display-octave").text = middle[1]
            lower[item.span].set("print-object", "no")


def _share_fermatas(items: Sequence[Item]) -> None:
    """Draw a fermata that both voices have only once, at the note of the outer voice."""
    held = [item for item in items if item.element.find("notations/fermata") is not None]
    outer = [item for item in held if item.voice in (0, N_VOICES - 1)]
    for item in held:
        if item not in outer and any(
            item.at < other.at + other.length and other.at < item.at + item.length
            for other in outer
        ):
            notations = item.element.find("notations")
            assert notations is not None
            for fermata in notations.findall("fermata"):
                notations.remove(fermata)


def set_accidentals(bars: Sequence[Sequence[Item]]) -> None:
    """Set the accidentals of a staff that two voices share.

    A sign is valid for both voices; see ``Accidentals``. If they have different alterations on the
    same line or space at once, both get a sign.
    """
    signs = Accidentals()
    for items in bars:
        for key in (item.element.findtext("key/fifths") for item in items):
            if key is not None:
                signs.set_signature(int(key))
        notes = [item for item in items if item.element.find("pitch") is not None]
        for item in sorted(notes, key=lambda item: (item.at, item.voice)):
            (letter, octave), alter = _written(item.element)
            together = (_written(other.element) for other in notes if other.at == item.at)
            clashes = any(p == (letter, octave) and a != alter for p, a in together)
            tied = any(tie.get("type") == "stop" for tie in item.element.findall("tie"))
            for accidental in item.element.findall("accidental"):
                item.element.remove(accidental)
            sign = signs.sign(letter, alter, int(octave), tied=tied, always=clashes)
            if sign:
                set_child(item.element, "accidental", sign)
        signs.next_bar()


def _written(note: ET.Element) -> tuple[tuple[str, str], int]:
    """A note's step and octave, and its alteration in semitones."""
    place = note.findtext("pitch/step", ""), note.findtext("pitch/octave", "")
    return place, int(note.findtext("pitch/alter", "0"))


def set_child(note: ET.Element, tag: str, text: str) -> None:
    """Replace the child elements of one kind by a new one with this text, in the right place."""
    for child in note.findall(tag):
        note.remove(child)
    child = ET.Element(tag)
    child.text = text
    add_child(note, child)


def add_child(note: ET.Element, child: ET.Element) -> None:
    """Add a child element to a note, after those of its own kind and of earlier kinds."""
    rank = _rank(child)
    note.insert(sum(_rank(other) <= rank for other in note), child)


def _rank(child: ET.Element) -> int:
    """The index of a child's kind in ``NOTE_CHILDREN``; unknown kinds count as notations."""
    kind = child.tag if child.tag in NOTE_CHILDREN else "notations"
    return NOTE_CHILDREN.index(kind)


def break_systems(xml: bytes, first_bars: Iterable[int]) -> bytes:
    """The MusicXML with a new system at each of ``first_bars``, counted from 0."""
    root = ET.fromstring(xml)
    measures = root.findall("part[1]/measure")
    for bar in first_bars:
        measures[bar].insert(0, ET.Element("print", {"new-system": "yes"}))
    return _text(root)
