"""Closed scores: separate two voices of a choir that share one staff, as hymnals print them.

MusicXML's ``<voice>`` says which voice a note belongs to. If a bar has only one ``<voice>``, its
chords are both voices, and its single notes are a unison.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby, pairwise
from statistics import fmean
from typing import NamedTuple

from musicae.core.constants import VOICES
from musicae.io.musicxml_parts import Score, ScoreNote, ScorePart, line_of
from musicae.io.voice_tracks import voice_of_name

PAIRED = 0.5
"""If parts are not named after voices: two notes have to sound at this share of a staff's onsets or
more, or it is no closed score."""


class Line(NamedTuple):
    """One voice or instrument: a part of the score, or one voice of a staff with two."""

    part: ScorePart
    name: str
    notes: tuple[ScoreNote, ...]


def lines_of(score: Score) -> list[Line]:
    """The parts of a score; each part of a closed score becomes the voices that share its staff.

    - A part with the name of two voices, such as ``Soprano/Alto``, ``S A`` or ``Women``, is those
      two.
    - Two staves, of one part or two, with two voices each, are soprano, alto, tenor and bass, if
      no part has the name of a single voice.
    - Any other part on several staves is read from its upper staff.
    """
    every = [(part, staff) for part in score.parts for staff in _staves(part)]
    if len(every) == 2 and not any(
        voice_of_name(part.name) is not None or len(voices_in(part.name)) == 1 for part, _ in every
    ):
        pairs = [_pair(score, part, staff) for part, staff in every]
        named = all(len(voices_in(part.name)) > 1 for part, _ in every)
        if all(pairs) and (named or all(_share(pair) >= PAIRED for pair in pairs if pair)):
            both = [
                (part, line)
                for (part, _), pair in zip(every, pairs, strict=True)
                for line in pair or ()
            ]
            return [Line(part, VOICES[v], line) for v, (part, line) in enumerate(both)]
    lines = []
    for part in score.parts:
        staves, held = _staves(part), voices_in(part.name)
        pair = _pair(score, part, staves[0]) if len(staves) == 1 and len(held) == 2 else None
        if pair:
            lines += [Line(part, VOICES[v], line) for v, line in zip(held, pair, strict=True)]
        else:
            lines.append(Line(part, part.name, _on_staff(part, staves[0]) if staves else ()))
    return lines


def voices_in(name: str) -> tuple[int, ...]:
    """The voices that a part's name mentions: one, two or none.

    >>> voices_in("Soprano / Alto"), voices_in("TB"), voices_in("Women"), voices_in("Alto sax")
    ((0, 1), (2, 3), (0, 1), ())
    """
    words = re.findall(r"[^\W\d_]+", name)
    if len(words) == 1 and re.fullmatch("SA|AT|TB", words[0]):
        words = list(words[0])
    if len(words) == 1 and (group := _GROUPS.get(words[0].casefold())):
        return group
    voices = tuple(voice_of_name(word) for word in words if word.casefold() not in _ANDS)
    if len(voices) != 2 or None in voices or not (voices[0] or 0) < (voices[1] or 0):
        one = voice_of_name(name)
        return () if one is None else (one,)
    return tuple(voice for voice in voices if voice is not None)


_ANDS = frozenset({"and", "und", "et", "e", "y", "en", "och", "og"})
_GROUPS = dict.fromkeys(("women", "frauen", "femmes", "donne", "mujeres"), (0, 1)) | dict.fromkeys(
    ("men", "männer", "hommes", "uomini", "hombres"), (2, 3)
)


def _staves(part: ScorePart) -> list[str]:
    """The numbers of a part's staves with notes, from the top."""
    return sorted({note.staff for note in part.notes}, key=lambda staff: (len(staff), staff))


def _on_staff(part: ScorePart, staff: str) -> tuple[ScoreNote, ...]:
    return tuple(note for note in part.notes if note.staff == staff)


def _share(pair: tuple[tuple[ScoreNote, ...], tuple[ScoreNote, ...]]) -> float:
    """The share of onsets, of either voice, at which two notes sound."""
    upper, lower = pair
    begins = sorted({note.begin for line in pair for note in line})

    def sounding(line: Sequence[ScoreNote]) -> dict[int, ScoreNote]:
        found, index = {}, 0
        for begin in begins:
            while index < len(line) and line[index].end <= begin:
                index += 1
            if index < len(line) and line[index].begin <= begin:
                found[begin] = line[index]
        return found

    high, low = sounding(upper), sounding(lower)
    return sum(high[at] is not low[at] for at in high.keys() & low.keys()) / len(begins)


def _pair(
    score: Score, part: ScorePart, staff: str
) -> tuple[tuple[ScoreNote, ...], tuple[ScoreNote, ...]] | None:
    """The upper and the lower voice of a staff; None if it does not have two voices."""
    notes: dict[int, list[ScoreNote]] = defaultdict(list)
    heights: dict[str, list[int]] = defaultdict(list)
    for note in _on_staff(part, staff):
        notes[bisect_right(score.begins, note.begin) - 1].append(note)
        heights[note.voice].append(note.pitch)
    upper: list[ScoreNote] = []
    lower: list[ScoreNote] = []
    for bar, sung in notes.items():
        present = {
            line_of(item.element)[1]
            for item in part.measures[bar]
            if item.element.tag == "note" and line_of(item.element)[0] == staff and item.duration
        } | {note.voice for note in sung}
        if len(present) > 2:
            return None
        if len(present) == 2:
            # A voice that only rests in the whole staff has no height; it is the lower.
            one, _ = sorted(present, key=lambda v: (-fmean(heights[v] or [0]), v))
            upper += [note for note in sung if note.voice == one]
            lower += [note for note in sung if note.voice != one]
        elif not _split(sung, upper, lower):
            return None
    single = all(a.end <= b.begin for line in (upper, lower) for a, b in pairwise(line))
    return (tuple(upper), tuple(lower)) if lower and upper and single else None


def _split(sung: Sequence[ScoreNote], upper: list[ScoreNote], lower: list[ScoreNote]) -> bool:
    """Divide the notes of a bar with one ``<voice>`` among two voices; False if they need more.

    The higher of two notes that begin together goes to the upper voice. A note that begins alone
    goes to the silent voice, or to both voices if both are silent.
    """
    for begin, group in groupby(sung, key=lambda note: note.begin):
        together = list(group)
        free = [line for line in (upper, lower) if not line or line[-1].end <= begin]
        if len(together) == 1:
            together *= len(free)
        if len(together) != len(free) or not free:
            return False
        for line, note in zip(free, together, strict=True):
            line.append(note)
    return True
