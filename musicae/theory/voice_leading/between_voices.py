"""The rules between voices: parallels, direct intervals, crossing, overlap and spacing.

Each rule finds the places where a chorale breaks it, and shows a passage that keeps it and one that
does not: quarter notes, ``--`` where a note is held, ``..`` for a rest, ``^`` for a fermata; the
tests read them. Books are cited by chapter:

- Aldwell & Schachter, *Harmony and Voice Leading*, 4th ed.
- Kostka & Payne, *Tonal Harmony*, 5th ed.
- Piston, *Harmony*, 5th ed. revised by DeVoto.

Rules look across a rest that is shorter than a beat (``short_rests``), and neither across a longer
one nor from a fermata to the next phrase: see ``Sonorities.motion``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.theory.sonorities import LOWER, OUTER, PAIRS, UPPER, Sonorities

Mask = NDArray[np.bool_]

OCTAVE, FIFTH = 0, 7
"""Perfect intervals in semitones, octaves left out."""
DIMINISHED_SIXTH = -11
"""Places on the line of fifths."""
STEP = 2
"""The most semitones that are a step; more is a leap."""
WIDEST_SPACING = 12
"""Semitones allowed between neighbouring upper voices."""


class RuleBreak(NamedTuple):
    """Where a rule is broken: from one sonority to another, or in one, by their indices."""

    since: int
    at: int
    voices: tuple[int, ...]


def parallel_fifths(chords: Sonorities) -> list[RuleBreak]:
    """Two voices move in the same direction from one perfect fifth to another.

    A twelfth is a fifth, and a diminished fifth none; nor is a diminished sixth, such as G sharp to
    E flat, as the score spells it. (Kostka & Payne ch. 5; Aldwell & Schachter unit 6; Piston ch. 3)

           passes        fails
        S  A4 G4    |    C5 B4
        A  F4 D4    |    A4 G4
        T  C4 B3    |    C4 D4
        B  F3 G3    |    F3 G3
    """
    return moving(_successive_fifths(chords) & _similar(chords))


def parallel_octaves(chords: Sonorities) -> list[RuleBreak]:
    """Two voices move in the same direction from one octave to another.

    A voice that leaps by an octave has not moved on, nor has one that repeats its note: both must
    come to a new pitch class. A unison and an octave next to each other count as well. (Kostka &
    Payne ch. 5; Aldwell & Schachter unit 6; Piston ch. 3)

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

    They are parallel fifths with one voice an octave off; a diminished sixth is no fifth.
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

    With a step in the soprano, and between other voices, it is common practice. (Kostka & Payne
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

    With a step in the soprano it is the plainest of cadences. (Kostka & Payne ch. 5; Piston ch.
    3; Aldwell & Schachter unit 6)

           passes        fails
        S  B4 C5    |    G4 C5
        A  G4 G4    |    D4 E4
        T  D4 E4    |    G3 G3
        B  G3 C4    |    B2 C3
    """
    return moving(_direct_in_outer_voices(chords, OCTAVE))


def voice_crossing(chords: Sonorities) -> list[RuleBreak]:
    """A voice sounds below the next lower one. They may meet on one pitch.

    Reported for each new pair of notes that cross. (Kostka & Payne ch. 5; Piston ch. 3; Aldwell &
    Schachter unit 6)

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

    Tenor and bass may be as far apart as they like. Reported for each new pair of notes. (Kostka
    & Payne ch. 5; Piston ch. 2; Aldwell & Schachter unit 6)

           passes        fails
        S  E5 D5    |    E5 D5
        A  G4 G4    |    C4 B3
        T  C4 B3    |    G3 G3
        B  C3 G2    |    C3 G2
    """
    wide = (chords.interval > WIDEST_SPACING) & chords.both_sound & _is_pair(chords.adjacent[:-1])
    return standing(wide & _new_pair(chords))


def direct_motion(chords: Sonorities, interval: int) -> Mask:
    """``(N - 1, K)`` where two voices move in the same direction into an interval from another."""
    is_interval = _is_interval(chords, interval)
    return ~is_interval[:-1] & is_interval[1:] & _similar(chords)


def _direct_in_outer_voices(chords: Sonorities, interval: int) -> Mask:
    leaps = np.abs(chords.motion[:, :1]) > STEP
    return direct_motion(chords, interval) & leaps & _is_pair([OUTER])


def _successive(chords: Sonorities, interval: int) -> Mask:
    """``(N - 1, K)`` where two voices are that far apart twice, both on new pitch classes."""
    is_interval = _is_interval(chords, interval)
    new: Mask = chords.motion % 12 != 0
    successive: Mask = is_interval[:-1] & is_interval[1:] & new[:, UPPER] & new[:, LOWER]
    return successive


def _successive_fifths(chords: Sonorities) -> Mask:
    """``_successive``, with no diminished sixth, as the score spells it, for a fifth."""
    upwards = np.sign(chords.interval) * (chords.places[:, UPPER] - chords.places[:, LOWER])
    perfect = upwards != DIMINISHED_SIXTH
    successive: Mask = _successive(chords, FIFTH) & perfect[:-1] & perfect[1:]
    return successive


def _is_interval(chords: Sonorities, interval: int) -> Mask:
    """``(N, K)``; whichever voice is the upper one."""
    found: Mask = (np.abs(chords.interval) % 12 == interval) & chords.both_sound
    return found


def _unison(chords: Sonorities) -> Mask:
    unison: Mask = (chords.interval == 0) & chords.both_sound
    return unison


def _similar(chords: Sonorities) -> Mask:
    """``(N - 1, K)`` where the voices of a pair move in the same direction."""
    similar: Mask = chords.motion[:, UPPER] * chords.motion[:, LOWER] > 0
    return similar


def _contrary(chords: Sonorities) -> Mask:
    contrary: Mask = chords.motion[:, UPPER] * chords.motion[:, LOWER] < 0
    return contrary


def _new_pair(chords: Sonorities) -> Mask:
    """``(N, K)`` where either voice has another pitch than in the sonority before."""
    changed = np.ones(chords.pitch.shape, dtype=np.bool_)
    changed[1:] = np.diff(chords.pitch, axis=0) != 0
    new: Mask = changed[:, UPPER] | changed[:, LOWER]
    return new


def _is_pair(pairs: list[int]) -> Mask:
    """``(K,)`` whether a pair is one of these."""
    return np.isin(np.arange(len(PAIRS)), pairs)


def moving(mask: Mask, voices: Sequence[tuple[int, ...]] = PAIRS) -> list[RuleBreak]:
    """The places of a mask ``(N - 1, K)`` of motions; ``voices`` are those of its columns."""
    return [RuleBreak(i, i + 1, voices[column]) for i, column in np.argwhere(mask).tolist()]


def standing(mask: Mask, voices: Sequence[tuple[int, ...]] = PAIRS) -> list[RuleBreak]:
    """The places of a mask ``(N, K)`` of sonorities; ``voices`` are those of its columns."""
    return [RuleBreak(i, i, voices[column]) for i, column in np.argwhere(mask).tolist()]
