"""Derive a harmonic plan from the four voices by a fixed local rule.

The rule reads one beat and the notes next to it, so the plan is a function of the voices. A chord's
score rises with the chord tones that sound and falls with foreign notes. Ornaments cost less:
suspensions that resolve inside the beat, passing and neighbour notes, appoggiaturas and
anticipations. The unit of all scores is one voice that sounds for a whole beat.

Axes: ``C`` chords: 12 roots counted up from the tonic, each with 9 qualities.
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
"""The weights of the first and of the second half of a beat."""
SEVENTH = -0.7
"""The score of a chord with a seventh before its notes count: a passing seventh of half a beat does
not make a seventh chord."""
_RARE = {"diminished": -0.1, "augmented": -0.6, "major-seventh": -0.1}
"""The scores of qualities that need more evidence, before their notes count."""
IN_KEY = 0.06
"""The score of each chord member that belongs to the key's scale; decides incomplete chords."""
_BASS_MEMBER = (0.35, 0.15, -0.25, 0.05)
"""The scores of the root, third, fifth and seventh as the lowest note at the start of a beat."""
_FOREIGN_BASS = -0.3
_NO_ROOT, _NO_THIRD, _NO_FIFTH, _NO_SEVENTH = -1.0, -0.6, -0.1, -10.0
"""The scores of members that do not sound. A missing diminished or augmented fifth scores -0.8, not
``_NO_FIFTH``."""

SUSPENSION, APPOGGIATURA, PASSING, ANTICIPATION, BY_STEP, _FOREIGN = 0.15, 0.4, 0.3, 0.4, 0.7, 1.2
"""The costs of a foreign note by its kind; ``_FOREIGN`` is that of a note that is no ornament."""

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10, 11)}

_CHORDS = [(root, quality) for root in range(12) for quality in QUALITIES]


class Sound(NamedTuple):
    """One note of a voice, or the part of it that lies in a beat."""

    pitch: int
    begin: int
    """Steps from the beat's start."""
    end: int
    before: int
    """The voice's pitch just before, or ``REST``; the same pitch if the note is held over the
    beginning of the beat."""
    after: int
    """The voice's pitch just after, or ``REST``."""


def plan_of(chorale: Chorale, key: Key) -> HarmonicPlan:
    """The plan of a piece in a key, read from its voices; a silent beat has no chord.

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
    """The sounds between two steps. Pitches count from the tonic, so ``% 12`` is the degree."""
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
    # The end of a beat is a chord of its own only if it is complete and has no foreign note.
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
    """The step inside a beat of ``length`` steps at which a second chord can begin, or None."""
    return {4: 2, 6: 4, 8: 4, 12: 6}.get(length)


def _best(sounds: list[Sound], length: int, mode: str) -> int:
    """The index of the best chord; in a tie the first of ``_CHORDS``."""
    score = _PRIOR[mode].copy()
    present = np.zeros(12, dtype=np.bool_)
    for sound in sounds:
        weight = _weight(sound.begin, sound.end, length)
        degree = sound.pitch % 12
        present[degree] = True
        cost, resolved = _foreign_cost(sound, length)
        against = np.full(len(_CHORDS), _FOREIGN)
        if resolved is None:
            against[:] = cost
        else:
            against[_MEMBERS[:, resolved]] = cost
        score += weight * np.where(_MEMBERS[:, degree], 1.0, -against)
    score += _MISSING @ ~present
    lowest = min((s for s in sounds if s.begin == 0), key=lambda s: s.pitch, default=sounds[0])
    score += _BASS[:, lowest.pitch % 12]
    return int(np.round(score, 9).argmax())


def _foreign_cost(sound: Sound, length: int) -> tuple[float, int | None]:
    """The cost of a sound that is foreign to a chord, and the degree it resolves to.

    The cost holds only for chords that have this degree as a member; None means all chords.
    """
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
    """A chord with its bass: the lowest note at its beginning.

    If that is foreign, the bass is the member to which the lowest note goes, the lowest member that
    sounds, or the root, in this order.
    """
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
    """``(C,)`` the score of each chord before its notes count."""
    table = np.zeros(len(_CHORDS))
    for index, (root, quality) in enumerate(_CHORDS):
        members = QUALITIES[quality].members
        inside = [(root + member) % 12 in _SCALES[mode] for member in members]
        table[index] = IN_KEY * sum(inside) + _RARE.get(quality, 0.0)
        table[index] += SEVENTH + IN_KEY * -1 if len(members) == 4 else 0.0
    return table


def _missing() -> Floats:
    """``(C, 12)`` the score of each chord for a degree that does not sound."""
    table = np.zeros((len(_CHORDS), 12))
    for index, (root, quality) in enumerate(_CHORDS):
        plain_fifth = quality in ("major", "minor", "dominant", "minor-seventh", "major-seventh")
        fifth = _NO_FIFTH if plain_fifth else -0.8
        costs = (_NO_ROOT, _NO_THIRD, fifth, _NO_SEVENTH)
        for member, cost in zip(QUALITIES[quality].members, costs, strict=False):
            table[index, (root + member) % 12] = cost
    return table


def _bass() -> Floats:
    """``(C, 12)`` the score of each chord for a degree in the bass."""
    table = np.full((len(_CHORDS), 12), _FOREIGN_BASS)
    for index, (root, quality) in enumerate(_CHORDS):
        for place, member in enumerate(QUALITIES[quality].members):
            table[index, (root + member) % 12] = _BASS_MEMBER[place]
    return table


_MEMBERS = _members()
_PRIOR = {mode: _prior(mode) for mode in _SCALES}
_MISSING = _missing()
_BASS = _bass()
