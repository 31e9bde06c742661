"""Sampling: the model's likelihood, the costs and random numbers decide each symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np

from musicae.core.arrays import Ints
from musicae.core.constants import N_VOICES
from musicae.core.progress import pulse
from musicae.decoding.choice import LIKELIEST, SamplingOptions, Tilts
from musicae.decoding.compiled import write
from musicae.decoding.conditioning import Conditioning
from musicae.decoding.constraints import close_of
from musicae.decoding.given_chords import GivenCosts
from musicae.decoding.levers import Levers
from musicae.decoding.motion_tilt import MotionTilt, places_of
from musicae.decoding.plan_costs import ALONG_LATENTS, PlanCosts
from musicae.decoding.sonority_tilt import SonorityTilt
from musicae.decoding.voices import Notes, VoiceDecoder
from musicae.decoding.writing import Samples, Writing
from musicae.encoding.batches import (
    beat_batch,
    concatenate,
    concatenate_beats,
    concatenate_latents,
    masked_batch,
)
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.step_features import SINCE_BEAT
from musicae.models.batches import Latent, MaskedBatch
from musicae.models.checkpoint import Checkpoint


def sample(
    model: Checkpoint,
    partials: Sequence[PartialScore],
    options: SamplingOptions,
    *,
    groups: Ints | None = None,
) -> Samples:
    """Complete each of some partial scores once, all in one batch.

    The partial scores may differ only in their plans. ``PlanCosts`` apply unless rules are off.
    ``GivenCosts`` always apply. A requested rhythm is reinforced by classifier-free guidance. For
    ``groups`` see ``Writing``.
    """
    first, n = partials[0], len(partials)
    asked = [partials]
    if first.rhythm:
        asked.append([replace(partial, rhythm=None) for partial in partials])
    decoders, notes = [], None
    for scores in asked:
        # Drafts of the same plan have the same context, so they are encoded once, as one piece.
        pieces: list[MaskedBatch] = []
        of: list[int] = []
        known: dict[bytes, int] = {}
        for score in scores:
            pulse()
            batch = masked_batch(score, model.config)
            of.append(known.setdefault(blake2b(batch.context.tobytes()).digest(), len(pieces)))
            if of[-1] == len(pieces):
                pieces.append(batch)
        batch = concatenate(pieces)
        decoders.append(VoiceDecoder(model, batch, Conditioning(model, batch), np.array(of)))
        notes = notes or Notes(pieces[0], n, model.config.lowest)
    plans = [partial.plan for partial in partials if partial.plan is not None]
    plan_costs = None
    if plans and options.rules != "off":
        closing = [close_of(first).step] * n
        plan_costs = PlanCosts(plans, len(first.chorale), closing, given=first.given)
    assert notes
    generator = np.random.default_rng(options.seed)
    writing = Writing(
        decoders,
        notes,
        partials,
        options,
        generator.random((n, len(first.chorale), N_VOICES)),
        plan_costs=plan_costs,
        given_costs=GivenCosts(first.given) if first.given else None,
        groups=groups,
    )
    return write(writing)


def decode_latents(
    model: Checkpoint,
    partials: Sequence[PartialScore],
    latents: Sequence[Latent],
    options: SamplingOptions,
    *,
    seeds: Sequence[Sequence[int]],
    blurs: Sequence[float],
    levers: Levers | None = None,
) -> Samples:
    """Decode latent vectors to chorales along plans, all in one batch.

    Passages of ``PartialScore.returns`` repeat their sources.

    Args:
        model: a VAE.
        partials: for each latent the form and the plan, with notes that are kept. The same voices
            are known at the same steps in all.
        latents: the latent vectors ``(1, ...)`` of each piece.
        options: how symbols are chosen.
        seeds: for each latent the numbers that, together with ``options.seed``, decide its random
            numbers.
        blurs: for each latent how inexact its vectors may be; see ``ChoraleVAE.condition``.
        levers: the amounts that sliders have set.
    """
    pieces = concatenate_beats([beat_batch(partial, model.config) for partial in partials])
    latent = concatenate_latents(latents)
    (conditioning,) = model.run(
        "condition",
        whole=latent.piece,
        vectors=latent.beats,
        context=pieces.masked.context,
        beats=pieces.beats,
        blur=np.array(blurs, dtype=np.float32),
    )
    # The decoder reads the first piece's mask; in a shorter piece the padding would count as known.
    longest = max(range(len(partials)), key=lambda i: len(partials[i].chorale))
    known = np.broadcast_to(pieces.masked.known[longest], pieces.masked.known.shape)
    batch = pieces.masked._replace(known=known)
    decoder = VoiceDecoder(model, batch, conditioning, np.arange(len(partials)))
    plans = [partial.plan for partial in partials if partial.plan is not None]
    plan_costs = None
    closing = [close_of(partial).step for partial in partials]
    if options.rules != "off" and len(plans) == len(partials):
        steps = max(len(partial.chorale) for partial in partials)
        ends = [partial.phrases or () for partial in partials]
        plan_costs = PlanCosts(plans, steps, closing, ALONG_LATENTS, ends=ends)
    tilts, tilt = Tilts(levers=levers), model.tensors["tilt"]
    if options.temperature != LIKELIEST and tilt.size:
        places = places_of(batch.context[..., SINCE_BEAT])
        tilts = Tilts(
            MotionTilt(tilt, places), SonorityTilt(model.tensors["sonority_tilt"], places), levers
        )
    shape = (max(len(partial.chorale) for partial in partials), N_VOICES)
    uniform = np.stack(
        [np.random.default_rng([options.seed, *seed]).random(shape) for seed in seeds]
    )
    writing = Writing(
        [decoder],
        Notes(batch, len(partials), model.config.lowest),
        partials,
        options,
        uniform,
        closing=closing,
        plan_costs=plan_costs,
        tilts=tilts,
    )
    return write(writing)
