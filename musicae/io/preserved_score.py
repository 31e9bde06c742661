"""Write a MusicXML file's own parts back, together with new voices.

The given parts stay element for element: the file's tree is copied, and the new voices are added as
parts, with the file's bars, meters, keys, repeats and spelling. Bars of a given part are laid out
again (``measure_layout``) only if notes in them are deleted or written again.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree as ET

from musicae.core.chorale import Chorale
from musicae.core.constants import STEPS_PER_QUARTER, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.pitch import is_plain
from musicae.io import musicxml_lyrics, musicxml_writer
from musicae.io.closed_score import voices_in
from musicae.io.figured_bass import write_figures
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.lyrics import NO_WORDS, Words
from musicae.io.measure_layout import Place, Placed, chord_heads, lay_out, length, put_at, surviving
from musicae.io.musicxml_parts import ScorePart, line_of
from musicae.io.musicxml_time import number, quarter_of, timed_measures
from musicae.io.preserved_parts import PreservedParts
from musicae.io.score_song import ScoreSong
from musicae.theory.figured_bass import Figures
from musicae.theory.harmonic_analysis import Label
from musicae.theory.spelling import spell

HEADER = ("work", "movement-number", "movement-title", "identification")
"""The first elements of a score, in order."""
OF_BAR_LINES = ("bar-style", "repeat", "ending")
"""Elements of bar lines that new parts copy from the given part; fermatas are not copied."""


def to_xml(
    preserved: PreservedParts,
    chorale: Chorale,
    program: int = CHOIR_AAHS,
    provenance: dict[str, Any] | None = None,
    *,
    labels: Sequence[Label] = (),
    figures: Sequence[tuple[int, Figures]] = (),
    names: Sequence[str] = VOICES,
    keep_parts: bool = False,
    words: Words | None = None,
) -> bytes:
    """The MusicXML of the given parts, unchanged, and the chorale's new notes.

    Args:
        preserved: the given parts of a ``ScoreSong``.
        chorale: as long as ``preserved.tune``, with the new notes.
        program: a General MIDI program counted from 0, for the new parts.
        provenance: how the chorale was made; it goes into the header as JSON.
        labels: the harmony: chord symbols above the soprano, Roman numerals below the bass.
        figures: (step, figures) below the bass.
        names: the names of the voices; a voice with an empty name is left out.
        keep_parts: also write the file's other parts, unchanged.
        words: the words of the voices; by default, given parts keep the words of the file.

    Raises ChoraleError if the program is not 0 to 127.
    """
    song = preserved.song
    assert isinstance(song, ScoreSong)
    root = copy.deepcopy(song.score.root)
    twins = dict(zip(song.score.root.iter(), root.iter(), strict=True))
    held: dict[ScorePart, list[int]] = {}
    for voice, part in sorted(preserved.parts.items()):
        held.setdefault(song.line(part).part, []).append(voice)
    engraved = engraved_voices(preserved, chorale, program, labels, names)
    there = [voice for voice, name in enumerate(names) if name]
    new = dict(zip(there, engraved.findall("part"), strict=True))
    words = NO_WORDS if words is None else words
    verses = {
        voice: musicxml_lyrics.numbered(sung) if words.replaced else sung
        for voice, sung in words.voices.items()
    }
    for voice, sung in verses.items():
        musicxml_lyrics.set_on_part(new[voice], sung, song.score.measures, song.score.quarter)
    listed = dict(zip(there, engraved.findall("part-list/score-part"), strict=True))
    for score_part in song.score.parts:
        element = twins[score_part.element]
        if score_part in held:
            own = {voice: new[voice] for voice in held[score_part]}
            if labels or not all(preserved.known[:, voice].all() for voice in own):
                _refine(element)
            _fill(preserved, score_part, twins, own)
        elif not keep_parts:
            root.remove(element)
    if words.replaced:
        for copied in twins.values():
            musicxml_lyrics.without_words(copied)
    for voice in sorted(set(verses) & set(preserved.parts) - words.own):
        musicxml_lyrics.set_on_heads(_heads(preserved, song, voice, twins), verses[voice])
    model = next(iter(held))
    for voice in sorted(set(new) - set(preserved.parts)):
        _follow(new[voice], model)
    _arrange(root, held, {v: (new[v], listed[v]) for v in new if v not in preserved.parts}, twins)
    if figures:
        low = max(new)
        given = preserved.parts.get(low)
        element = twins[song.line(given).part.element] if given else new[low]
        write_figures(element, quarter_of(root), figures)
    _set_provenance(root, provenance)
    return musicxml_writer.to_bytes(root)


def _heads(
    preserved: PreservedParts,
    song: ScoreSong,
    voice: int,
    twins: Mapping[ET.Element, ET.Element],
) -> list[musicxml_lyrics.Head]:
    """The note heads of a given voice that stay.

    There are none if the voice shares its staff with a higher given voice, which has the words.
    """
    line = song.line(preserved.parts[voice])
    others = (song.line(p) for v, p in preserved.parts.items() if v < voice)
    staves = {note.staff for other in others if other.part is line.part for note in other.notes}
    heads = []
    for midi, note in song.written(preserved.parts[voice]).items():
        if midi not in preserved.left_out[voice] and note.staff not in staves and note.elements:
            step = song.step(midi.start)
            heads.append(musicxml_lyrics.Head(step, twins[note.elements[0]]))
            heads += [musicxml_lyrics.Head(step + 1, None)] * (len(note.elements) > 1)
    return heads


def engraved_voices(
    preserved: PreservedParts,
    chorale: Chorale,
    program: int = CHOIR_AAHS,
    labels: Sequence[Label] = (),
    names: Sequence[str] = VOICES,
) -> ET.Element:
    """The tree of a chorale's voices, in the bars and keys of a score; see ``to_xml``."""
    song = preserved.song
    assert isinstance(song, ScoreSong)
    drawn = _drawn(preserved, song, chorale)
    return musicxml_writer.to_tree(
        replace(chorale, tempos=()), program, labels=labels, names=names, drawn=drawn
    )


def _drawn(preserved: PreservedParts, song: ScoreSong, chorale: Chorale) -> musicxml_writer.Drawn:
    """The bars and keys of the first given part, and the spelling of all given notes."""
    score = song.score
    keys: dict[int, tuple[int, str | None]] = {}
    signatures = []
    for change in song.line(preserved.parts[min(preserved.parts)]).part.keys:
        bar = next((i for i, begin in enumerate(score.begins[:-1]) if begin >= change.begin), None)
        if bar is not None:
            keys[bar] = change.fifths, change.mode
            signatures.append((score.step(score.begins[bar]), change.fifths))
    given = {}
    for voice, part in preserved.parts.items():
        for midi, note in song.written(part).items():
            step = song.step(midi.start)
            stays = midi not in preserved.left_out[voice] and step < len(chorale)
            stays &= is_plain(note.place)
            if stays and chorale.onset[step, voice] and chorale.pitch[step, voice] == note.pitch:
                given[step, voice] = note.place
    if not keys and chorale.key:
        signatures = [(0, chorale.key.fifths)]
    unspelled = replace(chorale, places=None)  # only given notes keep their spelling
    return musicxml_writer.Drawn(score.measures, keys, spell(unspelled, given, signatures))


def _fill(
    preserved: PreservedParts,
    part: ScorePart,
    twins: Mapping[ET.Element, ET.Element],
    new: Mapping[int, ET.Element],
) -> None:
    """Remove the deleted notes from a given part, and add its new ones.

    ``new`` are engraved parts of the voices that the part holds. They are complete; only their new
    notes are taken.
    """
    song, voices = preserved.song, list(new)
    assert isinstance(song, ScoreSong)
    score, element = song.score, twins[part.element]
    kept: set[ET.Element] = set()
    places: dict[int, Place] = {}
    for voice in voices:
        for midi, note in song.written(preserved.parts[voice]).items():
            places.setdefault(voice, (note.staff, note.voice))
            if midi not in preserved.left_out[voice]:
                kept.update(note.elements)
    sung = {(note.staff, note.voice) for note in part.notes}
    gone = sung - {line_of(note) for note in kept} - set(places.values())
    staves = {staff for staff, _ in places.values()} | {line_of(note)[0] for note in kept}
    drawn = {line_of(note)[0] for note in element.iter("note")}
    # If all staves with notes stay, so do those with only grace notes and rests.
    staves |= set() if {staff for staff, _ in sung} - staves else drawn
    _separate(places, sung)
    written = {voice: list(timed_measures(new[voice], score.quarter)) for voice in voices}
    divisions = Fraction(1)
    for index, measure in enumerate(element.findall("measure")):
        begin = score.step(score.begins[index])

        def is_open(place: Place, at: int, begin: int = begin) -> bool:
            step = min(begin + at * STEPS_PER_QUARTER // score.quarter, len(preserved.known) - 1)
            return any(places[v] == place and not preserved.known[step, v] for v in voices)

        if (stated := measure.findtext("attributes/divisions")) is not None:
            divisions = number(stated, "divisions")
        added = []
        for voice in voices:
            for item in written[voice][index]:
                place = None if item.element.tag == "harmony" or _has_words(item.element) else ""
                if item.element.tag == "note" and is_open(places[voice], item.begin):
                    put_at(item.element, places[voice], with_staff=len(drawn) > 1)
                    duration = item.element.find("duration")
                    if duration is not None:
                        duration.text = length(item.duration, divisions, score.quarter)
                    added.append(Placed(item.element, item.begin, item.duration, places[voice]))
                elif place is None:
                    added.append(Placed(item.element, item.begin, 0, None))
        items = part.measures[index]
        stay = {
            item.element: twins[item.element]
            for item in surviving(items, kept, staves, gone, is_open)
        }
        notes = [item.element for item in items if item.element.tag == "note"]
        if added or not all(note in stay for note in notes):
            lay_out(measure, chord_heads(items, stay), added, divisions, score.quarter)
    if len(staves) == 1 and drawn - staves:
        _on_one_staff(element, *staves)


def _refine(part: ET.Element) -> None:
    """Multiply the divisions of a part by four, so that each sixteenth is a whole number."""
    for tag in ("divisions", "duration", "offset"):
        for element in part.iter(tag):
            with suppress(ChoraleError):  # the element is not read
                fourfold = 4 * number(element.text, tag)
                whole = fourfold.denominator == 1
                element.text = str(int(fourfold) if whole else float(fourfold))


def _separate(places: dict[int, Place], sung: set[Place]) -> None:
    """Give each of two voices that share a place, as chords, a place of its own for new notes."""
    taken = set(sung)
    for voice, (staff, name) in sorted(places.items()):
        if any(places[v] == (staff, name) for v in places if v < voice):
            free = (str(n) for n in range(1, 100) if (staff, str(n)) not in taken)
            places[voice] = staff, next(free)
            taken.add(places[voice])


def _has_words(element: ET.Element) -> bool:
    return element.find("direction-type/words") is not None


def _on_one_staff(part: ET.Element, staff: str) -> None:
    """Remove the staff numbers of a part with only one staff left."""
    for attributes in part.iter("attributes"):
        for element in list(attributes):
            number = element.get("number")
            if element.tag == "staves" or number not in (None, staff):
                attributes.remove(element)
            elif number:
                del element.attrib["number"]
    for parent in list(part.iter()):
        for element in parent.findall("staff"):
            parent.remove(element)


def _follow(part: ET.Element, model: ScorePart) -> None:
    """Give a new part the bar numbers, meters and bar lines of a given part."""
    new = part.findall("measure")
    given = model.element.findall("measure")
    for measure, pattern in zip(new, given, strict=False):
        measure.attrib.clear()
        names = ("number", "text", "implicit", "non-controlling")
        measure.attrib.update({n: pattern.attrib[n] for n in names if n in pattern.attrib})
        _take_times(measure, pattern)
        for bar_line in measure.findall("barline"):
            measure.remove(bar_line)
        for bar_line in pattern.findall("barline"):
            copied = ET.Element("barline", bar_line.attrib)
            copied.extend(copy.deepcopy(e) for e in bar_line if e.tag in OF_BAR_LINES)
            at_left = bar_line.get("location") == "left"
            measure.insert(0 if at_left else len(measure), copied)


def _take_times(measure: ET.Element, pattern: ET.Element) -> None:
    """Draw the meter of a measure as in a given measure, such as 4/4 or C."""
    drawn = pattern.findall("attributes/time")
    attributes = measure.find("attributes")
    if attributes is not None:
        for time in attributes.findall("time"):
            attributes.remove(time)
    if not drawn:
        return
    if attributes is None:
        attributes = ET.Element("attributes")
        measure.insert(0, attributes)
    time = copy.deepcopy(drawn[0])
    time.attrib.pop("number", None)
    time.attrib.pop("id", None)
    before = sum(element.tag in ("divisions", "key") for element in attributes)
    attributes.insert(before, time)


def _arrange(
    root: ET.Element,
    held: Mapping[ScorePart, Sequence[int]],
    new: Mapping[int, tuple[ET.Element, ET.Element]],
    twins: Mapping[ET.Element, ET.Element],
) -> None:
    """Order the parts, and the list of parts, by their highest voices; other parts come last."""
    listing = root.find("part-list")
    if listing is None:
        listing = ET.Element("part-list")
        root.insert(0, listing)
    entries = {entry.get("id"): entry for entry in listing.findall("score-part")}
    parts = {part.get("id"): part for part in root.findall("part")}
    ranks = {twins[part.element].get("id"): voices[0] for part, voices in held.items()}
    for given, voices in held.items():
        _rename(entries.get(given.element.get("id")), given.name, voices)
    for voice, (part, entry) in new.items():
        name = f"musicae-{VOICES[voice].lower()}"
        while name in parts:
            name += "-new"
        part.set("id", name)
        for element in entry.iter():
            if element.get("id"):
                element.set("id", name if element is entry else f"{name}-instrument")
        parts[name], entries[name], ranks[name] = part, entry, voice
    order = sorted(parts, key=lambda name: ranks.get(name, len(VOICES)))
    for part in root.findall("part"):
        root.remove(part)
    root.extend(parts[name] for name in order)
    # Groups of parts are left out: their first or last parts may be gone.
    listing[:] = [entries[name] for name in order if name in entries]


def _rename(entry: ET.Element | None, name: str, voices: Sequence[int]) -> None:
    """Name a part after its voices, if its name mentions others."""
    mentioned = voices_in(name)
    element = None if entry is None else entry.find("part-name")
    if element is not None and mentioned and mentioned != tuple(voices):
        element.text = " / ".join(VOICES[voice] for voice in voices)


def _set_provenance(root: ET.Element, provenance: dict[str, Any] | None) -> None:
    """Write the provenance into the header; the file's own header stays."""
    header = root.find("identification")
    if header is None:
        header = ET.Element("identification")
        root.insert(sum(element.tag in HEADER for element in root), header)
    fields = header.find("miscellaneous")
    if fields is None:
        fields = ET.SubElement(header, "miscellaneous")
    for field in fields.findall("miscellaneous-field[@name='musicae']"):
        fields.remove(field)
    if provenance:
        ET.SubElement(fields, "miscellaneous-field", name="musicae").text = json.dumps(provenance)
    if not len(fields):
        header.remove(fields)
    if not len(header):
        root.remove(header)
