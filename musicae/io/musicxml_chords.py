"""The chord symbols of a MusicXML file (``<harmony>``), as they sound."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from xml.etree import ElementTree as ET

from musicae.core.errors import ChoraleError
from musicae.core.pitch import LETTERS, place_of, spelled_class
from musicae.io.chord_text import NO_CHORD, PlacedChord, in_order
from musicae.io.musicxml_file import one_line
from musicae.io.musicxml_parts import Score, ScorePart, read_transposes
from musicae.io.musicxml_time import number

KINDS = {
    "major": "",
    "minor": "m",
    "augmented": "aug",
    "diminished": "dim",
    "dominant": "7",
    "major-seventh": "maj7",
    "minor-seventh": "m7",
    "diminished-seventh": "dim7",
    "augmented-seventh": "aug7",
    "half-diminished": "m7b5",
    "major-minor": "mmaj7",
    "major-sixth": "6",
    "minor-sixth": "m6",
    "dominant-ninth": "9",
    "major-ninth": "maj9",
    "minor-ninth": "m9",
    "dominant-11th": "11",
    "major-11th": "maj11",
    "minor-11th": "m11",
    "dominant-13th": "13",
    "major-13th": "maj13",
    "minor-13th": "m13",
    "suspended-second": "sus2",
    "suspended-fourth": "sus4",
    "power": "5",
}
"""Kinds of the standard as chord symbols are written; others are read by their text."""
NONE = "none"
"""The kind that says that there is no chord."""


def score_chords(score: Score, parts: Sequence[ScorePart]) -> tuple[PlacedChord, ...]:
    """The chord symbols of the first part that has some, of ``parts`` or else of the score.

    Each lasts until the next. What cannot be read stays as a text that is no chord.
    """
    for part in (*parts, *(part for part in score.parts if part not in parts)):
        found = list(_symbols(score, part))
        if found:
            return in_order(found, score.step(score.begins[-1]))
    return ()


def _symbols(score: Score, part: ScorePart) -> list[tuple[int, str]]:
    """The steps and texts of a part's chord symbols."""
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
    """A chord symbol as text; ``higher`` is by how much it sounds higher, as ``<transpose>``."""
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
    """The name of the root or the bass as it sounds; None where there is none."""
    letter = harmony.findtext(f"{which}/{which}-step", "").strip()
    if not letter or letter not in LETTERS:
        return None
    alter = 0
    with suppress(ChoraleError):
        alter = round(number(harmony.findtext(f"{which}/{which}-alter", "0"), f"{which}-alter"))
    chromatic, diatonic = higher
    return spelled_class(place_of(letter, alter) + 7 * chromatic - 12 * diatonic)


def _degree(degree: ET.Element) -> str:
    """A degree that is added, altered or left out, as chord symbols have it: ``(b9)``, ``no3``."""
    value = degree.findtext("degree-value", "").strip()
    alter = degree.findtext("degree-alter", "0").strip()
    kind = degree.findtext("degree-type", "").strip()
    sign = {"1": "#", "-1": "b"}.get(alter, "")
    if kind == "subtract":
        return f"no{value}"
    if kind == "alter" and sign:
        return f"({sign}{value})"
    return f"add{sign}{value}"
