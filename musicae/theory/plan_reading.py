"""A harmonic plan read off the voices by a fixed local rule.

The rule looks at one beat and at the notes next to it, so that a plan is a function of the voices.
Each chord gains by the notes of it that sound and loses by those that are foreign to it, less where
these are ornaments: suspensions that resolve inside the beat, passing and neighbour notes,
appoggiaturas, anticipations. The unit is one voice that sounds for the whole beat.

Axes: ``C`` chords, 12 roots counted up from the tonic with 9 qualities each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Floats
from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST
from musicae.core.key import Key
from musicae.theory.harmonic_plan import Beat, HarmonicPlan, PlannedChord, SecondChord, beats_of
from musicae.theory.numerals import QUALITIES

EARLY, LATE = 1.25, 0.75
"""What a sound counts in the first and in the second half of a beat."""
SEVENTH = -0.7
"""For a chord with a seventh, against the triad: half a beat of a seventh in passing makes none."""
_RARE = {"diminished": -0.1, "augmented": -0.6, "major-seventh": -0.1}
"""For qualities that need more evidence."""
IN_KEY = 0.06
"""For each member of the chord that belongs to the key's scale: it settles incomplete chords."""
_BASS_MEMBER = (0.35, 0.15, -0.25, 0.05)
"""For the root, third, fifth or seventh under the beat's first sound."""
_FOREIGN_BASS = -0.3
_NO_ROOT, _NO_THIRD, _NO_FIFTH, _NO_SEVENTH = -1.0, -0.6, -0.1, -10.0
"""For a member that does not sound. Diminished and augmented chords need the fifth as the third."""

SUSPENSION, APPOGGIATURA, PASSING, ANTICIPATION, BY_STEP, _FOREIGN = 0.15, 0.4, 0.3, 0.4, 0.7, 1.2
"""Against a foreign sound by what it is."""

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10, 11)}

_CHORDS = [(root, quality) for root in range(12) for quality in QUALITIES]


class Sound(NamedTuple):
    """What one voice sings for a part of a beat."""

    pitch: int
    begin: int
    """Steps from the beat's start."""
    end: int
    before: int
    """The pitch that the voice leaves as this one begins, ``REST`` where there is none; the same
    pitch where the note is held from before the beat."""
    after: int
    """The pitch that the voice goes to, ``REST`` where there is none."""


def plan_of(chorale: Chorale, key: Key) -> HarmonicPlan:
    """Read the plan of a piece in a key off its voices; no chord where nothing sounds.

    >>> voices = [(0, 4, 71), (4, 4, 72)], [(0, 4, 67), (4, 4, 67)], [(0, 4, 62), (4, 4, 64)]
    >>> amen = Chorale.from_notes([*voices, [(0, 4, 55), (4, 4, 48)]])
    >>> str(plan_of(amen, Key(0)))
    'V I'
    """
    tonic = key.tonic
    beats = beats_of(chorale)
    chords: list[PlannedChord | None] = []
    seconds: list[SecondChord | None] = []
    pitch, onset = chorale.pitch.astype(np.int64), chorale.onset
    for beat in beats:
        sounds = _sounds(pitch, onset, beat.start, beat.start + beat.length, tonic)
        first, second = _read_beat(sounds, beat, key.mode)
        chords.append(first)
        seconds.append(second)
    return HarmonicPlan(key, beats, tuple(chords), tuple(seconds))


def _sounds(
    pitch: NDArray[np.int64], onset: NDArray[np.bool_], start: int, stop: int, tonic: int
) -> list[Sound]:
    """What sounds between two steps, in pitches above some tonic, so that ``% 12`` is a degree."""
    found = []
    for voice in range(N_VOICES):
        column = pitch[:, voice]
        cuts = [start]
        for step in range(start + 1, stop):
            if onset[step, voice] or column[step] != column[step - 1]:
                cuts.append(step)
        for begin, end in zip(cuts, [*cuts[1:], stop], strict=True):
            if column[begin] == REST:
                continue
            before = int(column[begin - 1]) if begin else REST
            after = int(column[end]) if end < len(column) else REST
            found.append(
                Sound(
                    int(column[begin]) - tonic + 12,
                    begin - start,
                    end - start,
                    before - tonic + 12 if before != REST else REST,
                    after - tonic + 12 if after != REST else REST,
                )
            )
    return found


def _read_beat(
    sounds: list[Sound], beat: Beat, mode: str
) -> tuple[PlannedChord | None, SecondChord | None]:
    if not sounds:
        return None, None
    best = _best(sounds, beat.length, mode)
    cut = second_begins(beat.length)
    if cut is None or not any(sound.begin == cut for sound in sounds):
        return _with_bass(best, sounds), None
    late = [s._replace(begin=max(s.begin, cut)) for s in sounds if s.end > cut]
    early = [s._replace(end=min(s.end, cut)) for s in sounds if s.begin < cut]
    if len(late) < 3 or not early or len({s.pitch % 12 for s in late}) < 3:
        return _with_bass(best, sounds), None
    # The end of the beat is a chord of its own only where it is complete and nothing foreign.
    second = _best(late, beat.length, mode)
    members = _MEMBERS[second]
    if not all(members[s.pitch % 12] for s in late):
        return _with_bass(best, sounds), None
    begun = [s for s in late if s.begin == cut]
    first = _best(early, cut, mode)
    foreign = [s for s in late if not _MEMBERS[first][s.pitch % 12]]
    moved = sum(s in begun for s in foreign)
    if _CHORDS[second][0] == _CHORDS[first][0] or moved < 2:
        return _with_bass(best, sounds), None
    chord = _with_bass(second, late)
    return _with_bass(first, early), SecondChord(beat.start + cut, chord)


def second_begins(length: int) -> int | None:
    """Steps from the start of a beat of that length to where a second chord can begin, if any."""
    return {4: 2, 6: 4, 8: 4, 12: 6}.get(length)


def _best(sounds: list[Sound], length: int, mode: str) -> int:
    """The index of the likeliest chord; the first of ``_CHORDS`` on a tie."""
    score = _PRIOR[mode].copy()
    heard = np.zeros(12, dtype=np.bool_)
    for sound in sounds:
        weight = _weight(sound.begin, sound.end, length)
        degree = sound.pitch % 12
        heard[degree] = True
        cost, resolved = _foreign_cost(sound, length)
        against = np.full(len(_CHORDS), _FOREIGN)
        if resolved is None:
            against[:] = cost
        else:
            against[_MEMBERS[:, resolved]] = cost
        score += weight * np.where(_MEMBERS[:, degree], 1.0, -against)
    score += _MISSING @ ~heard
    lowest = min((s for s in sounds if s.begin == 0), key=lambda s: s.pitch, default=sounds[0])
    score += _BASS[:, lowest.pitch % 12]
    return int(np.round(score, 9).argmax())


def _foreign_cost(sound: Sound, length: int) -> tuple[float, int | None]:
    """What a sound costs a chord that it is foreign to, and the degree that must be a member."""
    by_step_to = sound.after != REST and 1 <= abs(sound.after - sound.pitch) <= 2
    by_step_from = sound.before != REST and 1 <= abs(sound.before - sound.pitch) <= 2
    if sound.begin == 0:
        if sound.end < length and by_step_to:
            held = sound.before == sound.pitch and sound.after < sound.pitch
            return (SUSPENSION if held else APPOGGIATURA), sound.after % 12
        if by_step_to and sound.before == sound.pitch and sound.after < sound.pitch:
            return 1.0, None
        return _FOREIGN, None
    if by_step_to and by_step_from:
        return PASSING, None
    if sound.after == sound.pitch and sound.end == length:
        return ANTICIPATION, None
    return (BY_STEP if by_step_to or by_step_from else _FOREIGN), None


def _weight(begin: int, end: int, length: int) -> float:
    half = length / 2
    early = max(0.0, min(end, half) - begin)
    return (EARLY * early + LATE * (end - begin - early)) / length


def _with_bass(chord: int, sounds: list[Sound]) -> PlannedChord:
    """A chord over the lowest voice at its beginning, or its lowest member in the bass."""
    root, quality = _CHORDS[chord]
    members = [(root + member) % 12 for member in QUALITIES[quality].members]
    begin = min(s.begin for s in sounds)
    lowest = min((s for s in sounds if s.begin == begin), key=lambda s: s.pitch)
    if lowest.pitch % 12 in members:
        return PlannedChord(root, quality, members.index(lowest.pitch % 12))
    fitting = [s for s in sounds if s.pitch % 12 in members and s.pitch <= lowest.pitch + 2]
    if lowest.after % 12 in members and any(s.pitch == lowest.after for s in fitting):
        return PlannedChord(root, quality, members.index(lowest.after % 12))
    if fitting:
        bass = min(fitting, key=lambda s: s.pitch)
        return PlannedChord(root, quality, members.index(bass.pitch % 12))
    return PlannedChord(root, quality, 0)


def _members() -> NDArray[np.bool_]:
    table = np.zeros((len(_CHORDS), 12), dtype=np.bool_)
    for index, (root, quality) in enumerate(_CHORDS):
        for member in QUALITIES[quality].members:
            table[index, (root + member) % 12] = True
    return table


def _prior(mode: str) -> Floats:
    """``(C,)`` what speaks for each chord before anything sounds."""
    table = np.zeros(len(_CHORDS))
    for index, (root, quality) in enumerate(_CHORDS):
        members = QUALITIES[quality].members
        inside = [(root + member) % 12 in _SCALES[mode] for member in members]
        table[index] = IN_KEY * sum(inside) + _RARE.get(quality, 0.0)
        table[index] += SEVENTH + IN_KEY * -1 if len(members) == 4 else 0.0
    return table


def _missing() -> Floats:
    """``(C, 12)`` what counts for each chord where a degree does not sound."""
    table = np.zeros((len(_CHORDS), 12))
    for index, (root, quality) in enumerate(_CHORDS):
        plain_fifth = quality in ("major", "minor", "dominant", "minor-seventh", "major-seventh")
        fifth = _NO_FIFTH if plain_fifth else -0.8
        costs = (_NO_ROOT, _NO_THIRD, fifth, _NO_SEVENTH)
        for member, cost in zip(QUALITIES[quality].members, costs, strict=False):
            table[index, (root + member) % 12] = cost
    return table


def _bass() -> Floats:
    """``(C, 12)`` what counts for each chord with a degree in the bass."""
    table = np.full((len(_CHORDS), 12), _FOREIGN_BASS)
    for index, (root, quality) in enumerate(_CHORDS):
        for place, member in enumerate(QUALITIES[quality].members):
            table[index, (root + member) % 12] = _BASS_MEMBER[place]
    return table


_MEMBERS = _members()
_PRIOR = {mode: _prior(mode) for mode in _SCALES}
_MISSING = _missing()
_BASS = _bass()
