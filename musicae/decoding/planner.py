"""Harmonic plans for a melody, by a planner, under the constraints on its chords.

Axes: ``B`` beats, ``S`` states, ``F`` features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.decoding.plan import (
    Chain,
    best_with_one_of,
    broken,
    log_partition,
    samples_with_one_of,
)
from musicae.decoding.plan_constraints import (
    Wish,
    begin_in_the_key,
    close,
    end_on_the_tonic,
    end_phrase_with,
    end_phrases,
    keep_church_mode,
    second_chords,
    tonic_states,
)
from musicae.decoding.plan_distinct import n_best_distinct
from musicae.decoding.plan_expected import most_expected
from musicae.decoding.plan_potentials import blocks, potentials
from musicae.encoding.chord_table import chord_table
from musicae.encoding.melody_features import RELATIVE, melody_features
from musicae.models.checkpoint import Checkpoint
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord, SecondChord, beats_of
from musicae.theory.numerals import QUALITIES
from musicae.theory.plan_reading import second_begins

KEPT = 256
"""The most beats of a piece whose transitions are kept in memory. Those of longer pieces are
computed each time they are needed."""
State = tuple[int, int, int, int]
"""A chord as a planner's config lists it: root, quality, bass member and bass pitch class."""
Narrowing = Callable[[Wish], object]
"""A function, such as ``give_bass``, that narrows the allowed states of a wish."""


class FoundPlan(NamedTuple):
    """A plan, its likelihood, and notices about constraints that it does not keep."""

    plan: HarmonicPlan
    log_likelihood: float
    """In nats, given the melody and without constraints."""
    notices: tuple[str, ...] = ()
    states: tuple[int, ...] = ()
    """``B`` the state at the beginning of each beat."""


@dataclass(frozen=True, eq=False)
class PlanProblem:
    """The chain of a melody and the constraints on it."""

    chain: Chain
    wish: Wish
    first_bar: tuple[int, ...]
    """Indices of beats; at least one must have the tonic. Empty if the tonic is not required."""
    planner: Checkpoint
    features: NDArray[np.float32]
    """``(B, F)`` the input of the planner."""

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """``(B, S)`` which states are allowed on each beat."""
        return self.wish.allowed

    @cached_property
    def constrained(self) -> Chain:
        """The chain in which a forbidden state costs more than any plan can gain."""
        return self.chain.constrained(self.allowed, self.wish.moves)

    @property
    def roots(self) -> NDArray[np.int64]:
        """``(S,)`` the root of each state, in semitones above the tonic; 12 for the state of all
        other chords."""
        return chord_table(self.wish.chords).roots

    def best(self) -> FoundPlan:
        """The likeliest plan under the constraints."""
        return self.found(self._best_path)

    def alternatives(self, count: int, apart: float = 0.15) -> list[FoundPlan]:
        """Up to ``count`` likely plans. Any two have different roots on a share of the open beats.

        This share is at least ``apart``, 0 to 1. The first is the usual plan: the path of
        ``most_expected`` that has the chords of the likeliest plan at the ends of phrases. Without
        this condition fewer phrases would end in a cadence.
        """
        tonic, allowed = tonic_states(self.wish), self.allowed.copy()
        for beat in self.first_bar:
            if tonic[self._best_path[beat]]:
                allowed[beat] &= tonic
                break
        closing = allowed.copy()
        for first, last in self.wish.ends:
            for beat in range(max(0, first - 1), last + 1):
                closing[beat] = np.arange(len(tonic)) == self._best_path[beat]
        usual = most_expected(self.chain.constrained(closing, self.wish.moves), self.roots)
        if count == 1:
            return [self.found(usual)]
        chain = self.chain.constrained(allowed, self.wish.moves)
        open_beats = np.array([beat not in self.wish.fixed for beat in range(len(chain))])
        among = open_beats if open_beats.any() else None
        paths = n_best_distinct(chain, count, self.roots, apart, first=usual, among=among)
        return [self.found(path) for path in paths]

    def samples(
        self, count: int, random: np.random.Generator, temperature: float = 1.0
    ) -> list[FoundPlan]:
        """``count`` exact samples under the constraints; see ``samples_with_one_of``."""
        tonic = tonic_states(self.wish)
        paths = samples_with_one_of(
            self.constrained, self.first_bar, tonic, count, random, temperature=temperature
        )
        return [self.found(path) for path in paths]

    def second_shares(self, path: NDArray[np.int64]) -> NDArray[np.float64]:
        """``(B, S)`` the probability of each second chord, given that the beat has one.

        ``path`` ``(B,)`` are the states at the beginnings of the beats. A row is 0 if the beat can
        have no second chord.
        """
        shares = np.exp(self._second_scores(tuple(path.tolist()))[:, 1:])
        total = shares.sum(axis=1, keepdims=True)
        found: NDArray[np.float64] = np.divide(
            shares, total, out=np.zeros_like(shares), where=total > 0
        )
        return found

    def with_seconds(
        self,
        found: FoundPlan,
        random: np.random.Generator | None = None,
        temperature: float = 1.0,
    ) -> FoundPlan:
        """The plan with second chords inside its beats.

        They are drawn with ``random`` at ``temperature``; without ``random``, or at temperature 0,
        they are the likeliest. If the planner has no network for second chords, the plan does not
        change.
        """
        if not self.planner.config.second_width:
            return found
        scores = self._second_scores(found.states)
        if random is None or temperature == 0:
            chosen = scores.argmax(axis=1)
        else:
            # Gumbel-max sampling: the largest sum is an exact sample.
            drawn = [
                (scores[some] / temperature + random.gumbel(size=scores[some].shape)).argmax(axis=1)
                for some in blocks(len(scores))
            ]
            chosen = np.concatenate(drawn)
        seconds = [
            SecondChord(beat.start + (second_begins(beat.length) or 0), chord) if chord else None
            for beat, chord in zip(
                self.wish.beats, ((None, *self.wish.chords)[i] for i in chosen), strict=True
            )
        ]
        nats = float(scores[np.arange(len(chosen)), chosen].sum())
        return found._replace(
            plan=replace(found.plan, seconds=tuple(seconds)),
            log_likelihood=found.log_likelihood + nats,
        )

    def _second_scores(self, states: tuple[int, ...]) -> NDArray[np.float64]:
        """``(B, 1 + S)`` log probabilities of the second chords of beats that begin with these
        states; column 0 is for none."""
        if states not in self._scores:
            chosen = np.array(states)
            scores = np.where(second_chords(self.wish, chosen), 0.0, -np.inf)
            for some in blocks(len(chosen)):
                # A beat's second chord depends on the next beat's first.
                read = slice(some.start, some.stop + 1)
                (logits,) = self.planner.run(
                    "seconds", features=self.features[read], states=chosen[read]
                )
                here = scores[some]
                here += logits[: len(here)]
                top = here.max(axis=1, keepdims=True)
                here -= top + np.log(np.exp(here - top).sum(axis=1, keepdims=True))
            self._scores[states] = scores
        return self._scores[states]

    @cached_property
    def _scores(self) -> dict[tuple[int, ...], NDArray[np.float64]]:
        """A cache of ``_second_scores``, by the states of a plan."""
        return {}

    def found(self, path: NDArray[np.int64]) -> FoundPlan:
        """The plan of a path."""
        wish = self.wish
        chords = tuple(wish.chords[state] for state in path.tolist())
        plan = HarmonicPlan(wish.key, tuple(wish.beats), chords)
        missed = [
            f"bar {wish.bar(beat)}: no plan keeps every constraint"
            for beat in broken(path, self.allowed)
        ]
        nats = self.chain.score(path) - self._log_partition
        return FoundPlan(plan, nats, (*wish.notices, *missed), tuple(path.tolist()))

    @cached_property
    def _log_partition(self) -> float:
        return log_partition(self.chain)

    @cached_property
    def _best_path(self) -> NDArray[np.int64]:
        return best_with_one_of(self.constrained, self.first_bar, tonic_states(self.wish))


def plan_problem(
    planner: Checkpoint,
    chorale: Chorale,
    key: Key,
    phrase_ends: Sequence[int] | None = None,
    style: str | None = "bach",
    *,
    voice: int = 0,
    cadences: Mapping[int, str] | None = None,
    given: Sequence[Narrowing] = (),
    by_construction: bool = True,
    outside: tuple[int, int] = (0, 0),
) -> PlanProblem:
    """The planning problem of a melody: its chain and its constraints.

    Args:
        planner: the model that gives the potentials.
        chorale: the known notes.
        key: the key of the piece.
        phrase_ends: the steps at which the last notes of phrases begin; None if unknown.
        style: one of ``STYLES``; None leaves it open.
        voice: the number of the voice that has the melody.
        cadences: the name of the cadence at the end of a phrase, by the step of its last note.
        given: constraints such as ``give_bass``; they are applied before all others.
        by_construction: apply the usual constraints: keep to a church mode, close on the tonic,
            begin in the key, end phrases with triads.
        outside: the number of steps of the piece before the chorale and after it. If there are any
            before, the plan need not begin in the key; if there are any after, it does not close.
    """
    beats = beats_of(chorale)
    before, after = (
        -(-steps // beat.whole) for steps, beat in zip(outside, (beats[0], beats[-1]), strict=True)
    )
    features = melody_features(chorale, key, phrase_ends, style, voice, outside=(before, after))
    wish = Wish(chorale, key, beats, chords_of(planner.config.states, key.mode), voice)
    for narrowing in given:
        narrowing(wish)
    for step, cadence in (cadences or {}).items():
        end_phrase_with(wish, step, cadence)
    first_bar = []
    if by_construction:
        first_bar = keep_by_construction(
            wish, phrase_ends, begins=not outside[0], closes=not outside[1]
        )
    return PlanProblem(chain_of(planner, features), wish, tuple(first_bar), planner, features)


def keep_by_construction(
    wish: Wish, phrase_ends: Sequence[int] | None, *, begins: bool = True, closes: bool = True
) -> list[int]:
    """Apply the usual constraints: church mode, close on the tonic, triads at the ends of phrases.

    ``begins`` and ``closes`` say whether this part begins and ends the piece. Returns the result
    of ``begin_in_the_key``.
    """
    keep_church_mode(wish)
    if closes:
        end_on_the_tonic(wish)
    if phrase_ends:
        end_phrases(wish, phrase_ends)
    if closes:
        close(wish)
    return begin_in_the_key(wish) if begins else []


def chain_of(planner: Checkpoint, features: NDArray[np.float32]) -> Chain:
    """The chain of a melody's ``(B, F)`` features."""
    unary, pair = potentials(planner, features)
    kept = pair.all() if len(features) <= KEPT else pair
    return Chain(unary, kept)


def chords_of(states: Sequence[State], mode: str) -> tuple[PlannedChord | None, ...]:
    """``S`` the chord of each state of a planner, in a key of ``mode``; None for all others."""
    return _chords_of(tuple(states), mode)


@lru_cache(maxsize=8)
def _chords_of(states: tuple[State, ...], mode: str) -> tuple[PlannedChord | None, ...]:
    names = tuple(QUALITIES)
    return tuple(
        PlannedChord((root - RELATIVE[mode]) % 12, names[quality], bass)
        if quality < len(names)
        else None
        for root, quality, bass, _ in states
    )


def state_of(chord: PlannedChord, mode: str) -> State:
    """Root, quality, bass member and bass pitch class as a planner's config lists them."""
    up = RELATIVE[mode]
    quality = tuple(QUALITIES).index(chord.quality)
    return (chord.root + up) % 12, quality, chord.bass, (chord.bass_class + up) % 12
