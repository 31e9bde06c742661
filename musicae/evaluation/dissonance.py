"""Finds and counts suspensions and dominant sevenths, and whether the sevenths resolve."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import N_VOICES, REST
from musicae.theory.harmonic_search import Evidence, best_path
from musicae.theory.non_chord_tones import ranks_of
from musicae.theory.numerals import KINDS, NUMERALS
from musicae.theory.sonorities import Sonorities, sonorities
from musicae.theory.voice_leading.rules import chord_count
from musicae.theory.voice_leading.within_voice import holds_on, next_motion, sevenths

DOMINANT_SEVENTH = "dominant seventh"
BEAT = 2
"""The rank of a beat; see ``non_chord_tones.ranks_of``."""
WHOLE_STEP = 2
"""A dissonance resolves down by at most this many semitones."""
_SECONDS_AND_SEVENTHS = (1, 2, 6, 10, 11)
"""Dissonant intervals in semitones modulo 12: seconds, sevenths and the tritone."""
_FOURTH = 5
"""An interval that is dissonant above the lowest voice, in semitones modulo 12."""


class Suspension(NamedTuple):
    """A note that is held or repeated on a beat, is dissonant there, and then falls by step."""

    step: int
    """The step of the beat."""
    voice: int
    """0 (soprano) to 3 (bass)."""
    resolution: int
    """The step at which it resolves."""


class DominantSeventh(NamedTuple):
    """The seventh of a dominant seventh chord."""

    step: int
    """The step of the chord."""
    voice: int
    """The voice that has the seventh, 0 (soprano) to 3 (bass)."""
    resolves: bool
    """Whether the voice's next different note is a step down."""


class Rates(NamedTuple):
    """The frequency of suspensions and dominant sevenths in some chorales together."""

    suspensions: float
    """Suspensions per 100 chords; chords are counted by ``voice_leading.rules.chord_count``."""
    dominant_sevenths: float
    """Dominant sevenths per 100 chords."""
    resolved: float | None
    """The share of dominant sevenths that fall by step, 0 to 1; None if there are none."""


def rates(chorales: Sequence[Chorale]) -> Rates:
    """The frequency of suspensions and dominant sevenths in all chorales together."""
    chords = max(1, sum(map(chord_count, chorales)))
    held = sum(len(suspensions(chorale)) for chorale in chorales)
    falls = [each.resolves for chorale in chorales for each in dominant_sevenths(chorale)]
    resolved = float(np.mean(falls)) if falls else None
    return Rates(100 * held / chords, 100 * len(falls) / chords, resolved)


def suspensions(chorale: Chorale) -> list[Suspension]:
    """The suspensions of a chorale, in order; none if at most two voices sound at a time.

    A note is a suspension if all of these hold:

    - it is tied into a beat or repeated on it;
    - on the beat it makes a second, a seventh or a tritone with another voice, or a fourth with the
      lowest voice;
    - it is foreign to the chord that ``theory.harmonic_analysis`` finds there;
    - it falls by step to a member of the chord that sounds then.

    Resolutions that an ornament delays are not found. (Kostka and Payne, *Tonal Harmony*, ch. 12)

    >>> held = [(0, 8, 72), (8, 4, 71), (12, 4, 72)]
    >>> others = [(0, 4, 64), (4, 8, 62), (12, 4, 64)], [(0, 4, 67), (4, 8, 67), (12, 4, 67)]
    >>> suspensions(Chorale.from_notes([held, *others, [(0, 4, 48), (4, 8, 43), (12, 4, 48)]]))
    [Suspension(step=4, voice=0, resolution=8)]
    """
    chords = sonorities(chorale)
    if not ((chords.pitch != REST).sum(axis=1) > 2).any():
        return []
    members, ranks = _members(chords), ranks_of(chorale)
    found = []
    for voice in range(N_VOICES):
        notes = chorale.notes(voice)
        for place, (note, after) in enumerate(pairwise(notes)):
            end = note.step + note.duration
            falls = 0 < note.pitch - after.pitch <= WHOLE_STEP and after.step == end
            if not falls or not members[end, after.pitch % 12]:
                continue
            repeats = place > 0 and _repeats(notes[place - 1], note)
            beats = [
                step
                for step in range(note.step + (not repeats), end)
                if ranks[step] == BEAT
                and not members[step, note.pitch % 12]
                and _is_dissonant(chorale, step, voice)
            ]
            if beats:
                found.append(Suspension(beats[0], voice, end))
    return sorted(found)


def dominant_sevenths(chorale: Chorale) -> list[DominantSeventh]:
    """The dominant sevenths of a chorale, in order; a held or repeated seventh counts once.

    The chord may lack its fifth, and it may be the dominant of any key. Augmented sixth chords do
    not count.

    >>> voices = [(0, 4, 71), (4, 4, 72)], [(0, 4, 65), (4, 4, 64)], [(0, 4, 62), (4, 4, 60)]
    >>> dominant_sevenths(Chorale.from_notes([*voices, [(0, 4, 55), (4, 4, 48)]]))
    [DominantSeventh(step=0, voice=1, resolves=True)]
    """
    chords = sonorities(chorale)
    found = []
    for index, harmony in enumerate(chords.harmonies):
        if harmony is None or harmony.quality != DOMINANT_SEVENTH:
            continue
        for voice in sevenths(chords, index, harmony):
            if not holds_on(chords, index, voice):
                moved = next_motion(chords, index, voice)
                falls = moved is not None and -WHOLE_STEP <= chords.motion[moved - 1, voice] < 0
                found.append(DominantSeventh(int(chords.steps[index]), voice, bool(falls)))
    return found


def _members(chords: Sonorities) -> NDArray[np.bool_]:
    """``(T, 12)`` whether each pitch class belongs to the chord of each step."""
    evidence = Evidence(chords)
    members = np.zeros((len(chords.chorale), 12), dtype=np.bool_)
    for span in best_path(evidence):
        numeral = NUMERALS[span.entry]
        root = evidence.home.tonic + span.tonic + numeral.root
        classes = [(root + member) % 12 for member in KINDS[numeral.quality].members]
        members[evidence.steps[span.start] : evidence.steps[span.stop], classes] = True
    return members


def _repeats(before: Note, note: Note) -> bool:
    """Whether a note repeats the pitch of the note before it, without a rest between."""
    return before.pitch == note.pitch and before.step + before.duration == note.step


def _is_dissonant(chorale: Chorale, step: int, voice: int) -> bool:
    """Whether a voice is dissonant with any other voice at a step."""
    pitch = chorale.pitch[step].astype(int)
    lowest = pitch[pitch != REST].min()
    above = pitch[voice] - lowest
    if above and above % 12 == _FOURTH:
        return True
    others = [p for other, p in enumerate(pitch) if other != voice and p != REST]
    return any(abs(pitch[voice] - p) % 12 in _SECONDS_AND_SEVENTHS for p in others)
