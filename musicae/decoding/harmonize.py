"""Decoding: from a model's numbers to chorales, reproducibly, without any data."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, cast

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import CheckpointError, ChoraleError
from musicae.decoding.minibach import accompany
from musicae.decoding.reranking import rerank, weigh
from musicae.decoding.sampler import LIKELIEST, SamplingOptions, sample
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import tokens_to_chorale
from musicae.models.checkpoint import Checkpoint
from musicae.models.harmonizer import Harmonizer
from musicae.models.minibach import MiniBach

HARMONIZER_TEMPERATURE = 0.85
"""Where its harmonizations are nearest to Bach on the validation side."""
MINIBACH_VARIED = 0.3
"""The temperature at which alternatives of MiniBach's differ and are not yet noise."""
FEWEST_DRAWS, DRAWS_EACH = 4, 1.5
"""From how many draws the harmonizer's best one is taken, and each of several."""


class Harmonization(NamedTuple):
    """What a model made of a sketch."""

    chorale: Chorale
    nats: float | None = None
    """How much the model is surprised by what was open; None of a model without a likelihood."""


def usual_temperature(model: Checkpoint, n: int) -> float:
    """The temperature at which a model's ``n`` harmonizations are best, and several differ."""
    if model.can("fill"):
        return HARMONIZER_TEMPERATURE
    return 0.0 if n == 1 else MINIBACH_VARIED


def harmonize(
    model: Checkpoint, sketch: PartialScore, n: int = 1, choice: SamplingOptions | None = None
) -> list[Harmonization]:
    """``n`` ways to fill what is open in a sketch, best first; what is known stays as it is.

    Of the harmonizer they are the best of several draws, with different chords (see
    ``candidates``); of MiniBach, as they are drawn. Raises CheckpointError for a model that does
    not harmonize, or not this sketch.
    """
    choice = choice or SamplingOptions(usual_temperature(model, n))
    if model.can("fill"):
        found = _fill(cast("Harmonizer", model.model), sketch, n, choice)
    elif model.can("harmonize"):
        if not sketch.known[:, 0].all() or (sketch.chorale.pitch[:, 1:] != REST).any():
            raise CheckpointError(f"{model.name} harmonizes a whole soprano and nothing else")
        minibach = cast("MiniBach", model.model)
        found = [Harmonization(c) for c in accompany(minibach, sketch.chorale, n, choice)]
    else:
        raise CheckpointError(f"{model.name} does not harmonize; use harmonizer or minibach")
    source = f"musicae {model.name}"
    return [h._replace(chorale=replace(h.chorale, source=source)) for h in found]


def _fill(
    model: Harmonizer, sketch: PartialScore, n: int, choice: SamplingOptions
) -> list[Harmonization]:
    """The best of the harmonizer's draws."""
    if choice.temperature == LIKELIEST and n > 1:
        raise ChoraleError(
            "at temperature 0 there is one harmonization only; leave it out, or ask for one"
        )
    draws = 1 if choice.temperature == LIKELIEST else max(FEWEST_DRAWS, round(DRAWS_EACH * n))
    drawn = sample(model, sketch, draws, choice)
    candidates = [
        weigh(tokens_to_chorale(tokens, sketch.chorale), nats)
        for tokens, nats in zip(drawn.tokens, drawn.nats.tolist(), strict=True)
    ]
    return [Harmonization(c.chorale, c.nats) for c in rerank(candidates, n)]
