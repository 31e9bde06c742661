"""Harmonic analysis: where the harmony changes, in which key, by which Roman numeral and chord.

The analysis is the best path through the piece, found by dynamic programming: a chain of chords of
keys, each chord from one boundary (a note's beginning on an eighth or a beat) to another. A chord
gains by what sounds of it and loses by what does not belong to it, less where that is short, on a
weak place and moves by step, or is prepared and falls: the ornaments. Each new chord and each new
key costs, so that neither changes without need. The chords by matching and the cheapest
segmentation are Pardo and Birmingham's (*Algorithms for Chordal Analysis*, Computer Music Journal
26:2, 2002); the price of leaving a key and the nearness of keys Temperley's (*The Cognition of
Basic Musical Structures*, 2001, ch. 6 and 7); the numerals those of Kostka and Payne (*Tonal
Harmony*).

Axes: ``B`` boundaries, ``K`` tonics counted up from the home tonic, ``E`` the entries of
``NUMERALS``, ``C`` chords: roots counted up from the home tonic, each with its qualities. Scores
are in the unit of one voice that sounds a chord tone for a quarter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER
from musicae.core.key import LETTERS, MODES, Key
from musicae.theory.cadences import cadences
from musicae.theory.non_chord_tones import Floats, Ints, ranks_of, weights
from musicae.theory.numerals import NUMERALS, QUALITIES, UNRESOLVED, transitions
from musicae.theory.sonorities import Sonorities, sonorities
from musicae.theory.spelling import places_near, spell

BEGIN_ON_BEAT, BEGIN_OFF_BEAT, REPEAT = 0.8, 1.4, 0.25
"""Against a new chord on a quarter or a beat and between them, and against the same one anew."""
BASS = (0.7, 0.2, -0.9, -0.5)
"""For the root, third, fifth or seventh of a chord in the bass as it begins."""
FOREIGN_BASS = -1.0
NO_ROOT, NO_THIRD, NO_FIFTH, NO_SEVENTH = 1.2, 1.6, 0.1, 10
"""Against a chord of which a member does not sound; only major and minor triads and dominant
sevenths are easily without their fifth, others need it like the third."""
TOO_SHORT = 0.3
"""Quarters that do not count as sounding."""

LEAVE, LEAVE_AT_PHRASE, DISTANCE = 1.9, 0.6, 0.35
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


class Label(NamedTuple):
    """The harmony from a step on."""

    step: int
    key: Key
    """The key area."""
    numeral: str
    """In that key, with its figures, such as ``V65/V`` or ``vii°6``."""
    chord: str
    """As lead sheets write it, spelled as the score is: ``D7/F#``, ``C#dim7``, ``G5``."""


def analyse(chorale: Chorale) -> tuple[Label, ...]:
    """The harmony wherever it changes; no labels where never more than two voices sing at once.

    A chord lasts until the next label: passing notes, suspensions and anticipations make none, but
    the bass does that moves to another chord tone on a beat, and so does the seventh that joins a
    dominant. A cadential six-four is I64. Theorists' analyses of ten of Bach's chorales, on which
    nothing was tuned, name the same key for 81% of the quarters, the same root for 93% and the
    same numeral with its figures for 74% (``benchmarks/analysis.py``). Where they differ it
    is mostly about where a key area begins.

    >>> voices = [(0, 4, 71), (4, 4, 72)], [(0, 4, 67), (4, 4, 67)], [(0, 4, 62), (4, 4, 64)]
    >>> amen = Chorale.from_notes([*voices, [(0, 4, 55), (2, 2, 53), (4, 4, 52)]], key=Key(0))
    >>> [(label.step, label.numeral, label.chord) for label in analyse(amen)]
    [(0, 'V', 'G'), (2, 'V42', 'G7/F'), (4, 'I6', 'C/E')]
    """
    chords = sonorities(chorale)
    if not ((chords.pitch != REST).sum(axis=1) > 2).any():
        return ()
    score = _Score(chords)
    return tuple(_labels(score, _best_path(score)))


def texts(labels: Sequence[Label]) -> list[tuple[int, str]]:
    """Step and text of each label, the key named where its area begins, in minor in lower case.

    >>> texts([Label(0, Key(1), "I", "G"), Label(4, Key(1, "minor"), "V65", "B7/D#")])
    [(0, 'G: I'), (4, 'e: V65')]
    """
    found = []
    key = None
    for label in labels:
        tonic = label.key.tonic_name
        name = tonic if label.key.mode == "major" else tonic[0].lower() + tonic[1:]
        new = label.key != key
        found.append((label.step, f"{name}: {label.numeral}" if new else label.numeral))
        key = label.key
    return found


def markers(labels: Sequence[Label]) -> list[tuple[int, str]]:
    """``texts`` in ASCII, as MIDI's are to be, with the signs of the RomanText format.

    (Tymoczko, Gotham, Cuthbert and Ariza 2019: ``viio6`` is diminished, ``vii/o7`` half so.)

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


_DEGREE = r"[b#]?(?:[IVX]+|[ivx]+)"
_MARKER = re.compile(rf"(?:[A-Ga-g][b#]*: )?{_DEGREE}(?:/o|o|\+)?\d*(?:/{_DEGREE})?")


# The music


class _Score:
    """What the search needs of the music, pitch classes counted up from the home tonic."""

    def __init__(self, chords: Sonorities) -> None:
        self.chorale = chorale = chords.chorale
        self.home = chords.key
        pitch = chorale.pitch.astype(np.int64)
        self.sounding = pitch != REST
        self.classes = np.where(self.sounding, (pitch - self.home.tonic) % 12, REST)  # (T, V)
        lowest = np.where(self.sounding, pitch, 128).argmin(axis=1)
        self.bass = np.take_along_axis(self.classes, lowest[:, None], axis=1)[:, 0]  # (T,)
        self.ranks = ranks_of(chorale)
        phrase_starts = chords.steps[1:][chords.phrase_ends]
        may_begin = chords.steps[self.ranks[chords.steps] > 0]
        edges = [chords.steps[:1], [len(chorale)]]
        self.steps = np.unique(np.concatenate([may_begin, phrase_starts, *edges])).astype(np.int64)
        self.begins_phrase = np.isin(self.steps, phrase_starts)
        own, foreign = weights(chorale, self.ranks)
        heard = self.classes[:, :, None] == np.arange(12)  # (T, V, 12)
        self.own = self._summed(heard * own[:, :, None])
        self.foreign = self._summed(heard * foreign[:, :, None])

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


# The search

_CHORDS = [(root, quality) for root in range(12) for quality in QUALITIES]
_COLUMN = np.array(
    [[_CHORDS.index(((tonic + n.root) % 12, n.quality)) for n in NUMERALS] for tonic in range(12)]
)
"""``(K, E)`` the chord that each numeral is in each key."""


def _tables() -> tuple[Floats, Floats, Floats]:
    """``(12, C)`` for each pitch class: whether it belongs to a chord, what it is worth to it in
    the bass, and what the chord loses where it does not sound."""
    member, bass, missing = np.zeros((3, 12, len(_CHORDS)))
    bass[:] = FOREIGN_BASS
    for column, (root, name) in enumerate(_CHORDS):
        no_fifth = NO_FIFTH if name in ("major", "minor", "dominant") else NO_THIRD
        losses = (NO_ROOT, NO_THIRD, no_fifth, NO_SEVENTH)
        for place, above in enumerate(QUALITIES[name].members):
            pitch_class = (root + above) % 12
            member[pitch_class, column] = 1
            bass[pitch_class, column] = BASS[place]
            missing[pitch_class, column] = losses[place]
    return member, bass, missing


_MEMBER, _BASS, _MISSING = _tables()
_COST = np.array([n.cost for n in NUMERALS])
_PENDING = np.array([0.0 if n.target is None else UNRESOLVED for n in NUMERALS])
_IN_MODE = np.array([[n.mode == mode for n in NUMERALS] for mode in MODES])  # (mode, E)
_MODE_OF = np.array([MODES.index(n.mode) for n in NUMERALS])
_TRANSITIONS = transitions()
_TRANSITIONS_AT_PHRASE = np.where(np.isinf(_TRANSITIONS), np.inf, 0.0)


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


class _Chord(NamedTuple):
    """A chord of the best path: its span in boundaries, the key's tonic, and its entry."""

    start: int
    stop: int
    tonic: int
    entry: int


def _best_path(score: _Score) -> list[_Chord]:
    count, entries = len(score.steps), len(NUMERALS)
    from_home = _DISTANCES[MODES.index(score.home.mode)].reshape(12, 2)
    beyond = np.maximum(from_home - 2, 0)
    remote = (REMOTE_KEY * beyond + AWAY * (from_home > 0))[:, _MODE_OF]  # (K, E)
    away = NOT_HOME * (from_home > 0)[:, _MODE_OF]
    fits, endings = _fits(score), _endings(score)
    entered = np.full((count, 12, entries), -np.inf)
    came_from = np.zeros((count, 12, entries), dtype=np.int16)  # the state before: k * E + e
    began = np.zeros((count, 12, entries), dtype=np.int32)
    entered[0] = -away - _COST
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
            entered[stop], came_from[stop] = _enter(score, stop, ended)
    state = int((ended - away - _PENDING).argmax())
    path: list[_Chord] = []
    stop = count - 1
    while stop > 0:
        tonic, entry = divmod(state, entries)
        start = int(began[stop, tonic, entry])
        if path and path[-1][2:] == (tonic, entry):
            path[-1] = path[-1]._replace(start=start)
        else:
            path.append(_Chord(start, stop, tonic, entry))
        state, stop = int(came_from[start, tonic, entry]), start
    return path[::-1]


def _enter(score: _Score, boundary: int, ended: Floats) -> tuple[Floats, Ints]:
    """``(K, E)`` the best scores of beginning each chord at a boundary where the chords before it
    ended with ``ended``, and the states that they come from: in the same key or another one."""
    new_phrase = bool(score.begins_phrase[boundary])
    on_beat = new_phrase or score.ranks[score.steps[boundary]] == 2
    price = _COST + (BEGIN_ON_BEAT if on_beat else BEGIN_OFF_BEAT)
    steps = (_TRANSITIONS_AT_PHRASE if new_phrase else _TRANSITIONS) + price
    if not new_phrase:
        np.fill_diagonal(steps, REPEAT)
    stays = ended[:, :, None] - steps  # (K, E before, E)
    same_key = stays.argmax(axis=1)
    stay = np.take_along_axis(stays, same_key[:, None], axis=1)[:, 0]
    by_mode = np.where(_IN_MODE, (ended - _PENDING)[:, None], -np.inf)  # (K, mode, E)
    last = by_mode.argmax(axis=2).ravel()
    leave = (LEAVE_AT_PHRASE if new_phrase else LEAVE) + DISTANCE * _DISTANCES
    np.fill_diagonal(leave, np.inf)
    moves = by_mode.max(axis=2).ravel()[:, None] - leave  # (key before, key)
    other_key = moves.argmax(axis=0)
    move = moves.max(axis=0).reshape(12, 2)[:, _MODE_OF] - price
    moved_from = (other_key // 2 * len(NUMERALS) + last[other_key]).reshape(12, 2)[:, _MODE_OF]
    stayed_from = np.arange(12)[:, None] * len(NUMERALS) + same_key
    return np.maximum(stay, move), np.where(stay >= move, stayed_from, moved_from)


def _fits(score: _Score) -> Callable[[int, int], Floats]:
    """A function of two boundaries: ``(stop - first, C)`` how well each chord fits what sounds
    from ``first``, ``first + 1`` and so on until ``stop``."""
    lows = [score.basses(boundary) for boundary in range(len(score.steps) - 1)]
    worth = np.array([_BASS[low[0]] if low else np.zeros(len(_CHORDS)) for low in lows])

    def fits(first: int, stop: int) -> Floats:
        own = score.own[stop] - score.own[first:stop]
        foreign = score.foreign[stop] - score.foreign[first:stop]
        absent = (own <= TOO_SHORT) * 1.0
        fit: Floats = own @ _MEMBER - foreign @ (1 - _MEMBER) - absent @ _MISSING
        fit += worth[first:stop]
        return fit

    return fits


def _endings(score: _Score) -> dict[int, Floats]:
    """By the boundary where a phrase's last note begins: what its cadence adds, ``(K, E)``."""
    found = {}
    for cadence in cadences(score.chorale):
        bonus = np.zeros((12, len(NUMERALS)))
        tonic = (cadence.key.tonic - score.home.tonic) % 12
        bonus[tonic, _IN_MODE[MODES.index(cadence.key.mode)]] = CADENCE[cadence.kind]
        found[int(np.searchsorted(score.steps, cadence.step, side="right")) - 1] = bonus
    return found


# The labels


class _Sounding(NamedTuple):
    """A chord as it sounds from a boundary on: with its seventh or not, and in an inversion."""

    boundary: int
    quality: str
    inversion: int


def _labels(score: _Score, path: Sequence[_Chord]) -> list[Label]:
    begun = np.where(score.chorale.onset, np.arange(len(score.chorale))[:, None], 0)
    latest = np.maximum.accumulate(begun)
    places = np.take_along_axis(spell(score.chorale), latest, axis=0)
    labels: list[Label] = []
    for chord in path:
        numeral = NUMERALS[chord.entry]
        key = _key(score.home, chord.tonic, numeral.mode)
        for sounding in _soundings(score, chord):
            text = numeral._replace(quality=sounding.quality).figured(sounding.inversion)
            if not labels or (labels[-1].key, labels[-1].numeral) != (key, text):
                step = int(score.steps[sounding.boundary])
                symbol = _symbol(score, places, chord, sounding, key)
                labels.append(Label(step, key, text, symbol))
    return labels


def _soundings(score: _Score, chord: _Chord) -> list[_Sounding]:
    """How a chord sounds as it begins and where that changes; nothing where it is one note.

    A seventh that only passes is left out, unless it is a dominant's and falls.
    """
    numeral = NUMERALS[chord.entry]
    is_dominant = numeral.degree == "V" and numeral.quality in ("major", "dominant")
    quality = "dominant" if is_dominant else numeral.quality
    members = [(chord.tonic + numeral.root + m) % 12 for m in QUALITIES[quality].members]
    span = slice(score.steps[chord.start], score.steps[chord.stop])
    if len(set(members[:3]) & set(score.classes[span].ravel().tolist())) < 2:
        return []
    now = QUALITIES[quality].triad or quality
    found: list[_Sounding] = []
    for boundary in range(chord.start, chord.stop):
        step = int(score.steps[boundary])
        on_beat = score.ranks[step] == 2
        if members[3:] and members[3] in score.classes[step]:
            meant = numeral.quality == quality and (on_beat or not found)
            if meant or (is_dominant and score.falls(step, members[3])):
                now = quality
        allowed = members[: len(QUALITIES[now].members)]
        lows = [members.index(low) for low in score.basses(boundary) if low in allowed]
        if not found and lows:
            found.append(_Sounding(chord.start, now, lows[0]))
        elif found:
            moves = lows and (on_beat or now != found[-1].quality)
            inversion = lows[0] if moves else found[-1].inversion
            if (now, inversion) != found[-1][1:]:
                found.append(_Sounding(boundary, now, inversion))
    return found


def _key(home: Key, tonic: int, mode: str) -> Key:
    """The key that many semitones above the home tonic, in the spelling nearest to home."""
    fifths = Key(0, mode).transpose((home.tonic + tonic - Key(0, mode).tonic) % 12).fifths
    names = [other for other in (fifths - 12, fifths, fifths + 12) if -7 <= other <= 7]
    return Key(min(names, key=lambda other: abs(other - home.fifths)), mode)


def _symbol(score: _Score, places: Ints, chord: _Chord, sounding: _Sounding, key: Key) -> str:
    """The chord symbol; what does not sound is spelled as in the key."""
    span = slice(score.steps[chord.start], score.steps[chord.stop])
    quality = QUALITIES[sounding.quality]
    root = chord.tonic + NUMERALS[chord.entry].root
    members = [(root + member) % 12 for member in quality.members]

    def name(member: int) -> str:
        heard = places[span][score.classes[span] == member]
        in_key = places_near(key.fifths)[(member + score.home.tonic) % 12]
        accidentals, letter = divmod(int(heard[0] if heard.size else in_key) + 1, 7)
        return LETTERS[letter] + "#" * accidentals + "b" * -accidentals

    plain = quality.symbol in ("", "m") and not (score.classes[span] == members[1]).any()
    slash = f"/{name(members[sounding.inversion])}" if sounding.inversion else ""
    return f"{name(members[0])}{'5' if plain else quality.symbol}{slash}"
