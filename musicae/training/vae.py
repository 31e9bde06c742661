"""Training of the chorale VAE on whole chorales in any key, by Bach and in other styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from musicae.core.chorale import Chorale
from musicae.latent.sliders import find_directions
from musicae.latent.tilt import find_tilt
from musicae.models.batches import BeatBatch, MaskedBatch
from musicae.models.configs import ChoraleVAEConfig
from musicae.models.distributions import divergence, divergence_from_mixture, standard
from musicae.models.torch_engine import live
from musicae.models.vae import ChoraleVAE, Reconstruction
from musicae.models.vocabulary import FIRST_PITCH, NONE
from musicae.models.voice_transformer import surprise
from musicae.training.calibration import calibrate
from musicae.training.chain_likelihood import negative_log_likelihood
from musicae.training.passages import Pieces, PlannedBatch
from musicae.training.task import StyledPiece
from musicae.training.tensors import symbol_starts

FORGETFULNESS = 0.4
"""The greatest share of a piece's frames for which the decoder does not read the frames before."""
MORE_ROOM, NARROWED, UNPRESSED = 4.0, 0.4, 0.2
"""Free-nats schedule: ``1 + MORE_ROOM`` times the final value at first, falling linearly until
``NARROWED`` of training; the KL weight is 0 until ``UNPRESSED``."""
MOST_PRESSURE = 4.0
"""The greatest KL weight; the weight of reconstruction is 1."""
ACTIVE = 0.01
"""A latent dimension is active if the variance of its posterior mean is above this."""
AT_ONCE = 8
"""Validation chorales per batch in ``CompositionTask.watch``."""
PLANNED = 2.0
"""The weight of ``Losses.plan``; above 1, so that the vectors determine the plan and not chance."""
OUTLINE = 0.5
"""The weight of ``Losses.outline``."""


class CompositionTask:
    """The task to encode a whole chorale as latent vectors and to reconstruct it.

    The loss is the negative evidence lower bound: the negative log-likelihood of the plan and of
    the notes given the plan, plus the KL divergence from the prior. In training it differs:

    - A second decoder predicts the notes from the latent vectors alone (``Losses.outline``).
    - The KL divergence counts only above a number of free nats (Kingma et al. 2016, *Improved
      Variational Inference with Inverse Autoregressive Flow*), and at first not at all. So the
      decoder does not learn to ignore the latent vectors.
    - The prior is trained from the start on samples of the posterior. Its gradients do not reach
      the posterior, except for a small share that reaches the piece's vector (cf. Hafner et al.
      2021, *Mastering Atari with Discrete World Models*, on balancing the two).

    Args:
        piece_nats: free nats of a piece's vector.
        beat_nats: free nats of its beats' vectors, per step.
        probes: the number of sampled pieces for finding the directions of the sliders.
    """

    def __init__(self, piece_nats: float, beat_nats: float, probes: int) -> None:
        self.piece_nats, self.beat_nats, self.probes = piece_nats, beat_nats, probes

    def examples(
        self,
        chorales: Sequence[Chorale],
        every_key: bool,
        config: Mapping[str, Any],
        others: Sequence[StyledPiece] = (),
    ) -> Pieces:
        """Examples from the chorales and from pieces by others."""
        return Pieces(chorales, every_key, ChoraleVAEConfig(**config), others)

    def begin(self, network: nn.Module, examples: Pieces) -> None:
        """Do nothing: all initial weights are random."""

    def loss(self, network: nn.Module, batch: PlannedBatch, progress: float = 1.0) -> Tensor:
        """``(B,)`` the loss in nats per step; see the class."""
        beats = batch.piece.beats
        if not network.training:
            return losses(network(batch.piece), batch).bound
        share = torch.rand(len(beats), 1, device=beats.device) * FORGETFULNESS
        forgotten = torch.rand(beats.shape, device=beats.device) < share
        parts = losses(network(batch.piece, forgotten), batch)
        room = 1 + MORE_ROOM * max(0.0, 1 - progress / NARROWED)
        free = progress < UNPRESSED
        piece = _pressed(parts.piece, parts.piece.mean(), room * self.piece_nats, free)
        rate = parts.beats.sum() / parts.steps.sum()
        pressed = _pressed(parts.beats, rate, room * self.beat_nats, free)
        total = parts.reconstruction + PLANNED * parts.plan + piece + pressed
        total = total + parts.beats_prior - parts.beats.detach()
        return (total + OUTLINE * parts.outline) / parts.steps

    @torch.no_grad()
    def watch(self, network: nn.Module, valid: Pieces) -> dict[str, float]:
        """``LatentStatistics`` of the validation side."""
        device = next(network.parameters()).device
        order = range(len(valid))
        batches = [
            _to_device(valid.batch(order[i : i + AT_ONCE]), device) for i in order[::AT_ONCE]
        ]
        return latent_statistics(network, batches)._asdict()

    def finish(self, network: nn.Module, train: Pieces, valid: Pieces) -> None:
        """Set the buffers: statistics of the latent vectors, softmax temperature, corrections of
        sampling and directions of the sliders."""
        assert isinstance(network, ChoraleVAE)
        survey(network, train)
        batches = [valid.batch([i]) for i in range(len(valid))]
        calibrate(network, batches, lambda batch: (network(batch.piece).logits, batch.piece.masked))
        bach = train.pieces[: train.turns.by_bach]
        model = live("vae", network)
        if network.tilt.numel():
            find_tilt(model, [example.counts for example in bach])
        if network.config.sliders:
            deviations = np.std([example.attributes for example in bach], axis=0)
            directions = find_directions(model, deviations, self.probes)
            network.directions.copy_(torch.from_numpy(directions))


@torch.no_grad()
def survey(model: ChoraleVAE, pieces: Pieces) -> None:
    """Set ``latent_mean``, ``latent_spread`` and ``beat_mean``, from the pieces' posteriors."""
    whole, variance, beats = [], [], []
    for example in pieces.pieces:
        piece = pieces.whole(example).piece
        posterior = model.encode(piece, model.tokens_to_notes(piece.masked.tokens))
        whole.append(posterior.piece.mean[0])
        variance.append(posterior.piece.log_variance[0].exp())
        beats.append(posterior.beats.mean[0])
    means = torch.stack(whole)
    styles = torch.tensor([1 + example.style for example in pieces.pieces])
    model.latent_mean.copy_(means.mean(dim=0).expand_as(model.latent_mean))
    for style in sorted(set(styles.tolist())):
        model.latent_mean[style] = means[styles == style].mean(dim=0)
    within = means - model.latent_mean[styles]
    spread = torch.cov(within.T, correction=0) + torch.diag(torch.stack(variance).mean(dim=0))
    model.latent_spread.copy_(torch.linalg.cholesky(spread))
    model.beat_mean.copy_(torch.cat(beats).mean(dim=0))


class Losses(NamedTuple):
    """The terms of the loss, each ``(B,)`` and in nats."""

    reconstruction: Tensor
    """The negative log-likelihood of the unknown symbols, given the latent vectors and the plan."""
    plan: Tensor
    """The negative log-likelihood of the plan, given the latent vectors."""
    piece: Tensor
    """KL divergence of the piece's vector from the standard normal distribution."""
    beats: Tensor
    """KL divergence of the beats' vectors from the prior, without gradients to the prior."""
    beats_prior: Tensor
    """The same number, but with gradients to the prior and not to the posterior."""
    outline: Tensor
    """The negative log-likelihood of the pitches at the first step of each frame, given the latent
    vectors alone."""
    steps: Tensor
    """The number of steps of the piece, a multiple of the stride; not in nats."""

    @property
    def bound(self) -> Tensor:
        """``(B,)`` the negative evidence lower bound per step.

        In evaluation mode it uses the posterior's means instead of samples and is slightly too low.
        """
        return (self.reconstruction + self.plan + self.piece + self.beats) / self.steps


def losses(reading: Reconstruction, batch: PlannedBatch) -> Losses:
    """The terms of the loss of a forward pass."""
    piece = batch.piece
    stride = piece.masked.tokens.shape[1] // piece.beats.shape[1]
    posterior, real, drawn = reading.posterior, reading.real, reading.drawn
    lengths = piece.beats.max(dim=1).values + 1
    fixed = None if drawn is None else drawn.detach()
    beats = divergence_from_mixture(posterior.beats, reading.prior.detach(), drawn)
    prior = divergence_from_mixture(posterior.beats.detach(), reading.prior, fixed)
    return Losses(
        surprise(reading.logits, piece.masked).sum(dim=(1, 2)),
        negative_log_likelihood(reading.plan, batch.states, lengths),
        divergence(posterior.piece, standard(posterior.piece)).sum(dim=-1),
        (beats * real).sum(dim=1),
        (prior * real).sum(dim=1),
        outline_nats(reading, piece),
        stride * (piece.beats != NONE).sum(dim=-1),
    )


def _pressed(nats: Tensor, rate: Tensor, room: float, free: bool) -> Tensor:
    """``nats`` with its gradients multiplied by the KL weight.

    The weight is the share by which ``rate`` exceeds the free nats ``room``, 0 to
    ``MOST_PRESSURE``; it is 0 if ``free``.
    """
    pressure = 0.0 if free else float((rate.detach() / room - 1).clamp(0, MOST_PRESSURE))
    return nats.detach() + pressure * (nats - nats.detach())


class LatentStatistics(NamedTuple):
    """Statistics of a model's latent vectors on some chorales."""

    reconstruction: float
    """Negative log-likelihood of the notes given the plan, in nats per step."""
    plan: float
    """Negative log-likelihood of the plan, in nats per step."""
    kl_piece: float
    """KL divergence of the piece's vector, in nats per chorale."""
    kl_beats: float
    """KL divergence of all beats' vectors, in nats per chorale."""
    active_piece: int
    """Active dimensions of the piece's vector: those whose posterior mean has a variance above
    ``ACTIVE`` (Burda, Grosse and Salakhutdinov 2016, *Importance Weighted Autoencoders*)."""
    active_beat: int
    """Active dimensions of a beat's vector."""


@torch.no_grad()
def latent_statistics(model: nn.Module, batches: Sequence[PlannedBatch]) -> LatentStatistics:
    """The statistics over batches of chorales; the model is put into evaluation mode."""
    model.eval()
    found, whole, beats = [], [], []
    for batch in batches:
        reading = model(batch.piece)
        found.append(torch.stack(losses(reading, batch)))
        whole.append(reading.posterior.piece.mean)
        beats.append(reading.posterior.beats.mean[reading.real])
    nats, plan, piece, of_beats, _, _, steps = torch.cat(found, dim=1).double().sum(dim=1).tolist()
    active = [
        int((torch.cat(means).var(dim=0, correction=0) > ACTIVE).sum()) for means in (whole, beats)
    ]
    count = sum(len(means) for means in whole)
    rates = (nats / steps, plan / steps, piece / count, of_beats / count)
    return LatentStatistics(*rates, *active)


def outline_nats(reading: Reconstruction, batch: BeatBatch) -> Tensor:
    """``Losses.outline`` of a forward pass."""
    stride = batch.masked.tokens.shape[1] // batch.beats.shape[1]
    tokens: Tensor = batch.masked.tokens
    symbol = tokens.gather(1, symbol_starts(tokens))[:, ::stride]  # (B, J, V)
    sounds = (symbol >= FIRST_PITCH) & (batch.beats != NONE)[..., None]
    index = (symbol - FIRST_PITCH).clamp_min(0)
    nats = -reading.skeleton.gather(-1, index[..., None])[..., 0]
    total: Tensor = (nats * sounds).sum(dim=(1, 2))
    return total


def _to_device(batch: PlannedBatch, device: torch.device) -> PlannedBatch:
    (masked, beats), states = batch
    masked = MaskedBatch(*(part.to(device) for part in masked))
    return PlannedBatch(BeatBatch(masked, beats.to(device)), states.to(device))
