"""A score for an ensemble: its names, clefs and sounds, and transposing instruments."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from musicae.core.ensembles import Clef, Ensemble, EnsembleVoice
from musicae.io.musicxml_writer import to_bytes
from musicae.io.transposing import as_transposing


def dressed(xml: bytes, ensemble: Ensemble) -> bytes:
    """MusicXML with the names, clefs, sounds and transpositions of an ensemble's voices.

    The first parts of ``xml`` are the ensemble's voices in order. A score with fewer parts than
    voices, because a part holds several of them, stays as it is.
    """
    root = ET.fromstring(xml)
    voices = [voice for voice in ensemble.voices if voice]
    parts = root.findall("part")
    listed = {entry.get("id"): entry for entry in root.iter("score-part")}
    if len(parts) < len(voices):
        return xml
    for part, voice in zip(parts, voices, strict=False):
        _name(listed[part.get("id")], voice)
        _set_clef(part, voice.clef)
        as_transposing(part, voice.transposition)
    return to_bytes(root)


def _name(entry: ET.Element, voice: EnsembleVoice) -> None:
    for tag, text in (("part-name", voice.name), ("part-abbreviation", voice.short)):
        element = entry.find(tag)
        if element is None:
            element = ET.Element(tag)
            entry.insert(1 if tag == "part-abbreviation" else 0, element)
        element.text = text
    for tag in ("part-name-display", "part-abbreviation-display"):
        for element in entry.findall(tag):
            entry.remove(element)
    for element in entry.iter("instrument-name"):
        element.text = voice.name
    for element in entry.iter("midi-program"):
        element.text = str(voice.program + 1)


def _set_clef(part: ET.Element, clef: Clef) -> None:
    """Give a part one clef, at its beginning, instead of all its clefs."""
    for stated in part.iter("attributes"):
        for former in stated.findall("clef"):
            stated.remove(former)
    attributes = part.find("measure/attributes")
    assert attributes is not None
    element = ET.Element("clef")
    ET.SubElement(element, "sign").text = clef.sign
    ET.SubElement(element, "line").text = str(clef.line)
    if clef.octaves:
        ET.SubElement(element, "clef-octave-change").text = str(clef.octaves)
    before = ("divisions", "key", "time", "staves", "part-symbol", "instruments")
    after = [i for i, each in enumerate(attributes) if each.tag in before]
    attributes.insert(1 + max(after, default=-1), element)
