"""Transpose whole files, MIDI songs and MusicXML trees, and parts of transposing instruments.

Every note moves by the same interval. Its spelling moves by the same number of places on the line
of fifths, so that a score is spelled in its new key as in its old one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from xml.etree import ElementTree as ET

from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.pitch import letter_at, place_of, spelled_parts
from musicae.io.accidentals import Accidentals
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import Song
from musicae.io.midi_notes import DRUM_CHANNEL, MidiNote, Part
from musicae.io.musicxml_parts import SEMITONE_OF
from musicae.io.musicxml_time import number

HIGHEST = 127
"""The highest MIDI pitch."""
MOST_FIFTHS = 7
"""The most sharps or flats of a key signature."""


def fifths_of(semitones: int, fifths: int = 0) -> int:
    """The shift on the line of fifths when music in a key signature of ``fifths`` is transposed.

    The new key is spelled with the fewest sharps or flats.

    >>> fifths_of(2), fifths_of(-3, 0), fifths_of(1, 0)
    (2, 3, -5)
    """
    moved = 7 * semitones % 12
    return min((moved - 12, moved), key=lambda by: (abs(fifths + by), by))


def transposed_song(song: Song, semitones: int) -> Song:
    """Transpose the pitched notes and key signatures of a MIDI file; drums stay.

    Raises ChoraleError if a pitch would leave MIDI's range, 0 to 127.
    """
    pitches = [note.pitch + semitones for part in song.parts for note in part.notes]
    if pitches and not 0 <= min(pitches) <= max(pitches) <= HIGHEST:
        raise ChoraleError(
            f"{song.path}: transposed by {semitones} semitones, notes leave MIDI's range"
        )

    def moved(event: Timed) -> Timed:
        message = event.message
        if message.type in ("note_on", "note_off", "polytouch"):
            if message.channel != DRUM_CHANNEL and 0 <= message.note + semitones <= HIGHEST:
                return event._replace(message=message.copy(note=message.note + semitones))
        elif message.type == "key_signature":
            key = Key.parse(message.key).transpose(semitones)
            name = key.tonic_name + ("m" if key.mode == "minor" else "")
            return event._replace(message=message.copy(key=name))
        return event

    def higher(part: Part) -> Part:
        return replace(part, notes=tuple(_higher(note, semitones) for note in part.notes))

    return replace(
        song,
        tracks=tuple(tuple(map(moved, track)) for track in song.tracks),
        parts=tuple(map(higher, song.parts)),
    )


def _higher(note: MidiNote, semitones: int) -> MidiNote:
    return note._replace(pitch=note.pitch + semitones)


def transpose_parts(root: ET.Element, semitones: int) -> None:
    """Transpose the pitched notes, key signatures and chord symbols of all parts of a tree."""
    with suppress(ChoraleError):
        first = number(root.findtext(".//key/fifths", "0"), "fifths")
        for part in root.findall("part"):
            transpose_part(part, semitones, fifths_of(semitones, int(first)))


def transpose_part(part: ET.Element, semitones: int, fifths: int) -> None:
    """Transpose a part by ``semitones``, its spelling by ``fifths``; draw its accidentals again.

    Raises ChoraleError if a number in the part is damaged.
    """
    for signature in part.iter("fifths"):
        moved = int(number(signature.text, "fifths")) + fifths
        signature.text = str(moved - 12 * (moved > MOST_FIFTHS) + 12 * (moved < -MOST_FIFTHS))
    for harmony in part.iter("harmony"):
        for which in ("root", "bass"):
            _transpose_name(harmony.find(which), which, fifths)
    for note in part.iter("note"):
        pitch = note.find("pitch")
        if pitch is None:
            continue
        letter = pitch.findtext("step", "").strip()
        alter = round(number(pitch.findtext("alter", "0"), "alter"))
        octave = int(number(pitch.findtext("octave", ""), "octave"))
        midi = 12 * (octave + 1) + SEMITONE_OF[letter] + alter + semitones
        letter, alter, octave = spelled_parts(midi, place_of(letter, alter) + fifths)
        pitch[:] = []
        ET.SubElement(pitch, "step").text = letter
        if alter:
            ET.SubElement(pitch, "alter").text = str(alter)
        ET.SubElement(pitch, "octave").text = str(octave)
    _draw_accidentals(part)


def as_transposing(part: ET.Element, semitones: int) -> None:
    """Write a part for an instrument that sounds ``semitones`` higher than written."""
    if not semitones:
        return
    fifths = fifths_of(-semitones)
    with suppress(ChoraleError):
        fifths = fifths_of(-semitones, int(number(part.findtext(".//key/fifths", "0"), "fifths")))
    transpose_part(part, -semitones, fifths)
    attributes = part.find("measure/attributes")
    assert attributes is not None
    octaves, chromatic = divmod(abs(semitones), 12)
    sign = 1 if semitones > 0 else -1
    element = ET.Element("transpose")
    letters = 4 * fifths_of(chromatic) % 7
    ET.SubElement(element, "diatonic").text = str(sign * letters)
    ET.SubElement(element, "chromatic").text = str(sign * chromatic)
    if octaves:
        ET.SubElement(element, "octave-change").text = str(sign * octaves)
    after = [i for i, each in enumerate(attributes) if each.tag in _BEFORE_TRANSPOSE]
    attributes.insert(1 + max(after, default=-1), element)


_BEFORE_TRANSPOSE = ("divisions", "key", "time", "staves", "part-symbol", "instruments", "clef",
                     "staff-details")  # fmt: skip
"""Elements of ``<attributes>`` that come before ``<transpose>``."""


def _transpose_name(name: ET.Element | None, which: str, fifths: int) -> None:
    """Transpose the root or the bass of a chord symbol."""
    if name is None or name.findtext(f"{which}-step", "").strip() not in SEMITONE_OF:
        return
    alter = round(number(name.findtext(f"{which}-alter", "0"), "alter"))
    letter, sharps = letter_at(place_of(name.findtext(f"{which}-step", "").strip(), alter) + fifths)
    name[:] = []
    ET.SubElement(name, f"{which}-step").text = letter
    if sharps:
        ET.SubElement(name, f"{which}-alter").text = str(sharps)


def _draw_accidentals(part: ET.Element) -> None:
    """Remove the drawn accidentals of a part, and draw those that it needs."""
    signs = Accidentals()
    for measure in part.findall("measure"):
        for element in measure.iter():
            if element.tag == "fifths":
                signs.set_signature(int(number(element.text, "fifths")))
            if element.tag != "note" or element.find("pitch") is None:
                continue
            for drawn in element.findall("accidental"):
                element.remove(drawn)
            letter, octave = element.findtext("pitch/step", ""), element.findtext("pitch/octave")
            alter = int(element.findtext("pitch/alter", "0"))
            tied = element.find("tie[@type='stop']") is not None
            if sign := signs.sign(letter, alter, int(octave or 0), tied=tied):
                accidental = ET.Element("accidental")
                accidental.text = sign
                before = [i for i, each in enumerate(element) if each.tag in _BEFORE_ACCIDENTAL]
                element.insert(1 + max(before), accidental)
        signs.next_bar()


_BEFORE_ACCIDENTAL = ("grace", "cue", "chord", "pitch", "duration", "tie", "instrument", "footnote",
                      "level", "voice", "type", "dot")  # fmt: skip
"""Elements of a note that come before ``<accidental>``."""
