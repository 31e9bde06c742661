"""Decode latent points to chorales: new ones, variations, continuations, and interpolations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from musicae.core.arrays import Floats
from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST
from musicae.core.errors import CheckpointError
from musicae.core.progress import portion, report
from musicae.decoding.choice import LIKELIEST, SamplingOptions
from musicae.decoding.levers import Levers, pulled
from musicae.decoding.mixture_chain import MixtureChain
from musicae.decoding.plan_tilt import PlanTilt
from musicae.decoding.planner import FoundPlan, chords_of
from musicae.decoding.sampler import decode_latents
from musicae.encoding import forms
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import tokens_to_chorale
from musicae.latent.distance import distance
from musicae.latent.plans import chains_of, find_plans
from musicae.latent.space import LatentPoint, encode, interpolate, sample, shift
from musicae.models.checkpoint import Checkpoint
from musicae.theory.harmonic_plan import HarmonicPlan
from musicae.theory.local_keys import local_keys

USUAL_TEMPERATURE, RHYTHM_TEMPERATURE, PLAN_TEMPERATURE = 0.6, 1.0, 1.0
"""The temperatures of notes, of rhythm and of plans at which new pieces are closest to Bach on the
validation side."""
USUAL_PRIOR = "fitted"
TOGETHER = 32
"""Pieces decoded in one batch."""
PLANS = 1
"""The last number of a plan's seed, which separates it from the seed of the notes."""
FINER = 6
"""The number of points that are decoded for each step of an interpolation, to choose from."""
BACKWARDS = 10.0
"""The cost of a step in the wrong direction, far above that of uneven steps."""


class Kept(NamedTuple):
    """A chorale of the same form as a point, and the parts of it that are kept unchanged."""

    chorale: Chorale
    voices: tuple[int, ...] = ()
    """The voices that are kept, 0 soprano to 3 bass."""
    until: int = 0
    """All notes that begin before this step are kept."""
    plan: HarmonicPlan | None = None
    """The chords that are kept; None to find others."""


class DecodedPoint(NamedTuple):
    """A latent point and the chorale that was decoded from it."""

    point: LatentPoint
    chorale: Chorale
    nats: float
    """The negative log-likelihood of plan and notes, given the point."""
    plan: HarmonicPlan
    """The chords that the voices follow."""
    notices: tuple[str, ...]
    """Sentences on constraints that the plan could not keep."""
    number: int
    """The number that was, with the options' seed, the seed of the random numbers."""


def usual_options(seed: int, temperature: float | None = None) -> SamplingOptions:
    """The default sampling options, or those for a given temperature."""
    if temperature is None:
        temperature = USUAL_TEMPERATURE
    rhythm = None if temperature == LIKELIEST else RHYTHM_TEMPERATURE
    return SamplingOptions(temperature, seed, rhythm_temperature=rhythm)


def need_latent_space(model: Checkpoint) -> None:
    """Raises CheckpointError for a model that is not a VAE."""
    if not model.can("latent"):
        raise CheckpointError(f"{model.name} has no latent space; use vae")


def decode_points(
    model: Checkpoint,
    points: Sequence[LatentPoint],
    options: SamplingOptions,
    kept: Sequence[Kept] | None = None,
    numbers: Sequence[int] | None = None,
) -> list[DecodedPoint]:
    """Decode latent points to plans, and the plans to chorales.

    Args:
        model: a VAE.
        points: the latent points.
        options: the temperatures and the seed.
        kept: for each point the parts that are kept; all with the same voices. None keeps nothing.
        numbers: for each point the number that is, with ``options.seed``, the seed of its random
            numbers; None takes its index.

    Raises CheckpointError for a model that is not a VAE.
    """
    need_latent_space(model)
    numbers = range(len(points)) if numbers is None else numbers
    found = []
    for first in range(0, len(points), TOGETHER):
        part = range(len(points))[first : first + TOGETHER]
        report(first, len(points))
        partials = [_partial(points[i], kept[i] if kept else None) for i in part]
        latents, blurs = [points[i].latent for i in part], [points[i].blur for i in part]
        seeds = [(numbers[i],) for i in part]
        levers = [points[i].levers for i in part]
        chains = [
            pulled(chain, chords_of(model.config.states, p.key.mode), p.key, amounts)
            for chain, p, amounts in zip(
                chains_of(model, partials, latents, blurs), partials, levers, strict=True
            )
        ]
        plans = _plans(model, partials, chains, options, seeds)
        planned = [replace(p, plan=plan.plan) for p, plan in zip(partials, plans, strict=True)]
        slid = any(any(amounts) for amounts in levers)
        with portion(first, len(points), len(part)):
            drawn = decode_latents(
                model,
                planned,
                latents,
                options,
                seeds=seeds,
                blurs=blurs,
                levers=Levers(levers, [p.key for p in planned]) if slid else None,
            )
        for i, plan, tokens, nats in zip(
            part, plans, drawn.tokens, drawn.nats.tolist(), strict=True
        ):
            form = points[i].form
            frame = kept[i].chorale if kept else form.chorale
            written = tokens_to_chorale(tokens[: len(frame)], frame)
            if not kept:
                written = forms.with_form(written, form)
            written = replace(written, source=f"musicae {model.name}")
            total = nats - plan.log_likelihood
            plan_with_keys = replace(plan.plan, local=local_keys(plan.plan, form.phrases or ()))
            found.append(
                DecodedPoint(points[i], written, total, plan_with_keys, plan.notices, numbers[i])
            )
    return found


def _plans(
    model: Checkpoint,
    partials: Sequence[PartialScore],
    chains: Sequence[MixtureChain],
    options: SamplingOptions,
    seeds: Sequence[tuple[int, ...]],
) -> list[FoundPlan]:
    """The plan of each point: that of its partial score, or else one drawn from its chain."""
    temperature, tilt = LIKELIEST, None
    if options.temperature != LIKELIEST:
        temperature, tilt = PLAN_TEMPERATURE, _tilt_of(model)
    open_ = [i for i, partial in enumerate(partials) if partial.plan is None]
    found = find_plans(
        [chains[i] for i in open_],
        [partials[i] for i in open_],
        model.config.states,
        [np.random.default_rng([options.seed, *seeds[i], PLANS]) for i in open_],
        temperature=temperature,
        tilt=tilt,
    )
    by_piece = dict(zip(open_, found, strict=True))
    return [
        by_piece[i] if partial.plan is None else FoundPlan(partial.plan, 0.0)
        for i, partial in enumerate(partials)
    ]


_TILTS: WeakKeyDictionary[Checkpoint, tuple[bytes, PlanTilt]] = WeakKeyDictionary()
"""For each model, the bytes of its array ``plan_tilt`` and the ``PlanTilt`` made from it."""


def _tilt_of(model: Checkpoint) -> PlanTilt | None:
    """The tilt of a model's plans, cached until its numbers change; None if it has none."""
    numbers = model.tensors["plan_tilt"]
    if not numbers.size:
        return None
    if model not in _TILTS or _TILTS[model][0] != numbers.tobytes():
        tilt = PlanTilt(numbers.astype(float), model.config.states)
        _TILTS[model] = numbers.tobytes(), tilt
    return _TILTS[model][1]


def compose(
    model: Checkpoint,
    wanted: Sequence[PartialScore],
    prior: str,
    slides: Mapping[str, float],
    options: SamplingOptions,
) -> list[DecodedPoint]:
    """A new chorale for each form: a point is sampled, shifted by the sliders and decoded."""
    need_latent_space(model)
    seeds = [(options.seed, number) for number in range(len(wanted))]
    points = [shift(model, point, slides) for point in sample(model, wanted, prior, seeds)]
    return decode_points(model, points, options)


def path_between(
    model: Checkpoint, one: LatentPoint, other: LatentPoint, n: int, options: SamplingOptions
) -> list[DecodedPoint]:
    """``n`` chorales from one point to another; the first and the last are the points decoded.

    They are chosen from ``FINER`` times as many interpolated points, so that each step leads away
    from the first chorale and towards the last by about the same distance.
    """
    need_latent_space(model)
    shares = np.linspace(0, 1, FINER * (n - 1) + 1)
    inside = [interpolate(model, one, other, float(share)) for share in shares[1:-1]]
    decoded = decode_points(model, [one, *inside, other], options, numbers=[0] * len(shares))
    away = np.array([distance(decoded[0].chorale, each.chorale) for each in decoded])
    near = np.array([distance(each.chorale, decoded[-1].chorale) for each in decoded])
    return [decoded[i] for i in _even_steps(away, near, n)]


def neighbours(
    model: Checkpoint,
    point: LatentPoint,
    n: int,
    amount: float,
    options: SamplingOptions,
    *,
    kept: Kept | None,
) -> list[DecodedPoint]:
    """``n`` variations: decoded points at ``amount``, 0 to 1, from ``point`` to random points."""
    need_latent_space(model)
    seeds = [(options.seed, number) for number in range(n)]
    others = sample(model, [point.form] * n, "fitted", seeds)
    points = [interpolate(model, point, other, amount, own_form=True) for other in others]
    return decode_points(model, points, options, None if kept is None else [kept] * n)


def going_on(
    model: Checkpoint, chorale: Chorale, wanted: Sequence[PartialScore], options: SamplingOptions
) -> list[DecodedPoint]:
    """A piece of each form that begins with a chorale; its vectors come before sampled ones."""
    need_latent_space(model)
    begun = encode(model, chorale, forms.form_of(chorale, wanted[0].key, wanted[0].style))
    seeds = [(options.seed, number) for number in range(len(wanted))]
    points = sample(model, wanted, USUAL_PRIOR, seeds, begun)
    rest = len(wanted[0].chorale) - len(chorale)
    longer = replace(
        wanted[0].chorale,
        pitch=np.vstack([chorale.pitch, np.full((rest, N_VOICES), REST)]),
        onset=np.vstack([chorale.onset, np.zeros((rest, N_VOICES), dtype=np.bool_)]),
        tempos=chorale.tempos,
        title=chorale.title,
    )
    kept = Kept(longer, until=len(chorale))
    return [
        each._replace(chorale=forms.with_form(each.chorale, each.point.form))
        for each in decode_points(model, points, options, [kept] * len(wanted))
    ]


def _even_steps(away: Floats, near: Floats, n: int) -> list[int]:
    """``n`` indices along which ``away`` rises and ``near`` falls evenly.

    The first and the last index are always among them. They minimize the squared deviations from
    even steps, by dynamic programming. A step in the wrong direction is taken only if there is no
    other path.

    Args:
        away: ``(N,)`` each chorale's distance from the first one.
        near: ``(N,)`` each chorale's distance from the last one.
    """
    count = len(away)
    whole = max(away[-1], 1e-9)
    rise = (away[None, :] - away[:, None]) / whole  # (from, to)
    fall = (near[:, None] - near[None, :]) / whole
    cost = (rise - 1 / (n - 1)) ** 2 + (fall - 1 / (n - 1)) ** 2
    cost += BACKWARDS * ((rise <= 0).astype(float) + (fall <= 0))
    cost[np.tril_indices(count)] = np.inf
    total, came_from = np.where(np.arange(count) == 0, 0.0, np.inf), []
    for _ in range(n - 1):
        each = total[:, None] + cost
        came_from.append(each.argmin(axis=0))
        total = each.min(axis=0)
    steps = [count - 1]
    for before in reversed(came_from):
        steps.append(int(before[steps[-1]]))
    return steps[::-1]


def _partial(point: LatentPoint, kept: Kept | None) -> PartialScore:
    """The form of a point, with the notes, the voices or the plan that are kept."""
    if kept is None:
        return point.form
    form = point.form
    return PartialScore.of(
        kept.chorale,
        voices=kept.voices,
        known=np.tile(np.arange(len(kept.chorale))[:, None] < kept.until, N_VOICES),
        key=form.key,
        phrases=form.phrases,
        plan=kept.plan,
        style=form.style,
        returns=form.returns,
    )
