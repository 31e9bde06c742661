"""Harmonize partial scores with MiniBach or the harmonizer."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, cast

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import CheckpointError, ChoraleError
from musicae.decoding.minibach import accompany
from musicae.decoding.reranking import Candidate, cost, rerank
from musicae.decoding.sampler import LIKELIEST, SamplingOptions, sample
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import tokens_to_chorale
from musicae.models.checkpoint import Checkpoint
from musicae.models.harmonizer import Harmonizer
from musicae.models.minibach import MiniBach

HARMONIZER_TEMPERATURE = 0.85
"""The temperature at which harmonizations are closest to Bach on the validation side."""
MINIBACH_VARIED = 0.3
"""The temperature of several harmonizations of MiniBach's: they differ and are not yet noise."""
FEWEST_DRAWS, DRAWS_EACH = 4, 1.5
"""Samples of the harmonizer for ``n`` harmonizations: ``DRAWS_EACH * n``, at least
``FEWEST_DRAWS``."""


class Harmonization(NamedTuple):
    """A completed partial score."""

    chorale: Chorale
    nats: float | None = None
    """The negative log-likelihood of the symbols that were open; None for MiniBach."""


def usual_temperature(model: Checkpoint, n: int) -> float:
    """The default temperature for ``n`` harmonizations; at 0 there is only one."""
    if model.can("fill"):
        return HARMONIZER_TEMPERATURE
    return 0.0 if n == 1 else MINIBACH_VARIED


def harmonize(
    model: Checkpoint, partial: PartialScore, n: int = 1, options: SamplingOptions | None = None
) -> list[Harmonization]:
    """``n`` completions of a partial score; known notes stay as they are.

    Those of the harmonizer are the best of several samples, with different chords, best first (see
    ``reranking``); those of MiniBach are in the order of sampling. Raises CheckpointError for a
    model that does not harmonize, or that cannot complete this score, and ChoraleError where fewer
    than ``n`` harmonizations differ.
    """
    options = options or SamplingOptions(usual_temperature(model, n))
    if model.can("fill"):
        found = _fill(cast("Harmonizer", model.model), partial, n, options)
    elif model.can("harmonize"):
        if not partial.known[:, 0].all() or (partial.chorale.pitch[:, 1:] != REST).any():
            raise CheckpointError(f"{model.name} harmonizes a whole soprano and nothing else")
        minibach = cast("MiniBach", model.model)
        found = [Harmonization(c) for c in accompany(minibach, partial.chorale, n, options)]
    else:
        raise CheckpointError(f"{model.name} does not harmonize; use harmonizer or minibach")
    source = f"musicae {model.name}"
    return [h._replace(chorale=replace(h.chorale, source=source)) for h in found]


def _fill(
    model: Harmonizer, partial: PartialScore, n: int, options: SamplingOptions
) -> list[Harmonization]:
    """The ``n`` best of the harmonizer's samples. Raises ChoraleError where fewer differ."""
    if options.temperature == LIKELIEST and n > 1:
        raise ChoraleError(
            "at temperature 0 there is one harmonization only; leave it out, or ask for one"
        )
    draws = 1 if options.temperature == LIKELIEST else max(FEWEST_DRAWS, round(DRAWS_EACH * n))
    drawn = sample(model, partial, draws, options)
    chorales = [tokens_to_chorale(tokens, partial.chorale) for tokens in drawn.tokens]
    candidates = [
        Candidate(chorale, nats, cost(chorale, nats))
        for chorale, nats in zip(chorales, drawn.nats.tolist(), strict=True)
    ]
    return [Harmonization(c.chorale, c.nats) for c in rerank(candidates, n)]
