"""The rules between voices: parallels, direct intervals, crossing, overlap and spacing.

Each rule finds the places where a chorale breaks it. Its docstring has an example that keeps the
rule and one that breaks it; the tests run them. They are in quarter notes; ``--`` holds a note,
``..`` is a rest, ``^`` a fermata. Books are cited by chapter:

- Aldwell & Schachter, *Harmony and Voice Leading*, 4th ed.
- Kostka & Payne, *Tonal Harmony*, 5th ed.
- Piston, *Harmony*, 5th ed. revised by DeVoto.

The rules ignore rests that are shorter than a beat (see ``short_rests``). They do not compare notes
across a longer rest, or across a fermata: see ``Sonorities.motion``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.theory.sonorities import LOWER, OUTER, PAIRS, UPPER, Sonorities

Mask = NDArray[np.bool_]

OCTAVE, FIFTH = 0, 7
"""Perfect intervals in semitones, modulo 12."""
DIMINISHED_SIXTH = -11
"""Places on the line of fifths from the lower to the upper note."""
STEP = 2
"""The largest step in semitones; a larger interval is a leap."""
WIDEST_SPACING = 12
"""The most semitones between neighbouring upper voices."""


class RuleBreak(NamedTuple):
    """A place where a rule is broken."""

    since: int
    """The index of the first sonority; equal to ``at`` if one sonority breaks the rule."""
    at: int
    """The index of the last sonority."""
    voices: tuple[int, ...]
    """The voices that break it, 0 soprano to 3 bass."""


def parallel_fifths(chords: Sonorities) -> list[RuleBreak]:
    """Two voices move in the same direction from one perfect fifth to another.

    A twelfth counts as a fifth. A diminished fifth does not, nor does a diminished sixth by the
    score's spelling, such as G sharp to E flat. (Kostka & Payne ch. 5; Aldwell & Schachter unit 6;
    Piston ch. 3)

           passes        fails
        S  A4 G4    |    C5 B4
        A  F4 D4    |    A4 G4
        T  C4 B3    |    C4 D4
        B  F3 G3    |    F3 G3
    """
    return moving(_successive_fifths(chords) & _similar(chords))


def parallel_octaves(chords: Sonorities) -> list[RuleBreak]:
    """Two voices move in the same direction from one octave to another.

    Both voices must come to a new pitch class: octave leaps and repeated notes do not count. An
    octave before or after a unison counts as well.
    (Kostka & Payne ch. 5; Aldwell & Schachter unit 6; Piston ch. 3)

           passes        fails
        S  C5 C5    |    C5 B4
        A  G4 G4    |    F4 G4
        T  E4 E4    |    A3 D4
        B  C4 C3    |    F3 G3
    """
    both_unisons = _unison(chords)[:-1] & _unison(chords)[1:]
    return moving(_successive(chords, OCTAVE) & _similar(chords) & ~both_unisons)


def parallel_unisons(chords: Sonorities) -> list[RuleBreak]:
    """Two voices move on one pitch together.

    Two voices may meet on a pitch, or repeat it. (Kostka & Payne ch. 5; Aldwell & Schachter unit
    6; Piston ch. 3)

           passes        fails
        S  G4 A4    |    C5 A4
        A  E4 F4    |    E4 F4
        T  C4 C4    |    C4 D4
        B  C4 F3    |    C4 D4
    """
    both_unisons = _unison(chords)[:-1] & _unison(chords)[1:]
    return moving(_successive(chords, OCTAVE) & _similar(chords) & both_unisons)


def contrary_fifths(chords: Sonorities) -> list[RuleBreak]:
    """Two voices move in opposite directions from a fifth to a twelfth or back.

    They are parallel fifths with one voice moved by an octave. A diminished sixth is no fifth.
    (Kostka & Payne ch. 5)

           passes        fails
        S  D5 C5    |    D5 G5
        A  B4 G4    |    B4 C5
        T  G4 E4    |    G4 E4
        B  G3 C4    |    G3 C3
    """
    return moving(_successive_fifths(chords) & _contrary(chords))


def contrary_octaves(chords: Sonorities) -> list[RuleBreak]:
    """Two voices move in opposite directions from an octave to a unison, two octaves, or back.

    (Kostka & Payne ch. 5)

           passes        fails
        S  G4 E4    |    G4 C5
        A  D4 C4    |    D4 E4
        T  B3 G3    |    B3 G3
        B  G3 C3    |    G3 C3
    """
    return moving(_successive(chords, OCTAVE) & _contrary(chords))


def direct_fifths(chords: Sonorities) -> list[RuleBreak]:
    """Soprano and bass move in the same direction into a fifth, and the soprano leaps.

    If the soprano moves by step, or between other voices, it is common practice. (Kostka & Payne
    ch. 5; Piston ch. 3; Aldwell & Schachter unit 6)

           passes        fails
        S  A4 G4    |    A4 D5
        A  F4 E4    |    F4 D4
        T  C4 C4    |    C4 B3
        B  F3 C3    |    F3 G3
    """
    return moving(_direct_in_outer_voices(chords, FIFTH))


def direct_octaves(chords: Sonorities) -> list[RuleBreak]:
    """Soprano and bass move in the same direction into an octave, and the soprano leaps.

    If the soprano moves by step, it is the plainest of cadences. (Kostka & Payne ch. 5; Piston
    ch. 3; Aldwell & Schachter unit 6)

           passes        fails
        S  B4 C5    |    G4 C5
        A  G4 G4    |    D4 E4
        T  D4 E4    |    G3 G3
        B  G3 C4    |    B2 C3
    """
    return moving(_direct_in_outer_voices(chords, OCTAVE))


def voice_crossing(chords: Sonorities) -> list[RuleBreak]:
    """A voice sounds below the next lower one. They may meet on one pitch.

    It is reported once for each new pair of notes that cross. (Kostka & Payne ch. 5; Piston ch.
    3; Aldwell & Schachter unit 6)

           passes        fails
        S  C5 B4    |    C5 C5
        A  E4 D4    |    E4 C4
        T  C4 D4    |    C4 F4
        B  C3 G3    |    C3 A3
    """
    return standing(
        _new_pair(chords) & (chords.interval < 0) & chords.both_sound & _is_pair(chords.adjacent)
    )


def voice_overlap(chords: Sonorities) -> list[RuleBreak]:
    """A voice moves beyond the note that its neighbour has just left, and does not cross it.

    (Piston ch. 3)

           passes        fails
        S  E4 F4    |    E4 A4
        A  C4 D4    |    C4 F4
        T  A3 A3    |    A3 A3
        B  A2 D3    |    A2 F2
    """
    rises = (chords.motion[:, LOWER] > 0) & (chords.pitch[1:, LOWER] > chords.pitch[:-1, UPPER])
    falls = (chords.motion[:, UPPER] < 0) & (chords.pitch[1:, UPPER] < chords.pitch[:-1, LOWER])
    in_order = chords.both_sound & (chords.interval >= 0)
    return moving((rises | falls) & in_order[:-1] & in_order[1:] & _is_pair(chords.adjacent))


def spacing(chords: Sonorities) -> list[RuleBreak]:
    """More than an octave between soprano and alto, or between alto and tenor.

    Tenor and bass may be any distance apart. It is reported once for each new pair of notes.
    (Kostka & Payne ch. 5; Piston ch. 2; Aldwell & Schachter unit 6)

           passes        fails
        S  E5 D5    |    E5 D5
        A  G4 G4    |    C4 B3
        T  C4 B3    |    G3 G3
        B  C3 G2    |    C3 G2
    """
    wide = (chords.interval > WIDEST_SPACING) & chords.both_sound & _is_pair(chords.adjacent[:-1])
    return standing(wide & _new_pair(chords))


def direct_motion(chords: Sonorities, interval: int) -> Mask:
    """``(N - 1, K)`` whether a pair moves in one direction into ``interval`` from another one."""
    is_interval = _is_interval(chords, interval)
    return ~is_interval[:-1] & is_interval[1:] & _similar(chords)


def _direct_in_outer_voices(chords: Sonorities, interval: int) -> Mask:
    leaps = np.abs(chords.motion[:, :1]) > STEP
    return direct_motion(chords, interval) & leaps & _is_pair([OUTER])


def _successive(chords: Sonorities, interval: int) -> Mask:
    """``(N - 1, K)`` whether a pair keeps ``interval`` while both go to new pitch classes."""
    is_interval = _is_interval(chords, interval)
    new: Mask = chords.motion % 12 != 0
    successive: Mask = is_interval[:-1] & is_interval[1:] & new[:, UPPER] & new[:, LOWER]
    return successive


def _successive_fifths(chords: Sonorities) -> Mask:
    """``_successive`` for perfect fifths; by the score's spelling none is a diminished sixth."""
    upwards = np.sign(chords.interval) * (chords.places[:, UPPER] - chords.places[:, LOWER])
    perfect = upwards != DIMINISHED_SIXTH
    successive: Mask = _successive(chords, FIFTH) & perfect[:-1] & perfect[1:]
    return successive


def _is_interval(chords: Sonorities, interval: int) -> Mask:
    """``(N, K)`` whether a pair has ``interval``, modulo 12, even if its voices cross."""
    found: Mask = (np.abs(chords.interval) % 12 == interval) & chords.both_sound
    return found


def _unison(chords: Sonorities) -> Mask:
    unison: Mask = (chords.interval == 0) & chords.both_sound
    return unison


def _similar(chords: Sonorities) -> Mask:
    """``(N - 1, K)`` whether the voices of a pair move in the same direction."""
    similar: Mask = chords.motion[:, UPPER] * chords.motion[:, LOWER] > 0
    return similar


def _contrary(chords: Sonorities) -> Mask:
    contrary: Mask = chords.motion[:, UPPER] * chords.motion[:, LOWER] < 0
    return contrary


def _new_pair(chords: Sonorities) -> Mask:
    """``(N, K)`` whether either voice has another pitch than in the previous sonority."""
    changed = np.ones(chords.pitch.shape, dtype=np.bool_)
    changed[1:] = np.diff(chords.pitch, axis=0) != 0
    new: Mask = changed[:, UPPER] | changed[:, LOWER]
    return new


def _is_pair(pairs: list[int]) -> Mask:
    """``(K,)`` whether each pair is one of ``pairs``."""
    return np.isin(np.arange(len(PAIRS)), pairs)


def moving(mask: Mask, voices: Sequence[tuple[int, ...]] = PAIRS) -> list[RuleBreak]:
    """The places where a mask ``(N - 1, K)`` of motions is True.

    ``voices`` are the voices of each column.
    """
    return [RuleBreak(i, i + 1, voices[column]) for i, column in np.argwhere(mask).tolist()]


def standing(mask: Mask, voices: Sequence[tuple[int, ...]] = PAIRS) -> list[RuleBreak]:
    """The places where a mask ``(N, K)`` of sonorities is True.

    ``voices`` are the voices of each column.
    """
    return [RuleBreak(i, i, voices[column]) for i, column in np.argwhere(mask).tolist()]
