"""Find the local keys of a harmonic plan, the key that each of its chords belongs to.

Each chord of the plan is a numeral in some key. Unlikely numerals, unlikely successions of numerals
and new keys have costs; the key of a phrase's cadence has a gain. Dynamic programming finds the
keys with the lowest total. The costs are those of ``musicae.theory.harmonic_search``, which
searches the chords as well. The cost of leaving a key and the distance between keys are Temperley's
(*The Cognition of Basic Musical Structures*, 2001, ch. 7). A short tonicization stays an applied
chord, such as ``V65/V``; a phrase that ends in another key is in that key.

Axes: ``N`` spans of one chord, ``K`` the 24 keys, counted up from the home tonic, major before
minor, ``E`` the entries of ``NUMERALS``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Floats, Ints
from musicae.core.key import MODES, Key
from musicae.theory.cadences import cadence_of
from musicae.theory.chord_names import likeliest_root
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord
from musicae.theory.harmonic_search import (
    CADENCE,
    COSTS,
    PENDING,
    TRANSITIONS,
    TRANSITIONS_AT_PHRASE,
    cost_of_keys,
    cost_of_leaving,
)
from musicae.theory.numerals import NUMERALS
from musicae.theory.sonorities import Harmony, harmony_of

FOREIGN = 3.0
"""The cost of a chord that is no numeral of its key, more than that of any numeral."""
_FOREIGN = len(NUMERALS)
"""The index of such a chord in the tables: after all numerals."""
SIX_FOUR = 2
"""The ``bass`` of a chord in second inversion (six-four); no phrase ends on one."""


class _Span(NamedTuple):
    """A passage of the plan with one root and quality; the bass may change."""

    beat: int
    chord: PlannedChord
    on_beat: bool
    """Whether a new key can begin with it: a beat has only one key."""


def local_keys(plan: HarmonicPlan, phrase_ends: Iterable[int] = ()) -> tuple[Key, ...]:
    """The local key of each beat of a plan. A beat without a chord keeps the key before it.

    Args:
        plan: the chords; its own local keys are ignored.
        phrase_ends: steps at which the last notes of phrases begin; a change of key costs less
            after them.

    >>> from musicae.core.chorale import Chorale
    >>> from musicae.theory.harmonic_plan import beats_of
    >>> beats = beats_of(Chorale.from_notes([[(0, 48, 67)]]))
    >>> plan = HarmonicPlan.parse("C F G C  G D7 Em D7 G  F G7 C", beats, Key(0))
    >>> [key.short_name for key in local_keys(plan, phrase_ends=[12, 32])]
    ['C', 'C', 'C', 'C', 'G', 'G', 'G', 'G', 'G', 'C', 'C', 'C']
    """
    spans = _spans(plan)
    if not spans:
        return (plan.key,) * len(plan)
    starts, begun = [beat.start for beat in plan.beats], [span.beat for span in spans]
    last_beats = [bisect_right(starts, step) - 1 for step in phrase_ends]
    closing = {bisect_right(begun, beat) - 1 for beat in (*last_beats, len(plan))}
    path = _best_path(spans, closing, _gains(plan.key, spans, closing), plan.key.mode)
    found: list[Key] = []
    for span, number in zip(spans, path, strict=True):
        tonic, mode = divmod(number, len(MODES))
        key = Key.from_tonic((plan.key.tonic + tonic) % 12, MODES[mode], near=plan.key.fifths)
        found += [found[-1] if found else key] * (span.beat - len(found))
        if span.on_beat:
            found.append(key)
    found += found[-1:] * (len(plan) - len(found))
    return tuple(found)


def _spans(plan: HarmonicPlan) -> list[_Span]:
    starts = [beat.start for beat in plan.beats]
    spans: list[_Span] = []
    for step, _, chord in plan.beginnings():
        if chord is None or (spans and _kind(spans[-1].chord) == _kind(chord)):
            continue
        beat = bisect_right(starts, step) - 1
        spans.append(_Span(beat, chord, step == starts[beat] or plan.chords[beat] is None))
    return spans


def _kind(chord: PlannedChord) -> tuple[int, str]:
    return chord.root, chord.quality


def _gains(home: Key, spans: Sequence[_Span], closing: Collection[int]) -> Floats:
    """``(N, K)`` the gain of the cadence's key at the last span of each phrase, else 0."""
    gains = np.zeros((len(spans), 12, len(MODES)))
    approach = None
    for i, span in enumerate(spans):
        if i and spans[i - 1].chord.root != span.chord.root:
            approach = _harmony(spans[i - 1].chord, home)
        final = _harmony(span.chord, home)
        if i in closing and approach and final and span.chord.bass != SIX_FOUR:
            kind, key = cadence_of(approach, final, home)
            gains[i, (key.tonic - home.tonic) % 12, MODES.index(key.mode)] = CADENCE[kind]
    return gains.reshape(len(spans), -1)


def _harmony(chord: PlannedChord, key: Key) -> Harmony | None:
    return harmony_of([key.tonic + member for member in chord.members])


def _best_path(
    spans: Sequence[_Span], closing: Collection[int], gains: Floats, home: str
) -> list[int]:
    """The key of each span, as an index of ``K``.

    Args:
        spans: at least one span.
        closing: the indices of the last spans of phrases.
        gains: ``(N, K)`` the gain of each key at each span.
        home: the mode of the home key.
    """
    each, at_edges = (cost.ravel() for cost in cost_of_keys(home))  # (K,)
    leaving = cost_of_leaving(False), cost_of_leaving(True)
    came_from = np.zeros((len(spans), len(at_edges)), dtype=np.int64)
    best = at_edges
    before = None
    for i, span in enumerate(spans):
        numerals = _numerals_of(span.chord.root, span.chord.quality)
        if before is not None:
            new_phrase = i - 1 in closing
            stay = best + _FOLLOWING[new_phrase][before, numerals]
            came_from[i] = np.arange(len(best))
            if span.on_beat:
                moves = (best + _PENDING[before])[:, None] + leaving[new_phrase]
                moved = moves.min(axis=0)
                came_from[i] = np.where(stay <= moved, came_from[i], moves.argmin(axis=0))
                stay = np.minimum(stay, moved)
            best = stay
        best = best + _COSTS[numerals] + each - gains[i]
        before = numerals
    path = [int((best + at_edges + _PENDING[before]).argmin())]
    for i in range(len(spans) - 1, 0, -1):
        path.append(int(came_from[i, path[-1]]))
    return path[::-1]


@lru_cache
def _numerals_of(root: int, quality: str) -> Ints:
    """``(K,)`` the index of a chord's numeral in each key; ``_FOREIGN`` if it is none."""
    found = []
    for tonic in range(12):
        for mode in MODES:
            here, _, _ = likeliest_root((root - tonic) % 12, quality, 0, mode)
            found.append(_NUMBER.get((mode, here, quality), _FOREIGN))
    return np.array(found)


_NUMBER = {(n.mode, n.root, n.quality): number for number, n in enumerate(NUMERALS)}
_COSTS = np.append(COSTS, FOREIGN)
_PENDING = np.append(PENDING, 0.0)
_FOLLOWING = np.pad(TRANSITIONS, (0, 1)), np.pad(TRANSITIONS_AT_PHRASE, (0, 1))
_FOLLOWING[False][:_FOREIGN, _FOREIGN] = PENDING
"""``(E + 1, E + 1)`` the costs of successions within phrases, and between them. Going to or from a
foreign chord costs nothing, but a foreign chord does not resolve an applied chord."""
