"""Training of the chorale VAE: whole chorales in any key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from musicae.core.chorale import Chorale, nearest_transposition, transpositions
from musicae.encoding.batches import concatenate_beats, frame_beats, pad
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.step_features import PHRASES, SINCE_BAR, step_features
from musicae.encoding.tokens import chorale_to_tokens, symbol_starts, window
from musicae.latent.attributes import measured
from musicae.latent.sliders import find_directions
from musicae.models.layers import NONE
from musicae.models.vae import (
    BeatBatch,
    ChoraleVAE,
    ChoraleVAEConfig,
    Reconstruction,
    divergence,
    standard,
)
from musicae.models.vocabulary import FIRST_PITCH, SILENCE
from musicae.models.voice_transformer import MaskedBatch, surprise
from musicae.theory.key_finding import likely_key
from musicae.training.calibration import calibrate
from musicae.training.task import StyledPiece

LONGEST_PASSAGE = 256
"""The length in steps of training passages: sixteen bars of 4/4."""
_PHRASES_UNTOLD = 0.15
"""The share of passages without phrases in the features."""
VOICES_KEPT, KEPT = 0.15, 0.4
"""The share of passages in which whole voices are known, and the probability of each voice."""
FORGETFULNESS = 0.9
"""The greatest share of frames whose past is hidden from the decoder."""
MORE_ROOM, NARROWED, UNPRESSED = 4.0, 0.4, 0.2
"""Free-nats schedule: ``1 + MORE_ROOM`` times the final value at first, falling linearly until
``NARROWED`` of training; the KL weight is 0 until ``UNPRESSED``."""
MOST_PRESSURE = 4.0
"""The greatest KL weight, beside 1 for reconstruction."""
ACTIVE = 0.01
"""The variance of the posterior mean above which a latent dimension is active."""
AT_ONCE = 8
"""Validation chorales per batch in ``CompositionTask.watch``."""
OUTLINE = 0.5
"""The weight of ``Losses.outline``."""


class Example(NamedTuple):
    """A chorale as tensors; ``T`` is a multiple of the stride."""

    tokens: Tensor
    """``(T, V)`` in the key nearest to the original that fits the ranges."""
    context: Tensor
    """``(T, C)`` the step features of its form."""
    beats: Tensor
    """``(J,)`` the beat of each frame."""
    tonic: int
    """A pitch class, 0 to 11."""
    shifts: tuple[int, ...]
    """Semitones by which ``tokens`` can be transposed."""
    attributes: tuple[float, ...]
    """The values of ``latent.attributes.ATTRIBUTES``."""


class CompositionTask:
    """Encode a whole chorale to latent vectors and reconstruct it.

    The loss is the negative evidence lower bound: reconstruction plus KL divergence from the prior.
    In training three things are added. A second decoder predicts the notes from the latent vectors
    alone (``Losses.outline``). The KL term counts only above a number of free nats (Kingma et al.
    2016, *Improved Variational Inference with Inverse Autoregressive Flow*), and not at all at
    first, so that the decoder does not learn to ignore the latent vectors. The prior is trained
    from the start on the posterior without gradients to it, apart from a small share to the
    piece's vector (cf. Hafner et al. 2021, *Mastering Atari with Discrete World Models*, on
    balancing the two).

    Args:
        piece_nats: free nats of a piece's vector.
        beat_nats: free nats of its beats' vectors, per step.
        probes: sampled pieces from which the directions of the sliders are found.
    """

    def __init__(self, piece_nats: float, beat_nats: float, probes: int) -> None:
        self.piece_nats, self.beat_nats, self.probes = piece_nats, beat_nats, probes

    def examples(
        self,
        chorales: Sequence[Chorale],
        every_key: bool,
        config: Mapping[str, Any],
        _others: Sequence[StyledPiece] = (),
    ) -> Pieces:
        """The chorales as pieces."""
        return Pieces(chorales, every_key, ChoraleVAEConfig(**config))

    def begin(self, network: nn.Module, examples: Pieces) -> None:
        """All initial weights are random."""

    def loss(self, network: nn.Module, batch: BeatBatch, progress: float = 1.0) -> Tensor:
        """``(B,)`` nats per step; see the class."""
        if not network.training:
            return losses(network(batch), batch).bound
        share = torch.rand(len(batch.beats), 1, device=batch.beats.device) * FORGETFULNESS
        forgotten = torch.rand(batch.beats.shape, device=batch.beats.device) < share
        parts = losses(network(batch, forgotten), batch)
        room = 1 + MORE_ROOM * max(0.0, 1 - progress / NARROWED)
        free = progress < UNPRESSED
        piece = _pressed(parts.piece, parts.piece.mean(), room * self.piece_nats, free)
        rate = parts.beats.sum() / parts.steps.sum()
        beats = _pressed(parts.beats, rate, room * self.beat_nats, free)
        total = parts.reconstruction + piece + beats + parts.beats_prior - parts.beats.detach()
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
        """Set the statistics of the latent vectors, the softmax temperature and the directions."""
        assert isinstance(network, ChoraleVAE)
        survey(network, train)
        batches = [valid.batch([i]) for i in range(len(valid))]
        calibrate(network, batches, lambda batch: (network(batch).logits, batch.masked))
        if network.config.sliders:
            deviations = np.std([example.attributes for example in train.pieces], axis=0)
            network.directions.copy_(find_directions(network, deviations, self.probes))


@torch.no_grad()
def survey(model: ChoraleVAE, pieces: Pieces) -> None:
    """Set ``latent_mean``, ``latent_spread`` and ``beat_mean``, from the pieces' posteriors."""
    whole, variance, beats = [], [], []
    for example in pieces.pieces:
        piece = pieces.whole(example)
        posterior = model.encode(piece, model.tokens_to_notes(piece.masked.tokens))
        whole.append(posterior.piece.mean[0])
        variance.append(posterior.piece.log_variance[0].exp())
        beats.append(posterior.beats.mean[0])
    means = torch.stack(whole)
    model.latent_mean.copy_(means.mean(dim=0))
    spread = torch.cov(means.T, correction=0) + torch.diag(torch.stack(variance).mean(dim=0))
    model.latent_spread.copy_(torch.linalg.cholesky(spread))
    model.beat_mean.copy_(torch.cat(beats).mean(dim=0))


class Losses(NamedTuple):
    """The terms of the loss, each ``(B,)`` and in nats."""

    reconstruction: Tensor
    """The negative log-likelihood of the unknown symbols, given the latent vectors."""
    piece: Tensor
    """KL divergence of the piece's vector from the standard normal distribution."""
    beats: Tensor
    """KL divergence of the beats' vectors from the prior, without gradients to the prior."""
    beats_prior: Tensor
    """The same number, without gradients to the posterior."""
    outline: Tensor
    """The negative log-likelihood of the pitches at the first step of each frame, by the latent
    vectors alone."""
    steps: Tensor
    """Steps of the piece, a multiple of the stride; not in nats."""

    @property
    def bound(self) -> Tensor:
        """``(B,)`` the negative evidence lower bound per step.

        In evaluation, with the posterior's means for samples, it is slightly too low.
        """
        return (self.reconstruction + self.piece + self.beats) / self.steps


def losses(reading: Reconstruction, batch: BeatBatch) -> Losses:
    """The terms of the loss of a forward pass."""
    stride = batch.masked.tokens.shape[1] // batch.beats.shape[1]
    posterior, real = reading.posterior, reading.real[..., None]
    return Losses(
        surprise(reading.logits, batch.masked).sum(dim=(1, 2)),
        divergence(posterior.piece, standard(posterior.piece)).sum(dim=-1),
        (divergence(posterior.beats, reading.prior.detach()) * real).sum(dim=(1, 2)),
        (divergence(posterior.beats.detach(), reading.prior) * real).sum(dim=(1, 2)),
        outline_nats(reading, batch),
        stride * (batch.beats != NONE).sum(dim=-1),
    )


def _pressed(nats: Tensor, rate: Tensor, room: float, free: bool) -> Tensor:
    """``nats`` with gradients scaled by how far ``rate`` exceeds the free nats ``room``."""
    pressure = 0.0 if free else float((rate.detach() / room - 1).clamp(0, MOST_PRESSURE))
    return nats.detach() + pressure * (nats - nats.detach())


class LatentStatistics(NamedTuple):
    """Statistics of a model's latent vectors on some chorales."""

    reconstruction: float
    """Nats per step."""
    kl_piece: float
    """KL divergence of the piece's vector, nats per chorale."""
    kl_beats: float
    """KL divergence of all its beats' vectors, nats per chorale."""
    active_piece: int
    """Active dimensions of the piece's vector: those whose posterior mean has a variance above
    ``ACTIVE`` (Burda, Grosse and Salakhutdinov 2016, *Importance Weighted Autoencoders*)."""
    active_beat: int
    """Active dimensions of a beat's vector."""


@torch.no_grad()
def latent_statistics(model: nn.Module, batches: Sequence[BeatBatch]) -> LatentStatistics:
    """The statistics over batches of chorales, with the model in evaluation mode."""
    model.eval()
    found, whole, beats = [], [], []
    for batch in batches:
        reading = model(batch)
        found.append(torch.stack(losses(reading, batch)))
        whole.append(reading.posterior.piece.mean)
        beats.append(reading.posterior.beats.mean[reading.real])
    nats, piece, of_beats, _, _, steps = torch.cat(found, dim=1).double().sum(dim=1).tolist()
    active = [
        int((torch.cat(means).var(dim=0, correction=0) > ACTIVE).sum()) for means in (whole, beats)
    ]
    count = sum(len(means) for means in whole)
    return LatentStatistics(nats / steps, piece / count, of_beats / count, *active)


def outline_nats(reading: Reconstruction, batch: BeatBatch) -> Tensor:
    """``Losses.outline`` of a forward pass."""
    stride = batch.masked.tokens.shape[1] // batch.beats.shape[1]
    tokens = batch.masked.tokens
    symbol = tokens.gather(1, symbol_starts(tokens))[:, ::stride]  # (B, J, V)
    sounds = (symbol >= FIRST_PITCH) & (batch.beats != NONE)[..., None]
    index = (symbol - FIRST_PITCH).clamp_min(0)
    nats = -reading.skeleton.gather(-1, index[..., None])[..., 0]
    return (nats * sounds).sum(dim=(1, 2))


class Pieces:
    """Whole chorales, of which passages are taken at random.

    Args:
        chorales: what the pieces are made from.
        every_key: True to transpose at random within the voices' ranges, to cut to
            ``LONGEST_PASSAGE`` steps and to mark some voices as known; False to keep chorales
            whole and in their own key.
        config: the model's; its stride and lookahead decide the padding.
    """

    def __init__(
        self, chorales: Sequence[Chorale], every_key: bool, config: ChoraleVAEConfig
    ) -> None:
        self.every_key, self.stride, self.beyond = every_key, config.stride, config.beyond
        self.pieces = [_example(chorale, config.stride) for chorale in chorales]

    def __len__(self) -> int:
        return len(self.pieces)

    def batch(self, indices: Sequence[int], *seed: int) -> BeatBatch:
        """Pieces padded to one length; their random choices depend on ``seed`` and index."""
        # A process may have no share of the last batch: it gets a batch of no pieces.
        found = [
            self._passage(self.pieces[i], np.random.default_rng([*seed, i])) for i in indices or [0]
        ]
        longest = max(piece.masked.tokens.shape[1] for piece in found)
        length = LONGEST_PASSAGE if self.every_key else longest + self.beyond
        masked, beats = concatenate_beats(found, length)
        parts = (part[: len(indices)] for part in masked)
        return BeatBatch(MaskedBatch(*parts), beats[: len(indices)])

    def whole(self, example: Example) -> BeatBatch:
        """The whole of an example in its own key, padded as in ``beat_batch``: a batch of one."""
        return concatenate_beats([_uncut(example)], len(example.tokens) + self.beyond)

    def describe(self) -> dict[str, Any]:
        """The number of chorales and a fingerprint."""
        digest = hashlib.sha256()
        for piece in self.pieces:
            for tensor in (piece.tokens, piece.context, piece.beats):
                digest.update(tensor.numpy().tobytes())
            digest.update(repr(piece[3:]).encode())
        return {"chorales": len(self), "sha256": digest.hexdigest()}

    def _passage(self, example: Example, rng: np.random.Generator) -> BeatBatch:
        """A random passage of an example, or all of it, as a batch of one."""
        if not self.every_key:
            return _uncut(example)
        tokens, context, beats = example.tokens, example.context, example.beats
        shift = int(rng.choice(example.shifts))
        tokens = torch.where(tokens >= FIRST_PITCH, tokens + shift, tokens)
        if rng.random() < _PHRASES_UNTOLD:
            context = context.clone()
            context[:, PHRASES] = 0
        if len(tokens) > LONGEST_PASSAGE:
            starts = (context[:, SINCE_BAR] == 0).nonzero()[:, 0].tolist()
            last = len(tokens) - LONGEST_PASSAGE
            # Where no bar line is a frame's first step, the passage begins with the piece.
            choices = [s for s in starts if s <= last and s % self.stride == 0] or [0]
            first = choices[int(rng.integers(len(choices)))]
            tokens = window(tokens, first, LONGEST_PASSAGE)
            context = context[first : first + LONGEST_PASSAGE]
            beats = beats[first // self.stride : (first + LONGEST_PASSAGE) // self.stride]
            beats = beats - beats[0]
        known = torch.zeros(tokens.shape, dtype=torch.bool)
        if rng.random() < VOICES_KEPT:
            known[:, rng.random(tokens.shape[1]) < KEPT] = True
        tonic = torch.tensor([(example.tonic + shift) % 12])
        return BeatBatch(MaskedBatch(tokens[None], known[None], context[None], tonic), beats[None])


def _to_device(piece: BeatBatch, device: torch.device) -> BeatBatch:
    masked = MaskedBatch(*(part.to(device) for part in piece.masked))
    return BeatBatch(masked, piece.beats.to(device))


def _example(chorale: Chorale, stride: int) -> Example:
    """A chorale as tensors."""
    shifts = transpositions(chorale)
    nearest = nearest_transposition(chorale)
    piece = chorale.transpose(nearest)
    key = likely_key(piece)
    empty = PartialScore.of(piece, key=key)
    tokens, context = chorale_to_tokens(piece), torch.from_numpy(step_features(empty))
    steps = len(tokens) + -len(tokens) % stride
    return Example(
        pad(tokens, steps, value=SILENCE),
        pad(context, steps),
        frame_beats(piece, stride),
        key.tonic,
        tuple(shift - nearest for shift in shifts),
        measured(piece),
    )


def _uncut(example: Example) -> BeatBatch:
    """The whole of an example in its own key, nothing known, as a batch of one."""
    tokens, tonic = example.tokens[None], torch.tensor([example.tonic])
    known = torch.zeros(tokens.shape, dtype=torch.bool)
    return BeatBatch(MaskedBatch(tokens, known, example.context[None], tonic), example.beats[None])
