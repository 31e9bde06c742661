"""Read and write the chord symbols of a MusicXML file (``<harmony>``), as they sound."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree as ET

from musicae.core.chorale import Chorale, sounding_voices
from musicae.core.constants import STEPS_PER_QUARTER, VOICES
from musicae.core.errors import ChoraleError
from musicae.core.pitch import LETTERS, place_of, spelled_class
from musicae.io import musicxml_writer
from musicae.io.chord_text import NO_CHORD, PlacedChord, in_order
from musicae.io.midi_file import Song
from musicae.io.musicxml_elements import KINDS, NONE, harmony_element
from musicae.io.musicxml_file import one_line
from musicae.io.musicxml_parts import Score, ScorePart, read_score, read_transposes
from musicae.io.musicxml_time import Timed, number
from musicae.io.score_song import ScoreSong


def score_chords(score: Score, parts: Sequence[ScorePart]) -> tuple[PlacedChord, ...]:
    """The chord symbols of the first part that has any; ``parts`` are searched first.

    Each chord lasts until the next. A symbol that cannot be read stays as its text.
    """
    for part in (*parts, *(part for part in score.parts if part not in parts)):
        found = list(_symbols(score, part))
        if found:
            return in_order(found, score.step(score.begins[-1]))
    return ()


def _symbols(score: Score, part: ScorePart) -> list[tuple[int, str]]:
    """A part's chord symbols as (step, text)."""
    transposes: dict[str, tuple[int, int]] = {}
    found = []
    for begin, measure in zip(score.begins, part.measures, strict=False):
        for item in measure:
            if item.element.tag == "attributes":
                read_transposes(item.element, transposes)
            elif item.element.tag == "harmony":
                higher = transposes.get("1", transposes.get("", (0, 0)))
                at = score.step(max(0, begin + item.begin + item.offset))
                found.append((at, _text(item.element, higher)))
    return found


def _text(harmony: ET.Element, higher: tuple[int, int]) -> str:
    """A chord symbol as text. ``higher`` are the (chromatic, diatonic) steps of ``<transpose>``."""
    kind = harmony.find("kind")
    name = one_line(kind.text if kind is not None else "").replace("dominant-seventh", "dominant")
    said = one_line(kind.get("text")) if kind is not None else ""
    if name == NONE:
        return NO_CHORD
    root = _note(harmony, "root", higher)
    if root is None:
        return said or name or harmony.tag
    ending = KINDS.get(name, said or name)
    for degree in harmony.findall("degree"):
        ending += _degree(degree)
    bass = _note(harmony, "bass", higher)
    return f"{root}{ending}" + (f"/{bass}" if bass else "")


def _note(harmony: ET.Element, which: str, higher: tuple[int, int]) -> str | None:
    """The name of the ``root`` or the ``bass`` as it sounds; None if there is none."""
    letter = harmony.findtext(f"{which}/{which}-step", "").strip()
    if not letter or letter not in LETTERS:
        return None
    alter = 0
    with suppress(ChoraleError):
        alter = round(number(harmony.findtext(f"{which}/{which}-alter", "0"), f"{which}-alter"))
    chromatic, diatonic = higher
    return spelled_class(place_of(letter, alter) + 7 * chromatic - 12 * diatonic)


def _degree(degree: ET.Element) -> str:
    """An added, altered or omitted degree as in chord symbols: ``add9``, ``(b9)``, ``no3``."""
    value = one_line(degree.findtext("degree-value"))
    alter = one_line(degree.findtext("degree-alter"))
    kind = one_line(degree.findtext("degree-type"))
    sign = {"1": "#", "-1": "b"}.get(alter, "")
    if kind == "subtract":
        return f"no{value}"
    if kind == "alter" and sign:
        return f"({sign}{value})"
    return f"add{sign}{value}"


def write(
    path: Path, chorale: Chorale, chords: Sequence[PlacedChord], song: Song | None = None
) -> None:
    """Write a melody or a chorale as MusicXML, with chord symbols above its highest part.

    ``song`` is the file of ``chorale``. If it is a score, the score itself is
    written, with these chord symbols instead of its own. Raises ChoraleError if a chord cannot be
    written, or the file.
    """
    if isinstance(song, ScoreSong):
        root = copy.deepcopy(song.score.root)
        for measure in root.iter("measure"):
            for harmony in measure.findall("harmony"):
                measure.remove(harmony)
        first = root.findall("part")[song.score.parts.index(song.lines[0].part)]
    else:
        there = sounding_voices(chorale)
        names = [name if voice in there else "" for voice, name in enumerate(VOICES)]
        root = ET.fromstring(musicxml_writer.to_xml(chorale, names=names))
        first = root.findall("part")[0]
    score = read_score(path, root)
    part = next(part for part in score.parts if part.element is first)
    for index, measure in enumerate(first.findall("measure")):
        begin, end = score.begins[index : index + 2]
        for chord in reversed(chords):
            at = chord.start * score.quarter // STEPS_PER_QUARTER
            if begin <= at < end:
                _insert(measure, part.measures[index], at - begin, chord.text)
    musicxml_writer.save(musicxml_writer.to_bytes(root), path)


def _insert(measure: ET.Element, items: Sequence[Timed], at: int, text: str) -> None:
    """Insert a chord symbol before the note or rest at a time of a measure.

    ``at`` is in units from the beginning of the measure.
    """
    notes = [item for item in items if item.element.tag == "note" and item.duration]
    heads = [item for item in notes if item.element.find("chord") is None]
    under = [item for item in heads if item.begin <= at < item.begin + item.duration]
    harmony = harmony_element(text)
    if not under:
        measure.append(harmony)
        return
    if offset := at - under[0].begin:
        stated = under[0].element.findtext("duration")
        exact = number(stated, "duration") * offset / under[0].duration
        ET.SubElement(harmony, "offset").text = f"{float(exact):g}"
    measure.insert(list(measure).index(under[0].element), harmony)
