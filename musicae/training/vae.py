"""What the VAE learns from: whole chorales in any key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.core.chorale import Chorale, nearest_transposition, transpositions
from musicae.encoding.batches import frame_beats, padded
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
"""Steps of a passage that is learned from at a time: sixteen bars of 4/4."""
_PHRASES_UNTOLD = 0.15
VOICES_KEPT, KEPT = 0.15, 0.4
"""How often voices are given, and each of them then."""
FORGETFULNESS = 0.9
"""The writer does without the past in up to this share of frames."""
MORE_ROOM, NARROWED, UNPRESSED = 4.0, 0.4, 0.2
"""How much more room the latent vectors have at first, until which share of training it narrows,
and until which one nothing presses."""
MOST_PRESSURE = 4.0
"""How much a nat too many counts at most, beside one of reconstruction."""
ACTIVE = 0.01
AT_ONCE = 8
"""Chorales that are looked at together."""
OUTLINE = 0.5
"""How much it counts that the latent vectors alone tell the notes."""


class Example(NamedTuple):
    tokens: Tensor
    """``(T, V)``"""
    context: Tensor
    """``(T, C)``"""
    beats: Tensor
    """``(J,)``"""
    tonic: int
    shifts: tuple[int, ...]
    """Semitones by which ``tokens`` can be moved."""
    attributes: tuple[float, ...]
    """Those of ``attributes.ATTRIBUTES``."""


class CompositionTask:
    """To say a whole chorale in latent vectors, and write it again from them.

    The loss is the negative evidence lower bound, reconstruction and divergence from the prior;
    to learn, also what the latent vectors alone do not tell of the notes. The posterior is
    pressed towards the prior only where it holds more than is free (Kingma et al. 2016, *Improved
    Variational Inference with Inverse Autoregressive Flow*), and at first not at all, lest the
    writer learn to do without it; the prior follows the posterior from the beginning, and its
    wishes count little in making it (cf. Hafner et al. 2021, *Mastering Atari with Discrete World
    Models*, on balancing the two).

    Args:
        piece_nats: what is free in a piece's vector.
        beat_nats: what is free in its beats' vectors, a step.
        probes: pieces that are imagined to find out what a slider has to move.
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
        return Pieces(chorales, every_key, ChoraleVAEConfig(**config))

    def begin(self, network: nn.Module, examples: Pieces) -> None:
        """Nothing need be set."""

    def loss(self, network: nn.Module, batch: BeatBatch, progress: float = 1.0) -> Tensor:
        """Nats a step: ``(B,)``."""
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
        """Reconstruction and divergence in nats, and the dimensions that are in use."""
        device = next(network.parameters()).device
        order = range(len(valid))
        batches = [_moved(valid.batch(order[i : i + AT_ONCE]), device) for i in order[::AT_ONCE]]
        return latent_statistics(network, batches)._asdict()

    def finish(self, network: nn.Module, train: Pieces, valid: Pieces) -> None:
        """Tell the model where its pieces lie in latent space, how sure it may be, and what its
        sliders move."""
        assert isinstance(network, ChoraleVAE)
        survey(network, train)
        batches = [valid.batch([i]) for i in range(len(valid))]
        calibrate(network, batches, lambda batch: (network(batch).logits, batch.problem))
        if network.config.sliders:
            has = np.array([example.attributes for example in train.pieces])
            network.directions.copy_(find_directions(network, has.std(axis=0), self.probes))


@torch.no_grad()
def survey(model: ChoraleVAE, pieces: Pieces) -> None:
    """Set ``latent_mean``, ``latent_spread`` and ``beat_mean``."""
    whole, variance, beats = [], [], []
    for example in pieces.pieces:
        piece = pieces.whole(example)
        posterior = model.encode(piece, model.tokens_to_notes(piece.problem.tokens))
        whole.append(posterior.piece.mean[0])
        variance.append(posterior.piece.log_variance[0].exp())
        beats.append(posterior.beats.mean[0])
    means = torch.stack(whole)
    model.latent_mean.copy_(means.mean(dim=0))
    spread = torch.cov(means.T, correction=0) + torch.diag(torch.stack(variance).mean(dim=0))
    model.latent_spread.copy_(torch.linalg.cholesky(spread))
    model.beat_mean.copy_(torch.cat(beats).mean(dim=0))


class Losses(NamedTuple):
    """Each ``(B,)``, in nats."""

    reconstruction: Tensor
    piece: Tensor
    """By how much the posterior of the piece's vector differs from its prior."""
    beats: Tensor
    """The same of its beats' vectors, the prior held fast."""
    beats_prior: Tensor
    """The same number, the posterior held fast."""
    outline: Tensor
    """By how much the notes at the beginning of each frame surprise the latent vectors alone."""
    steps: Tensor

    @property
    def bound(self) -> Tensor:
        """The negative evidence lower bound, a step; with latent vectors at the posterior's mean,
        as in evaluation, it is a little better than it should be."""
        return (self.reconstruction + self.piece + self.beats) / self.steps


def losses(reading: Reconstruction, batch: BeatBatch) -> Losses:
    """What a reading of chorales costs."""
    problem = batch.problem
    stride = problem.tokens.shape[1] // batch.beats.shape[1]
    posterior, real = reading.posterior, reading.real[..., None]
    return Losses(
        surprise(reading.logits, problem).sum(dim=(1, 2)),
        divergence(posterior.piece, standard(posterior.piece)).sum(dim=-1),
        (divergence(posterior.beats, reading.prior.detach()) * real).sum(dim=(1, 2)),
        (divergence(posterior.beats.detach(), reading.prior) * real).sum(dim=(1, 2)),
        outline_nats(reading, batch),
        stride * (batch.beats != NONE).sum(dim=-1),
    )


def _pressed(nats: Tensor, rate: Tensor, room: float, free: bool) -> Tensor:
    """Nats that are felt the more, the more there are than there is room for."""
    pressure = 0.0 if free else float((rate.detach() / room - 1).clamp(0, MOST_PRESSURE))
    return nats.detach() + pressure * (nats - nats.detach())


class LatentStatistics(NamedTuple):
    """How a model uses its latent vectors on some chorales."""

    reconstruction: float
    """Nats a step."""
    kl_piece: float
    """Nats a chorale, of the piece's vector."""
    kl_beats: float
    """Nats a chorale, of its beats' vectors together."""
    active_piece: int
    """Dimensions of the piece's vector whose mean varies by more than ``ACTIVE`` (Burda, Grosse
    and Salakhutdinov 2016, *Importance Weighted Autoencoders*)."""
    active_beat: int
    """Dimensions of a beat's vector that do."""


@torch.no_grad()
def latent_statistics(model: nn.Module, batches: Sequence[BeatBatch]) -> LatentStatistics:
    """What happens in latent space on chorales that come as batches."""
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
    """``Losses.outline``"""
    stride = batch.problem.tokens.shape[1] // batch.beats.shape[1]
    tokens = batch.problem.tokens
    symbol = tokens.gather(1, symbol_starts(tokens))[:, ::stride]  # (B, J, V)
    sounds = (symbol >= FIRST_PITCH) & (batch.beats != NONE)[..., None]
    index = (symbol - FIRST_PITCH).clamp_min(0)
    nats = -reading.skeleton.gather(-1, index[..., None])[..., 0]
    return (nats * sounds).sum(dim=(1, 2))


class Pieces:
    """Whole chorales to draw from; with ``every_key`` moved and cut to ``LONGEST`` anew each time,
    without as they are."""

    def __init__(
        self, chorales: Sequence[Chorale], every_key: bool, config: ChoraleVAEConfig
    ) -> None:
        self.every_key, self.stride, self.beyond = every_key, config.stride, config.beyond
        self.pieces = [_example(chorale, config.stride) for chorale in chorales]

    def __len__(self) -> int:
        return len(self.pieces)

    def batch(self, indices: Sequence[int], *seed: int) -> BeatBatch:
        """The pieces of these indices, drawn by ``seed`` and index, filled up with silence."""
        found = [
            self._drawn(self.pieces[i], np.random.default_rng([*seed, i])) for i in indices or [0]
        ]
        longest = max(piece.problem.tokens.shape[1] for piece in found)
        length = LONGEST_PASSAGE if self.every_key else longest + self.beyond
        problem, beats = padded(found, length)
        parts = (part[: len(indices)] for part in problem)
        return BeatBatch(MaskedBatch(*parts), beats[: len(indices)])

    def whole(self, example: Example) -> BeatBatch:
        """A piece as it is, as a batch of one."""
        return padded([_uncut(example)], len(example.tokens) + self.beyond)

    def describe(self) -> dict[str, Any]:
        """How many there are, and a fingerprint."""
        digest = hashlib.sha256()
        for piece in self.pieces:
            for tensor in (piece.tokens, piece.context, piece.beats):
                digest.update(tensor.numpy().tobytes())
            digest.update(repr(piece[3:]).encode())
        return {"chorales": len(self), "sha256": digest.hexdigest()}

    def _drawn(self, example: Example, rng: np.random.Generator) -> BeatBatch:
        """One piece, as a batch of one."""
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
            # Where there is no bar line in time, the passage is the piece's beginning.
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


def _moved(piece: BeatBatch, device: torch.device) -> BeatBatch:
    problem = MaskedBatch(*(part.to(device) for part in piece.problem))
    return BeatBatch(problem, piece.beats.to(device))


def _example(chorale: Chorale, stride: int) -> Example:
    shifts = transpositions(chorale)
    nearest = nearest_transposition(chorale)
    piece = chorale.transpose(nearest)
    key = likely_key(piece)
    empty = PartialScore.of(piece, key=key)
    tokens, context = chorale_to_tokens(piece), torch.from_numpy(step_features(empty))
    missing = (0, 0, 0, -len(tokens) % stride)
    return Example(
        F.pad(tokens, missing, value=SILENCE),
        F.pad(context, missing),
        frame_beats(piece, stride),
        key.tonic,
        tuple(shift - nearest for shift in shifts),
        measured(piece),
    )


def _uncut(example: Example) -> BeatBatch:
    """The whole of an example as it is, as a batch of one, of which nothing is known."""
    tokens, tonic = example.tokens[None], torch.tensor([example.tonic])
    known = torch.zeros(tokens.shape, dtype=torch.bool)
    return BeatBatch(MaskedBatch(tokens, known, example.context[None], tonic), example.beats[None])
