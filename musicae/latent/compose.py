"""New chorales: places in the VAE's latent space, and what they sound like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Floats
from musicae.core.chorale import Chorale
from musicae.core.errors import CheckpointError
from musicae.decoding.incremental import one_thread
from musicae.decoding.sampler import LIKELIEST, SamplingOptions, decode_latents
from musicae.encoding import forms
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import tokens_to_chorale
from musicae.latent.distance import distance
from musicae.latent.space import LatentPoint, encode, interpolate, sample, shift
from musicae.models.checkpoint import Checkpoint
from musicae.models.vae import ChoraleVAE

USUAL_TEMPERATURE, RHYTHM_TEMPERATURE = 0.5, 1.0
"""Where new pieces are nearest to Bach on the validation side."""
USUAL_PRIOR = "fitted"
TOGETHER = 32
"""How many pieces are decoded at a time."""
FINER = 6
"""On a way so many times as many places are decoded as are asked for, to choose from."""
BACKWARDS = 10.0
"""What a step in the wrong direction costs, beside which uneven steps are nothing."""


class KeptVoices(NamedTuple):
    """A chorale of a place's form, of which voices stay exactly as they are."""

    chorale: Chorale
    voices: tuple[int, ...]


class DecodedPoint(NamedTuple):
    """A place and what it sounds like."""

    place: LatentPoint
    chorale: Chorale
    nats: float
    """How much the model is surprised by the notes, the place being told."""
    number: int
    """Of which what was drawn for it follows, besides the choice's seed."""


def usual_choice(seed: int, temperature: float | None = None) -> SamplingOptions:
    """How symbols are chosen where nothing or only a temperature is asked for."""
    if temperature is None:
        temperature = USUAL_TEMPERATURE
    rhythm = None if temperature == LIKELIEST else RHYTHM_TEMPERATURE
    return SamplingOptions(temperature, seed, rhythm_temperature=rhythm)


def vae_of(model: Checkpoint) -> ChoraleVAE:
    """The VAE of a checkpoint. Raises CheckpointError for other models."""
    if not isinstance(model.model, ChoraleVAE):
        raise CheckpointError(f"{model.name} has no latent space to walk in; use vae")
    return model.model


def decode_points(
    model: Checkpoint,
    places: Sequence[LatentPoint],
    choice: SamplingOptions,
    kept: Sequence[KeptVoices] | None = None,
    numbers: Sequence[int] | None = None,
) -> list[DecodedPoint]:
    """What places sound like.

    Args:
        kept: for each place what stays as it is; the same voices for all.
        numbers: of which what is drawn for a place follows, besides the choice's seed; by default
            its number among the places.
    """
    vae = vae_of(model)
    numbers = range(len(places)) if numbers is None else numbers
    found = []
    for first in range(0, len(places), TOGETHER):
        part = range(len(places))[first : first + TOGETHER]
        sketches = [_sketch(places[i], kept[i] if kept else None) for i in part]
        latents = [places[i].latent for i in part]
        drawn = decode_latents(vae, sketches, latents, choice, [(numbers[i],) for i in part])
        for i, tokens, nats in zip(part, drawn.tokens, drawn.nats.tolist(), strict=True):
            form = places[i].form
            frame = kept[i].chorale if kept else form.chorale
            written = tokens_to_chorale(tokens[: len(frame)], frame)
            if not kept:
                written = forms.with_form(written, form)
            written = replace(written, source=f"musicae {model.name}")
            found.append(DecodedPoint(places[i], written, nats, numbers[i]))
    return found


@one_thread()
def compose(
    model: Checkpoint,
    wished: Sequence[PartialScore],
    prior: str,
    slides: Mapping[str, float],
    choice: SamplingOptions,
) -> list[DecodedPoint]:
    """A new chorale for each form, from latent vectors drawn from a prior and moved by slides."""
    vae = vae_of(model)
    seeds = [(choice.seed, number) for number in range(len(wished))]
    places = [shift(vae, place, slides) for place in sample(vae, wished, prior, seeds)]
    return decode_points(model, refined(model, places), choice)


def refined(model: Checkpoint, places: Sequence[LatentPoint]) -> list[LatentPoint]:
    """Where places come to when what they sound like is heard again.

    The learned prior knows the music less well than encoder and decoder together do: a step of
    the chain between these two brings a place that it imagined nearer to music (Rezende, Mohamed
    and Wierstra 2014, *Stochastic Backpropagation*, app. F; Bengio et al. 2013, *Generalized
    Denoising Auto-Encoders as Generative Models*).
    """
    vae = vae_of(model)
    loud = decode_points(model, places, SamplingOptions(LIKELIEST))
    return [encode(vae, each.chorale, each.place.form) for each in loud]


@one_thread()
def way(
    model: Checkpoint, one: LatentPoint, other: LatentPoint, n: int, choice: SamplingOptions
) -> list[DecodedPoint]:
    """``n`` chorales on the way from one place to another, the places' own at its ends.

    Of more of them that lie on the way those are chosen that bring each step farther from the one
    end and nearer to the other, and about equally so.
    """
    vae = vae_of(model)
    shares = np.linspace(0, 1, FINER * (n - 1) + 1)
    inside = [interpolate(vae, one, other, float(share)) for share in shares[1:-1]]
    sounding = decode_points(model, [one, *inside, other], choice, numbers=[0] * len(shares))
    away = np.array([distance(sounding[0].chorale, each.chorale) for each in sounding])
    near = np.array([distance(each.chorale, sounding[-1].chorale) for each in sounding])
    return [sounding[i] for i in _even_steps(away, near, n)]


@one_thread()
def neighbours(
    model: Checkpoint,
    place: LatentPoint,
    n: int,
    amount: float,
    choice: SamplingOptions,
    *,
    kept: KeptVoices | None,
) -> list[DecodedPoint]:
    """``n`` chorales in the neighbourhood of a place: so far, 0 to 1, on the way to others."""
    vae = vae_of(model)
    seeds = [(choice.seed, number) for number in range(n)]
    others = sample(vae, [place.form] * n, "fitted", seeds)
    places = [interpolate(vae, place, other, amount, own_form=True) for other in others]
    return decode_points(model, places, choice, None if kept is None else [kept] * n)


def _even_steps(away: Floats, near: Floats, n: int) -> list[int]:
    """``n`` indices from the first to the last, by which one distance rises and the other falls.

    The steps are as even as can be; a step in the wrong direction is taken where there is no
    other way.
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


def _sketch(place: LatentPoint, kept: KeptVoices | None) -> PartialScore:
    """The form of a place, and what is kept."""
    if kept is None:
        return place.form
    form = place.form
    return PartialScore.of(kept.chorale, voices=kept.voices, key=form.key, phrases=form.phrases)
