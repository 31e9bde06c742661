"""MusicXML tree -> its parts in exact time: bars, notes, keys, tempi and rehearsal marks.

This reader uses ElementTree, not music21, for three reasons. A given part is written back element
for element, so each note must know its elements. Times are exact integers. Skipped time
(``<forward>``), cue notes, repeated bars, and chords with other elements between their notes are
read as the standard says (MusicXML 4.0, https://www.w3.org/2021/06/musicxml40/).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from musicae.core.constants import (
    FASTEST_QPM,
    MOST_BARS,
    SLOWEST_QPM,
    STEPS_PER_QUARTER,
)
from musicae.core.errors import ChoraleError
from musicae.core.key import MODES
from musicae.core.meter import Measure
from musicae.core.pitch import LETTERS, place_of
from musicae.io.musicxml_file import one_line
from musicae.io.musicxml_time import Timed, bars_of, number, quarter_of, timed_measures

SEMITONE_OF = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
QUARTERS_OF = {
    name: Fraction(4, 2**i)
    for i, name in enumerate(("whole", "half", "quarter", "eighth", "16th", "32nd"))
}
"""The lengths of a metronome mark's beat units, in quarters."""


class ScoreNote(NamedTuple):
    """A sounding note; tied notes are joined. Times are in units from the beginning."""

    begin: int
    end: int
    pitch: int
    place: int
    """Its spelling, as a place on the line of fifths."""
    staff: str
    voice: str
    elements: tuple[ET.Element, ...]
    """Its elements in the file; empty in a bar that a repeat sign (%) stands for."""
    under_fermata: bool = False
    lyric: str = ""
    """Its syllable of the first verse, with a hyphen if the word goes on."""


class KeyChange(NamedTuple):
    """A key signature as it sounds."""

    begin: int
    fifths: int
    mode: str | None


@dataclass(frozen=True, eq=False)
class ScorePart:
    """A ``<part>``, on one staff or several."""

    element: ET.Element
    name: str
    notes: tuple[ScoreNote, ...]
    """In order of onsets, at one onset the highest first."""
    keys: tuple[KeyChange, ...]
    graces: int
    """How many grace notes it has; ``notes`` does not contain them."""
    measures: tuple[tuple[Timed, ...], ...]
    """The elements of each measure."""


@dataclass(frozen=True, eq=False)
class Score:
    """A MusicXML file in exact time. Its bars are in written order: repeats are not unfolded."""

    path: Path
    root: ET.Element
    quarter: int
    """Units of a quarter note."""
    begins: tuple[int, ...]
    """The beginnings of the bars and, last, the end of the piece, in units."""
    times: tuple[tuple[int, int], ...]
    """The meter of each bar."""
    parts: tuple[ScorePart, ...]
    tempos: tuple[tuple[int, float], ...]
    """(units, quarters a minute) of tempi; of several at one time, the first part's."""
    marks: tuple[tuple[int, str], ...]
    """(units, text) of rehearsal marks."""

    def step(self, units: int) -> int:
        """The nearest sixteenth; of two equally near ones the earlier."""
        return -((self.quarter - 2 * STEPS_PER_QUARTER * units) // (2 * self.quarter))

    def on_grid(self, units: int) -> bool:
        """Whether a time is exactly on a sixteenth."""
        return STEPS_PER_QUARTER * units % self.quarter == 0

    @property
    def measures(self) -> list[Measure]:
        """The bars in steps; a bar shorter than half a step has length 0."""
        steps = [self.step(begin) for begin in self.begins]
        return [
            Measure(start, end - start, *time)
            for start, end, time in zip(steps, steps[1:], self.times, strict=False)
        ]


def read_score(path: Path, root: ET.Element) -> Score:
    """The parts of a MusicXML tree. Raises ChoraleError, without the path, if it is damaged."""
    parts = root.findall("part")
    if not parts:
        raise ChoraleError("the score has no parts; export it again")
    if not any(part.find("measure") is not None for part in parts):
        raise ChoraleError("the score has no bars; export it again")
    if max(len(part.findall("measure")) for part in parts) > MOST_BARS:
        raise ChoraleError(f"has more than {MOST_BARS:,} bars; is it damaged?")
    quarter = quarter_of(root)
    timed = [list(timed_measures(part, quarter)) for part in parts]
    begins, times = bars_of(timed, quarter)
    names = _names(root)
    found = tuple(
        _part(part, names.get(part.get("id", ""), ""), measures, begins)
        for part, measures in zip(parts, timed, strict=True)
    )
    tempos: dict[int, float] = {}
    marks: dict[tuple[int, str], None] = {}
    for measures in timed:
        for begin, measure in zip(begins, measures, strict=False):
            for item in measure:
                at = begin + item.begin + item.offset
                if qpm := tempo_of(item.element):
                    tempos.setdefault(at, qpm)
                for mark in item.element.findall("direction-type/rehearsal"):
                    marks[at, one_line(mark.text)] = None
    last = begins[-1]
    return Score(
        path,
        root,
        quarter,
        tuple(begins),
        tuple(times),
        found,
        tuple(sorted((max(0, at), qpm) for at, qpm in tempos.items() if at < last)),
        tuple(sorted(mark for mark in marks if mark[0] < last and mark[1])),
    )


def line_of(note: ET.Element) -> tuple[str, str]:
    """The staff and the voice of a note."""
    return note.findtext("staff", "1").strip(), note.findtext("voice", "1").strip()


def is_sung(note: ET.Element) -> bool:
    """Whether an element is a pitched note that takes time; grace and cue notes are not."""
    return note.find("pitch") is not None and not {"grace", "cue"} & {child.tag for child in note}


def _names(root: ET.Element) -> dict[str, str]:
    return {
        part.get("id", ""): (
            part.findtext("part-name") or part.findtext("score-instrument/instrument-name") or ""
        ).strip()
        for part in root.iter("score-part")
    }


def _part(
    part: ET.Element,
    name: str,
    measures: list[tuple[Timed, ...]],
    begins: list[int],
) -> ScorePart:
    notes: list[ScoreNote] = []
    keys: list[KeyChange] = []
    ends: dict[tuple[int, int], int] = {}  # end and pitch of a note -> its index
    transposes: dict[str, tuple[int, int]] = {}
    repeated = 0
    bars: list[list[ScoreNote]] = []
    graces = 0
    for begin, measure in zip(begins, measures, strict=False):
        first = len(notes)
        for item in measure:
            element, at = item.element, begin + item.begin
            if element.tag == "attributes":
                repeated = _repeated(element, repeated)
                read_transposes(element, transposes)
                keys += _keys(element, at, transposes)
            elif element.tag == "note" and element.find("grace") is not None:
                graces += 1
            elif element.tag == "note" and is_sung(element) and item.duration:
                note = _note(element, at, at + item.duration, transposes)
                joined = ends.pop((at, note.pitch), None) if _is_tied_before(element) else None
                if joined is not None:
                    before = notes[joined]
                    note = before._replace(
                        end=note.end,
                        elements=(*before.elements, element),
                        under_fermata=before.under_fermata or note.under_fermata,
                    )
                    notes[joined] = note
                    ends[note.end, note.pitch] = joined
                else:
                    ends[note.end, note.pitch] = len(notes)
                    notes.append(note)
        written = notes[first:]
        if repeated and not written and len(bars) >= repeated:
            shift = begin - begins[len(bars) - repeated]
            written = [
                n._replace(begin=n.begin + shift, end=n.end + shift, elements=(), lyric="")
                for n in bars[-repeated]
            ]
            notes += written
        bars.append(written)
    ordered = sorted(notes, key=lambda note: (note.begin, -note.pitch))
    return ScorePart(part, name, tuple(ordered), tuple(keys), graces, tuple(measures))


def _note(
    element: ET.Element, begin: int, end: int, transposes: dict[str, tuple[int, int]]
) -> ScoreNote:
    staff, voice = line_of(element)
    letter = element.findtext("pitch/step", "").strip()
    if letter not in LETTERS or not letter:
        raise ChoraleError(
            f"is a damaged score: it has a note with the letter (step) {one_line(letter)[:40]!r}"
        )
    alter = round(number(element.findtext("pitch/alter", "0"), "alter"))
    octave = int(number(element.findtext("pitch/octave"), "octave"))
    chromatic, diatonic = transposes.get(staff, transposes.get("", (0, 0)))
    pitch = 12 * (octave + 1) + SEMITONE_OF[letter] + alter + chromatic
    if not 0 <= pitch <= 127:
        raise ChoraleError(
            f"is a damaged score: it has a note with the MIDI pitch {pitch}; pitches are 0 to 127"
        )
    place = place_of(letter, alter) + 7 * chromatic - 12 * diatonic
    fermata = element.find("notations/fermata") is not None
    return ScoreNote(begin, end, pitch, place, staff, voice, (element,), fermata, _lyric(element))


def _is_tied_before(note: ET.Element) -> bool:
    ties = [*note.findall("tie"), *note.findall("notations/tied")]
    return any(tie.get("type") in ("stop", "continue") for tie in ties)


def _lyric(note: ET.Element) -> str:
    verses = note.findall("lyric")
    verse = next((v for v in verses if v.get("number", "1") == "1"), verses[0] if verses else None)
    if verse is None:
        return ""
    text = "".join(e.text or "" for e in verse if e.tag in ("text", "elision")).strip()
    return text + "-" * (bool(text) and verse.findtext("syllabic") in ("begin", "middle"))


def _repeated(attributes: ET.Element, before: int) -> int:
    """How many bars each repeat sign (%) repeats from here on; 0 if there are none.

    ``before`` is the number so far.
    """
    for style in attributes.findall("measure-style/measure-repeat"):
        stops = style.get("type") == "stop"
        before = 0 if stops else max(1, int(number(style.text or "1", "measure-repeat")))
    return before


def read_transposes(attributes: ET.Element, transposes: dict[str, tuple[int, int]]) -> None:
    """Add the transpositions of ``<attributes>`` to ``transposes``.

    They are (chromatic, diatonic) steps from the written to the sounding note, by the number of the
    staff; the key is empty if they hold for all staves.
    """
    for transpose in attributes.findall("transpose"):
        octaves = int(number(transpose.findtext("octave-change", "0"), "octave-change"))
        chromatic = int(number(transpose.findtext("chromatic"), "chromatic"))
        diatonic = transpose.findtext("diatonic")
        steps = round(chromatic * 7 / 12) if diatonic is None else int(number(diatonic, "diatonic"))
        transposes[transpose.get("number", "")] = chromatic + 12 * octaves, steps + 7 * octaves


def _keys(
    attributes: ET.Element, at: int, transposes: dict[str, tuple[int, int]]
) -> list[KeyChange]:
    found = []
    chromatic, diatonic = transposes.get("1", transposes.get("", (0, 0)))
    for key in attributes.findall("key"):
        if key.get("number", "1") == "1" and key.find("fifths") is not None:
            fifths = int(number(key.findtext("fifths"), "fifths")) + 7 * chromatic - 12 * diatonic
            mode = key.findtext("mode", "").strip().lower()
            if -7 <= fifths <= 7:
                found.append(KeyChange(at, fifths, mode if mode in MODES else None))
    return found


def tempo_of(element: ET.Element) -> float | None:
    """The tempo of an element in quarters a minute; None if it states none that can be used.

    A sounding tempo is preferred to a drawn one.
    """
    sound = element if element.tag == "sound" else element.find("sound")
    try:
        if sound is not None and sound.get("tempo"):
            qpm = float(number(sound.get("tempo"), "tempo"))
        else:
            mark = element.find("direction-type/metronome")
            if mark is None or len(units := mark.findall("beat-unit")) != 1:
                return None
            beat = QUARTERS_OF.get((units[0].text or "").strip(), Fraction(0))
            dots = len(mark.findall("beat-unit-dot"))
            qpm = float(
                number(mark.findtext("per-minute"), "tempo") * beat * (2 - Fraction(1, 2**dots))
            )
    except ChoraleError:  # "ca. 80"
        return None
    return qpm if SLOWEST_QPM <= qpm <= FASTEST_QPM else None
