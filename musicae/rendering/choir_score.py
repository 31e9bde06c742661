"""The voices of a choir as MusicXML with one part for each: the source of scores, parts and pages.

Voices that come from a score keep their own elements: words, dynamics, tuplets, spelling. Voices
that share a staff are separated. Notes of MIDI files are written on the grid of sixteenths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import NamedTuple
from xml.etree import ElementTree as ET

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES
from musicae.io import musicxml_writer
from musicae.io.choir import Choir, Singer
from musicae.io.lyrics import Verses
from musicae.io.midi_lyrics import events_by_voice, verses_on
from musicae.io.midi_reader import quantize
from musicae.io.musicxml_lyrics import set_on_part
from musicae.io.musicxml_parts import Score, ScorePart, line_of, read_score
from musicae.io.musicxml_time import Timed, quarter_of
from musicae.io.score_song import ScoreSong
from musicae.io.voice_tracks import voice_of_name
from musicae.rendering.staff_layout import (
    Item,
    add_child,
    fill,
    set_accidentals,
    set_child,
    set_part_list,
)

UNWANTED = ("chord", "voice", "staff", "stem", "cue")
"""The child elements of a note that depend on its original staff."""
SHARED = ("beam", "lyric", "notations")
"""The child elements that only the first note of a chord has."""
ONE_STAFF = ("staves", "staff-details", "part-symbol", "instruments", "measure-style")
"""The child elements of attributes that describe the staves of a part."""
CLEFS = (("G", "2", False), ("G", "2", False), ("G", "2", True), ("F", "4", False))
"""For S, A, T and B the clef's sign and line, and whether its notes sound an octave lower."""


class VoicePart(NamedTuple):
    """One voice of a choir's score."""

    name: str
    bars: list[list[Item]]
    """The elements of each bar. Their times count from the bar's beginning, in units of
    1/``divisions`` quarter."""


class ChoirScore(NamedTuple):
    """A score of single voices in exact time."""

    title: str
    divisions: int
    voices: tuple[VoicePart, ...]
    lengths: tuple[int, ...]
    """The length of each bar, in units."""
    numbers: tuple[tuple[str, bool], ...]
    """The number of each bar, and whether it is a pickup or another bar that does not count."""


def choir_score(choir: Choir) -> ChoirScore:
    """The score of a choir, with one part for each voice."""
    if isinstance(choir.song, ScoreSong):
        score = choir.song.score
        lines = [_line(choir.song, singer, choir.singers) for singer in choir.singers]
    else:
        score = read_score(choir.song.path, _written(choir))
        lines = [
            _Line(part, frozenset(e for n in part.notes for e in n.elements), name, False, True)
            for part, name in zip(score.parts, choir.names, strict=True)
        ]
    voices = tuple(VoicePart(line.name, _bars(score, line)) for line in lines)
    lengths = tuple(end - begin for begin, end in pairwise(score.begins))
    drawn = max((part.element.findall("measure") for part in score.parts), key=len)
    numbers = tuple(
        (bar.get("number", str(i)), bar.get("implicit") == "yes")
        for i, bar in enumerate(drawn, start=1)
    )
    return ChoirScore(choir.frame.title, score.quarter, voices, lengths, numbers)


def to_root(score: ChoirScore, parts: Sequence[tuple[str, Sequence[Sequence[Item]]]]) -> ET.Element:
    """A MusicXML tree of some parts. Each part is its name and the items of its bars."""
    root = ET.Element("score-partwise", version="4.0")
    work = ET.SubElement(root, "work")
    ET.SubElement(work, "work-title").text = score.title
    listing = ET.SubElement(root, "part-list")
    for index, (name, bars) in enumerate(parts, start=1):
        entry = ET.SubElement(listing, "score-part", id=f"P{index}")
        ET.SubElement(entry, "part-name").text = name
        ET.SubElement(entry, "part-abbreviation").text = abbreviation(name)
        part = ET.SubElement(root, "part", id=f"P{index}")
        for (number, implicit), items in zip(score.numbers, bars, strict=False):
            measure = ET.SubElement(part, "measure", number=number)
            if implicit:
                measure.set("implicit", "yes")
            fill(measure, [item._replace(element=deepcopy(item.element)) for item in items])
        first = part.find("measure")
        assert first is not None
        attributes = first.find("attributes")
        if attributes is None:
            attributes = ET.Element("attributes")
            first.insert(0, attributes)
        divisions = ET.Element("divisions")
        divisions.text = str(score.divisions)
        attributes.insert(0, divisions)
    return root


def open_score(score: ChoirScore) -> ET.Element:
    """A MusicXML tree of all voices, with one staff for each."""
    root = to_root(score, [(voice.name, voice.bars) for voice in score.voices])
    set_part_list(root, list(root.iter("score-part")), "bracket")
    return root


def abbreviation(name: str) -> str:
    """A voice's short name: its first letter and its number.

    >>> abbreviation("Tenor 2"), abbreviation("Soprano")
    ('T 2', 'S')
    """
    word, *rest = name.split()
    return " ".join([word[:1], *(each for each in rest if each.isdecimal())])


def _written(choir: Choir) -> ET.Element:
    """The voices of a MIDI file as a MusicXML tree."""
    root: ET.Element | None = None
    frame = choir.frame
    for first in range(0, len(choir.singers), N_VOICES):
        group = choir.singers[first : first + N_VOICES]
        voices = [_on_grid(choir, singer) for singer in group]
        chorale = Chorale.from_notes(
            voices,
            steps=len(frame),
            meters=frame.meters,
            pickup=frame.pickup,
            key=frame.key,
            tempos=() if first else frame.tempos,
            title=frame.title,
        )
        names = [singer.name for singer in group] + [""] * (N_VOICES - len(group))
        tree = musicxml_writer.to_tree(chorale, names=names)
        words, quarter = _words(choir, group, chorale), quarter_of(tree)
        for voice, part in enumerate(tree.findall("part")):
            set_on_part(part, words[voice], chorale.measures, quarter)
            part.set("id", f"{part.get('id')}-{first}")
        for entry in tree.iter("score-part"):
            entry.set("id", f"{entry.get('id')}-{first}")
        if root is None:
            root = tree
            continue
        listing = root.find("part-list")
        assert listing is not None
        listing.extend(tree.iter("score-part"))
        root.extend(tree.findall("part"))
    assert root is not None
    return root


def _on_grid(choir: Choir, singer: Singer) -> list[tuple[int, int, int]]:
    """The notes of a singer in steps of the choir's frame."""
    steps = len(choir.frame)
    notes = [(s - choir.offset, d, p) for s, d, p in quantize(choir.song, singer.notes)]
    return [(s, min(d, steps - s), p) for s, d, p in notes if 0 <= s < steps]


def _words(choir: Choir, singers: Sequence[Singer], chorale: Chorale) -> dict[int, Verses]:
    """The words of some singers, by their voice in ``chorale``.

    All singers of a track have its words. The first singer gets the words of tracks without notes
    and the texts of karaoke files.
    """
    events = events_by_voice(choir.song, dict(enumerate(s.part for s in choir.singers)))
    tracks = [singer.part.track for singer in choir.singers]
    return {
        voice: verses_on(
            choir.song,
            events[tracks.index(singer.part.track)],
            singer.notes,
            chorale.notes(voice),
            choir.offset,
        )
        for voice, singer in enumerate(singers)
    }


class _Line(NamedTuple):
    """The place of a voice in a score."""

    part: ScorePart
    notes: frozenset[ET.Element]
    """The elements of its notes."""
    name: str
    divided: bool
    """Whether it shares its part with other voices."""
    first: bool
    """Whether it is the first of the voices of its part."""


def _line(song: ScoreSong, singer: Singer, singers: Sequence[Singer]) -> _Line:
    written = song.written(singer.part)
    elements = frozenset(e for note in singer.notes for e in written[note].elements)
    whole = song.line(singer.part).part
    sharing = [other for other in singers if song.line(other.part).part is whole]
    return _Line(whole, elements, singer.name, len(sharing) > 1, sharing[0] is singer)


def _bars(score: Score, line: _Line) -> list[list[Item]]:
    """The elements of one voice alone, for each bar, with durations in units."""
    staff = next((line_of(note)[0] for note in line.notes), "1")
    bars = []
    for index, (begin, end) in enumerate(pairwise(score.begins)):
        measure = line.part.measures[index] if index < len(line.part.measures) else ()
        bars.append(sorted(_items(measure, line, staff, end - begin), key=Item.order))
    if line.divided:
        _set_clefs(bars, line.name)
        set_accidentals(bars)
    return bars


def _items(measure: Sequence[Timed], line: _Line, staff: str, length: int) -> Iterator[Item]:
    """The items of a bar for one voice: notes, rests, attributes, bar lines and texts."""
    for item in measure:
        element = item.element
        on_staff = element.findtext("staff", staff) == staff
        is_text = element.tag in ("direction", "harmony") and (line.first or _is_dynamic(element))
        if element.tag == "attributes":
            if len(attributes := _attributes(element, staff)):
                yield Item(item.begin, 0, attributes)
        elif element.tag == "barline":
            yield Item(item.begin, 0, element)
        elif is_text and on_staff:
            yield Item(item.begin + item.offset, 0, _text(element))
    sung = list(_sung(measure, line))
    taken = [item.span for item in sung]
    for item in measure:
        if item.element.find("rest") is None or line_of(item.element)[0] != staff:
            continue
        rest = Item(item.begin, 0, _alone(item.element, None, item.duration or length))
        at, lasting = rest.span
        if all(at + lasting <= begin or begin + long <= at for begin, long in taken):
            taken.append(rest.span)
            sung.append(rest)
    yield from sung
    if not sung:
        yield Item(0, 0, whole_rest(length))


def _sung(measure: Sequence[Timed], line: _Line) -> Iterator[Item]:
    """The notes of a voice in a bar, with the grace notes before them."""
    graces: list[Item] = []
    head: ET.Element | None = None
    for item in measure:
        element = item.element
        if element.tag != "note":
            continue
        head = head if element.find("chord") is not None else element
        if element.find("grace") is not None:
            graces.append(Item(item.begin, 0, _alone(element, None, 0)))
            continue
        if element in line.notes:
            yield from graces
            lead = head if head is not element else None
            yield Item(item.begin, 0, _alone(element, lead, item.duration))
        graces = []


def whole_rest(length: int) -> ET.Element:
    """A rest of a whole bar."""
    note = ET.Element("note")
    ET.SubElement(note, "rest", measure="yes")
    ET.SubElement(note, "duration").text = str(length)
    return note


def _alone(element: ET.Element, head: ET.Element | None, duration: int) -> ET.Element:
    """A note without the rest of its chord; ``head`` is the chord's first note, None for none."""
    note = deepcopy(element)
    for child in list(note):
        if child.tag in UNWANTED:
            note.remove(child)
    if head is not None:
        for tag in SHARED:
            if note.find(tag) is None:
                for child in head.findall(tag):
                    add_child(note, deepcopy(child))
    if duration:
        set_child(note, "duration", str(duration))
    return note


def _attributes(element: ET.Element, staff: str) -> ET.Element:
    """Attributes with only the child elements that apply to one staff."""
    attributes = deepcopy(element)
    for child in list(attributes):
        other = child.get("number", staff) != staff
        if other or child.tag in ONE_STAFF or child.tag == "divisions":
            attributes.remove(child)
        child.attrib.pop("number", None)
    return attributes


def _text(element: ET.Element) -> ET.Element:
    """A direction or chord symbol without its offset, staff and voice."""
    text = deepcopy(element)
    for tag in ("offset", "staff", "voice"):
        for child in text.findall(tag):
            text.remove(child)
    return text


def _is_dynamic(direction: ET.Element) -> bool:
    kinds = ("dynamics", "wedge")
    return any(direction.find(f"direction-type/{kind}") is not None for kind in kinds)


def is_for_all(direction: ET.Element) -> bool:
    """Whether a direction is for all voices: a tempo, a rehearsal mark, a segno or a coda."""
    kinds = ("metronome", "rehearsal", "segno", "coda")
    return (
        any(direction.find(f"direction-type/{kind}") is not None for kind in kinds)
        or direction.find("sound") is not None
    )


def _set_clefs(bars: Sequence[Sequence[Item]], name: str) -> None:
    """Give a voice that shared a staff the clef of its own name, for the whole piece."""
    voice = voice_of_name(name)
    if voice is None:
        return
    sign, line, lower = CLEFS[voice]
    for item in (item for items in bars for item in items):
        for clef in item.element.findall("clef"):
            clef[:] = []
            ET.SubElement(clef, "sign").text = sign
            ET.SubElement(clef, "line").text = line
            if lower:
                ET.SubElement(clef, "clef-octave-change").text = "-1"
