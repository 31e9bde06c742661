"""Sampling: a model's likelihood, the rules' costs and random numbers decide each symbol.

Axes: ``N`` candidates, ``T`` steps, ``V`` voices, ``U`` voices of a step that are not yet chosen,
``S`` symbols of a voice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from musicae.core.arrays import Floats, Ints
from musicae.core.constants import N_VOICES, REST, STEPS_PER_QUARTER
from musicae.decoding.constraints import PRESETS, close_of
from musicae.decoding.ensemble_costs import EnsembleCosts
from musicae.decoding.given_chords import ALONG_GIVEN, GivenCosts
from musicae.decoding.incremental import IncrementalDecoder, few_rows, one_thread
from musicae.decoding.levers import Levers
from musicae.decoding.motion_tilt import MotionTilt, places_of
from musicae.decoding.plan_costs import ALONG_LATENTS, PlanCosts
from musicae.decoding.repeats import Repeats
from musicae.decoding.sonority_tilt import SonorityTilt
from musicae.decoding.step_costs import StepCosts
from musicae.encoding.batches import (
    beat_batch,
    concatenate,
    concatenate_beats,
    concatenate_latents,
    masked_batch,
)
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.step_features import SINCE_BEAT
from musicae.models.batches import Latent
from musicae.models.harmonizer import Harmonizer
from musicae.models.vae import ChoraleVAE
from musicae.models.vocabulary import FIRST_PITCH, HOLD
from musicae.models.voice_transformer import surprise

LIKELIEST = 0.0
"""The temperature at which each symbol is the likeliest one and nothing is random."""
GUIDANCE = 4.0
"""The guidance scale of a requested rhythm (Ho and Salimans 2022, *Classifier-Free Diffusion
Guidance*); 1 is the conditional model alone."""


class Samples(NamedTuple):
    """Completions of partial scores."""

    tokens: Tensor
    """``(N, T, V)`` int64 symbols, known ones included."""
    nats: Floats
    """``(N,)`` the negative log-likelihood of the symbols that were open, in nats, by the model
    alone: without rules, temperature or guidance."""


class SymbolScores(NamedTuple):
    """What a model predicts for each symbol of a chorale, given all symbols before it."""

    logits: Tensor
    """``(T, V, S)``; see ``Harmonizer.forward``."""
    nats: Floats
    """``(T, V)`` the negative log-likelihood of each symbol; 0 where it is known."""


class SamplingOptions(NamedTuple):
    """How symbols are chosen."""

    temperature: float
    """Divides the log-probabilities; at ``LIKELIEST`` each symbol is the likeliest one."""
    seed: int = 0
    """The seed of the random numbers."""
    top_p: float = 1.0
    """Sampling is from the fewest symbols whose probabilities sum to this (Holtzman et al. 2020,
    *The Curious Case of Neural Text Degeneration*); 1 leaves out none."""
    rules: str = "bach"
    """The costs of breaking rules: a key of ``constraints.PRESETS``."""
    rhythm_temperature: float | None = None
    """The temperature of the choice between a new note, a hold and a rest; None for
    ``temperature``."""


class Tilts(NamedTuple):
    """Corrections of draws, and what sliders have moved; None for what there is none of."""

    motion: MotionTilt | None = None
    sonority: SonorityTilt | None = None
    levers: Levers | None = None

    def costs(
        self, voice: int, step: int, before: Ints, now: Ints, waiting: Sequence[int]
    ) -> Floats | float:
        """``(N, S)`` nats; the arguments are those of ``StepCosts.costs``."""
        cost: Floats | float = 0.0
        if self.motion:
            cost = cost + self.motion.costs(voice, step, before)
        if self.sonority and not waiting:
            cost = cost + self.sonority.costs(voice, step, before, now)
        if self.levers:
            cost = cost + self.levers.costs(voice, before, now, waiting)
        return cost


@one_thread()
@torch.inference_mode()
def sample(
    model: Harmonizer, partials: Sequence[PartialScore], options: SamplingOptions
) -> Samples:
    """Complete each of some partial scores once, all at the same time.

    They may differ in their plans alone. Unless rules are off, plans weigh on each symbol; see
    ``PlanCosts``. Given chords sound in any case; see ``GivenCosts``. A rhythm that is asked for is
    reinforced by classifier-free guidance.
    """
    first, n = partials[0], len(partials)
    asked = [partials]
    if first.rhythm:
        asked.append([replace(partial, rhythm=None) for partial in partials])
    decoders = []
    for scores in asked:
        batch = concatenate([masked_batch(score, model.config) for score in scores])
        known = model.encode_known(model.tokens_to_notes(batch.tokens), batch)
        decoders.append(IncrementalDecoder(model, batch, known, n))
    plans = [partial.plan for partial in partials if partial.plan is not None]
    plan_costs = None
    if plans and options.rules != "off":
        closing = [close_of(first).step] * n
        plan_costs = PlanCosts(plans, len(first.chorale), closing, given=first.given)
    generator = np.random.default_rng(options.seed)
    return _complete(
        decoders,
        partials,
        options,
        lambda: generator.random((n, 1)),
        plan_costs=plan_costs,
        given_costs=GivenCosts(first.given) if first.given else None,
    )


@one_thread()
@torch.inference_mode()
def decode_latents(
    model: ChoraleVAE,
    partials: Sequence[PartialScore],
    latents: Sequence[Latent],
    options: SamplingOptions,
    *,
    seeds: Sequence[Sequence[int]],
    blurs: Sequence[float],
    levers: Levers | None = None,
) -> Samples:
    """Decode latent vectors ``(1, ...)`` along plans to chorales, all at once.

    Passages of ``PartialScore.returns`` sound as those from which they return.

    Args:
        partials: for each latent the form and the plan, with notes that are kept. The same voices
            are known at the same steps in all.
        seeds: for each latent numbers that, with ``options.seed``, decide its random numbers.
        blurs: for each latent how far its vectors may be off; see ``ChoraleVAE.condition``.
        levers: what sliders have moved.
    """
    pieces = concatenate_beats([beat_batch(partial, model.config) for partial in partials])
    blur = torch.tensor(blurs, dtype=torch.float32)
    conditioning = model.condition(concatenate_latents(latents), pieces, blur)
    # The decoder reads the first piece's mask; in a shorter piece the padding would count as known.
    longest = max(range(len(partials)), key=lambda i: len(partials[i].chorale))
    known = pieces.masked.known[longest].expand_as(pieces.masked.known)
    batch = pieces.masked._replace(known=known)
    decoder = IncrementalDecoder(model, batch, conditioning, len(partials))
    plans = [partial.plan for partial in partials if partial.plan is not None]
    plan_costs = None
    closing = [close_of(partial).step for partial in partials]
    if options.rules != "off" and len(plans) == len(partials):
        steps = max(len(partial.chorale) for partial in partials)
        ends = [partial.phrases or () for partial in partials]
        plan_costs = PlanCosts(plans, steps, closing, ALONG_LATENTS, ends=ends)
    tilts = Tilts(levers=levers)
    if options.temperature != LIKELIEST and model.tilt.numel():
        places = places_of(pieces.masked.context[..., SINCE_BEAT].numpy())
        tilts = Tilts(
            MotionTilt(model.tilt.numpy(), places),
            SonorityTilt(model.sonority_tilt.numpy(), places),
            levers,
        )
    generators = [np.random.default_rng([options.seed, *seed]) for seed in seeds]
    return _complete(
        [decoder],
        partials,
        options,
        lambda: np.array([[g.random()] for g in generators]),
        closing=closing,
        plan_costs=plan_costs,
        tilts=tilts,
    )


@few_rows()
def _complete(
    decoders: list[IncrementalDecoder],
    partials: Sequence[PartialScore],
    options: SamplingOptions,
    uniform: Callable[[], Floats],
    *,
    closing: Sequence[int] = (),
    plan_costs: PlanCosts | None = None,
    given_costs: GivenCosts | None = None,
    tilts: Tilts | None = None,
) -> Samples:
    """Complete ``N`` partial scores, each one candidate.

    The first decoder is conditioned on what is asked for; a second one, if any, is not. ``uniform``
    gives random numbers ``(N, 1)`` from 0 to 1.
    """
    rules = PRESETS[options.rules]
    if plan_costs:
        weights = plan_costs.weights
        rules = rules.at_least(
            parallel=weights.parallel, leap=weights.leap, augmented=weights.augmented
        )
        if given_costs:
            rules = rules.at_least(**ALONG_GIVEN)
    model, batch, n = decoders[0].model, decoders[0].batch, len(partials)
    lengths = np.array([len(partial.chorale) for partial in partials])
    steps = int(lengths.max())
    known = max(partials, key=lambda partial: len(partial.chorale)).known
    fifths = np.array([partial.key.fifths for partial in partials])
    limits = partials[0].limits
    ensemble = EnsembleCosts(limits) if limits else None
    weighed = StepCosts(rules, fifths, plan_costs, given_costs, ensemble)
    tokens = torch.where(batch.known, batch.tokens, HOLD)[:, :steps].expand(n, -1, -1).clone()
    repeats = Repeats(partials, steps, closing)
    nats, each = np.zeros(n), np.arange(n)
    before = np.full((n, N_VOICES), REST)
    # For each step of a quarter, whether a voice did not hold its note there a quarter ago.
    moved = [True] * STEPS_PER_QUARTER
    for step in range(steps):
        for decoder in decoders:
            decoder.begin()
        sounding = decoders[0].now.pitch
        now = np.where(known[step], sounding, REST)
        place = step % STEPS_PER_QUARTER
        likely, moved[place] = moved[place], False
        lasts = step < lengths  # (N,) whether the piece has this step
        waiting = [voice for voice in model.config.order if not known[step, voice]]
        while waiting:
            # The logits of all waiting voices are valid until one of them does not hold its note.
            # Where that is likely, those of one voice at a time take less work.
            ahead = waiting[:1] if likely else waiting[:]
            own, *unconditional = [_nats(decoder.logits(ahead)) for decoder in decoders]
            guided = _guided(own, unconditional[0]) if unconditional else own  # (N, U, S)
            for turn, voice in enumerate(ahead):
                waiting.remove(voice)
                symbols = slice(model.config.symbols[voice])
                cost = guided[:, turn, symbols] + weighed.costs(voice, step, before, now, waiting)
                if tilts and step:
                    cost += tilts.costs(voice, step, before, now, waiting)
                if step and known[step - 1, voice]:
                    cost[:, HOLD] = np.inf  # a known note is not prolonged
                repeats.force(cost, step, voice, tokens)
                chosen = _choose(cost, options, uniform)
                nats += np.where(lasts, own[each, turn, chosen], 0.0)
                moves = bool((chosen != HOLD).any())
                if moves:
                    tokens[:, step, voice] = torch.from_numpy(chosen)
                    for decoder in decoders:
                        decoder.set_symbols(voice, tokens[:, step, voice])
                now[:, voice] = sounding[:, voice]
                if moves:
                    moved[place] = True
                    break
        before = now
    return Samples(tokens, nats)


@one_thread()
@torch.inference_mode()
def score(model: Harmonizer, partial: PartialScore, tokens: Tensor) -> SymbolScores:
    """Score the symbols ``(T, V)`` of a completed partial score."""
    batch = masked_batch(partial, model.config)
    batch.tokens[0, : len(tokens)] = tokens
    logits = model(batch)
    nats = surprise(logits, batch)[0, : len(tokens)].double()
    return SymbolScores(logits[0, : len(tokens)], nats.numpy())


def _nats(logits: Tensor) -> Floats:
    """The negative log-likelihood of each symbol, from logits ``(..., S)``."""
    scores = logits.double().numpy()
    nats: Floats = _log_sum(scores) - scores
    return nats


def _guided(conditional: Floats, unconditional: Floats) -> Floats:
    """Negative log-likelihoods ``(N, U, S)`` with guidance of scale ``GUIDANCE``."""
    guided = conditional.copy()
    possible = np.isfinite(unconditional)
    guided[possible] += (GUIDANCE - 1) * (conditional[possible] - unconditional[possible])
    return guided


def _choose(cost: Floats, options: SamplingOptions, uniform: Callable[[], Floats]) -> Ints:
    """``(N,)`` a symbol for each candidate, from costs ``(N, S)`` in nats."""
    if options.temperature == LIKELIEST:
        best: Ints = cost.argmin(axis=-1)
        return best
    scores = -cost / options.temperature
    if options.rhythm_temperature is not None:
        # The probability of any new note at all is a question of rhythm.
        new = slice(FIRST_PITCH, None)
        scores[:, :FIRST_PITCH] = -cost[:, :FIRST_PITCH] / options.rhythm_temperature
        any_note = _log_sum(-cost[:, new]) / options.rhythm_temperature
        scores[:, new] += any_note - _log_sum(scores[:, new])
    scores -= scores.max(axis=-1, keepdims=True)
    share = np.exp(scores)
    share /= share.sum(axis=-1, keepdims=True)
    if options.top_p < 1:
        order = np.argsort(-share, axis=-1)
        ranked = np.take_along_axis(share, order, axis=-1)
        ranked[ranked.cumsum(axis=-1) - ranked >= options.top_p] = 0.0
        np.put_along_axis(share, order, ranked, axis=-1)
        share /= share.sum(axis=-1, keepdims=True)
    # Rounding may leave the last sum just below 1.
    chosen: Ints = np.minimum(
        (share.cumsum(axis=-1) <= uniform()).sum(axis=-1), share.shape[-1] - 1
    )
    return chosen


def _log_sum(scores: Floats) -> Floats:
    """``(..., 1)`` the logarithm of the sum of exponentials."""
    most = scores.max(axis=-1, keepdims=True)
    total: Floats = most + np.log(np.exp(scores - most).sum(axis=-1, keepdims=True))
    return total
