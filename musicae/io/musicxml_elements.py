"""Write single elements of MusicXML: notes, rests, tempi, words and chord symbols."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from xml.etree import ElementTree as ET

from musicae.core.constants import DOTTED_QUARTER, MARK_COLOUR, STEPS_PER_QUARTER
from musicae.core.errors import ChoraleError
from musicae.core.meter import Meter
from musicae.io.chord_text import NO_CHORD
from musicae.io.notation import Symbol
from musicae.io.written_score import Value, value_of

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
"""Endings of chord symbols by MusicXML's kinds. Other kinds are read by their text."""
NONE = "none"
"""The kind for no chord."""
COLOUR = MARK_COLOUR.upper()
"""The colour of marks, in upper case as the standard requires."""
FLAT_FIFTH = "7b5"
"""An ending without a kind in MusicXML: a dominant seventh with an altered degree."""
_BEAMS = {
    "start": "begin",
    "continue": "continue",
    "stop": "end",
    "hook left": "backward hook",
    "hook right": "forward hook",
}
_NAMES = {ending: kind for kind, ending in KINDS.items()} | {"ø7": "half-diminished"}


def child(parent: ET.Element, tag: str, text: object = None, /, **attributes: str) -> ET.Element:
    """Append a child to an element, with ``text`` if it is not None."""
    element = ET.SubElement(parent, tag, attributes)
    if text is not None:
        element.text = str(text)
    return element


def rest_element(symbol: Symbol) -> ET.Element:
    """The element of a rest; its duration is in steps."""
    note = ET.Element("note")
    # Only for a whole bar: readers stretch a rest with measure="yes" to a full bar.
    child(note, "rest", **({"measure": "yes"} if symbol.whole_bar else {}))
    child(note, "duration", symbol.length)
    if not symbol.whole_bar:
        _put_value(note, symbol.length)
    return note


def note_element(
    symbol: Symbol, spelled: tuple[str, int, int], sign: str, *, fermata: bool, marked: bool
) -> ET.Element:
    """The element of a note; its duration is in steps.

    Args:
        symbol: the note's symbol.
        spelled: letter, alteration in semitones, and octave.
        sign: the accidental to draw, by MusicXML's name; empty for none.
        fermata: whether to draw a fermata.
        marked: whether to draw the note in the colour of marks.
    """
    note = ET.Element("note", {"color": COLOUR} if marked else {})
    letter, sharps, octave = spelled
    pitch = child(note, "pitch")
    child(pitch, "step", letter)
    if sharps:
        child(pitch, "alter", sharps)
    child(pitch, "octave", octave)
    child(note, "duration", symbol.length)
    ties = ["stop"] * symbol.tied_before + ["start"] * symbol.tied_after
    for kind in ties:
        child(note, "tie", type=kind)
    _put_value(note, symbol.length)
    if sign:
        child(note, "accidental", sign)
    if marked:
        child(note, "notehead", "normal", color=COLOUR)
    for level, beam in enumerate(symbol.beams, start=1):
        child(note, "beam", _BEAMS[beam], number=str(level))
    if ties or fermata:
        notations = child(note, "notations")
        for kind in ties:
            child(notations, "tied", type=kind)
        if fermata:
            child(notations, "fermata", type="upright")
    return note


def _put_value(note: ET.Element, length: int) -> None:
    """Append the note value (``<type>`` and dots) of a length in steps."""
    value = _value(length)
    child(note, "type", value.kind)
    for _ in range(value.dots):
        child(note, "dot")


@cache
def _value(length: int) -> Value:
    value = value_of(Fraction(length, STEPS_PER_QUARTER))
    assert value
    return value


def tempo_element(qpm: float, meter: Meter) -> ET.Element:
    """A tempo mark of ``qpm`` quarters a minute.

    It counts dotted quarters if these are the beats and their number is whole, else quarters.
    """
    beat = meter.steps_per_beat
    beats = qpm * STEPS_PER_QUARTER / beat
    dotted = beat == DOTTED_QUARTER and beats == round(beats)
    direction = ET.Element("direction", placement="above")
    mark = child(child(direction, "direction-type"), "metronome")
    child(mark, "beat-unit", "quarter")
    if dotted:
        child(mark, "beat-unit-dot")
    child(mark, "per-minute", f"{beats if dotted else qpm:g}")
    child(direction, "sound", tempo=f"{qpm:g}")
    return direction


def words_element(text: str, placement: str, **look: str) -> ET.Element:
    """Words ``above`` or ``below`` a staff; ``look`` are attributes, such as their colour."""
    direction = ET.Element("direction", placement=placement)
    child(child(direction, "direction-type"), "words", text, **look)
    return direction


def harmony_element(text: str) -> ET.Element:
    """The element of a chord symbol. Raises ChoraleError if the text is no known chord symbol.

    >>> ET.tostring(harmony_element("F#m7/A"), encoding="unicode")[:62]
    '<harmony><root><root-step>F</root-step><root-alter>1</root-alt'
    """
    harmony = ET.Element("harmony")
    if text == NO_CHORD:
        child(child(harmony, "root"), "root-step", "C", text="")
        child(harmony, "kind", NONE, text=NO_CHORD)
        return harmony
    upper, _, bass = text.partition("/")
    root = re.match("[A-G][#b]*", upper)
    ending = upper[root.end() :] if root else ""
    said = ending.removesuffix("b5") if ending == FLAT_FIFTH else ending
    if root is None or said not in _NAMES:
        raise ChoraleError(f"{text!r} is not a chord symbol that can be written")
    _put_note(harmony, "root", root[0])
    child(harmony, "kind", _NAMES[said], **({"text": said} if said else {}))
    if bass:
        _put_note(harmony, "bass", bass)
    if ending == FLAT_FIFTH:
        degree = child(harmony, "degree")  # readers append it to the kind's text
        for tag, said in (("value", "5"), ("alter", "-1"), ("type", "alter")):
            child(degree, f"degree-{tag}", said)
    return harmony


def _put_note(harmony: ET.Element, which: str, name: str) -> None:
    element = child(harmony, which)
    child(element, f"{which}-step", name[0])
    if sharps := name.count("#") - name.count("b"):
        child(element, f"{which}-alter", sharps)
