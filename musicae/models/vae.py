"""The chorale VAE: a whole chorale to latent vectors and back, at two levels.

An encoder hears a chorale and says, as Gaussians, one vector for the piece and one for each beat.
A learned prior tells what beats may follow each other, given the piece's vector; the vectors lead
the writer through the frames. How long the piece is, its meter, phrases and key are conditions:
the latent vectors hold the music.

Kingma and Welling 2014, *Auto-Encoding Variational Bayes*; the hierarchy after Roberts et al.
2018, *MusicVAE*, whose bars have no vectors of their own.

Axes: those of ``voice_transformer``; ``M`` beats, ``Z`` numbers of the piece's vector, ``Y`` of a beat's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.models.layers import Block, FeatureSum, Memory
from musicae.models.vocabulary import FIRST_PITCH
from musicae.models.voice_transformer import (
    MaskedBatch,
    Notes,
    VoiceTransformer,
    VoiceTransformerConfig,
)

POOLS = 8
"""How many places of a beat, and beats of a piece, are told apart when they are summed up."""
SHAPED = 0.05
"""How much the prior's wishes count in the making of the piece's vector."""
SURE = -3.0
"""The logarithm of a posterior's variance before it has learned anything."""
LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE = -7.0, 3.0
"""Bounds of a logarithm of a variance."""


@dataclass(frozen=True)
class ChoraleVAEConfig(VoiceTransformerConfig):
    piece: int = 48
    """Numbers of the piece's latent vector."""
    beat: int = 8
    """Numbers of each beat's."""
    prior_layers: int = 1
    """Of the prior, over beats."""
    lead_layers: int = 1
    """Over frames, of what makes of latent vectors a lead for the writer."""
    beat_span: int = 64
    """How many beats the prior remembers."""
    sliders: tuple[str, ...] = ()
    """The names of ``directions``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sliders", tuple(self.sliders))
        if min(self.piece, self.beat, self.prior_layers, self.lead_layers, self.beat_span) < 1:
            raise ValueError(f"all sizes are at least 1: {self}")
        if self.width % POOLS:
            raise ValueError(f"a width is a multiple of {POOLS}, not {self.width}")

    @property
    def beyond(self) -> int:
        """Steps of silence that are heard after a piece, as far as what is not causal looks ahead:
        with so many, a piece sounds the same whatever it is filled up to."""
        return self.stride * self.span * max(self.encoder_layers, self.lead_layers)


class BeatBatch(NamedTuple):
    """Whole chorales, or the forms of such as are to be written."""

    problem: MaskedBatch
    beats: Tensor
    """``(B, J)`` int64 which beat a frame belongs to, from 0; ``NONE`` after the end."""


class Gaussian(NamedTuple):
    mean: Tensor
    log_variance: Tensor

    def draw(self) -> Tensor:
        """A value, by torch's own generator."""
        noise = torch.randn_like(self.mean)
        return self.mean + noise * (0.5 * self.log_variance).exp()

    def detach(self) -> Gaussian:
        return Gaussian(self.mean.detach(), self.log_variance.detach())


class Latent(NamedTuple):
    piece: Tensor
    """``(B, Z)``"""
    beats: Tensor
    """``(B, M, Y)``"""


class Posterior(NamedTuple):
    piece: Gaussian
    """``(B, Z)``"""
    beats: Gaussian
    """``(B, M, Y)``"""

    @property
    def mean(self) -> Latent:
        return Latent(self.piece.mean, self.beats.mean)


class Reconstruction(NamedTuple):
    """What the model makes of chorales that it hears, and writes again."""

    logits: Tensor
    """``(B, T, V, S)`` of ``VoiceTransformer.decode``."""
    skeleton: Tensor
    """``(B, J, V, P)`` log-probabilities of what sounds at the beginning of each frame, by the
    latent vectors alone."""
    posterior: Posterior
    prior: Gaussian
    """``(B, M, Y)`` of the beats, each given those before it."""
    real: Tensor
    """``(B, M)`` bool which beats there are."""


class ChoraleVAE(VoiceTransformer):
    config: ChoraleVAEConfig
    latent_mean: Tensor
    """``(Z,)`` of the vectors of the pieces that it learned from."""
    latent_spread: Tensor
    """``(Z, Z)`` a lower triangle: what makes of N(0, I) the spread of those vectors about it."""
    beat_mean: Tensor
    """``(Y,)`` of the vectors of their beats."""
    directions: Tensor
    """``(K, Y)`` where to move the vectors of all beats for more of something, by one standard
    deviation of what the pieces have of it; named by ``config.sliders``."""

    def __init__(self, config: ChoraleVAEConfig) -> None:
        super().__init__(config)
        width, y, z = config.width, config.beat, config.piece

        def blocks(count: int, span: int, causal: bool) -> nn.ModuleList:
            shape = (width, config.heads, span, config.dropout, causal)
            return nn.ModuleList(Block(*shape) for _ in range(count))

        self.beat_pool, self.piece_pool = Pool(width), Pool(width)
        self.to_piece, self.to_beat = nn.Linear(width, 2 * z), nn.Linear(width + z, 2 * y)
        for to_latent in (self.to_piece, self.to_beat):
            # Vectors say something from the first, lest the writer learn to do without them.
            nn.init.normal_(to_latent.weight[: to_latent.out_features // 2], std=width**-0.5)
            nn.init.constant_(to_latent.bias[to_latent.out_features // 2 :], SURE)
        self.form = FeatureSum(list(config.context) * config.stride, width)
        self.prior_in = nn.Linear(y + z, width)
        self.prior = blocks(config.prior_layers, config.beat_span, causal=True)
        self.prior_norm, self.prior_out = nn.LayerNorm(width), nn.Linear(width, 2 * y)
        self.lead_in = nn.Linear(y + z, POOLS * width)
        self.slots = FeatureSum(list(config.context) * config.stride, POOLS)
        self.lead = blocks(config.lead_layers, config.span, causal=False)
        self.lead_norm = nn.LayerNorm(width)
        highest = max(config.symbols) - FIRST_PITCH
        self.skeleton = nn.Linear(width, len(config.lowest) * (highest + 12))
        self.register_buffer("latent_mean", torch.zeros(z))
        self.register_buffer("latent_spread", torch.eye(z))
        self.register_buffer("beat_mean", torch.zeros(y))
        self.register_buffer("directions", torch.zeros(len(config.sliders), y))

    def forward(self, piece: BeatBatch, forgotten: Tensor | None = None) -> Reconstruction:
        """Hear chorales and write them again from latent vectors drawn from what was heard; in
        evaluation from the means. ``forgotten`` is ``VoiceTransformer.decode``'s."""
        notes = self.tokens_to_notes(piece.problem.tokens)
        posterior = self.encode(piece, notes)
        latent = posterior.mean
        if self.training:
            latent = Latent(posterior.piece.draw(), posterior.beats.draw())
        whole = torch.lerp(latent.piece.detach(), latent.piece, SHAPED)
        prior = self.beat_prior(Latent(whole, latent.beats.detach()), piece)
        heard = self.condition(latent, piece)
        logits = self.decode(notes, piece.problem, heard, forgotten)
        return Reconstruction(
            logits, self.outline(heard, piece), posterior, prior, self.membership(piece).any(-1)
        )

    def encode(self, piece: BeatBatch, notes: Notes) -> Posterior:
        """What latent vectors whole chorales may have; ``notes`` are ``tokens_to_notes``'s."""
        problem = piece.problem
        every = problem._replace(known=torch.ones_like(problem.known))
        member = self.membership(piece)
        form = self.form(self._context(piece))
        beats = self.beat_pool(self.encode_known(notes, every) + form, member)  # (B, M, W)
        whole = self.piece_pool(beats, member.any(-1)[:, None])[:, 0]  # (B, W)
        of_piece = _gaussian(self.to_piece(whole))
        piece_mean = of_piece.mean.to(beats.dtype)[:, None].expand(-1, beats.shape[1], -1)
        return Posterior(of_piece, _gaussian(self.to_beat(torch.cat([beats, piece_mean], dim=-1))))

    def membership(self, piece: BeatBatch) -> Tensor:
        """``(B, M, J)`` bool which frames belong to each beat."""
        count = int(piece.beats.max()) + 1
        which = torch.arange(count, device=piece.beats.device)
        return piece.beats[:, None] == which[:, None]

    def beat_forms(self, piece: BeatBatch) -> Tensor:
        """``(B, M, W)`` what is told of each beat: the mean of its frames' contexts."""
        member = self.membership(piece).float()
        share = member / member.sum(dim=-1, keepdim=True).clamp_min(1)
        forms = self.form(self._context(piece))
        return torch.einsum("bmj,bjw->bmw", share.to(forms.dtype), forms)

    def beat_prior(self, latent: Latent, piece: BeatBatch) -> Gaussian:
        """``(B, M, Y)`` what each beat's vector may be, given the beats before it and the piece."""
        before = F.pad(latent.beats, (0, 0, 1, 0))[:, :-1]
        whole = latent.piece[:, None].expand(-1, before.shape[1], -1)
        x = self.prior_in(torch.cat([before, whole], dim=-1)) + self.beat_forms(piece)
        for block in self.prior:
            x = block(x)
        return _gaussian(self.prior_out(self.prior_norm(x)))

    def sample_beats(self, whole: Tensor, noise: Tensor, piece: BeatBatch) -> Latent:
        """Beats for a piece's vector ``(B, Z)``, one after another from noise ``(B, M, Y)``."""
        forms = self.beat_forms(piece)
        memories = [Memory(self.config.beat_span) for _ in self.prior]
        beat, beats = torch.zeros_like(noise[:, 0]), []
        for position in range(noise.shape[1]):
            x = self.prior_in(torch.cat([beat, whole], dim=-1)) + forms[:, position]
            for block, memory in zip(self.prior, memories, strict=True):
                x = block.step(x, memory, position)  # type: ignore[operator]  # a Block
            mean, log_variance = _gaussian(self.prior_out(self.prior_norm(x)))
            beat = mean + noise[:, position] * (0.5 * log_variance).exp()
            beats.append(beat)
        return Latent(whole, torch.stack(beats, dim=1))

    def condition(self, latent: Latent, piece: BeatBatch) -> Tensor:
        """``(B, J, W)`` what leads the writer."""
        whole = latent.piece[:, None].expand(-1, latent.beats.shape[1], -1)
        slots = self.lead_in(torch.cat([latent.beats, whole], dim=-1))  # (B, M, H W)
        slots = slots.unflatten(-1, (POOLS, -1))
        share = self.slots(self._context(piece)).float().softmax(dim=-1)  # (B, J, H)
        member = self.membership(piece)
        weights = (share[:, None] * member[..., None]).to(slots.dtype)  # (B, M, J, H)
        x = torch.einsum("bmjh,bmhw->bjw", weights, slots) + self.form(self._context(piece))
        for block in self.lead:
            x = block(x)
        heard: Tensor = self.lead_norm(x)
        return heard

    def outline(self, heard: Tensor, piece: BeatBatch) -> Tensor:
        """``Reading.skeleton`` of what ``condition`` gives."""
        voices, pitches = len(self.lowest), max(self.config.symbols) - FIRST_PITCH
        scores = self.skeleton(heard).float().view(*heard.shape[:2], voices, -1)
        by_height, by_degree = scores.split([pitches, 12], dim=-1)
        pitch = self.lowest[:, None] + torch.arange(pitches, device=heard.device)  # (V, P)
        degree = (pitch - piece.problem.tonic[:, None, None]) % 12  # (B, V, P)
        degree = degree[:, None].expand(-1, heard.shape[1], -1, -1)
        told: Tensor = (by_height + by_degree.gather(-1, degree)).log_softmax(dim=-1)
        return told

    def _context(self, piece: BeatBatch) -> Tensor:
        """``(B, J, stride * C)``"""
        context = piece.problem.context
        return context.reshape(len(context), -1, self.config.stride * context.shape[-1])


class Pool(nn.Module):
    """Attention by learned queries: what belongs together, summed up as one vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scores, self.values = nn.Linear(width, POOLS), nn.Linear(width, width)
        self.output, self.norm = nn.Linear(width, width), nn.LayerNorm(width)

    def forward(self, x: Tensor, member: Tensor) -> Tensor:
        """``(B, J, W)`` and which of them belong to each sum ``(B, M, J)`` -> ``(B, M, W)``."""
        scores = self.scores(x).float().transpose(1, 2)[:, :, None]  # (B, H, 1, J)
        scores = scores.masked_fill(~member[:, None], -1e9)  # (B, H, M, J)
        values = self.values(x).unflatten(-1, (POOLS, -1)).transpose(1, 2)  # (B, H, J, D)
        summed = scores.softmax(dim=-1).to(values.dtype) @ values  # (B, H, M, D)
        y: Tensor = self.norm(F.gelu(self.output(summed.transpose(1, 2).flatten(2))))
        return y


def divergence(q: Gaussian, p: Gaussian) -> Tensor:
    """The Kullback-Leibler divergence of ``q`` from ``p`` in each dimension, in nats."""
    variance = (q.log_variance - p.log_variance).exp()
    apart = (q.mean - p.mean).square() * (-p.log_variance).exp()
    return 0.5 * (variance + apart - 1 + p.log_variance - q.log_variance)


def standard(like: Gaussian) -> Gaussian:
    """N(0, I)."""
    return Gaussian(torch.zeros_like(like.mean), torch.zeros_like(like.mean))


def _gaussian(x: Tensor) -> Gaussian:
    mean, log_variance = x.float().chunk(2, dim=-1)
    return Gaussian(mean, log_variance.clamp(LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE))
