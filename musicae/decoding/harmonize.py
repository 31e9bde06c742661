"""Harmonize partial scores: first plan the chords, then write the voices along each plan."""

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
"""The temperature of MiniBach when several harmonizations are asked for: high enough that they
differ, low enough that they are not noise."""
DRAFTS_OF_ONE, DRAFTS_EACH = 3, 2
"""The number of drafts for each plan: if one harmonization is asked for, and if several are."""
DRAFTS_OF_GIVEN = 8
"""The least number of drafts in all if chords are given, because the plans hardly differ then."""
FREE_TEMPERATURE = 0.8
"""The temperature of plans that are drawn for a score without notes."""
PLANNING, RANKING = 0.15, 0.1
"""The shares of the whole time, for progress: finding plans and comparing drafts. The rest is
writing."""
USUAL_STYLE = "bach"
"""The style of plans if none is asked for."""


class Harmonization(NamedTuple):
    """A completed partial score."""

    chorale: Chorale
    nats: float | None = None
    """The negative log-likelihood of the symbols that were open; None for MiniBach."""
    plan: HarmonicPlan | None = None
    """The plan that the voices follow; None without a planner."""
    notices: tuple[str, ...] = ()
    """Sentences about constraints on the plan that could not be met."""
    cost: float | None = None
    """The cost by which harmonizations are ranked, in nats: of the voices, the plan and broken
    rules. None for MiniBach."""


def usual_temperature(model: Checkpoint, n: int) -> float:
    """The default temperature of a model that writes ``n`` harmonizations."""
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
    """``n`` ways to complete a partial score, best first. Known notes do not change.

    With a planner, the harmonizations follow the likeliest plans that differ in their roots. Each
    is the best of a few drafts along its plan. They are ranked by the likelihood of plan and voices
    together and by broken rules. Without a planner, the best drafts that differ are chosen.
    MiniBach's harmonizations come in the order in which they are drawn.

    Raises CheckpointError if the model cannot harmonize this score. Raises ChoraleError if fewer
    than ``n`` harmonizations differ; with ``fewer``, returns those that do.
    """
    options = options or SamplingOptions(usual_temperature(model, n))
    if model.can("fill"):
        problem = problem_of(planner, partial) if planner else None
        found = _fill(model, partial, n, options, problem, fewer=fewer)
    elif model.can("harmonize"):
        if not partial.known[:, 0].all() or (partial.chorale.pitch[:, 1:] != REST).any():
            raise CheckpointError(
                f"{model.name} can only harmonize a whole soprano, without other given notes; use"
                " harmonizer"
            )
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
    """The planning problem of a partial score.

    Known notes narrow the chords. A beat whose notes are all known keeps its chord. The chord of
    any other beat has a member in each known voice, and a known bass note is its bass. For
    ``by_construction`` see ``plan_problem``.
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
                "temperature 0 gives only one harmonization; ask for one, or raise the temperature"
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
    problem = None  # free its memory, which is large for a long piece
    partials = [replace(partial, plan=found.plan) if found else partial for found in drafted]
    each = len(plans) >= n and drafts > 1  # whether one draft of each plan is kept
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
        # Drafts have no groups here, so all of them are complete.
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
    """Up to ``n`` likely plans that differ in their roots, best first.

    If no note is known, plans are drawn, for the likeliest plan then hardly changes its chords.
    """
    if not (problem.wish.chorale.pitch != REST).any() and options.temperature != LIKELIEST:
        return [*problem.samples(n, np.random.default_rng(options.seed), FREE_TEMPERATURE)]
    return [*problem.alternatives(n)]


def _with_seconds(
    problem: PlanProblem, drafted: Sequence[FoundPlan | None], options: SamplingOptions
) -> list[FoundPlan | None]:
    """Each draft's plan with second chords that are drawn for it."""
    random = np.random.default_rng(options.seed)
    return [
        problem.with_seconds(found, random, options.temperature) if found else None
        for found in drafted
    ]


def _missed(chorale: Chorale, partial: PartialScore) -> Iterator[str]:
    """Sentences about given chords that are incomplete when they begin."""
    for chord in incomplete(chorale, partial.given):
        bar, beat = chorale.position(chord.start)
        yield f"bar {bar}, beat {beat:g}: {chord.name} lacks a note or has another bass"


def _as_sung(plan: HarmonicPlan, chorale: Chorale, partial: PartialScore) -> HarmonicPlan:
    """The plan with its local keys, and without second chords that do not sound in the voices."""
    given = {chord.start for chord in partial.given}

    def is_sung(second: SecondChord | None) -> bool:
        if second is not None and second.step in given:
            return True
        now = chorale.pitch[second.step].astype(int) if second else np.zeros(0)
        degrees = {int(pitch - plan.key.tonic) % 12 for pitch in now[now != REST]}
        return second is not None and second.chord.root in degrees <= set(second.chord.members)

    sung = replace(plan, seconds=tuple(s if is_sung(s) else None for s in plan.seconds))
    return replace(sung, local=local_keys(sung, partial.phrases or ()))
