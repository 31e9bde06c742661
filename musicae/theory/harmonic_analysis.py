"""Harmonic analysis: the changes of harmony with their keys, Roman numerals and chord symbols.

``musicae.theory.harmonic_search`` finds the best chain of chords and keys; this module labels it.
The numerals are those of Kostka and Payne (*Tonal Harmony*).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Ints
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.key import RELATIVE_MINOR, Key
from musicae.core.pitch import spelled_class
from musicae.theory.chord_names import FIFTHS, likeliest_root
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord
from musicae.theory.harmonic_search import BARE, ChordSpan, Evidence, best_path
from musicae.theory.numerals import AUGMENTED_SIXTHS, KINDS, NUMERALS
from musicae.theory.sonorities import sonorities
from musicae.theory.spelling import places_near, spell


class Label(NamedTuple):
    """The harmony that begins at a step."""

    step: int
    """The first step of the chord or key."""
    key: Key
    """The local key."""
    numeral: str
    """The Roman numeral in that key, with its figures, such as ``V65/V`` or ``vii°6``."""
    chord: str
    """The chord symbol, spelled like the score: ``D7/F#``, ``C#dim7``, ``G5``."""


def analyse(chorale: Chorale) -> tuple[Label, ...]:
    """The harmony at each change. Empty if no more than two voices ever sound together.

    A chord lasts until the next label. Passing notes, suspensions and anticipations get no label.
    A bass that moves to another chord tone on a beat gets one, and so does a seventh that is added
    to a dominant. A cadential six-four is I64. A new label needs a root and a third (a bare fifth
    only a root) that sound before the next label; otherwise the previous chord goes on. Theorists'
    analyses of ten of Bach's chorales, which were not used for tuning, name the same key for 83% of
    the quarters, the same root for 95% and the same numeral with its figures for 76%
    (``benchmarks/analysis.py``). Most differences are about the place where a key begins.

    >>> voices = [(0, 4, 71), (4, 4, 72)], [(0, 4, 67), (4, 4, 67)], [(0, 4, 62), (4, 4, 64)]
    >>> amen = Chorale.from_notes([*voices, [(0, 4, 55), (2, 2, 53), (4, 4, 52)]], key=Key(0))
    >>> [(label.step, label.numeral, label.chord) for label in analyse(amen)]
    [(0, 'V', 'G'), (2, 'V42', 'G7/F'), (4, 'I6', 'C/E')]
    """
    chords = sonorities(chorale)
    if not ((chords.pitch != REST).sum(axis=1) > 2).any():
        return ()
    evidence = Evidence(chords)
    return tuple(_labels(evidence, best_path(evidence)))


def labels_of(plan: HarmonicPlan) -> tuple[Label, ...]:
    """The labels of a plan, one at each change of chord or local key.

    A diminished seventh is named by its function in the local key, such as vii°43, whatever its
    root is in the plan.

    >>> from musicae.theory.harmonic_plan import beats_of
    >>> beats = beats_of(Chorale.from_notes([[(0, 16, 62)]]))
    >>> plan = HarmonicPlan.parse("I G: IV . V65", beats, Key(0))
    >>> [(label.step, label.numeral, label.chord) for label in labels_of(plan)]
    [(0, 'I', 'C'), (4, 'IV', 'C'), (12, 'V65', 'D7/F#')]
    """
    labels: list[Label] = []
    sounding = None
    for step, key, chord in plan.beginnings():
        if chord is not None and (key, chord) != sounding:
            own = chord.rebased(plan.key, key)
            own = PlannedChord(*likeliest_root(own.root, own.quality, own.bass, key.mode))
            labels.append(Label(step, key, own.numeral(key), own.symbol(key)))
            sounding = key, chord
    return tuple(labels)


def texts(labels: Sequence[Label]) -> list[tuple[int, str]]:
    """Step and text of each label. A new key is named before the numeral, in lower case if minor.

    >>> texts([Label(0, Key(1), "I", "G"), Label(4, Key(1, "minor"), "V65", "B7/D#")])
    [(0, 'G: I'), (4, 'e: V65')]
    """
    found = []
    key = None
    for label in labels:
        new = label.key != key
        text = f"{label.key.short_name}: {label.numeral}" if new else label.numeral
        found.append((label.step, text))
        key = label.key
    return found


def markers(labels: Sequence[Label]) -> list[tuple[int, str]]:
    """``texts`` in ASCII, which MIDI requires, with the signs of the RomanText format.

    ``viio6`` is diminished and ``vii/o7`` half-diminished (Tymoczko, Gotham, Cuthbert and Ariza,
    2019).

    >>> markers([Label(0, Key(0), "vii°6", "Bdim/D"), Label(4, Key(0), "viiø7", "Bø7")])
    [(0, 'C: viio6'), (4, 'vii/o7')]
    """
    return [(step, text.replace("°", "o").replace("ø", "/o")) for step, text in texts(labels)]


def is_marker(text: str) -> bool:
    """Whether a text is one of ``markers``.

    >>> [is_marker(text) for text in ("C: viio6", "V65/V", "verse")]
    [True, True, False]
    """
    return _MARKER.fullmatch(text) is not None


_DEGREE = r"(?:[b#]?(?:[IVX]+|[ivx]+)|N)"
_MARKER = re.compile(
    rf"(?:[A-Ga-g][b#]*: )?(?:{_DEGREE}(?:/o|o|\+|M)?\d*(?:/{_DEGREE})?|It6|Fr43|Ger65)"
)


class _Sounding(NamedTuple):
    """A chord from a boundary on: its quality, with or without the seventh, and its inversion."""

    boundary: int
    quality: str
    inversion: int


def _labels(evidence: Evidence, path: Sequence[ChordSpan]) -> list[Label]:
    places = np.take_along_axis(spell(evidence.chorale), evidence.chorale.note_starts, axis=0)
    labels: list[Label] = []
    for chord in path:
        numeral = NUMERALS[chord.entry]
        tonic = (evidence.home.tonic + chord.tonic) % 12
        key = Key.from_tonic(tonic, numeral.mode, near=evidence.home.fifths)
        for sounding in _soundings(evidence, chord):
            text = numeral._replace(quality=sounding.quality).figured(sounding.inversion)
            if not labels or (labels[-1].key, labels[-1].numeral) != (key, text):
                step = int(evidence.steps[sounding.boundary])
                symbol = _symbol(evidence, places, chord, sounding, key)
                labels.append(Label(step, key, text, symbol))
    return labels


def _soundings(evidence: Evidence, chord: ChordSpan) -> list[_Sounding]:
    """Quality and inversion of a chord at its beginning and at each change of either.

    Empty if fewer than two of its root, third and fifth sound. A passing seventh is left out,
    unless it belongs to a dominant and falls. If the root or the third is silent until the next
    change, the chord counts as unchanged.
    """
    numeral = NUMERALS[chord.entry]
    is_dominant = numeral.degree == "V" and numeral.quality in ("major", "dominant")
    quality = "dominant" if is_dominant else numeral.quality
    members = [(chord.tonic + numeral.root + m) % 12 for m in KINDS[quality].members]
    if len(set(members[:3]) & _classes_in(evidence, chord.start, chord.stop)) < 2:
        return []
    now = KINDS[quality].triad or quality
    found: list[_Sounding] = []
    for boundary in range(chord.start, chord.stop):
        step = int(evidence.steps[boundary])
        on_beat = evidence.ranks[step] == 2
        if members[3:] and members[3] in evidence.classes[step]:
            meant = numeral.quality == quality and (on_beat or not found)
            if meant or (is_dominant and evidence.falls(step, members[3])):
                now = quality
        allowed = members[: len(KINDS[now].members)]
        lows = [members.index(low) for low in evidence.basses(boundary) if low in allowed]
        if not found and lows:
            found.append(_Sounding(chord.start, now, lows[0]))
        elif found:
            moves = lows and (on_beat or now != found[-1].quality) and now not in AUGMENTED_SIXTHS
            inversion = lows[0] if moves else found[-1].inversion
            if (now, inversion) != found[-1][1:]:
                found.append(_Sounding(boundary, now, inversion))
    needed = set(members[: 1 if _is_bare(evidence, chord) else 2])
    place = 0
    while place < len(found):
        stop = found[place + 1].boundary if place + 1 < len(found) else chord.stop
        if needed <= _classes_in(evidence, found[place].boundary, stop):
            place += 1
        else:  # merge it into the next one if it is the first, else into the one before
            del found[place if place or len(found) == 1 else 1]
    return found


def _classes_in(evidence: Evidence, start: int, stop: int) -> set[int]:
    """The pitch classes that sound between two boundaries."""
    span = evidence.classes[evidence.steps[start] : evidence.steps[stop]]
    return set(span[span != REST].tolist())


def _is_bare(evidence: Evidence, chord: ChordSpan) -> bool:
    """Whether a triad sounds as a bare fifth, or as octaves, without its third."""
    numeral = NUMERALS[chord.entry]
    classes = _classes_in(evidence, chord.start, chord.stop)
    third = (chord.tonic + numeral.root + KINDS[numeral.quality].members[1]) % 12
    plain = KINDS[numeral.quality].symbol in ("", "m")
    return plain and len(classes) <= BARE and third not in classes


def _symbol(
    evidence: Evidence, places: Ints, chord: ChordSpan, sounding: _Sounding, key: Key
) -> str:
    """The chord symbol, spelled like the score; members that do not sound are spelled in the key.

    Chords on lowered degrees always have the spelling of the lowered degree.
    """
    span = slice(evidence.steps[chord.start], evidence.steps[chord.stop])
    quality = KINDS[sounding.quality]
    numeral = NUMERALS[chord.entry]
    tonic = key.fifths + (RELATIVE_MINOR if key.mode == "minor" else 0)
    members = [(chord.tonic + numeral.root + member) % 12 for member in quality.members]

    def name(member: int) -> str:
        if numeral.lowered:
            above = (member - chord.tonic - numeral.root) % 12
            return spelled_class(tonic + numeral.lowered + FIFTHS[above])
        spelled = places[span][evidence.classes[span] == member]
        in_key = places_near(key.fifths)[(member + evidence.home.tonic) % 12]
        return spelled_class(int(spelled[0] if spelled.size else in_key))

    slash = f"/{name(members[sounding.inversion])}" if sounding.inversion else ""
    return f"{name(members[0])}{'5' if _is_bare(evidence, chord) else quality.symbol}{slash}"
