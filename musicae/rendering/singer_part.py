"""A singer's part: the singer's voice on a large staff, another voice on a small one as cues.

The cues are those of the first voice, the melody; for the melody itself they are those of the
second voice. In bars in which this voice is silent, the cues are those of the next voice that is
not.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from xml.etree import ElementTree as ET

from musicae.rendering.choir_score import ChoirScore, VoicePart, is_for_all, to_root
from musicae.rendering.staff_layout import Item

CUE_SIZE = 65
"""The size of the small staff, in per cent of the large one."""


def singer_part(score: ChoirScore, voice: int) -> ET.Element:
    """The MusicXML of the part of one voice. Cues are above it, or below it for the first voice."""
    own = score.voices[voice]
    order = [other for other in score.voices if other is not own]
    worded = any(item.element.find("lyric") is not None for items in own.bars for item in items)
    cues = _cues(order, keep_words=not worded, keep_texts=voice > 0)
    name = order[0].name
    parts = [(own.name, own.bars), (name, cues)]
    root = to_root(score, parts if voice == 0 else parts[::-1])
    for entry, part in zip(root.iter("score-part"), root.findall("part"), strict=True):
        if entry.findtext("part-name") == name:
            _shrink(part)
    return root


def _cues(order: Sequence[VoicePart], *, keep_words: bool, keep_texts: bool) -> list[list[Item]]:
    """The bars of the small staff.

    ``order`` are the other voices, the preferred one first. With ``keep_words`` the words are
    below the staff, with ``keep_texts`` the tempi and marks are above it.
    """
    bars = []
    clefs = [_first_clef(voice) for voice in order]
    last = 0
    for bar in range(len(order[0].bars)):
        chosen = next((i for i, voice in enumerate(order) if _sings(voice.bars[bar])), last)
        items = []
        for item in order[0].bars[bar]:
            if item.element.tag in ("attributes", "barline") or (
                keep_texts and item.is_text and is_for_all(item.element)
            ):
                items.append(item._replace(element=deepcopy(item.element)))
        if chosen != last:
            items += _changes(order[chosen].name, clefs[chosen], clefs[last])
        last = chosen
        items += [
            item._replace(element=_cue(item.element, keep_words))
            for item in order[chosen].bars[bar]
            if item.element.tag == "note"
        ]
        bars.append(sorted(items, key=Item.order))
    return bars


def _sings(items: Sequence[Item]) -> bool:
    return any(item.element.find("pitch") is not None for item in items)


def _first_clef(voice: VoicePart) -> ET.Element | None:
    found = (item.element.find("clef") for items in voice.bars for item in items)
    return next((clef for clef in found if clef is not None), None)


def _changes(name: str, clef: ET.Element | None, before: ET.Element | None) -> list[Item]:
    """The items at a change of the voice: its name and, if its clef is different, its clef."""
    direction = ET.Element("direction", placement="above")
    kind = ET.SubElement(direction, "direction-type")
    ET.SubElement(kind, "words", {"font-style": "italic"}).text = name
    items = [Item(0, 0, direction)]
    if clef is not None and before is not None and ET.tostring(clef) != ET.tostring(before):
        attributes = ET.Element("attributes")
        attributes.append(deepcopy(clef))
        items.append(Item(0, -1, attributes))
    return items


def _cue(note: ET.Element, keep_words: bool) -> ET.Element:
    """A copy of a note; without ``keep_words`` it has no words."""
    cue = deepcopy(note)
    for lyric in cue.findall("lyric"):
        if not keep_words:
            cue.remove(lyric)
    return cue


def _shrink(part: ET.Element) -> None:
    """Make the staff of a part small."""
    attributes = part.find("measure/attributes")
    assert attributes is not None
    details = ET.Element("staff-details")
    ET.SubElement(details, "staff-size").text = str(CUE_SIZE)
    after = [child.tag for child in attributes]
    attributes.insert(after.index("transpose") if "transpose" in after else len(after), details)
