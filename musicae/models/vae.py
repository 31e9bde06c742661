"""The chorale VAE: a variational autoencoder of whole chorales, with two levels of latent vectors.

The encoder computes the posterior of one vector for the piece and of one vector for each beat, as
normal distributions with diagonal covariance. A learned autoregressive prior gives the
distribution of each beat's vector, given the piece's vector and the vectors of earlier beats. It
is a mixture of normal distributions, because the next chord may be one of several. The vectors
determine the potentials of a chain of chords: the plan of the piece, with an exact likelihood.
Vectors and plan condition the decoder. Every part of the model also reads the form: length, meter,
phrases, key and style.

Source: Kingma and Welling 2014, *Auto-Encoding Variational Bayes*; the hierarchy follows Roberts et
al. 2018, *MusicVAE*, but there the bars have no latent vectors of their own.

Axes: those of ``voice_transformer``; ``M`` beats, ``Z`` dimensions of the piece's vector, ``Y`` of
a beat's vector, ``H`` heads of a pooling layer, ``L`` sliders, ``G`` styles ("no style" is one).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.models.batches import BeatBatch, Latent
from musicae.models.chord_planner import PlannerNetwork, Potentials
from musicae.models.configs import ChoraleVAEConfig, ChordPlannerConfig
from musicae.models.distributions import Gaussian, Mixture
from musicae.models.layers import Block, FeatureSum, Pool, group_sums
from musicae.models.notes import Notes
from musicae.models.vocabulary import FIRST_PITCH, NONE, POOLS
from musicae.models.voice_transformer import VoiceTransformer

BLURRED, MOST_BLUR = 0.6, 1.0
"""The share of pieces whose beat vectors get noise in training, and the largest amount of noise, in
standard deviations of all beat vectors."""
SHAPED = 0.05
"""The prior's gradient with respect to the piece's vector is multiplied by this."""
SURE = -3.0
"""The log-variance of the posterior before training."""


class Posterior(NamedTuple):
    """The distributions of the latent vectors of given pieces."""

    piece: Gaussian
    """``(B, Z)`` the pieces' vectors."""
    beats: Gaussian
    """``(B, M, Y)`` the beats' vectors."""

    @property
    def mean(self) -> Latent:
        """The means of both distributions."""
        return Latent(self.piece.mean, self.beats.mean)


class Reconstruction(NamedTuple):
    """The outputs of a forward pass."""

    logits: Tensor
    """``(B, T, V, S)`` from ``VoiceTransformer.decode``."""
    skeleton: Tensor
    """``(B, J, V, P)`` log-probabilities of the pitches at the first step of each frame, predicted
    from the latent vectors alone."""
    plan: Potentials
    """The chains of chords of the ``B`` pieces, each of up to ``M`` beats."""
    posterior: Posterior
    prior: Mixture
    """``(B, M, Y)`` the prior of each beat's vector, given the vectors of earlier beats."""
    drawn: Tensor | None
    """``(B, M, Y)`` the samples of the beats' posterior; None if the means were used."""
    real: Tensor
    """``(B, M)`` bool: True for beats of the piece, False for padding."""


class ChoraleVAE(VoiceTransformer):
    """Encoder, prior and decoder, with statistics of the training pieces' latent vectors."""

    config: ChoraleVAEConfig
    latent_mean: Tensor
    """``(G, Z)`` the mean of the training pieces' vectors: row 0 of all pieces, then of each
    style."""
    latent_spread: Tensor
    """``(Z, Z)`` lower Cholesky factor of the covariance of these vectors within the styles."""
    beat_mean: Tensor
    """``(Y,)`` the mean of the vectors of the training pieces' beats."""
    tilt: Tensor
    sonority_tilt: Tensor
    plan_tilt: Tensor
    """Corrections of sampling, in nats; see ``latent.tilt``. Their shapes are in the config."""
    directions: Tensor
    """``(L, Y + levers)``: for each of ``config.sliders`` the shift of all beats' vectors and of
    the levers that raises its attribute by one standard deviation of the training pieces."""

    def __init__(self, config: ChoraleVAEConfig) -> None:
        super().__init__(config)
        width, y, z = config.width, config.beat, config.piece

        def blocks(count: int, span: int, causal: bool) -> nn.ModuleList:
            shape = (width, config.heads, span, config.dropout, causal)
            return nn.ModuleList(Block(*shape) for _ in range(count))

        self.beat_pool, self.piece_pool = Pool(width, POOLS), Pool(width, POOLS)
        self.to_piece, self.to_beat = nn.Linear(width, 2 * z), nn.Linear(width + z, 2 * y)
        for to_latent in (self.to_piece, self.to_beat):
            # With uninformative vectors at first, the decoder would learn to ignore them.
            nn.init.normal_(to_latent.weight[: to_latent.out_features // 2], std=width**-0.5)
            nn.init.constant_(to_latent.bias[to_latent.out_features // 2 :], SURE)
        self.form = FeatureSum(list(config.form) * config.stride, width)
        self.prior_in = nn.Linear(y + z, width)
        self.prior = blocks(config.prior_layers, config.beat_span, causal=True)
        self.prior_norm = nn.LayerNorm(width)
        self.prior_out = nn.Linear(width, config.components * (1 + 2 * y))
        self.lead_in = nn.Linear(y + z, POOLS * width)
        self.blurred = nn.Linear(1, width, bias=False)
        nn.init.zeros_(self.blurred.weight)
        self.slots = FeatureSum(list(config.form) * config.stride, POOLS)
        self.lead = blocks(config.lead_layers, config.span, causal=False)
        self.lead_norm = nn.LayerNorm(width)
        highest = max(config.symbols) - FIRST_PITCH
        self.skeleton = nn.Linear(width, len(config.lowest) * (highest + 12))
        self.plan = PlannerNetwork(
            ChordPlannerConfig(2 + y + z + width, config.states, width=config.planner)
        )
        self.register_buffer("latent_mean", torch.zeros(config.styles, z))
        self.register_buffer("latent_spread", torch.eye(z))
        self.register_buffer("beat_mean", torch.zeros(y))
        self.register_buffer("tilt", torch.zeros(config.tilt))
        self.register_buffer("sonority_tilt", torch.zeros(config.sonority_tilt))
        self.register_buffer("plan_tilt", torch.zeros(config.plan_tilt))
        self.register_buffer("directions", torch.zeros(len(config.sliders), y + config.levers))

    def forward(self, piece: BeatBatch, forgotten: Tensor | None = None) -> Reconstruction:
        """Encode chorales and reconstruct them.

        In training mode the latent vectors are samples of the posterior, with noise for some
        pieces; in evaluation mode they are its means. ``forgotten`` is passed to
        ``VoiceTransformer.decode``.
        """
        notes = self.tokens_to_notes(piece.masked.tokens)
        posterior = self.encode(piece, notes)
        latent, drawn, blur = posterior.mean, None, None
        if self.training:
            drawn = posterior.beats.draw()
            latent = Latent(posterior.piece.draw(), drawn)
            blur = torch.rand(len(drawn), device=drawn.device) * MOST_BLUR
            blur = blur * (torch.rand_like(blur) < BLURRED)
        whole = torch.lerp(latent.piece.detach(), latent.piece, SHAPED)
        prior = self.beat_prior(Latent(whole, latent.beats.detach()), piece)
        real = self.real_beats(piece)
        if blur is not None:
            spread = latent.beats[real].std(dim=0).detach()
            noise = blur[:, None, None] * spread * torch.randn_like(latent.beats)
            latent = latent._replace(beats=latent.beats + noise)
        conditioning = self.condition(latent, piece, blur)
        logits = self.decode(notes, piece.masked, conditioning, forgotten)
        return Reconstruction(
            logits,
            self.outline(conditioning, piece),
            self.potentials(latent, piece, blur),
            posterior,
            prior,
            drawn,
            real,
        )

    def encode(self, piece: BeatBatch, notes: Notes) -> Posterior:
        """The posterior of whole chorales; ``notes`` are all their notes."""
        every = piece.masked._replace(known=torch.ones_like(piece.masked.known))
        frames = self.encode_known(notes, every) + self.form(self._form(piece))
        beats = self.beat_pool(frames, piece.beats, beat_count(piece))  # (B, M, W)
        real = torch.where(self.real_beats(piece), 0, NONE)
        whole = self.piece_pool(beats, real, 1)[:, 0]  # (B, W)
        of_piece = Gaussian.of(self.to_piece(whole))
        piece_mean = of_piece.mean.to(beats.dtype)[:, None].expand(-1, beats.shape[1], -1)
        return Posterior(
            of_piece, Gaussian.of(self.to_beat(torch.cat([beats, piece_mean], dim=-1)))
        )

    def real_beats(self, piece: BeatBatch) -> Tensor:
        """``(B, M)`` bool: True for beats that have frames, False for padding."""
        return self._frames(piece)[..., 0] > 0

    def beat_forms(self, piece: BeatBatch) -> Tensor:
        """``(B, M, W)`` the form of each beat: the mean of its frames' embedded contexts."""
        forms = self.form(self._form(piece))
        sums = group_sums(forms, piece.beats, beat_count(piece))
        return sums / self._frames(piece).to(forms.dtype).clamp_min(1)

    def _frames(self, piece: BeatBatch) -> Tensor:
        """``(B, M, 1)`` the number of frames of each beat."""
        ones = torch.ones_like(piece.beats[..., None], dtype=torch.float32)
        return group_sums(ones, piece.beats, beat_count(piece))

    def beat_prior(self, latent: Latent, piece: BeatBatch) -> Mixture:
        """``(B, M, Y)`` the prior of each beat's vector, given the piece's and earlier beats'."""
        before = F.pad(latent.beats, (0, 0, 1, 0))[:, :-1]
        whole = latent.piece[:, None].expand(-1, before.shape[1], -1)
        x = self.prior_in(torch.cat([before, whole], dim=-1)) + self.beat_forms(piece)
        for block in self.prior:
            x = block(x)
        return Mixture.of(self.prior_out(self.prior_norm(x)), self.config.components)

    def draw_beat(
        self, before: Latent, form: Tensor, numbers: Latent, position: Tensor, past: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Draw one beat's vector from the prior.

        Args:
            before: the piece's vector ``(B, Z)``, and the vector of the beat before ``(B, Y)``,
                zeros for the first beat.
            form: ``(B, W)`` the form of the beat; see ``beat_forms``.
            numbers: random numbers, uniform ``(B,)`` and standard normal ``(B, Y)``.
            position: ``(1,)`` the number of the beat, from 0.
            past: ``(P, layers, 2, B, W)`` keys and values of up to ``beat_span`` earlier beats.

        Returns the vector ``(B, Y)`` and the beat's own keys and values ``(1, layers, 2, B, W)``.
        """
        x = self.prior_in(torch.cat([before.beats, before.piece], dim=-1)) + form
        kept = []
        for layer, block in enumerate(self.prior):
            x, own = block.extend(x, past[:, layer], position)  # type: ignore[operator]  # a Block
            kept.append(own)
        prior = Mixture.of(self.prior_out(self.prior_norm(x)), self.config.components)
        return prior.at(*numbers), torch.stack(kept, dim=1)

    def potentials(
        self, latent: Latent, piece: BeatBatch, blur: Tensor | None = None
    ) -> Potentials:
        """The chain of chords for latent vectors and form; its states are ``config.states``.

        ``blur`` is described in ``condition``.
        """
        count = latent.beats.shape[1]
        whole = latent.piece[:, None].expand(-1, count, -1)
        mode = piece.masked.context[:, :1, self.config.mode].expand(-1, count)
        modes = torch.stack([mode == 0, mode == 1], dim=-1).to(whole.dtype)
        forms = self.beat_forms(piece).to(whole.dtype) + self._blurred(blur)
        lengths = piece.beats.max(dim=1).values + 1
        found: Potentials = self.plan(torch.cat([modes, latent.beats, whole, forms], -1), lengths)
        return Potentials(*(part.float() for part in found))

    def condition(self, latent: Latent, piece: BeatBatch, blur: Tensor | None = None) -> Tensor:
        """``(B, J, W)`` the conditioning of the decoder, from latent vectors and form.

        ``blur`` ``(B,)`` is the standard deviation of the noise that the model expects in the
        beats' vectors, in standard deviations of all beats' vectors; at least 0, None for no noise.
        In training that much noise is added. With a higher value the decoder relies less on the
        vectors and more on the notes before. (Conditioning augmentation: Ho et al. 2022, *Cascaded
        Diffusion Models*.)
        """
        count = latent.beats.shape[1]
        whole = latent.piece[:, None].expand(-1, count, -1)
        slots = self.lead_in(torch.cat([latent.beats, whole], dim=-1))  # (B, M, H W)
        rows = torch.arange(slots.shape[0], device=slots.device)[:, None] * count
        slots = slots.flatten(0, 1)[rows + piece.beats.clamp_min(0)]  # (B, J, H W)
        slots = slots.unflatten(-1, (POOLS, -1))
        share = self.slots(self._form(piece)).float().softmax(dim=-1)  # (B, J, H)
        share = share.masked_fill((piece.beats == NONE)[..., None], 0.0).to(slots.dtype)
        x = (share[:, :, None] @ slots)[:, :, 0] + self.form(self._form(piece))
        x = x + self._blurred(blur)
        for block in self.lead:
            x = block(x)
        conditioning: Tensor = self.lead_norm(x)
        return conditioning

    def _blurred(self, blur: Tensor | None) -> Tensor:
        """``(B, 1, W)`` the embedding of ``blur``; zeros if it is None."""
        if blur is None:
            return torch.zeros(1, 1, 1, device=self.beat_mean.device)
        added: Tensor = self.blurred(blur[:, None, None])
        return added

    def outline(self, conditioning: Tensor, piece: BeatBatch) -> Tensor:
        """The skeleton of ``Reconstruction``, from the output of ``condition``."""
        voices, pitches = len(self.lowest), max(self.config.symbols) - FIRST_PITCH
        scores = self.skeleton(conditioning).float()
        scores = scores.view(*conditioning.shape[:2], voices, -1)
        by_height, by_degree = scores.split([pitches, 12], dim=-1)
        pitch = self.lowest[:, None] + torch.arange(pitches, device=conditioning.device)  # (V, P)
        degree = (pitch - piece.masked.tonic[:, None, None]) % 12  # (B, V, P)
        degree = degree[:, None].expand(-1, conditioning.shape[1], -1, -1)
        log_shares: Tensor = (by_height + by_degree.gather(-1, degree)).log_softmax(dim=-1)
        return log_shares

    def _form(self, piece: BeatBatch) -> Tensor:
        """``(B, J, stride * C)`` the context of each frame's steps without the plan's columns."""
        context = piece.masked.context[..., : len(self.config.form)]
        form: Tensor = context.reshape(
            context.shape[0], -1, self.config.stride * len(self.config.form)
        )
        return form


def beat_count(piece: BeatBatch) -> int:
    """The number of beats of the longest piece, as a tensor so that it can be traced for export."""
    count: int = piece.beats.max() + 1
    return count
