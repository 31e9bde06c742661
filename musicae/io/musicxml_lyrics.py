"""Words in MusicXML: read ``<lyric>`` elements as verses, and write verses as ``<lyric>``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple
from xml.etree import ElementTree as ET

from musicae.core.chorale import Chorale
from musicae.core.constants import STEPS_PER_QUARTER
from musicae.core.meter import Measure
from musicae.io.lyrics import ELISION, FOREVER, Syllable, Verse, Verses, Words, sung_by
from musicae.io.midi_notes import MidiNote, Part
from musicae.io.musicxml_file import one_line
from musicae.io.musicxml_parts import ScoreNote
from musicae.io.musicxml_time import timed_measures
from musicae.io.score_song import ScoreSong

AFTER_LYRICS = frozenset({"play", "listen"})
"""Elements of a note that come after its words."""
SYLLABIC = {
    (True, True): "single",
    (True, False): "begin",
    (False, False): "middle",
    (False, True): "end",
}
"""MusicXML's ``<syllabic>`` for a syllable, by (begins a word, ends a word)."""


class Head(NamedTuple):
    """A note head of a voice: its onset in steps, and its element.

    The element is None if the head is tied to the previous one; it then takes no syllable.
    """

    step: int
    element: ET.Element | None


def words_of(
    song: ScoreSong,
    parts: Mapping[int, Part],
    tops: Mapping[int, Sequence[MidiNote]],
    chorale: Chorale,
) -> Words:
    """The words of the given voices of a score, in all verses.

    ``midi_lyrics.words_of`` describes the arguments. A syllable lasts until the next one of its
    verse. If another verse goes on alone after a word, as in a refrain, the word ends there, unless
    ``<extend>`` or a slur says otherwise.
    """
    voices, slurred = {}, {}
    for voice, part in parts.items():
        written = song.written(part)
        at: dict[int, list[ET.Element]] = {}
        for note in written.values():
            for element in note.elements[:1]:
                at.setdefault(note.begin, []).extend(element.findall("lyric"))
        under = _slurred(written[note] for note in tops[voice])
        slurred[voice] = frozenset(song.score.step(begin) for begin in under)
        found: dict[str, dict[int, Syllable]] = {}
        extended: dict[str, set[int]] = {}
        for begin, lyrics in sorted(at.items()):
            step = song.score.step(begin)
            for lyric in lyrics if step < len(chorale) else ():
                number = one_line(lyric.get("number")) or "1"
                syllable = _syllable(lyric, step)
                if syllable is None or step in found.get(number, {}):
                    continue
                found.setdefault(number, {})[step] = syllable
                if lyric.find("extend") is not None:
                    extended.setdefault(number, set()).add(step)
        verses = _verses(found, extended, slurred[voice], chorale, voice)
        if verses:
            voices[voice] = verses
    return Words(voices, frozenset(voices), slurred=slurred)


def set_on_part(
    part: ET.Element, verses: Verses, measures: Sequence[Measure], quarter: int
) -> None:
    """Write a voice's words into the part that was written for it.

    ``measures`` are the chorale's bars in steps, ``quarter`` the units of a quarter note.
    """
    heads = []
    for measure, items in zip(measures, timed_measures(part, quarter), strict=True):
        for item in items:
            if item.element.find("pitch") is not None:
                tied = any(tie.get("type") == "stop" for tie in item.element.findall("tie"))
                step = measure.start + item.begin * STEPS_PER_QUARTER // quarter
                heads.append(Head(step, None if tied else item.element))
    set_on_heads(heads, verses)


def set_on_heads(heads: Sequence[Head], verses: Verses) -> None:
    """Write words on note heads, given in order of time."""
    elements = {head.step: head.element for head in reversed(heads) if head.element is not None}
    steps = sorted(head.step for head in heads)
    for verse in verses:
        for syllable in verse.syllables:
            element = elements.get(syllable.step)
            if element is None:
                continue
            after = bisect_right(steps, syllable.step)
            is_held = after < len(steps) and steps[after] < syllable.until
            lyric = ET.Element("lyric", number=verse.number)
            ET.SubElement(lyric, "syllabic").text = SYLLABIC[syllable.begins, syllable.ends]
            ET.SubElement(lyric, "text").text = syllable.text
            if is_held and syllable.ends:
                ET.SubElement(lyric, "extend")
            element.insert(sum(child.tag not in AFTER_LYRICS for child in element), lyric)


def numbered(verses: Verses) -> Verses:
    """Put the number of each verse before its first syllable, if there are several verses.

    If any first syllable begins with a digit already, as in files of notation programs, nothing
    changes.

    >>> two = (Verse("1", (Syllable(0, "Praise"),)), Verse("2", (Syllable(0, "Sing"),)))
    >>> [verse.syllables[0].text for verse in numbered(two)]
    ['1. Praise', '2. Sing']
    """
    firsts = [verse.syllables[0] for verse in verses if verse.syllables]
    if len(verses) < 2 or any(first.text[0].isdigit() for first in firsts):
        return verses
    return tuple(
        verse._replace(
            syllables=(
                first._replace(text=f"{verse.number}. {first.text}"),
                *verse.syllables[1:],
            )
        )
        for verse, first in zip(verses, firsts, strict=True)
    )


def without_words(note: ET.Element) -> None:
    """Remove the words of a note."""
    for lyric in note.findall("lyric"):
        note.remove(lyric)


def _verses(
    found: Mapping[str, Mapping[int, Syllable]],
    extended: Mapping[str, set[int]],
    slurred: frozenset[int],
    chorale: Chorale,
    voice: int,
) -> Verses:
    """The verses in order of their numbers; sets the end of each syllable.

    Args:
        found: by verse number, the syllables by step.
        extended: by verse number, the steps of syllables with ``<extend>``.
        slurred: steps of notes that a slur joins to the previous note.
    """
    notes = chorale.notes(voice)
    following = {one.step: other.step for one, other in pairwise(notes)}
    verses = []
    for number in sorted(found, key=_rank):
        others = sorted({step for other in found if other != number for step in found[other]})
        syllables = []
        for step, syllable in found[number].items():
            goes_on = step in extended.get(number, ()) or following.get(step) in slurred
            stop = bisect_right(others, step)
            ends = syllable.ends and not goes_on and stop < len(others)
            syllables.append(syllable._replace(until=others[stop] if ends else FOREVER))
        sung, _ = sung_by(notes, syllables)
        if sung:
            verses.append(Verse(number, sung))
    return tuple(verses)


def _rank(number: str) -> tuple[bool, int, str]:
    plain = number.isdecimal() and len(number) < 10
    return not plain, int(number) if plain else 0, number


def _syllable(lyric: ET.Element, step: int) -> Syllable | None:
    """The syllable of a ``<lyric>``; None if it has no text."""
    text = ""
    for child in lyric:
        if child.tag == "text":
            text += one_line(child.text)
        elif child.tag == "elision":
            text += one_line(child.text) or ELISION
    if not text:
        return None
    kinds = [(child.text or "").strip() for child in lyric.findall("syllabic")] or ["single"]
    begins, ends = kinds[0] in ("single", "begin"), kinds[-1] in ("single", "end")
    known = set(SYLLABIC.values())
    return Syllable(step, text, begins or kinds[0] not in known, ends or kinds[-1] not in known)


def _slurred(notes: Iterable[ScoreNote]) -> Iterator[int]:
    """The onsets, in units, of notes that a slur joins to the previous note."""
    drawn: set[str] = set()
    for note in notes:
        if drawn:
            yield note.begin
        for element in note.elements:
            slurs = element.findall("notations/slur")
            drawn -= {s.get("number", "1") for s in slurs if s.get("type") == "stop"}
            drawn |= {s.get("number", "1") for s in slurs if s.get("type") == "start"}
