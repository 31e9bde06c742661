"""Plans of latent points: exact draws, or the likeliest plans, from the points' Markov chains.

Axes: ``B`` beats, ``S`` states.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from musicae.core.arrays import Floats32, Ints
from musicae.core.progress import pulse
from musicae.decoding.choice import LIKELIEST
from musicae.decoding.mixture_chain import MixtureChain, Tables, filter_together
from musicae.decoding.plan import broken
from musicae.decoding.plan_constraints import (
    Wish,
    end_in_cadences,
    give_bass,
    give_sounding,
    give_voices,
    tonic_states,
)
from musicae.decoding.plan_tilt import PlanTilt
from musicae.decoding.planner import FoundPlan, chords_of, keep_by_construction
from musicae.encoding.batches import beat_batch, concatenate_beats, concatenate_latents
from musicae.encoding.partial_score import PartialScore
from musicae.models.batches import Latent
from musicae.models.checkpoint import Checkpoint
from musicae.theory.harmonic_plan import Beat, HarmonicPlan, beats_of

TRIES = 20
"""The most draws to get the tonic in the first bar; after these, the first beat is set to it."""
IN_COMMON = 2
"""A chord can replace another if they have at least this many members in common."""
AT_ONCE = 8
"""The number of pieces whose plans are found together; more long ones would need gigabytes."""
PLAN = "plan."
"""The prefix of the names of the plan network's weights."""


class BeatAgain(NamedTuple):
    """A beat of a passage that returns."""

    beat: int
    """The index of the beat."""
    source: int
    """The index of the same beat in the earlier passage."""
    exact: bool
    """Whether all voices return."""


def beats_again(form: PartialScore) -> Iterator[BeatAgain]:
    """The beats of passages that return, if both passages have a beat of that length there."""
    beats = beats_of(form.chorale)
    at = {beat.start: number for number, beat in enumerate(beats)}
    for passage in form.returns:
        back = passage.start - passage.source
        for number, beat in enumerate(beats):
            source = at.get(beat.start - back)
            inside = passage.start <= beat.start < passage.stop
            if inside and source is not None and beats[source].length == beat.length:
                exact = len(passage.voices) == form.chorale.pitch.shape[1]
                yield BeatAgain(number, source, exact)


def chains_of(
    model: Checkpoint,
    forms: Sequence[PartialScore],
    latents: Sequence[Latent],
    blurs: Sequence[float],
) -> list[MixtureChain]:
    """The Markov chain of chords of each point; its states are ``model.config.states``.

    Args:
        model: a VAE.
        forms: the partial score of each point.
        latents: the vectors of each point, ``(1, Z)`` and ``(1, M, Y)``.
        blurs: the ``LatentPoint.blur`` of each point.
    """
    pieces = concatenate_beats([beat_batch(form, model.config) for form in forms])
    whole, vectors = concatenate_latents(latents)
    unary, weights = model.run(
        "potentials",
        whole=whole,
        vectors=vectors,
        context=pieces.masked.context,
        beats=pieces.beats,
        blur=np.array(blurs, dtype=np.float32),
    )
    shared, shares = tables_of(model), np.exp(weights, dtype=np.float64)
    counts = [latent.beats.shape[1] for latent in latents]
    return [
        MixtureChain(unary[i, :count].astype(float), shares[i, : count - 1], shared)
        for i, count in enumerate(counts)
    ]


_TABLES: WeakKeyDictionary[Checkpoint, Tables] = WeakKeyDictionary()


def tables_of(model: Checkpoint) -> Tables:
    """The transition tables of a VAE's plans, computed once for each model."""
    if model not in _TABLES:
        found = _log_potentials(model).astype(float)
        _TABLES[model] = Tables(np.exp(found - found.max()))
    return _TABLES[model]


def _log_potentials(model: Checkpoint) -> Floats32:
    """``(K, S, S)`` the transition tables, as of ``PlannerNetwork.transition_tables``."""
    parts = {name.removeprefix(PLAN): value for name, value in model.tensors.items()}
    root, quality, _, bass = np.array(model.config.states).T
    motion = parts["root_motion"]  # (K, qualities, qualities, 12)
    pair = (quality[:, None] * motion.shape[1] + quality) * 12 + (root - root[:, None]) % 12
    found = motion.reshape(len(motion), -1)[:, pair]
    found += parts["bass_motion"][:, (bass - bass[:, None]) % 12]
    found += parts["shared"]
    found += parts["leave"] @ parts["reach"]
    every = np.arange(len(root))
    found[:, every, every] += parts["stay"][:, None]
    return found


def find_plans(
    chains: Sequence[MixtureChain],
    partials: Sequence[PartialScore],
    states: Sequence[tuple[int, int, int, int]],
    randoms: Sequence[np.random.Generator],
    *,
    temperature: float,
    tilt: PlanTilt | None = None,
) -> list[FoundPlan]:
    """Find a plan for each piece: an exact draw from its chain under constraints, or the likeliest.

    A piece has its tonic in the first bar and ends on it, and phrases end in cadences with triads
    in root position. Known voices sing members of the chords. A passage that returns in all voices
    keeps its chords; if only some voices return, each chord shares ``IN_COMMON`` members with the
    chord that it replaces. With such passages the plan is drawn twice: the first draw decides the
    chords of the passages that return, the second draw all others.

    Args:
        chains: the chain of each piece.
        partials: the partial score of each piece.
        states: the chord of each state.
        randoms: the random generator of each piece.
        temperature: divides the potentials of single beats; at ``LIKELIEST`` nothing is random.
        tilt: a correction of the chains before drawing; None for no correction.
    """
    found: list[FoundPlan] = []
    for first in range(0, len(chains), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        searches = [
            _Search.of(tilt.of(chain, partial.key.mode) if tilt else chain, partial, states, random)
            for chain, partial, random in zip(
                chains[part], partials[part], randoms[part], strict=True
            )
        ]
        _find_paths(searches, temperature)
        returning = [search for search in searches if search.again]
        for search in returning:
            search.repeat()
        _find_paths(returning, temperature)
        # Copies: their filtered tables are freed after the loop.
        free = [replace(chain) for chain in chains[part]]
        filter_together(free)
        found += [search.found(chain) for search, chain in zip(searches, free, strict=True)]
    return found


@dataclass
class _Search:
    """The search for the plan of one piece."""

    chain: MixtureChain
    wish: Wish
    first_bar: Sequence[int]
    """The beats of the first bar; one of them has the tonic. May be empty."""
    again: Sequence[BeatAgain]
    """The beats of passages that return."""
    random: np.random.Generator
    path: Ints
    """``(B,)`` the states that were found; empty before."""

    @classmethod
    def of(
        cls,
        chain: MixtureChain,
        partial: PartialScore,
        states: Sequence[tuple[int, int, int, int]],
        random: np.random.Generator,
    ) -> _Search:
        """The search for the plan of a partial score."""
        pulse()
        wish = wish_of(partial, states)
        first_bar = keep_by_construction(wish, partial.phrases)
        end_in_cadences(wish)
        again = list(beats_again(partial))
        for beat, source, _ in reversed(again):
            both = wish.allowed[beat] & wish.allowed[source]
            if both.any():
                wish.allowed[source] = both
        return cls(chain, wish, list(first_bar), again, random, np.zeros(0, dtype=np.int64))

    def repeat(self) -> None:
        """Restrict the beats of passages that return to the path's states in their source beats."""
        wish, chosen = self.wish, dict[int, int]()
        for beat, source, exact in self.again:
            drawn = _chosen(self.chain, wish, source, int(self.path[source]))
            state = chosen.setdefault(source, drawn)
            wish.allowed[source] = np.arange(len(wish.chords)) == state
            _narrow(wish, beat, state, exact)

    def found(self, chain: MixtureChain) -> FoundPlan:
        """The plan of the path; its likelihood is computed with ``chain``, which has no tilt."""
        wish, path = self.wish, self.path
        chords = tuple(wish.chords[state] for state in path.tolist())
        plan = HarmonicPlan(wish.key, tuple(wish.beats), chords)
        missed = [
            f"bar {wish.bar(beat)}: no plan keeps every constraint"
            for beat in broken(path, wish.allowed)
        ]
        nats = chain.score(path) - chain.log_partition()
        return FoundPlan(plan, nats, (*wish.notices, *missed), tuple(path.tolist()))


def _find_paths(searches: Sequence[_Search], temperature: float) -> None:
    """Find the path of each search under its constraints."""
    likeliest = temperature == LIKELIEST
    chains = [
        search.chain.constrained(search.wish.allowed, search.wish.moves) for search in searches
    ]
    if not likeliest:
        chains = [chain.sharpened(temperature) for chain in chains]
        filter_together(chains)
    for search, chain in zip(searches, chains, strict=True):
        search.path = _path(search, chain, temperature)


def _chosen(chain: MixtureChain, wish: Wish, beat: int, drawn: int) -> int:
    """The state of a source beat: the drawn one if it is allowed, else the likeliest allowed one.

    The drawn state may not be allowed if the beat itself returns from an earlier one.
    """
    allowed = wish.allowed[beat]
    if allowed[drawn] or not allowed.any():
        return drawn
    return int(np.where(allowed, chain.unary[beat], -np.inf).argmax())


def _narrow(wish: Wish, beat: int, state: int, exact: bool) -> None:
    """Restrict a beat to a state, or to states that can replace it, if any of them is allowed."""
    chord = wish.chords[state]
    fitting = np.arange(len(wish.chords)) == state
    if not exact and chord:
        members = wish.table.members
        fitting = (members & members[state]).sum(axis=1) >= IN_COMMON
    if (fitting & wish.allowed[beat]).any():
        wish.allowed[beat] &= fitting


def wish_of(partial: PartialScore, states: Sequence[tuple[int, int, int, int]]) -> Wish:
    """The constraints that known voices put on the plan of a piece."""
    beats: tuple[Beat, ...] = beats_of(partial.chorale)
    chords = chords_of(states, partial.key.mode)
    wish = Wish(partial.chorale, partial.key, beats, chords, known=partial.known)
    if partial.known.any():
        give_sounding(wish, partial.known)
        give_bass(wish)
        give_voices(wish, (0, 1, 2))
    return wish


def _path(search: _Search, constrained: MixtureChain, temperature: float) -> Ints:
    """A path of a constrained chain with the tonic on one of the beats of the first bar."""
    tonic, beats = tonic_states(search.wish), search.first_bar
    likeliest = temperature == LIKELIEST
    for _ in range(1 if likeliest else TRIES):
        path = constrained.best_path() if likeliest else constrained.sample_path(search.random)
        if not beats or tonic[path[beats]].any():
            return path
    allowed = search.wish.allowed.copy()
    allowed[beats[0]] &= tonic
    met = search.chain.constrained(allowed, search.wish.moves)
    return met.best_path() if likeliest else met.sharpened(temperature).sample_path(search.random)
