"""The search for the best harmonic analysis of a piece, by dynamic programming.

The result is a chain of chords, each in a key and from one boundary to another. A boundary is a
note's beginning on an eighth or a beat. A chord's score rises with the chord tones that sound and
falls with foreign notes. A foreign note costs less if it is short, on a weak beat and moves by
step, or if it is prepared and falls by step. Each new chord and each new key has a cost, so that
neither changes without need.

The chord matching and the cheapest segmentation are those of Pardo and Birmingham (*Algorithms for
Chordal Analysis*, Computer Music Journal 26:2, 2002); the cost of leaving a key and the distance
between keys are Temperley's (*The Cognition of Basic Musical Structures*, 2001, ch. 6 and 7).

Axes: ``T`` steps, ``V`` voices, ``B`` boundaries, ``K`` tonics counted up from the home tonic,
``E`` the entries of ``NUMERALS``, ``C`` chords: roots counted up from the home tonic, each with its
qualities. The unit of all scores and costs is one voice that sounds a chord tone for a quarter.
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
"""The costs of a new chord on a quarter or a beat, of one between them, and of a repeated chord."""
_BASS_MEMBER = (0.85, 0.25, -1.1, -0.6)
"""The scores of the root, third, fifth and seventh in the bass at the beginning of a chord."""
_FOREIGN_BASS = -0.8
_NO_ROOT, _NO_THIRD, _NO_FIFTH, _NO_SEVENTH = 1.2, 2.0, 0.1, 10
"""The costs of members that do not sound. The low cost of a missing fifth holds for major and minor
triads and dominant sevenths; in other chords it costs as much as the third."""
TOO_SHORT = 0.3
"""A member that sounds for at most this long, in quarters, counts as missing."""
BARE = 2
"""The most pitch classes of a chord that may lack its third: a bare fifth, or octaves."""
SILENT = 6.0
"""The cost of a chord whose root never sounds, or whose third never sounds while more than ``BARE``
pitch classes do."""
TENTH, AUGMENTED_SIXTH, MINOR_SEVENTH = 10, 10, -2
"""Ten semitones, and the two intervals of that size in places on the line of fifths."""
WHOLE = 10.0
"""The cost of an augmented sixth that lacks a member, is inverted or is spelled as a seventh, and
of a dominant seventh that is spelled as an augmented sixth."""

LEAVE, LEAVE_AT_PHRASE, DISTANCE = 1.55, 0.65, 0.35
"""The costs of a new key within a phrase, of one between phrases, and of each step between the two
keys."""
REMOTE_KEY = 0.25
"""The cost of each chord in a key, for each step beyond 2 between that key and the home key."""
AWAY = 0.15
"""The cost of each chord outside the home key."""
NOT_HOME = 1.4
"""The cost of beginning or ending outside the home key."""
CADENCE = {
    "perfect authentic": 1.6,
    "imperfect authentic": 1.2,
    "half": 0.8,
    "deceptive": 0.6,
    "plagal": 0.6,
    "other": 0.0,
}
"""The gain of the cadence's key, at the last chord of a phrase."""

FALL_WITHIN = 8
"""The number of steps within which the seventh of a dominant must fall, unless it is held."""
REACH = 8
"""The most boundaries that a chord spans before it counts as repeated."""


class Evidence:
    """The features of the music that the search uses; pitch classes count up from the home tonic.

    ``own`` and ``foreign`` ``(B, 12)`` are the total durations, in quarters, of each pitch class
    before each boundary, weighted as chord tone and as foreign note. ``sixths`` and ``sevenths``
    ``(B, 12)`` are the durations in which the score spells the note ten semitones above each root
    as an augmented sixth, and as a minor seventh; 0 if the spelling is unknown.
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
        one_hot = self.classes[:, :, None] == np.arange(12)  # (T, V, 12)
        self.own = self._summed(one_hot * own[:, :, None])
        self.foreign = self._summed(one_hot * foreign[:, :, None])
        sixth, seventh = _tenths(chorale, self.home)
        self.sixths, self.sevenths = self._summed(sixth[:, None]), self._summed(seventh[:, None])

    def _summed(self, weighted: Floats) -> Floats:
        """``(B, 12)`` the quarters of each pitch class before each boundary."""
        before: Floats = np.pad(weighted.sum(axis=1).cumsum(axis=0), ((1, 0), (0, 0)))
        return before[self.steps] / STEPS_PER_QUARTER

    def falls(self, step: int, pitch_class: int) -> bool:
        """Whether a voice that has a pitch class at a step then falls by step, or stays."""
        for voice in np.flatnonzero(self.classes[step] == pitch_class):
            line = self.chorale.pitch[step : step + FALL_WITHIN, voice].astype(np.int64)
            others = line[line != line[0]]
            if not others.size or line[0] - 2 <= others[0] < line[0]:
                return True
        return False

    def basses(self, boundary: int) -> list[int]:
        """The pitch classes of the lowest voice between a boundary and the next, in order."""
        start, stop = self.steps[boundary : boundary + 2]
        return [low for low in dict.fromkeys(self.bass[start:stop].tolist()) if low != REST]


def _tenths(chorale: Chorale, home: Key) -> tuple[Floats, Floats]:
    """Two arrays ``(T, 12)`` by root, counted up from the home tonic.

    The first is 1 where the note ten semitones above the root is spelled as an augmented sixth, the
    second where it is spelled as a minor seventh.
    """
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
    """The stated key if the music begins and ends with its tonic triad in root position.

    Otherwise it is the key found in the notes, which a few borrowed chords can mislead.
    """
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
"""``(K, E)`` the index in ``_CHORDS`` of each numeral's chord in each key."""


def _tables() -> tuple[Floats, ...]:
    """Five tables ``(12, C)`` by pitch class and chord.

    Whether the pitch class is a member, its score in the bass, the cost if it does not sound,
    whether it is the root, and whether it is the third.
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
"""``(12, C)`` by root: 1 for dominant sevenths on it, and 1 for augmented sixths on it."""
COSTS = np.array([n.cost for n in NUMERALS])
"""``(E,)`` the cost of each numeral in its key; unlikely ones cost more."""
PENDING = np.array([0.0 if n.target is None else UNRESOLVED for n in NUMERALS])
"""``(E,)`` the cost of leaving the key, or ending, after each numeral."""
_IN_MODE = np.array([[n.mode == mode for n in NUMERALS] for mode in MODES])  # (mode, E)
_MODE_OF = np.array([MODES.index(n.mode) for n in NUMERALS])
TRANSITIONS = transitions()
"""``(E, E)`` the cost of going from each numeral (rows) to each numeral of the same key."""
TRANSITIONS_AT_PHRASE = np.where(np.isinf(TRANSITIONS), np.inf, 0.0)
"""The same at the beginning of a phrase."""


def _distances() -> Floats:
    """``(24, 24)`` the steps between keys, ordered by tonic, then major before minor.

    They are the fifths between the two signatures, plus one if the modes differ.
    """
    keys = [Key(0, mode).transpose(semitones) for semitones in range(12) for mode in MODES]
    keys = sorted(keys, key=lambda key: (key.tonic, key.mode))
    fifths = np.array([[abs(a.fifths - b.fifths) % 12 for b in keys] for a in keys])
    other_mode = np.array([[a.mode != b.mode for b in keys] for a in keys])
    distances: Floats = np.minimum(fifths, 12 - fifths) + other_mode * 1.0
    return distances


_DISTANCES = _distances()


def cost_of_keys(home: str) -> tuple[Floats, Floats]:
    """Two arrays ``(K, 2)`` by tonic and mode, for a home key with the mode ``home``.

    The first is the cost of each chord in a key, the second that of beginning or ending in it.
    """
    from_home = _DISTANCES[MODES.index(home)].reshape(12, 2)
    away = from_home > 0
    return REMOTE_KEY * np.maximum(from_home - 2, 0) + AWAY * away, NOT_HOME * away


def cost_of_leaving(new_phrase: bool) -> Floats:
    """``(24, 24)`` the cost of going from each key (rows) to each; infinite from a key to itself.

    Keys are ordered by tonic, then major before minor. It costs less if a phrase begins.
    """
    leave: Floats = (LEAVE_AT_PHRASE if new_phrase else LEAVE) + DISTANCE * _DISTANCES
    np.fill_diagonal(leave, np.inf)
    return leave


class ChordSpan(NamedTuple):
    """A chord of the best path."""

    start: int
    """The boundary at which it begins."""
    stop: int
    """The boundary at which it ends."""
    tonic: int
    """The tonic of its key, in semitones above the home tonic."""
    entry: int
    """The index of its numeral in ``NUMERALS``."""


def best_path(evidence: Evidence) -> list[ChordSpan]:
    """The chords with the highest total score, from the first boundary to the last."""
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
    """Two arrays ``(K, E)`` for chords that begin at a boundary: best scores, previous states.

    ``ended`` ``(K, E)`` are the best scores of the chords that end there. The previous state,
    ``k * E + e``, is in the same key or in another one.
    """
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
    """A function ``fits(first, stop)`` of two boundaries.

    Its result ``(stop - first, C)`` is the score of each chord for the spans that begin at
    ``first``, ``first + 1`` and so on, and end at ``stop``.
    """
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
    """The gains ``(K, E)`` of cadences, by the boundary at which the phrase's last note begins."""
    found = {}
    for cadence in cadences(evidence.chorale):
        bonus = np.zeros((12, len(NUMERALS)))
        tonic = (cadence.key.tonic - evidence.home.tonic) % 12
        bonus[tonic, _IN_MODE[MODES.index(cadence.key.mode)]] = CADENCE[cadence.kind]
        found[int(np.searchsorted(evidence.steps, cadence.step, side="right")) - 1] = bonus
    return found
