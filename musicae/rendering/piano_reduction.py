"""The rehearsal piano: the voices of a score reduced to two staves that a pianist can play.

The right hand plays the higher voices and the left hand the lower ones, with stems up and down as
in hymnals. Voices of one staff with the same rhythm share stems. If the left hand cannot reach a
note of the tenor, the right hand plays it, if it can reach it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import NamedTuple
from xml.etree import ElementTree as ET

from musicae.core.constants import ALTO, N_VOICES
from musicae.core.pitch import spelled_parts
from musicae.io.midi_file import Arrangement
from musicae.io.midi_notes import DRUM_CHANNEL, notes_of
from musicae.io.midi_writer import voice_events, voice_header
from musicae.io.musicxml_parts import Score, ScoreNote, read_score
from musicae.io.musicxml_writer import to_bytes
from musicae.io.voice_tracks import voice_of_name
from musicae.rendering.choir_score import is_for_all, whole_rest
from musicae.rendering.staff_layout import (
    MIDDLE_LINES,
    Item,
    add_child,
    fill,
    set_accidentals,
    set_child,
    share_rests,
)

PIANO = "Piano"
REACH = 16
"""The widest interval of the left hand, in semitones: a major tenth."""
CLOSE = 12
"""The widest interval of the right hand with a note that it takes over, in semitones."""
TREBLE = 60
"""The least mean MIDI pitch of a lower staff with a treble clef."""
CLEFS = {True: ("G", "2"), False: ("F", "4")}
KEPT = ("tied", "tuplet", "fermata", "arpeggiate")
"""The notations that stay in the piano part."""
_VOICES = 4
"""The most MusicXML voices of a staff."""


class _Note(NamedTuple):
    """A note or a rest of a voice in one bar; times are in units from the bar's beginning."""

    at: int
    length: int
    element: ET.Element
    sounding: ScoreNote | None
    """None for a rest."""


def add_piano(root: ET.Element, voices: ET.Element) -> None:
    """Add a piano part for ``voices`` below the parts of a MusicXML tree; see ``piano_part``."""
    part = piano_part(voices, alone=root.find("part") is None)
    names = root.find("part-list")
    assert names is not None
    entry = ET.SubElement(names, "score-part", id=part.get("id", ""))
    ET.SubElement(entry, "part-name").text = PIANO
    ET.SubElement(entry, "part-abbreviation").text = "Pno."
    instrument = ET.SubElement(entry, "score-instrument", id=f"{part.get('id')}-I1")
    ET.SubElement(instrument, "instrument-name").text = PIANO
    midi = ET.SubElement(entry, "midi-instrument", id=f"{part.get('id')}-I1")
    ET.SubElement(midi, "midi-program").text = "1"
    root.append(part)


def piano_below(xml: bytes, voices: ET.Element) -> bytes:
    """MusicXML with a piano part for ``voices`` below its parts."""
    root = ET.fromstring(xml)
    add_piano(root, voices)
    return to_bytes(root)


def piano_score(root: ET.Element) -> ET.Element:
    """A MusicXML tree with only the piano part for the voices of ``root``."""
    score = ET.Element("score-partwise", version="4.0")
    for tag in ("work", "movement-title", "identification"):
        score.extend(deepcopy(element) for element in root.findall(tag))
    ET.SubElement(score, "part-list")
    add_piano(score, root)
    return score


def with_piano(arrangement: Arrangement, voices: int = N_VOICES) -> Arrangement:
    """An arrangement with a piano track that plays the first ``voices`` tracks after the conductor.

    If several voices have the same pitch at once, the piano plays it once, and again at each new
    onset of one of them.
    """
    sung = arrangement.tracks[1 : 1 + voices]
    events = (event for track in arrangement.tracks for event in track)
    used = {getattr(event.message, "channel", None) for event in events}
    free = [channel for channel in range(16) if channel not in used | {DRUM_CHANNEL}]
    channel = free[0] if free else 15
    struck: dict[tuple[int, int], int] = {}
    for track in sung:
        ordered = sorted(track, key=lambda event: event.tick)
        for note in notes_of(ordered, frozenset(range(16))):
            key = note.pitch, note.start
            struck[key] = max(struck.get(key, 0), note.end)
    notes: list[tuple[int, int, int]] = []
    for pitch, start in sorted(struck):
        end = struck[pitch, start]
        if notes and notes[-1][2] == pitch and notes[-1][1] > start:
            before = notes.pop()
            end = max(end, before[1])
            notes.append((before[0], start, pitch))
        notes.append((start, end, pitch))
    keys = [event for track in sung[:1] for event in track if event.message.type == "key_signature"]
    piano = [*voice_header(PIANO, channel, 0), *keys, *voice_events(notes, channel)]
    return arrangement._replace(tracks=[*arrangement.tracks, piano])


def piano_part(root: ET.Element, alone: bool = True) -> ET.Element:
    """The ``<part>`` of the piano for the single voices of a tree, on two staves.

    With ``alone`` it has the tempi and marks; otherwise they are above the voices only. Its
    durations are in units of its own ``<divisions>``. Raises ChoraleError for damaged scores.
    """
    score = read_score(Path(), root)
    upper, lower = _hands(score)
    hands = [[_notes_of(score, line) for line in hand] for hand in (upper, lower)]
    part = ET.Element("part", id=f"P{len(score.parts) + 1}-piano")
    clefs = [True, _mean([note for line in lower for note in score.parts[line].notes]) >= TREBLE]
    bars = []
    for index, (begin, end) in enumerate(pairwise(score.begins)):
        items = _around(score, index, alone)
        for staff, lines in enumerate(hands):
            items += _staff_items(staff, [line[index] for line in lines], end - begin)
        bars.append(items)
    _reach(hands)
    for staff, treble in enumerate(clefs):
        on_staff = [[item for item in items if _staff_of(item) in (staff, None)] for items in bars]
        set_accidentals(on_staff)
        for items in on_staff:
            first = _VOICES * staff
            share_rests(items, (first, first + 1), MIDDLE_LINES[not treble])
    drawn = root.findall("part")[0].findall("measure")
    for measure, items in zip(drawn, bars, strict=False):
        bar = ET.SubElement(part, "measure", dict(measure.attrib))
        fill(bar, sorted(items, key=Item.order))
    _begin(part, score.quarter, clefs)
    return part


def _hands(score: Score) -> tuple[list[int], list[int]]:
    """The voices of the right and the left hand: by their names, else the higher and lower half."""
    singing = [i for i, part in enumerate(score.parts) if part.notes]
    singing.sort(key=lambda i: -_mean(score.parts[i].notes))
    called = {i: voice_of_name(score.parts[i].name) for i in singing}
    if None not in called.values():
        upper = [i for i in singing if (called[i] or 0) <= ALTO]
        if 0 < len(upper) < len(singing):
            return upper, [i for i in singing if i not in upper]
    half = (len(singing) + 1) // 2
    return singing[:half], singing[half:]


def _mean(notes: Sequence[ScoreNote]) -> float:
    return fmean(note.pitch for note in notes) if notes else 0.0


def _notes_of(score: Score, line: int) -> list[list[_Note]]:
    """The notes and rests of a voice in each bar."""
    part = score.parts[line]
    sounding = {element: note for note in part.notes for element in note.elements}
    bars = []
    for index, (begin, end) in enumerate(pairwise(score.begins)):
        notes = []
        for item in part.measures[index] if index < len(part.measures) else ():
            element = item.element
            if element in sounding or element.find("rest") is not None:
                length = item.duration or end - begin
                note = _Note(item.begin, length, _plain(element, length), sounding.get(element))
                notes.append(note)
        bars.append(notes)
    return bars


def _plain(element: ET.Element, length: int) -> ET.Element:
    """A note without words and marks; its pitch is set later."""
    note = deepcopy(element)
    for child in list(note):
        if child.tag in ("voice", "staff", "stem", "lyric", "chord", "cue"):
            note.remove(child)
    for notations in note.findall("notations"):
        for child in list(notations):
            if child.tag not in KEPT:
                notations.remove(child)
        if not len(notations):
            note.remove(notations)
    set_child(note, "duration", str(length))
    return note


def _staff_items(staff: int, lines: Sequence[Sequence[_Note]], length: int) -> list[Item]:
    """The items of a bar on one staff, in two groups of voices: with stems up and with stems down.

    Voices of one group with the same rhythm become chords. A rest is not drawn while another voice
    of its group has a note.
    """
    half = (len(lines) + 1) // 2
    items: list[Item] = []
    for group, stem in ((0, "up"), (1, "down")):
        rhythms: list[list[tuple[int, int, bool]]] = []
        grouped = lines[:half] if group == 0 else lines[half:]
        singing = [line for line in grouped if any(note.sounding for note in line)]
        # If no voice of the group has a note, the rest of its first voice is drawn, but only on a
        # staff with at most two voices.
        for line in singing or grouped[: len(lines) <= 2]:
            rhythm = [(note.at, note.length, note.sounding is None) for note in line]
            together = rhythm in rhythms
            first = not rhythms
            rhythms += [] if together else [rhythm]
            voice = _voice(staff, group, rhythms.index(rhythm))
            for note in line:
                if note.sounding is None and (not first or _is_covered(note, singing)):
                    continue
                items.append(_item(note, voice, staff, stem if len(lines) > 1 else "", together))
    if not items:
        rest = _Note(0, length, whole_rest(length), None)
        items.append(_item(rest, _VOICES * staff, staff, "", False))
    return items


def _is_covered(rest: _Note, lines: Sequence[Sequence[_Note]]) -> bool:
    """Whether one of the voices has a note during a rest."""
    end = rest.at + rest.length
    return any(
        note.sounding is not None and note.at < end and rest.at < note.at + note.length
        for line in lines
        for note in line
    )


def _voice(staff: int, group: int, rhythm: int) -> int:
    """The number of a MusicXML voice: 0 to 3 on the upper staff, 4 to 7 on the lower; then 8 up."""
    inside = group + 2 * rhythm
    return _VOICES * staff + inside if inside < _VOICES else 2 * inside + staff


def _item(note: _Note, voice: int, staff: int, stem: str, chord: bool) -> Item:
    """The item of a note; with ``chord`` it belongs to the chord of the note before."""
    element = note.element
    set_child(element, "voice", str(voice + 1))
    set_child(element, "staff", str(staff + 1))
    if note.sounding is not None:
        letter, sharps, octave = spelled_parts(note.sounding.pitch, note.sounding.place)
        for child in element.findall("pitch"):
            element.remove(child)
        pitch = ET.Element("pitch")
        ET.SubElement(pitch, "step").text = letter
        if sharps:
            ET.SubElement(pitch, "alter").text = str(sharps)
        ET.SubElement(pitch, "octave").text = str(octave)
        add_child(element, pitch)
        if stem:
            set_child(element, "stem", stem)
    if chord:
        add_child(element, ET.Element("chord"))
        for child in element.findall("beam"):
            element.remove(child)
    top, bottom = voice == 0, (staff == 1 and voice != _VOICES) or (not stem and staff == 1)
    for notations in element.findall("notations"):
        for fermata in notations.findall("fermata"):
            if chord or not (top or bottom):
                notations.remove(fermata)
            else:
                fermata.set("type", "upright" if top else "inverted")
        if not len(notations):
            element.remove(notations)
    return Item(note.at, voice, element)


def _staff_of(item: Item) -> int | None:
    """The staff of a note, from 0; None for other elements."""
    return int(item.element.findtext("staff", "1")) - 1 if item.element.tag == "note" else None


def _around(score: Score, bar: int, texts: bool) -> list[Item]:
    """Key, meter and bar lines of a bar, from the first part; with ``texts`` its texts for all."""
    items = []
    for item in score.parts[0].measures[bar]:
        element = deepcopy(item.element)
        if element.tag == "attributes":
            for child in list(element):
                if child.tag not in ("key", "time"):
                    element.remove(child)
            if len(element):
                items.append(Item(item.begin, -1, element))
        elif element.tag == "barline" or (
            texts and element.tag == "direction" and is_for_all(element)
        ):
            for offset in element.findall("offset"):
                element.remove(offset)
            items.append(Item(item.begin + item.offset, -1, element))
    return items


def _reach(hands: Sequence[Sequence[Sequence[Sequence[_Note]]]]) -> None:
    """Give the right hand those notes of the left hand's upper voice that it cannot reach.

    ``hands`` are the voices of each hand, each with the notes of its bars. Beamed notes stay
    together.
    """
    right, left = hands
    if len(left) < 2:
        return
    for bar, notes in enumerate(left[0]):
        below = [note for line in left[1:] for note in line[bar]]
        above = [note for line in right for note in line[bar]]
        for group in _beamed(notes):
            wide = any(_apart(note, other) > REACH for note in group for other in below)
            near = all(-_apart(note, other) <= CLOSE for note in group for other in above)
            if wide and near:
                for note in group:
                    set_child(note.element, "staff", "1")
                    set_child(note.element, "stem", "down")


def _beamed(notes: Sequence[_Note]) -> list[list[_Note]]:
    """The notes of a bar in groups that are joined by beams."""
    groups: list[list[_Note]] = []
    joined = False
    for note in notes:
        if note.sounding is None:
            continue
        if joined:
            groups[-1].append(note)
        else:
            groups.append([note])
        joined = note.element.findtext("beam", "end") not in ("end", "forward hook")
    return groups


def _apart(note: _Note, other: _Note) -> int:
    """The semitones from ``other`` up to ``note``; 0 if they do not sound together."""
    together = note.at < other.at + other.length and other.at < note.at + note.length
    if note.sounding is None or other.sounding is None or not together:
        return 0
    return note.sounding.pitch - other.sounding.pitch


def _begin(part: ET.Element, divisions: int, clefs: Sequence[bool]) -> None:
    """Write the divisions, the number of staves and their clefs into the first bar."""
    bar = part.find("measure")
    assert bar is not None
    attributes = bar.find("attributes")
    if attributes is None:
        attributes = ET.Element("attributes")
        bar.insert(0, attributes)
    stated = ET.Element("divisions")
    stated.text = str(divisions)
    attributes.insert(0, stated)
    ET.SubElement(attributes, "staves").text = "2"
    for number, treble in enumerate(clefs, start=1):
        clef = ET.SubElement(attributes, "clef", number=str(number))
        for tag, text in zip(("sign", "line"), CLEFS[treble], strict=True):
            ET.SubElement(clef, tag).text = text
