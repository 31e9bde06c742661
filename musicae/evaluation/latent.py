"""Measures whether a VAE uses its latent vectors, on chorales that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from musicae.core.chorale import Chorale
from musicae.decoding.choice import LIKELIEST, SamplingOptions
from musicae.encoding import forms
from musicae.latent.compose import decode_points, need_latent_space
from musicae.latent.space import LatentPoint, encode, sample
from musicae.models.checkpoint import Checkpoint
from musicae.models.torch_engine import network_of
from musicae.models.vae import ChoraleVAE
from musicae.models.voice_transformer import surprise
from musicae.training.chain_likelihood import negative_log_likelihood
from musicae.training.passages import Pieces, PlannedBatch
from musicae.training.tensors import tensors
from musicae.training.vae import LatentStatistics, latent_statistics

STYLE = "bach"
"""The style of the measured chorales."""
COLLAPSED = 5.0
"""If the KL divergence is lower than this (nats per chorale), the decoder ignores the latent
vectors."""


@dataclass(frozen=True)
class LatentReport:
    """Latent statistics as means over chorales; values per step are means over all steps."""

    statistics: LatentStatistics
    own: float
    """Negative log-likelihood of plan and notes in nats per step, given the mean of the chorale's
    own posterior; each note is also conditioned on the notes before."""
    other: float
    """The same, given latent vectors that are drawn from the prior."""
    rebuilt: float
    """The share of steps and voices with the right pitch if a chorale is decoded from the mean of
    its posterior alone."""
    rebuilt_by_chance: float
    """The same, decoded from latent vectors that are drawn from the prior."""

    @property
    def divergence(self) -> float:
        """KL divergence of all latent vectors, in nats per chorale."""
        return self.statistics.kl_piece + self.statistics.kl_beats

    @property
    def collapsed(self) -> bool:
        """Whether the decoder ignores its latent vectors."""
        return self.divergence < COLLAPSED

    def as_dict(self) -> dict[str, Any]:
        """The report as plain numbers and names."""
        return {
            **self.statistics._asdict(),
            "nats_per_step": {"own": self.own, "prior": self.other},
            "pitches_rebuilt": {"own": self.rebuilt, "prior": self.rebuilt_by_chance},
            "collapsed": self.collapsed,
        }

    def __str__(self) -> str:
        seen = self.statistics
        verdict = "COLLAPSED, the latent vectors do not matter: " if self.collapsed else ""
        return (
            f"{verdict}KL {seen.kl_piece:.1f} nats in a piece's vector and {seen.kl_beats:.1f} in"
            f" its beats'; active units {seen.active_piece} and {seen.active_beat} a beat;"
            f" {self.own:.2f} nats a step with its own vectors, {self.other:.2f} with others;"
            f" pitches rebuilt {self.rebuilt:.1%}, with others {self.rebuilt_by_chance:.1%}"
        )


def latent_report(model: Checkpoint, chorales: Sequence[Chorale], seed: int = 0) -> LatentReport:
    """Encode chorales, decode their latent vectors and drawn ones, and compare.

    Raises CheckpointError if the model is not a VAE.
    """
    need_latent_space(model)
    own = [encode(model, chorale, forms.form_of(chorale, style=STYLE)) for chorale in chorales]
    seeds = [(seed, number) for number in range(len(chorales))]
    other = sample(model, [point.form for point in own], "normal", seeds)
    network = network_of(model)
    assert isinstance(network, ChoraleVAE)
    pieces = Pieces(chorales, False, model.config)
    batches = [pieces.whole(example) for example in pieces.pieces]
    return LatentReport(
        latent_statistics(network, batches),
        *(_nats_a_step(network, batches, points) for points in (own, other)),
        *(rebuilt(model, chorales, points) for points in (own, other)),
    )


def rebuilt(model: Checkpoint, chorales: Sequence[Chorale], points: Sequence[LatentPoint]) -> float:
    """The value of ``LatentReport.rebuilt`` for given points: the mean over chorales."""
    made = decode_points(model, points, SamplingOptions(LIKELIEST))
    shares = [
        np.mean(each.chorale.pitch == chorale.pitch)
        for each, chorale in zip(made, chorales, strict=True)
    ]
    return float(np.mean(shares))


@torch.inference_mode()
def _nats_a_step(
    model: ChoraleVAE, batches: Sequence[PlannedBatch], points: Sequence[LatentPoint]
) -> float:
    """The value of ``LatentReport.own`` for given points; each batch has one chorale."""
    nats, steps = 0.0, 0
    for (piece, states), point in zip(batches, points, strict=True):
        notes, blur = model.tokens_to_notes(piece.masked.tokens), torch.tensor([point.blur])
        latent = tensors(point.latent)
        conditioning = model.condition(latent, piece, blur)
        nats += float(surprise(model.decode(notes, piece.masked, conditioning), piece.masked).sum())
        chain = model.potentials(latent, piece, blur)
        lengths = piece.beats.max(dim=1).values + 1
        nats += float(negative_log_likelihood(chain, states, lengths).sum())
        steps += len(point.form.chorale)
    return nats / steps
