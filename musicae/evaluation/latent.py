"""Whether a VAE's latent vectors matter: what they hold of chorales that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from musicae.core.chorale import Chorale
from musicae.decoding.sampler import LIKELIEST, SamplingOptions
from musicae.encoding import forms
from musicae.encoding.batches import beat_batch
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import ALL_VOICES
from musicae.latent.compose import decode_points, vae_of
from musicae.latent.space import LatentPoint, encode, sample
from musicae.models.checkpoint import Checkpoint
from musicae.models.vae import BeatBatch, ChoraleVAE
from musicae.models.voice_transformer import surprise
from musicae.training.vae import LatentStatistics, latent_statistics

COLLAPSED = 5.0
"""Nats of divergence a chorale below which latent vectors say next to nothing."""


@dataclass(frozen=True)
class LatentReport:
    """Means over chorales, the steps of all counting alike in what is said a step."""

    statistics: LatentStatistics
    own: float
    """Nats a step, the notes before being told, with the mean of the chorale's own posterior."""
    other: float
    """The same with latent vectors drawn from the prior."""
    rebuilt: float
    """The share of steps and voices at which the right pitch sounds when a chorale is written anew
    from the mean of its posterior and nothing else."""
    rebuilt_by_chance: float
    """The same with latent vectors drawn from the prior."""

    @property
    def divergence(self) -> float:
        """Nats a chorale, of all latent vectors."""
        return self.statistics.kl_piece + self.statistics.kl_beats

    @property
    def collapsed(self) -> bool:
        """Whether the writer does without its latent vectors."""
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
    """Hear chorales, and write them again. Raises CheckpointError for a model that is no VAE."""
    vae = vae_of(model)
    own = [encode(vae, chorale) for chorale in chorales]
    seeds = [(seed, number) for number in range(len(chorales))]
    other = sample(vae, [place.form for place in own], "normal", seeds)
    batches = [_open(chorale, vae) for chorale in chorales]
    return LatentReport(
        latent_statistics(vae, batches),
        *(_nats_a_step(vae, chorales, places) for places in (own, other)),
        *(rebuilt(model, chorales, places) for places in (own, other)),
    )


def rebuilt(model: Checkpoint, chorales: Sequence[Chorale], places: Sequence[LatentPoint]) -> float:
    """``LatentReport.rebuilt`` from any places: the mean over chorales."""
    made = decode_points(model, places, SamplingOptions(LIKELIEST))
    shares = [
        np.mean(each.chorale.pitch == chorale.pitch)
        for each, chorale in zip(made, chorales, strict=True)
    ]
    return float(np.mean(shares))


@torch.inference_mode()
def _nats_a_step(
    model: ChoraleVAE, chorales: Sequence[Chorale], places: Sequence[LatentPoint]
) -> float:
    nats = 0.0
    for chorale, place in zip(chorales, places, strict=True):
        piece = _open(chorale, model)
        heard = model.condition(place.latent, piece)
        logits = model.decode(model.tokens_to_notes(piece.problem.tokens), piece.problem, heard)
        nats += float(surprise(logits, piece.problem).sum())
    return nats / sum(len(chorale) for chorale in chorales)


def _open(chorale: Chorale, model: ChoraleVAE) -> BeatBatch:
    """A chorale of which all notes are there and none is known."""
    form = forms.form_of(chorale)
    whole = PartialScore.of(chorale, voices=ALL_VOICES, key=form.key, phrases=form.phrases)
    piece = beat_batch(whole, model.config)
    known = torch.zeros_like(piece.problem.known)
    known[:, len(chorale) :] = True
    return piece._replace(problem=piece.problem._replace(known=known))
