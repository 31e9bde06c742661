"""The search for the best harmonic analysis of a piece, by dynamic programming.

The result is a chain of chords of keys, each from one boundary (a note's beginning on an eighth or
a beat) to another. A chord gains by the chord tones that sound and loses by the notes that do not
belong to it. A foreign note costs less where it is short, on a weak place and moves by step, or is
prepared and falls. Each new chord and each new key has a cost, so neither changes without need.

The chord matching and the cheapest segmentation are those of Pardo and Birmingham (*Algorithms for
Chordal Analysis*, Computer Music Journal 26:2, 2002); the cost of leaving a key and the distance
between keys are Temperley's (*The Cognition of Basic Musical Structures*, 2001, ch. 6 and 7).

Axes: ``B`` boundaries, ``K`` tonics counted up from the home tonic, ``E`` the entries of
``NUMERALS``, ``C`` chords: roots counted up from the home tonic, each with its qualities. Scores
are in the unit of one voice that sounds a chord tone for a quarter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Floats, Ints, distinct
from musicae.core.chorale import UNSPELLED, Chorale
from musicae.core.constants import N_VOICES, REST, STEPS_PER_QUARTER
from musicae.core.key import MODES, Key
from musicae.theory.cadences import cadences
from musicae.theory.non_chord_tones import ranks_of, weights
from musicae.theory.numerals import AUGMENTED_SIXTHS, KINDS, NUMERALS, UNRESOLVED, transitions
from musicae.theory.sonorities import Harmony, Sonorities
from musicae.theory.spelling import written_places

BEGIN_ON_BEAT, BEGIN_OFF_BEAT, REPEAT = 0.65, 1.7, 0.3
"""Against a new chord on a quarter or a beat and between them, and against the same one anew."""
_BASS_MEMBER = (0.85, 0.25, -1.1, -0.6)
"""For the root, third, fifth or seventh of a chord in the bass as it begins."""
_FOREIGN_BASS = -0.8
_NO_ROOT, _NO_THIRD, _NO_FIFTH, _NO_SEVENTH = 1.2, 2.0, 0.1, 10
"""Against a chord of which a member does not sound; only major and minor triads and dominant
sevenths are easily without their fifth, others need it like the third."""
TOO_SHORT = 0.3
"""A member that sounds for so many quarters or less counts as missing."""
BARE = 2
"""So many pitch classes may be without a third: a fifth, or an octave."""
SILENT = 6.0
"""Against a chord whose root does not sound at all, or its third among three notes or more."""
TENTH, AUGMENTED_SIXTH, MINOR_SEVENTH = 10, 10, -2
"""Ten semitones, and what they are called, in places on the line of fifths."""
WHOLE = 10.0
"""Against an augmented sixth that lacks a member, is inverted, or is spelled as a seventh, and
against a dominant seventh that is spelled as an augmented sixth."""

LEAVE, LEAVE_AT_PHRASE, DISTANCE = 1.55, 0.65, 0.35
"""Against a new key area within and between phrases, and for each step between the keys."""
REMOTE_KEY = 0.25
"""Against each chord of a key for each step that it lies beyond the keys next to home."""
AWAY = 0.15
"""Against each chord in another key than the home key."""
NOT_HOME = 1.4
"""Against beginning or ending in another key than the home key."""
CADENCE = {
    "perfect authentic": 1.6,
    "imperfect authentic": 1.2,
    "half": 0.8,
    "deceptive": 0.6,
    "plagal": 0.6,
    "other": 0.0,
}
"""For the key of the cadence, on the last chord of a phrase."""

FALL_WITHIN = 8
"""Steps within which the seventh of a dominant falls, or is held."""
REACH = 8
"""Boundaries that a chord may last before it counts as repeated."""


class Evidence:
    """The music as the search sees it; pitch classes count up from the home tonic.

    ``own`` and ``foreign`` ``(B, 12)`` are the quarters of each pitch class before each boundary,
    weighted as a member of the chord and as a foreign note. ``sixths`` and ``sevenths`` ``(B, 12)``
    are the quarters in which a score spells the note ten semitones above each root as an augmented
    sixth, and as a minor seventh; 0 where the spelling is not known.
    """

    def __init__(self, chords: Sonorities) -> None:
        self.chorale = chorale = chords.chorale
        self.home = home_key(chords)
        pitch = chorale.pitch.astype(np.int64)
        self.sounding = pitch != REST
        self.classes = np.where(self.sounding, (pitch - self.home.tonic) % 12, REST)  # (T, V)
        lowest = np.where(self.sounding, pitch, 128).argmin(axis=1)
        self.bass = np.take_along_axis(self.classes, lowest[:, None], axis=1)[:, 0]  # (T,)
        self.ranks = ranks_of(chorale)
        phrase_starts = chords.steps[1:][chords.phrase_ends]
        may_begin = chords.steps[self.ranks[chords.steps] > 0]
        edges = [chords.steps[:1], [len(chorale)]]
        self.steps = distinct(np.concatenate([may_begin, phrase_starts, *edges])).astype(np.int64)
        self.begins_phrase = np.isin(self.steps, phrase_starts)
        own, foreign = weights(chorale, self.ranks)
        heard = self.classes[:, :, None] == np.arange(12)  # (T, V, 12)
        self.own = self._summed(heard * own[:, :, None])
        self.foreign = self._summed(heard * foreign[:, :, None])
        sixth, seventh = _tenths(chorale, self.home)
        self.sixths, self.sevenths = self._summed(sixth[:, None]), self._summed(seventh[:, None])

    def _summed(self, heard: Floats) -> Floats:
        """``(B, 12)`` the quarters of each pitch class before each boundary."""
        before: Floats = np.pad(heard.sum(axis=1).cumsum(axis=0), ((1, 0), (0, 0)))
        return before[self.steps] / STEPS_PER_QUARTER

    def falls(self, step: int, pitch_class: int) -> bool:
        """Whether a voice that sounds a pitch class goes down from it by step, or stays."""
        for voice in np.flatnonzero(self.classes[step] == pitch_class):
            line = self.chorale.pitch[step : step + FALL_WITHIN, voice].astype(np.int64)
            others = line[line != line[0]]
            if not others.size or line[0] - 2 <= others[0] < line[0]:
                return True
        return False

    def basses(self, boundary: int) -> list[int]:
        """The pitch classes of the lowest voice from a boundary to the next, in order."""
        start, stop = self.steps[boundary : boundary + 2]
        return [low for low in dict.fromkeys(self.bass[start:stop].tolist()) if low != REST]


def _tenths(chorale: Chorale, home: Key) -> tuple[Floats, Floats]:
    """``(T, 12)`` 1 where the note ten semitones above a root is spelled as an augmented sixth, and
    1 where it is spelled as a minor seventh. Roots count from the home tonic."""
    sixth, seventh = np.zeros((2, len(chorale), 12))
    written = written_places(chorale)
    if written:
        place = np.full((len(chorale), 12), UNSPELLED)
        for voice in range(N_VOICES):
            for note in chorale.notes(voice):
                if (note.step, voice) in written:
                    here = slice(note.step, note.step + note.duration)
                    place[here, (note.pitch - home.tonic) % 12] = written[note.step, voice]
        above = np.roll(place, -TENTH, axis=1)
        known = (place != UNSPELLED) & (above != UNSPELLED)
        sixth = 1.0 * (known & (above - place == AUGMENTED_SIXTH))
        seventh = 1.0 * (known & (above - place == MINOR_SEVENTH))
    return sixth, seventh


def home_key(chords: Sonorities) -> Key:
    """The key as stated, where the music begins and ends with its tonic triad in root position;
    else the one found in the notes, which a few borrowed chords can mislead."""
    stated = chords.chorale.key
    sounding = np.flatnonzero((chords.pitch != REST).any(axis=1))
    if stated is None or not sounding.size:
        return chords.key
    triads = [Harmony(stated.tonic, quality) for quality in {stated.mode, "major"}]
    at_ends = [
        chords.harmonies[i] in triads
        and chords.pitch[i][chords.pitch[i] != REST].min() % 12 == stated.tonic
        for i in sounding[[0, -1]]
    ]
    return stated if all(at_ends) else chords.key


_CHORDS = [(root, quality) for root in range(12) for quality in KINDS]
_PLACES = {chord: place for place, chord in enumerate(_CHORDS)}
_COLUMN = np.array(
    [[_PLACES[(tonic + n.root) % 12, n.quality] for n in NUMERALS] for tonic in range(12)]
)
"""``(K, E)`` the chord that each numeral is in each key."""


def _tables() -> tuple[Floats, ...]:
    """Five tables ``(12, C)`` by pitch class and chord.

    Whether the pitch class is a member, the score of having it in the bass, the loss where it
    does not sound, and whether it is the root, and the third.
    """
    member, bass, missing, is_root, is_third = np.zeros((5, 12, len(_CHORDS)))
    bass[:] = _FOREIGN_BASS
    for column, (root, name) in enumerate(_CHORDS):
        altered = name in AUGMENTED_SIXTHS
        no_fifth = _NO_FIFTH if name in ("major", "minor", "dominant") else _NO_THIRD
        losses = [WHOLE] * 4 if altered else [_NO_ROOT, _NO_THIRD, no_fifth, _NO_SEVENTH]
        for place, above in enumerate(KINDS[name].members):
            pitch_class = (root + above) % 12
            member[pitch_class, column] = 1
            bass[pitch_class, column] = -WHOLE if altered and place else _BASS_MEMBER[place]
            missing[pitch_class, column] = losses[place]
        is_root[root, column] = is_third[(root + KINDS[name].members[1]) % 12, column] = 1
    return member, bass, missing, is_root, is_third


_MEMBER, _BASS, _MISSING, _IS_ROOT, _IS_THIRD = _tables()
_IS_DOMINANT, _IS_AUGMENTED = (
    np.array([[root == r and quality in named for root, quality in _CHORDS] for r in range(12)])
    * 1.0
    for named in (("dominant",), AUGMENTED_SIXTHS)
)
"""``(12, C)`` which chords on each root are dominant sevenths, and which augmented sixths."""
COSTS = np.array([n.cost for n in NUMERALS])
"""``(E,)`` how unlikely each numeral is in its key."""
PENDING = np.array([0.0 if n.target is None else UNRESOLVED for n in NUMERALS])
"""``(E,)`` against going to another key, or ending, after each numeral."""
_IN_MODE = np.array([[n.mode == mode for n in NUMERALS] for mode in MODES])  # (mode, E)
_MODE_OF = np.array([MODES.index(n.mode) for n in NUMERALS])
TRANSITIONS = transitions()
"""``(E, E)`` against each numeral after each other one of its key."""
TRANSITIONS_AT_PHRASE = np.where(np.isinf(TRANSITIONS), np.inf, 0.0)
"""The same where a phrase begins."""


def _distances() -> Floats:
    """``(24, 24)`` steps between keys, tonic by tonic and major before minor: the fifths between
    their signatures, and one where the mode changes."""
    keys = [Key(0, mode).transpose(semitones) for semitones in range(12) for mode in MODES]
    keys = sorted(keys, key=lambda key: (key.tonic, key.mode))
    fifths = np.array([[abs(a.fifths - b.fifths) % 12 for b in keys] for a in keys])
    other_mode = np.array([[a.mode != b.mode for b in keys] for a in keys])
    distances: Floats = np.minimum(fifths, 12 - fifths) + other_mode * 1.0
    return distances


_DISTANCES = _distances()


def cost_of_keys(home: str) -> tuple[Floats, Floats]:
    """Two arrays ``(K, 2)`` by tonic and mode, for a home key of that mode: against each chord of a
    key, and against beginning or ending in it."""
    from_home = _DISTANCES[MODES.index(home)].reshape(12, 2)
    away = from_home > 0
    return REMOTE_KEY * np.maximum(from_home - 2, 0) + AWAY * away, NOT_HOME * away


def cost_of_leaving(new_phrase: bool) -> Floats:
    """``(24, 24)`` against going from key to key, tonic by tonic and major before minor; infinite
    from a key to itself."""
    leave: Floats = (LEAVE_AT_PHRASE if new_phrase else LEAVE) + DISTANCE * _DISTANCES
    np.fill_diagonal(leave, np.inf)
    return leave


class ChordSpan(NamedTuple):
    """A chord of the best path: its span in boundaries, the key's tonic, and its entry."""

    start: int
    stop: int
    tonic: int
    entry: int


def best_path(evidence: Evidence) -> list[ChordSpan]:
    count, entries = len(evidence.steps), len(NUMERALS)
    remote, away = (cost[:, _MODE_OF] for cost in cost_of_keys(evidence.home.mode))  # (K, E)
    fits, endings = _fits(evidence), _endings(evidence)
    entered = np.full((count, 12, entries), -np.inf)
    came_from = np.zeros((count, 12, entries), dtype=np.int16)  # the state before: k * E + e
    began = np.zeros((count, 12, entries), dtype=np.int32)
    entered[0] = -away - COSTS
    ended = entered[0]
    for stop in range(1, count):
        first = max(0, stop - REACH)
        spans = entered[first:stop] + fits(first, stop)[:, _COLUMN] - remote
        for boundary in range(first, stop):
            if boundary in endings:
                spans[: boundary - first + 1] += endings[boundary]
        latest = spans.argmax(axis=0)
        ended = np.take_along_axis(spans, latest[None], axis=0)[0]
        began[stop] = first + latest
        if stop < count - 1:
            entered[stop], came_from[stop] = _enter(evidence, stop, ended)
    state = int((ended - away - PENDING).argmax())
    path: list[ChordSpan] = []
    stop = count - 1
    while stop > 0:
        tonic, entry = divmod(state, entries)
        start = int(began[stop, tonic, entry])
        if path and path[-1][2:] == (tonic, entry):
            path[-1] = path[-1]._replace(start=start)
        else:
            path.append(ChordSpan(start, stop, tonic, entry))
        state, stop = int(came_from[start, tonic, entry]), start
    return path[::-1]


def _enter(evidence: Evidence, boundary: int, ended: Floats) -> tuple[Floats, Ints]:
    """``(K, E)`` the best scores of beginning each chord at a boundary where the chords before it
    ended with ``ended``, and the states that they come from: in the same key or another one."""
    new_phrase = bool(evidence.begins_phrase[boundary])
    on_beat = new_phrase or evidence.ranks[evidence.steps[boundary]] == 2
    price = COSTS + (BEGIN_ON_BEAT if on_beat else BEGIN_OFF_BEAT)
    steps = (TRANSITIONS_AT_PHRASE if new_phrase else TRANSITIONS) + price
    if not new_phrase:
        np.fill_diagonal(steps, REPEAT)
    stays = ended[:, :, None] - steps  # (K, E before, E)
    same_key = stays.argmax(axis=1)
    stay = np.take_along_axis(stays, same_key[:, None], axis=1)[:, 0]
    by_mode = np.where(_IN_MODE, (ended - PENDING)[:, None], -np.inf)  # (K, mode, E)
    last = by_mode.argmax(axis=2).ravel()
    moves = by_mode.max(axis=2).ravel()[:, None] - cost_of_leaving(new_phrase)  # (before, key)
    other_key = moves.argmax(axis=0)
    move = moves.max(axis=0).reshape(12, 2)[:, _MODE_OF] - price
    moved_from = (other_key // 2 * len(NUMERALS) + last[other_key]).reshape(12, 2)[:, _MODE_OF]
    stayed_from = np.arange(12)[:, None] * len(NUMERALS) + same_key
    return np.maximum(stay, move), np.where(stay >= move, stayed_from, moved_from)


def _fits(evidence: Evidence) -> Callable[[int, int], Floats]:
    """A function of two boundaries: ``(stop - first, C)`` how well each chord fits what sounds
    from ``first``, ``first + 1`` and so on until ``stop``."""
    lows = [evidence.basses(boundary) for boundary in range(len(evidence.steps) - 1)]
    spelled = bool(evidence.sixths.any() or evidence.sevenths.any())
    worth = np.array([_BASS[low[0]] if low else np.zeros(len(_CHORDS)) for low in lows])

    def fits(first: int, stop: int) -> Floats:
        own = evidence.own[stop] - evidence.own[first:stop]
        foreign = evidence.foreign[stop] - evidence.foreign[first:stop]
        absent = (own <= TOO_SHORT) * 1.0
        fit: Floats = own @ _MEMBER - foreign @ (1 - _MEMBER) - absent @ _MISSING
        silent = (own == 0) * SILENT
        is_chord = (own > 0).sum(axis=1, keepdims=True) > BARE
        fit -= silent @ _IS_ROOT + is_chord * (silent @ _IS_THIRD)
        if spelled:
            sixths = evidence.sixths[stop] > evidence.sixths[first:stop]
            sevenths = evidence.sevenths[stop] > evidence.sevenths[first:stop]
            fit -= WHOLE * (sixths @ _IS_DOMINANT + sevenths @ _IS_AUGMENTED)
        fit += worth[first:stop]
        return fit

    return fits


def _endings(evidence: Evidence) -> dict[int, Floats]:
    """The scores ``(K, E)`` of cadences, by the boundary where the phrase's last note begins."""
    found = {}
    for cadence in cadences(evidence.chorale):
        bonus = np.zeros((12, len(NUMERALS)))
        tonic = (cadence.key.tonic - evidence.home.tonic) % 12
        bonus[tonic, _IN_MODE[MODES.index(cadence.key.mode)]] = CADENCE[cadence.kind]
        found[int(np.searchsorted(evidence.steps, cadence.step, side="right")) - 1] = bonus
    return found
