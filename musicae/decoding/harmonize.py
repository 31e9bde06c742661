"""Harmonize partial scores: plans of their chords first, then voices along each plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial as partial_of
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Bools
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import CheckpointError, ChoraleError
from musicae.core.progress import portion, report
from musicae.decoding.choice import LIKELIEST, SamplingOptions
from musicae.decoding.constraints import FORBIDDEN
from musicae.decoding.ensemble_costs import keep_complete
from musicae.decoding.given_chords import give_chords, incomplete, with_given
from musicae.decoding.minibach import accompany
from musicae.decoding.plan_constraints import give_bass, give_sounding, give_voices
from musicae.decoding.planner import FoundPlan, Narrowing, PlanProblem, plan_problem
from musicae.decoding.reranking import Candidate, cost, rerank
from musicae.decoding.sampler import sample
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import tokens_to_chorale
from musicae.models.checkpoint import Checkpoint
from musicae.theory.harmonic_plan import HarmonicPlan, SecondChord
from musicae.theory.local_keys import local_keys

HARMONIZER_TEMPERATURE = 0.85
"""The temperature at which harmonizations are closest to Bach on the validation side."""
MINIBACH_VARIED = 0.3
"""The temperature of several harmonizations of MiniBach's: they differ and are not yet noise."""
DRAFTS_OF_ONE, DRAFTS_EACH = 3, 2
"""How many drafts of the voices are written to a plan: where one harmonization is asked for, and of
each of several."""
DRAFTS_OF_GIVEN = 8
"""How many in all, at least, where chords are given: plans hardly differ then."""
FREE_TEMPERATURE = 0.8
"""Of plans that are drawn freely."""
PLANNING, RANKING = 0.15, 0.1
"""The shares of the time in which plans are found, and drafts compared; between them these are
written."""
USUAL_STYLE = "bach"
"""Of plans, where none is asked for."""


class Harmonization(NamedTuple):
    """A completed partial score."""

    chorale: Chorale
    nats: float | None = None
    """The negative log-likelihood of the symbols that were open; None for MiniBach."""
    plan: HarmonicPlan | None = None
    """The plan that the voices follow; None without a planner."""
    notices: tuple[str, ...] = ()
    """What of the plan's constraints could not be met."""
    cost: float | None = None
    """By which it is ranked, in nats, with its plan and what breaks rules; None for MiniBach."""


def usual_temperature(model: Checkpoint, n: int) -> float:
    """The temperature at which a model's ``n`` harmonizations are best, and several differ."""
    if model.can("fill"):
        return HARMONIZER_TEMPERATURE
    return 0.0 if n == 1 else MINIBACH_VARIED


def harmonize(
    model: Checkpoint,
    partial: PartialScore,
    n: int = 1,
    options: SamplingOptions | None = None,
    planner: Checkpoint | None = None,
    *,
    fewer: bool = False,
) -> list[Harmonization]:
    """``n`` ways to fill what is open in a partial score, best first; what is known stays.

    With a planner, each follows a plan of its own: the likeliest plans that differ in their roots,
    each the best of a few drafts, in the order of how likely plan and voices are together. Without
    one, or of MiniBach, they are as they are drawn.

    Raises CheckpointError for a model that does not harmonize, or not this score; ChoraleError
    where fewer ways differ, unless ``fewer`` are wanted then.
    """
    options = options or SamplingOptions(usual_temperature(model, n))
    if model.can("fill"):
        problem = problem_of(planner, partial) if planner else None
        found = _fill(model, partial, n, options, problem, fewer=fewer)
    elif model.can("harmonize"):
        if not partial.known[:, 0].all() or (partial.chorale.pitch[:, 1:] != REST).any():
            raise CheckpointError(f"{model.name} harmonizes a whole soprano and nothing else")
        if partial.given:
            raise CheckpointError(f"{model.name} cannot follow given chords; use harmonizer")
        found = [Harmonization(c) for c in accompany(model, partial.chorale, n, options)]
    else:
        raise CheckpointError(f"{model.name} does not harmonize; use harmonizer or minibach")
    source = f"musicae {model.name}"
    return [h._replace(chorale=replace(h.chorale, source=source)) for h in found]


def problem_of(
    planner: Checkpoint, partial: PartialScore, *, by_construction: bool = True
) -> PlanProblem:
    """What there is to plan in a partial score.

    What is known of the voices narrows the chords: beats of which all is known keep theirs, each
    known voice sings members, a known bass carries them. ``by_construction`` is that of
    ``plan_problem``.
    """
    given: list[Narrowing] = [
        lambda wish: give_sounding(wish, partial.known),
        lambda wish: give_chords(wish, partial.given, partial.known),
        give_bass,
        lambda wish: give_voices(wish, (1, 2)),
    ]
    if partial.limits:
        given += [partial_of(keep_complete, absent=v) for v in partial.limits.absent]
    return plan_problem(
        planner,
        partial.chorale,
        partial.key,
        partial.phrases,
        partial.style or USUAL_STYLE,
        cadences=dict(partial.cadences),
        given=given,
        by_construction=by_construction,
        outside=(partial.before, partial.after),
    )


def _fill(
    model: Checkpoint,
    partial: PartialScore,
    n: int,
    options: SamplingOptions,
    problem: PlanProblem | None,
    *,
    fewer: bool,
) -> list[Harmonization]:
    """The best drafts of the voices along each plan; see ``harmonize``."""
    with portion(0, 1, PLANNING):
        plans = _plans(problem, n, options) if problem else [None]
    if options.temperature == LIKELIEST and n > len(plans):
        if not fewer:
            raise ChoraleError(
                "at temperature 0 there is one harmonization only; leave it out, or ask for one"
            )
        n = len(plans)
    drafts = 1
    if options.temperature != LIKELIEST:
        drafts = max(DRAFTS_OF_ONE if n == 1 else DRAFTS_EACH, -(-DRAFTS_EACH * n // len(plans)))
        if partial.given:
            drafts = max(drafts, -(-DRAFTS_OF_GIVEN // len(plans)))
    drafted = [found for found in plans for _ in range(drafts)]
    if problem:
        drafted = _with_seconds(problem, drafted, options)
    if problem and partial.given:
        drafted = [
            found and found._replace(plan=with_given(found.plan, partial.given, problem.wish))
            for found in drafted
        ]
    problem = None  # of a long piece it takes much memory
    partials = [replace(partial, plan=found.plan) if found else partial for found in drafted]
    each = len(plans) >= n and drafts > 1  # one draft of each plan is kept
    groups = np.repeat(np.arange(len(plans)), drafts) if each else None
    with portion(PLANNING, 1, 1 - PLANNING - RANKING):
        drawn = sample(model, partials, options, groups=groups)
    candidates: list[Candidate] = []
    for found, tokens, nats in zip(drafted, drawn.tokens, drawn.nats.tolist(), strict=True):
        report(1 - RANKING * (1 - len(candidates) / len(drafted)), 1)
        chorale = tokens_to_chorale(tokens, partial.chorale)
        total = nats
        if nats < np.inf:
            total = cost(chorale, nats) - (found.log_likelihood if found else 0.0)
            total += FORBIDDEN * len(incomplete(chorale, partial.given))
        candidates.append(Candidate(chorale, nats, total, found))
    chosen = [
        min(candidates[i : i + drafts], key=lambda candidate: candidate.cost)
        for i in range(0, len(candidates), drafts)
    ]
    if plans[0] is None or len(chosen) < n:
        # All drafts are whole then.
        is_open: Bools = np.any(~partial.known, axis=1)
        chosen = rerank(candidates, n, is_open, fewer=fewer)
    return [
        Harmonization(
            best.chorale,
            best.nats,
            _as_sung(best.found.plan, best.chorale, partial) if best.found else None,
            (*(best.found.notices if best.found else ()), *_missed(best.chorale, partial)),
            best.cost,
        )
        for best in sorted(chosen, key=lambda candidate: candidate.cost)
    ]


def _plans(problem: PlanProblem, n: int, options: SamplingOptions) -> list[FoundPlan | None]:
    """Up to ``n`` likely plans that differ in their roots, best first; drawn if nothing is known.

    The likeliest plan of a piece of which nothing is known is a poor one: it hardly moves.
    """
    if not (problem.wish.chorale.pitch != REST).any() and options.temperature != LIKELIEST:
        return [*problem.samples(n, np.random.default_rng(options.seed), FREE_TEMPERATURE)]
    return [*problem.alternatives(n)]


def _with_seconds(
    problem: PlanProblem, drafted: Sequence[FoundPlan | None], options: SamplingOptions
) -> list[FoundPlan | None]:
    """Each draft's plan with second chords of its own."""
    random = np.random.default_rng(options.seed)
    return [
        problem.with_seconds(found, random, options.temperature) if found else None
        for found in drafted
    ]


def _missed(chorale: Chorale, partial: PartialScore) -> Iterator[str]:
    """Sentences on given chords that do not sound whole where they begin."""
    for chord in incomplete(chorale, partial.given):
        bar, beat = chorale.position(chord.start)
        yield f"bar {bar}, beat {beat:g}: {chord.name} does not sound whole"


def _as_sung(plan: HarmonicPlan, chorale: Chorale, partial: PartialScore) -> HarmonicPlan:
    """The plan in its local keys, without the second chords that the voices do not sing."""
    given = {chord.start for chord in partial.given}

    def is_sung(second: SecondChord | None) -> bool:
        if second is not None and second.step in given:
            return True
        now = chorale.pitch[second.step].astype(int) if second else np.zeros(0)
        degrees = {int(pitch - plan.key.tonic) % 12 for pitch in now[now != REST]}
        return second is not None and second.chord.root in degrees <= set(second.chord.members)

    sung = replace(plan, seconds=tuple(s if is_sung(s) else None for s in plan.seconds))
    return replace(sung, local=local_keys(sung, partial.phrases or ()))
