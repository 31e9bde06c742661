"""Decoding: from a model's numbers to chorales, reproducibly, without any data."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import CheckpointError, ChoraleError
from musicae.decoding.minibach import _accompany
from musicae.decoding.reranking import best, weigh
from musicae.decoding.sampler import LIKELIEST, Choice, draw
from musicae.encoding import tokens as pianoroll
from musicae.encoding.partial_score import Sketch
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
    """At which a model's harmonizations are best, and, where there are several, differ."""
    if isinstance(model.model, Harmonizer):
        return HARMONIZER_TEMPERATURE
    return 0.0 if n == 1 else MINIBACH_VARIED


def harmonize(
    model: Checkpoint, sketch: Sketch, n: int = 1, choice: Choice | None = None
) -> list[Harmonization]:
    """``n`` ways to fill what is open in a sketch, best first; what is known stays as it is.

    Of the harmonizer they are the best of several draws, with different chords (see
    ``candidates``); of MiniBach, as they are drawn. Raises CheckpointError for a model that does
    not harmonize, or not this sketch.
    """
    choice = choice or Choice(usual_temperature(model, n))
    if isinstance(model.model, Harmonizer):
        found = _fill(model.model, sketch, n, choice)
    elif isinstance(model.model, MiniBach):
        if not sketch.known[:, 0].all() or (sketch.chorale.pitch[:, 1:] != REST).any():
            raise CheckpointError(f"{model.name} harmonizes a whole soprano and nothing else")
        found = _accompany(model.model, sketch.chorale, n, choice)
    else:
        raise CheckpointError(f"{model.name} does not harmonize; use harmonizer or minibach")
    source = f"musicae {model.name}"
    return [h._replace(chorale=replace(h.chorale, source=source)) for h in found]


def _fill(model: Harmonizer, sketch: Sketch, n: int, choice: Choice) -> list[Harmonization]:
    """The best of the harmonizer's draws."""
    if choice.temperature == LIKELIEST and n > 1:
        raise ChoraleError(
            "at temperature 0 there is one harmonization only; leave it out, or ask for one"
        )
    draws = 1 if choice.temperature == LIKELIEST else max(FEWEST_DRAWS, round(DRAWS_EACH * n))
    drawn = draw(model, sketch, draws, choice)
    candidates = [
        weigh(pianoroll.decode(tokens, sketch.chorale), nats)
        for tokens, nats in zip(drawn.tokens, drawn.nats.tolist(), strict=True)
    ]
    return [Harmonization(c.chorale, c.nats) for c in best(candidates, n)]
