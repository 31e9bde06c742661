"""Stricter rules: students lose marks for breaking them, but Bach breaks some of them often.

The examples and citations are written as in ``between_voices``. These rules have no limits.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from musicae.core.arrays import Ints
from musicae.core.constants import N_VOICES, REST
from musicae.theory.non_chord_tones import ranks_of
from musicae.theory.sonorities import LOWER, PAIRS, UPPER, Sonorities
from musicae.theory.voice_leading.between_voices import (
    FIFTH,
    OCTAVE,
    STEP,
    RuleBreak,
    moving,
)
from musicae.theory.voice_leading.within_voice import (
    CHROMATIC_SEMITONE,
    MINOR_SEVENTH,
    holds_on,
    next_motion,
)

ON_BEAT = 2
"""The rank of a quarter or beat in ``ranks_of``."""
DIMINISHED_FIFTH, TRITONE = -6, 6
"""Places up the line of fifths, and semitones."""
SEVENTHS = {
    "minor seventh": (10, MINOR_SEVENTH),
    "major seventh": (11, -5),
    "diminished seventh": (9, 9),
}
"""The seventh chords that ``within_voice.unresolved_seventh`` ignores: the semitones of the seventh
above the root, and its places down the line of fifths from the root."""
OPEN_SEVENTH = frozenset((0, 7, 10))
"""The members of a seventh chord without its third, in semitones above the root."""


def parallels_behind_an_ornament(chords: Sonorities) -> list[RuleBreak]:
    """Two voices go from beat to beat in fifths or octaves, with an ornament between.

    An ornament is a note off the beat, at most an eighth long, that is approached or left by step.
    Parallels between the notes themselves break other rules. (Kostka & Payne, *Tonal Harmony*)

        in eighths
           passes              fails
        S  C5 -- C5 --    |    C5 -- B4 --
        A  A4 -- G4 --    |    A4 -- G4 --
        T  C4 E4 E4 --    |    C4 E4 D4 --
        B  F3 -- C3 --    |    F3 -- G3 --
    """
    chorale = chords.chorale
    beats = np.flatnonzero(ranks_of(chorale) == ON_BEAT).tolist()
    indices = (np.searchsorted(chords.steps, beats, side="right") - 1).tolist()
    found = []
    for (beat, since), (next_beat, at) in pairwise(zip(beats, indices, strict=True)):
        if since < 0 or at - since < 2 or chords.phrase_ends[since:at].any():
            continue
        first, last = chords.pitch[since], chords.pitch[at]
        for upper, lower in PAIRS:
            pair = [upper, lower]
            if REST in (*first[pair], *last[pair]) or not _parallel(first[pair], last[pair]):
                continue
            between = chords.pitch[since + 1 : at, pair]
            apart = np.abs(between[:, 0] - between[:, 1]) % 12
            interval = abs(first[upper] - first[lower]) % 12
            hidden = apart[-1] != interval and (between != REST).all()
            ornaments = [_is_ornament(chords, v, beat, next_beat) for v in pair]
            if hidden and None not in ornaments and any(ornaments):
                found.append(RuleBreak(since, at, (upper, lower)))
    return found


def _parallel(first: Ints, last: Ints) -> bool:
    """Whether two voices move from ``first`` to ``last`` in parallel fifths or octaves."""
    before, after = (abs(int(pair[0] - pair[1])) % 12 for pair in (first, last))
    moved: Ints = last - first
    similar = moved[0] * moved[1] > 0 and (moved % 12 != 0).all()
    return bool(similar and before == after and before in (FIFTH, OCTAVE))


def _is_ornament(chords: Sonorities, voice: int, beat: int, next_beat: int) -> bool | None:
    """Whether a voice has exactly one ornament between two beats.

    False if no note begins there, None if other notes do.
    """
    chorale = chords.chorale
    begun = np.flatnonzero(chorale.onset[beat + 1 : next_beat, voice]) + beat + 1
    if not begun.size:
        return False
    if begun.size > 1 or next_beat - begun[0] > 2 or not chorale.onset[next_beat, voice]:
        return None
    before, note, after = (int(chorale.pitch[step, voice]) for step in (beat, begun[0], next_beat))
    return True if 0 < min(abs(note - before), abs(after - note)) <= STEP else None


def diminished_to_perfect_fifth(chords: Sonorities) -> list[RuleBreak]:
    """The bass and another voice move in the same direction from a diminished to a perfect fifth.

    The spelling tells a diminished fifth from an augmented fourth. From a perfect to a diminished
    fifth is allowed. (Kostka & Payne, *Tonal Harmony*)

        in C major
           passes        fails
        S  F4 E4    |    F4 G4
        A  D4 E4    |    D4 E4
        T  D4 C4    |    D4 C4
        B  B2 C3    |    B2 C3
    """
    spelled = chords.places[:, UPPER] - chords.places[:, LOWER]
    diminished = (chords.interval % 12 == TRITONE) & (spelled == DIMINISHED_FIFTH)
    perfect = (chords.interval % 12 == FIFTH) & chords.both_sound
    similar = chords.motion[:, UPPER] * chords.motion[:, LOWER] > 0
    with_bass = LOWER == N_VOICES - 1
    return moving(diminished[:-1] & perfect[1:] & similar & chords.both_sound[:-1] & with_bass)


def cross_relation(chords: Sonorities) -> list[RuleBreak]:
    """A note is followed in another voice by the same one sharpened or flattened.

    It is allowed if one voice moves by the chromatic step itself. A note that goes back by a
    semitone, such as A flat to G, is no altered G, even if it is spelled as one. (Kostka & Payne,
    *Tonal Harmony*)

        in C major
           passes         fails
        S  C5 C#5    |    C5 A4
        A  E4 E4     |    E4 C#4
        T  G3 A3     |    G3 A3
        B  C3 A2     |    C3 E3
    """
    found = []
    starts = chords.chorale.onset[chords.steps]
    for at in range(1, len(chords)):
        if chords.phrase_ends[at - 1]:
            continue
        since = at - 1
        sounding = [v for v in range(N_VOICES) if REST not in chords.pitch[since : at + 1, v]]
        for new in (v for v in sounding if starts[at, v]):
            altered = np.abs(chords.places[at, new] - chords.places[since]) == CHROMATIC_SEMITONE
            old = [v for v in sounding if altered[v]]
            itself = (chords.pitch[at, old] - chords.pitch[at, new]) % 12 == 0
            if old and not itself.any() and not _turns_back(chords, old[0], at, new):
                found.append(RuleBreak(since, at, tuple(sorted((old[0], new)))))
    return found


def _turns_back(chords: Sonorities, old: int, at: int, new: int) -> bool:
    """Whether a note moves on, by a semitone, to the pitch class of the old note."""
    moved = next_motion(chords, at, new)
    if moved is None or abs(int(chords.motion[moved - 1, new])) != 1:
        return False
    return bool((chords.pitch[moved, new] - chords.pitch[at - 1, old]) % 12 == 0)


def missing_third(chords: Sonorities) -> list[RuleBreak]:
    """A chord of three or more voices has no third for a whole beat.

    The fifth may be missing. (Kostka & Payne, *Tonal Harmony*)

        in C major
           passes        fails
        S  C5 C5    |    C5 C5
        A  G4 G4    |    G4 G4
        T  E4 E4    |    E4 G3
        B  C3 C3    |    C3 C3
    """
    beats = np.flatnonzero(ranks_of(chords.chorale) == ON_BEAT)
    indices = np.searchsorted(chords.steps, beats, side="right") - 1
    stops = [*np.searchsorted(chords.steps, beats[1:]), len(chords)]
    found: list[RuleBreak] = []
    for since, stop in zip(indices, stops, strict=True):
        bare = since >= 0 and all(_lacks_third(chords, i) for i in range(since, stop))
        if bare and not any(place.at == since for place in found):
            voices = np.flatnonzero(chords.pitch[since] != REST).tolist()
            found.append(RuleBreak(int(since), int(since), tuple(voices)))
    return found


def _lacks_third(chords: Sonorities, index: int) -> bool:
    sounding = chords.pitch[index][chords.pitch[index] != REST]
    if len(sounding) < 3:
        return False
    harmony = chords.harmonies[index]
    if harmony is not None:
        return harmony.quality == "open"
    return frozenset(((sounding - sounding.min()) % 12).tolist()) == OPEN_SEVENTH


def rising_seventh(chords: Sonorities) -> list[RuleBreak]:
    """The seventh of a minor, major or diminished seventh chord on a beat rises.

    It may move to another note of the same chord. (Kostka & Payne, *Tonal Harmony*)

        in C major
           passes        fails
        S  C5 B4    |    C5 D5
        A  A4 G4    |    A4 F4
        T  F4 D4    |    F4 B3
        B  D3 G3    |    D3 G3
    """
    found = []
    ranks = ranks_of(chords.chorale)[chords.steps]
    for i, harmony in enumerate(chords.harmonies):
        if not harmony or harmony.quality not in SEVENTHS or ranks[i] != ON_BEAT:
            continue
        for voice in _sevenths(chords, i):
            moved = None if holds_on(chords, i, voice) else next_motion(chords, i, voice)
            if moved is None or chords.motion[moved - 1, voice] < 0:
                continue
            arrival = chords.harmonies[moved]
            if arrival is None or arrival.root != harmony.root:
                found.append(RuleBreak(i, moved, (voice,)))
    return found


def _sevenths(chords: Sonorities, index: int) -> list[int]:
    """The voices with the seventh of a chord of ``SEVENTHS``, by the spelling of the score."""
    harmony = chords.harmonies[index]
    assert harmony is not None
    semitones, down = SEVENTHS[harmony.quality]
    pitch, places = chords.pitch[index], chords.places[index]
    sounding = np.flatnonzero(pitch != REST).tolist()
    symmetric = harmony.quality == "diminished seventh"
    roots = [v for v in sounding if symmetric or pitch[v] % 12 == harmony.root]
    return [
        v
        for v in sounding
        if any(
            (pitch[v] - pitch[root]) % 12 == semitones and places[v] == places[root] - down
            for root in roots
        )
    ]
