"""A planner at work: from a melody and what is known of its chords to harmonic plans.

Axes: ``B`` beats, ``S`` states.
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
"""The most beats whose transitions are kept; of a longer piece they are computed when needed."""
State = tuple[int, int, int, int]
"""A chord as a planner's config lists it: root, quality, bass member and bass pitch class."""
Narrowing = Callable[[Wish], object]
"""A constraint: it narrows a wish, such as ``give_bass``."""


class FoundPlan(NamedTuple):
    """A plan, how likely it is, and what of the constraints it does not keep."""

    plan: HarmonicPlan
    log_likelihood: float
    """Nats, given the melody and without constraints."""
    notices: tuple[str, ...] = ()
    states: tuple[int, ...] = ()
    """The state at the beginning of each beat."""


@dataclass(frozen=True, eq=False)
class PlanProblem:
    """The chain of a melody and the constraints on it."""

    chain: Chain
    wish: Wish
    first_bar: tuple[int, ...]
    """Beats of which one has the tonic; empty where that is not asked for."""
    planner: Checkpoint
    features: NDArray[np.float32]
    """``(B, F)`` what the planner reads."""

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """``(B, S)``."""
        return self.wish.allowed

    @cached_property
    def constrained(self) -> Chain:
        """The chain whose forbidden states cost more than any plan can gain."""
        return self.chain.constrained(self.allowed, self.wish.moves)

    @property
    def roots(self) -> NDArray[np.int64]:
        """``(S,)`` the root of each state, 12 for the state of all other chords."""
        return chord_table(self.wish.chords).roots

    def best(self) -> FoundPlan:
        """The likeliest plan under the constraints."""
        return self.found(self._best_path)

    def alternatives(self, count: int, apart: float = 0.15) -> list[FoundPlan]:
        """Up to ``count`` likely plans whose roots differ pairwise on that share of the open beats.

        The first is the usual plan: the one with most right in expectation whose phrases end as
        those of the best one do; without that condition they end in fewer cadences. See
        ``most_expected``.
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
        """Exact samples under the constraints; see ``samples_with_one_of``."""
        tonic = tonic_states(self.wish)
        paths = samples_with_one_of(
            self.constrained, self.first_bar, tonic, count, random, temperature=temperature
        )
        return [self.found(path) for path in paths]

    def second_shares(self, path: NDArray[np.int64]) -> NDArray[np.float64]:
        """``(B, S)`` the probabilities of the second chords of beats that have one, along a path.

        They are 0 where none may follow.
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
        """The plan with second chords inside its beats: drawn, or without ``random`` the likeliest.

        A planner without a network for them leaves the plan as it is.
        """
        if not self.planner.config.second_width:
            return found
        scores = self._second_scores(found.states)
        if random is None or temperature == 0:
            chosen = scores.argmax(axis=1)
        else:
            # The largest of the sums is an exact draw.
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
        """``(B, 1 + S)`` log probabilities of the second chords of beats with these states."""
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
        """By the states of plans what was found of their second chords."""
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
    """What there is to plan: the chain of a melody and the constraints.

    Args:
        planner: the planner.
        chorale: the known notes.
        key: the key of the piece.
        phrase_ends: steps at which last notes of phrases begin; None where that is not known.
        style: one of ``STYLES``; None leaves it open.
        voice: the voice that has the melody.
        cadences: by the step of a phrase's end the name of its cadence.
        given: what is known of the chords, such as ``give_bass``; it goes before all else.
        by_construction: keep to a church mode, close on the tonic, begin in the key, end phrases
            with triads.
        outside: steps of the piece before the chorale and after it. With any before, the plan need
            not begin in the key; with any after, it does not close.
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
    """Keep to a church mode, close on the tonic, end phrases with triads.

    ``begins`` and ``closes`` say whether the piece begins and ends with this part of it. Returns
    the beats of which one has the tonic; see ``begin_in_the_key``.
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
    """``S`` the chord of each state of a planner, in a key of that mode; None for all others."""
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
