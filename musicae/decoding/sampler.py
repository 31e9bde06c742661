"""Filling a sketch symbol by symbol: the harmonizer proposes, rules object, chance chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicae.core.constants import N_VOICES, REST
from musicae.decoding.constraints import PRESETS, Close, close_of
from musicae.decoding.incremental import IncrementalDecoder, one_thread
from musicae.encoding.batches import beat_batch, masked_batch, padded, padded_latents
from musicae.encoding.partial_score import PartialScore
from musicae.models.harmonizer import Harmonizer
from musicae.models.vae import ChoraleVAE, Latent
from musicae.models.vocabulary import FIRST_PITCH, HOLD
from musicae.models.voice_transformer import surprise

LIKELIEST = 0.0
"""The temperature at which nothing is left to chance."""
GUIDANCE = 4.0
"""How much farther than it would go by itself the model is led towards a rhythm that is asked for,
away from what it does unasked (Ho and Salimans 2022, *Classifier-Free Diffusion Guidance*)."""


class Samples(NamedTuple):
    """Candidates for what is open in a sketch. Axis ``N``: candidates."""

    tokens: Tensor
    """``(N, T, V)`` int64 symbols, those that were known among them."""
    nats: NDArray[np.float64]
    """``(N,)`` how much the model is surprised by what was open, rules and temperature left out."""


class SymbolScores(NamedTuple):
    """What a model thinks of a chorale, of each symbol in sight of all before it."""

    logits: Tensor
    """``(T, V, S)``; see ``Harmonizer.forward``."""
    nats: NDArray[np.float64]
    """``(T, V)`` how much it is surprised by each symbol; 0 where it is known."""


class SamplingOptions(NamedTuple):
    """How symbols are chosen."""

    temperature: float
    """Above 1 bolder than the model, below 1 safer; at ``LIKELIEST`` every symbol is the best one
    at its turn."""
    seed: int = 0
    """Of the draws: the same seed makes the same choices."""
    top_p: float = 1.0
    """Only the likeliest symbols that together have this probability are drawn (Holtzman et al.
    2020, *The Curious Case of Neural Text Degeneration*); 1 leaves out none."""
    rules: str = "bach"
    """What their breaking costs: one of ``steering.PRESETS``."""
    rhythm_temperature: float | None = None
    """Of the choice between a new note, going on and a rest; None where it is ``temperature``."""


@one_thread()
@torch.inference_mode()
def sample(model: Harmonizer, sketch: PartialScore, n: int, choice: SamplingOptions) -> Samples:
    """Fill a sketch ``n`` times, all at once."""
    problems = [masked_batch(sketch, model.config)]
    if sketch.rhythm:
        problems.append(masked_batch(replace(sketch, rhythm=None), model.config))
    decoders = [
        IncrementalDecoder(model, p, model.encode_known(model.tokens_to_notes(p.tokens), p), n)
        for p in problems
    ]
    generator = np.random.default_rng(choice.seed)
    return _write(decoders, [sketch] * n, None, choice, lambda: generator.random((n, 1)))


@one_thread()
@torch.inference_mode()
def decode_latents(
    model: ChoraleVAE,
    sketches: Sequence[PartialScore],
    latents: Sequence[Latent],
    choice: SamplingOptions,
    seeds: Sequence[Sequence[int]],
) -> Samples:
    """What latent vectors sound like, each in the form of its sketch and around what is known of
    it, all at once. The same voices are known, as a whole, in all sketches or in none.

    Unless rules are off, pieces close on their tonic's triad. What is drawn for each piece follows
    from its own seed, to which that of the choice is added.
    """
    pieces = padded([beat_batch(sketch, model.config) for sketch in sketches])
    heard = model.condition(padded_latents(latents), pieces)
    # A decoder asks the first piece what is known; one that ended earlier would say everything is.
    longest = max(range(len(sketches)), key=lambda i: len(sketches[i].chorale))
    known = pieces.problem.known[longest].expand_as(pieces.problem.known)
    decoder = IncrementalDecoder(model, pieces.problem._replace(known=known), heard, len(sketches))
    closes = None if choice.rules == "off" else [close_of(sketch) for sketch in sketches]
    generators = [np.random.default_rng([choice.seed, *seed]) for seed in seeds]
    return _write(
        [decoder], sketches, closes, choice, lambda: np.array([[g.random()] for g in generators])
    )


def _write(
    decoders: list[IncrementalDecoder],
    sketches: Sequence[PartialScore],
    closes: Sequence[Close] | None,
    choice: SamplingOptions,
    chance: Callable[[], NDArray[np.float64]],
) -> Samples:
    """Fill sketches, of which each is a candidate.

    The first decoder is the model's; a second one is what it would do unasked. ``chance`` gives
    numbers ``(N, 1)`` from 0 to 1.
    """
    rules = PRESETS[choice.rules]
    model, problem, n = decoders[0].model, decoders[0].problem, len(sketches)
    lengths = np.array([len(sketch.chorale) for sketch in sketches])
    steps = int(lengths.max())
    known = max(sketches, key=lambda sketch: len(sketch.chorale)).known
    fifths = np.array([sketch.key.fifths for sketch in sketches])
    tokens = torch.where(problem.known, problem.tokens, HOLD)[:, :steps].expand(n, -1, -1).clone()
    closing = min((close.step for close in closes or ()), default=steps)
    nats = np.zeros(n)
    before = np.full((n, N_VOICES), REST)
    for step in range(steps):
        for decoder in decoders:
            decoder.begin()
        sung = decoders[0].now.pitch.numpy()
        now = np.where(known[step], sung, REST)
        goes_on = step < lengths
        waiting = [voice for voice in model.config.order if not known[step, voice]]
        while waiting:
            # What the model says of all voices that wait holds good until one of them moves.
            each, *unasked = [_surprises(decoder.logits(waiting)) for decoder in decoders]
            led = _led(each, unasked[0]) if unasked else each  # both (N, U, S)
            turn, moved = 0, False
            while waiting and not moved:
                voice = waiting.pop(0)
                symbols = slice(model.config.symbols[voice])
                cost = led[:, turn, symbols] + rules.costs(voice, before, now, fifths)
                if closes and step >= closing:
                    cost += np.stack(
                        [
                            close.costs(voice, step, was, is_)
                            for close, was, is_ in zip(closes, before, now, strict=True)
                        ]
                    )
                if step and known[step - 1, voice]:
                    cost[:, HOLD] = np.inf  # a known note is no longer than it is
                chosen = _choose(cost, choice, chance)
                surprise_now = np.take_along_axis(each[:, turn], chosen[:, None], axis=-1)[:, 0]
                nats += np.where(goes_on, surprise_now, 0.0)
                moved = bool((chosen != HOLD).any())
                if moved:
                    tokens[:, step, voice] = torch.from_numpy(chosen)
                    for decoder in decoders:
                        decoder.set_symbols(voice, tokens[:, step, voice])
                now[:, voice] = sung[:, voice]
                turn += 1
        before = now
    return Samples(tokens, nats)


@one_thread()
@torch.inference_mode()
def score(model: Harmonizer, sketch: PartialScore, tokens: Tensor) -> SymbolScores:
    """What a model thinks of symbols ``(T, V)`` that fill a sketch."""
    problem = masked_batch(sketch, model.config)
    problem.tokens[0, : len(tokens)] = tokens
    logits = model(problem)
    nats = surprise(logits, problem)[0, : len(tokens)].double()
    return SymbolScores(logits[0, : len(tokens)], nats.numpy())


def _surprises(logits: Tensor) -> NDArray[np.float64]:
    """Nats of each symbol, of logits ``(..., S)``."""
    scores = logits.double().numpy()
    nats: NDArray[np.float64] = _log_sum(scores) - scores
    return nats


def _led(asked: NDArray[np.float64], unasked: NDArray[np.float64]) -> NDArray[np.float64]:
    """The surprises of a model that is led ``GUIDANCE`` times as far by what it is asked for."""
    led = asked.copy()
    possible = np.isfinite(unasked)
    led[possible] += (GUIDANCE - 1) * (asked[possible] - unasked[possible])
    return led


def _choose(
    cost: NDArray[np.float64], choice: SamplingOptions, chance: Callable[[], NDArray[np.float64]]
) -> NDArray[np.int64]:
    """A symbol for each candidate, from costs ``(N, S)`` in nats."""
    if choice.temperature == LIKELIEST:
        best: NDArray[np.int64] = cost.argmin(axis=-1)
        return best
    scores = -cost / choice.temperature
    if choice.rhythm_temperature is not None:
        # How likely any new note is, is a matter of rhythm.
        new = slice(FIRST_PITCH, None)
        scores[:, :FIRST_PITCH] = -cost[:, :FIRST_PITCH] / choice.rhythm_temperature
        any_note = _log_sum(-cost[:, new]) / choice.rhythm_temperature
        scores[:, new] += any_note - _log_sum(scores[:, new])
    scores -= scores.max(axis=-1, keepdims=True)
    share = np.exp(scores)
    share /= share.sum(axis=-1, keepdims=True)
    if choice.top_p < 1:
        order = np.argsort(-share, axis=-1)
        ranked = np.take_along_axis(share, order, axis=-1)
        ranked[ranked.cumsum(axis=-1) - ranked >= choice.top_p] = 0.0
        np.put_along_axis(share, order, ranked, axis=-1)
        share /= share.sum(axis=-1, keepdims=True)
    # Rounding may leave the last sum just below 1.
    chosen: NDArray[np.int64] = np.minimum(
        (share.cumsum(axis=-1) <= chance()).sum(axis=-1), share.shape[-1] - 1
    )
    return chosen


def _log_sum(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(..., 1)`` the logarithm of the sum of exponentials."""
    total: NDArray[np.float64] = np.logaddexp.reduce(scores, axis=-1, keepdims=True)
    return total
