"""The transformer that the harmonizer and the VAE share: an encoder and a decoder of voices.

The bidirectional encoder reads known notes. The autoregressive decoder reads a conditioning vector
for each frame and writes step by step; within a step it writes the voices in a fixed order, outer
voices first. Each symbol is conditioned on all symbols before it, so the likelihood is exact (cf.
Huang et al. 2018, *Music Transformer*; Peracha 2019, *TonicNet*).

Notes are encoded relative to the key and to each other: by scale degree, melodic interval and the
intervals between voices. A pitch is scored by its height, its degree, its melodic interval and its
interval to each other voice. So patterns that are learned in one key apply in every key.

Axes: ``B`` pieces or candidates, ``T`` steps (sixteenths), ``V`` voices, ``J`` frames of
``stride`` steps, ``C`` columns of context, ``P`` pitches of a voice, ``S`` symbols of a voice,
``U`` voices that are scored, ``K`` features, ``R`` relations by which a pitch is scored, ``I``
intervals, ``D`` dimensions of a query, ``W`` width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.models.batches import MaskedBatch
from musicae.models.chords import ChordMembers, Chords
from musicae.models.configs import VoiceTransformerConfig
from musicae.models.layers import Block, Dropout, FeatureSum, FeedForward
from musicae.models.notes import Notes, Steps, interval_between, later, leap_of, notes_of
from musicae.models.vocabulary import (
    AGES,
    CHORD_RELATIONS,
    FIRST_PITCH,
    INTERVALS,
    NONE,
    PLACES,
    RELATIONS,
    SILENT,
    UNKNOWN,
    WIDEST_LEAP,
)


class Turn(NamedTuple):
    """Parameters for scoring the symbols of ``U`` voices."""

    which: tuple[Tensor, Tensor]
    """``(U,)`` 0 to ``U - 1`` and ``(U,)`` the voices: an index into ``(..., U, V, 2)``."""
    table: Tensor
    """``(U, R, I, D)`` the key vectors of the intervals."""
    outside: Tensor
    """``(U, P)`` bool: True for pitches above the highest of the voice."""


class VoiceTransformer(nn.Module):
    """Encoder and decoder of voices; subclasses define the conditioning of the decoder."""

    lowest: Tensor
    """``(V,)`` the lowest MIDI pitch of each voice."""
    symbols: Tensor
    """``(V,)`` the number of symbols of each voice."""
    ages: Tensor
    """The bounds ``AGES``."""
    upper: Tensor
    """The upper voice of each pair of voices."""
    lower: Tensor
    """The lower voice of each pair of voices."""
    calibration: Tensor
    """``(1,)`` the softmax temperature that ``training.calibration`` fits."""

    def __init__(self, config: VoiceTransformerConfig) -> None:
        super().__init__()
        self.config = config
        voices, width = len(config.lowest), config.width
        self.floor = min(config.lowest)
        self.voices = range(voices)

        def constant(name: str, values: Sequence[int]) -> None:
            self.register_buffer(name, torch.tensor(values), persistent=False)

        constant("lowest", config.lowest)
        constant("symbols", config.symbols)
        constant("ages", AGES)
        constant("upper", [a for a in self.voices for _ in range(a + 1, voices)])
        constant("lower", [b for a in self.voices for b in range(a + 1, voices)])
        highest = max(
            low + size - FIRST_PITCH
            for low, size in zip(config.lowest, config.symbols, strict=True)
        )
        voice = [4, highest - self.floor, 12, len(AGES) + 1, 2 * WIDEST_LEAP + 1]
        step = [*voice * voices, *[INTERVALS] * len(self.upper)]
        places = [PLACES] * voices if config.chords else []
        place_and_context = [*places, *config.context]
        frame = (step + place_and_context) * config.stride
        relations = RELATIONS + voices + (CHORD_RELATIONS if config.chords else 0)

        def blocks(count: int, causal: bool) -> nn.ModuleList:
            shape = (width, config.heads, config.span, config.dropout, causal)
            return nn.ModuleList(Block(*shape) for _ in range(count))

        self.known = FeatureSum(frame, width)
        self.encoder = blocks(config.encoder_layers, causal=False)
        self.encoder_norm = nn.LayerNorm(width)
        self.past = FeatureSum(frame, width)
        self.decoder = blocks(config.decoder_layers, causal=True)
        # Projects the conditioning of the decoder; the name is a key of the shipped weights.
        self.heard = nn.Linear(width, width)
        self.decoder_norm = nn.LayerNorm(width)
        self.to_step = nn.Linear(2 * width, width)
        self.before = FeatureSum(step + place_and_context, width)
        self.now = FeatureSum([*step, *[INTERVALS] * voices, *places, voices], width)
        self.head = nn.ModuleList(FeedForward(width, 2 * width) for _ in range(config.head_layers))
        self.score_norm = nn.LayerNorm(width)
        self.hold_or_rest = nn.Linear(width, 2 * voices)
        self.queries = nn.Linear(width, relations * config.depth)
        # For each voice and relation: one key vector for each interval to a note of this step, one
        # for each interval to a note of the step before, and one for an absent note. The relations
        # that are no intervals use fewer of them: one for each height, degree or place in a chord.
        shape = (voices, relations, 2 * INTERVALS + 1, config.depth)
        self.intervals = nn.Parameter(torch.randn(shape) * 0.5 * config.depth**-0.5)
        self.dropout = Dropout(config.dropout)
        self.register_buffer("calibration", torch.ones(1))
        self.members = ChordMembers(config.chords)

    def decode(
        self,
        notes: Notes,
        batch: MaskedBatch,
        conditioning: Tensor,
        forgotten: Tensor | None = None,
        *,
        unknown_only: bool = False,
    ) -> Tensor:
        """The logits of each voice's symbols at each step, given all symbols before it.

        Args:
            notes: ``tokens_to_notes(batch.tokens)``.
            batch: the pieces. The decoder reads the known symbols of a step even if their voices
                come later in the order.
            conditioning: ``(B, J, W)`` the conditioning vector of each frame.
            forgotten: ``(B, J)`` bool: frames for which the decoder does not read the frames
                before, only the step before.
            unknown_only: do not compute the logits of known symbols; they are 0. Training uses
                this, because it does not need them and half of the symbols are known.

        Returns ``(B, T, V, S)``; ``S`` is the largest vocabulary of all voices. The logits of
        symbols that a voice does not have are ``-inf``.
        """
        _, known, context, tonic = batch
        tonic = tonic[:, None, None]
        chords = Chords.of(context) if self.config.chords else None
        step = self.step_features(notes, tonic)  # (B, T, K)
        frames = self.with_places(step, notes.pitch, tonic, chords)
        past = self.dropout(self.past(self.frames(later(frames, self.config.stride), context)))
        if forgotten is not None:
            past = past.masked_fill(forgotten[..., None], 0.0)
        x = past + self.heard(conditioning)
        for block in self.decoder:
            x = block(x)
        x = self.to_step(torch.cat([self.decoder_norm(x), conditioning], dim=-1))
        x = x.repeat_interleave(self.config.stride, dim=1)  # (B, T, W)
        before = Notes(*map(later, notes))
        last = self.with_places(later(step), before.pitch, tonic, chords)
        x = x + self.before(torch.cat([last, context], dim=-1))
        steps = Steps(x, before.pitch, notes, known, tonic.expand(*known.shape[:2], 1), chords)
        if not unknown_only:
            return self.symbol_logits(list(self.voices), steps)
        size = max(self.config.symbols)
        logits = [x.new_zeros(*known.shape[:2], size, dtype=torch.float32) for _ in self.voices]
        for voice in self.voices:
            rows = (~known[..., voice]).nonzero(as_tuple=True)
            if len(rows[0]):
                found = self.symbol_logits([voice], steps.at(rows))[:, 0]
                logits[voice] = logits[voice].index_put(rows, found)
        return torch.stack(logits, dim=-2)

    def symbol_logits(self, voices: list[int], steps: Steps) -> Tensor:
        """The logits ``(..., U, S)`` of some voices at steps with all symbols given."""
        step, before, notes, known, tonic, chords = steps
        seen = self.seen(known[..., None, :])[..., voices, :]  # (..., U, V)
        now = Notes(*(part[..., None, :] for part in notes)).where(seen)
        own, others = before[..., voices, None], before[..., None, :]
        # Notes of this step have no age; their leap is the motion from the step before.
        moves = now._replace(age=torch.full_like(now.age, NONE), leap=leap_of(others, now.pitch))
        which = torch.tensor(voices, device=step.device)[:, None].expand(own.shape)
        apart = [self.step_features(moves, tonic[..., None]), interval_between(own, now.pitch)]
        each = Chords(*(part[..., None] for part in chords)) if chords else None
        placed = self.with_places(torch.cat(apart, dim=-1), now.pitch, tonic[..., None], each)
        index = self.pitch_index(voices, others, now, tonic, chords)  # (..., U, R, P)
        features = torch.cat([placed, which], dim=-1)
        return self.score(self.turn(voices), step, features, index, own == NONE)

    def encode_known(self, notes: Notes, batch: MaskedBatch) -> Tensor:
        """The encoding ``(B, J, W)`` of the known notes; ``notes`` are all notes of the batch."""
        _, known, context, tonic = batch
        # The leap to a note and the age of a rest depend on earlier steps, which may be unknown.
        begun = torch.arange(known.shape[1], device=known.device)[:, None] - notes.age
        known_before = known.gather(1, (begun - 1).clamp_min(0))
        seen = notes.where(known)
        seen = seen._replace(
            age=torch.where(seen.kind == SILENT, NONE, seen.age),
            leap=torch.where(known_before, seen.leap, NONE),
        )
        tonic = tonic[:, None, None]
        chords = Chords.of(context) if self.config.chords else None
        step = self.with_places(self.step_features(seen, tonic), seen.pitch, tonic, chords)
        x = self.dropout(self.known(self.frames(step, context)))
        for block in self.encoder:
            x = block(x)
        encoding: Tensor = self.encoder_norm(x)
        return encoding

    def tokens_to_notes(self, tokens: Tensor) -> Notes:
        """The notes that the symbols ``(B, T, V)`` of whole pieces stand for."""
        return notes_of(tokens, self.lowest)

    def seen(self, known: Tensor) -> Tensor:
        """``(..., U, V)`` bool: the other voices of a step that the decoder reads for each voice.

        These are the voices that are ``known`` ``(..., 1, V)`` and those written before it.
        """
        turn = [self.config.order.index(voice) for voice in self.voices]
        chosen = [[other < own for other in turn] for own in turn]
        others = ~torch.eye(len(turn), dtype=torch.bool, device=known.device)
        return (known | torch.tensor(chosen, device=known.device)) & others

    def turn(self, voices: list[int]) -> Turn:
        """The parameters for scoring the symbols of ``voices``."""
        every = voices == list(self.voices)
        table = self.intervals if every else self.intervals[voices]
        steps = torch.arange(max(self.config.symbols) - FIRST_PITCH, device=table.device)
        which = (
            torch.arange(len(voices), device=table.device),
            torch.tensor(voices, device=table.device),
        )
        return Turn(which, table, steps >= self.symbols[voices, None] - FIRST_PITCH)

    def score(
        self, turn: Turn, step: Tensor, features: Tensor, index: Tensor, silent: Tensor
    ) -> Tensor:
        """The logits ``(..., U, S)`` of the symbols of ``U`` voices at a step.

        Args:
            turn: the parameters of these voices.
            step: ``(..., W)`` the decoder's output for the step.
            features: ``(..., U, K)`` the features of the notes of this step that are read for each
                voice; see ``seen``.
            index: ``(..., U, R, P)`` from ``pitch_index``.
            silent: ``(..., U, 1)`` bool: voices that rest at the step before, so they cannot hold.
        """
        x = self.dropout(step[..., None, :] + self.now(features))
        for layer in self.head:
            x = x + self.dropout(layer(x))
        x = self.score_norm(x)  # (..., U, W)
        queries = self.queries(x).view(*x.shape[:-1], -1, self.config.depth)  # (..., U, R, D)
        scores = torch.einsum("...urd,urid->...uri", queries, turn.table.to(queries.dtype))
        pitches = scores.gather(-1, index).float().sum(dim=-2)
        pitches = pitches.masked_fill(turn.outside, -torch.inf)
        hold_or_rest = self.hold_or_rest(x).float().view(*x.shape[:-1], -1, 2)
        hold_or_rest = hold_or_rest[..., *turn.which, :]
        hold = hold_or_rest[..., :1].masked_fill(silent, -torch.inf)
        return torch.cat([hold, hold_or_rest[..., 1:], pitches], dim=-1) / self.calibration

    def pitch_index(
        self,
        voices: list[int],
        before: Tensor,
        now: Notes,
        tonic: Tensor,
        chords: Chords | None = None,
    ) -> Tensor:
        """``(..., U, R, P)`` the indices of each pitch's relations in the tables of intervals.

        The relations are height, degree, the interval to each voice and, if there are ``chords``,
        those of ``ChordMembers.relations``.

        Args:
            voices: the ``U`` voices to score.
            before: ``(..., U or 1, V)`` the pitches of the step before.
            now: the notes of this step; unknown for voices that are not written yet. The interval
                to such a voice is taken from the step before.
            tonic: the pitch classes of the tonics, broadcast to ``(..., U)``.
            chords: ``(...)`` the chords; None if the model follows no plan.
        """
        steps = torch.arange(max(self.config.symbols) - FIRST_PITCH, device=before.device)
        pitches = self.lowest[voices, None, None] + steps  # (U, 1, P)
        chosen = now.kind != UNKNOWN
        other = torch.where(chosen, now.pitch, before)[..., None]  # (..., U, V, 1)
        # The table holds intervals to notes of this step, then to notes of the step before.
        interval = interval_between(pitches, other) + torch.where(chosen, 0, INTERVALS)[..., None]
        interval = interval.masked_fill(other == NONE, 2 * INTERVALS)
        first = (*interval.shape[:-2], 1, -1)
        height = (pitches - self.floor).expand(first)
        degree = (pitches - tonic[..., None, None]) % 12  # (..., U, 1, P)
        relations = [height, degree.expand(first), interval]
        if chords:
            each = Chords(*(part[..., None] for part in chords))
            places = self.members.relations(degree.squeeze(-2), each)  # (..., U, 3, P)
            relations.append(places.expand(*interval.shape[:-2], -1, -1))
        return torch.cat(relations, dim=-2)

    def step_features(self, notes: Notes, tonic: Tensor) -> Tensor:
        """Notes ``(..., V)`` -> ``(..., K)``, the features that ``FeatureSum`` layers embed."""
        silent = notes.pitch == NONE
        height = (notes.pitch - self.floor).masked_fill(silent, NONE)
        degree = ((notes.pitch - tonic) % 12).masked_fill(silent, NONE)
        age = torch.bucketize(notes.age, self.ages, right=True)
        age = age.masked_fill(notes.age == NONE, NONE)
        voices = torch.stack([notes.kind, height, degree, age, notes.leap], dim=-1).flatten(-2)
        between = interval_between(notes.pitch[..., self.upper], notes.pitch[..., self.lower])
        return torch.cat([voices, between], dim=-1)

    def with_places(
        self, features: Tensor, pitch: Tensor, tonic: Tensor, chords: Chords | None
    ) -> Tensor:
        """Features ``(..., K)``, extended by the place of each pitch ``(..., V)`` in ``chords``.

        If ``chords`` is None, they are not extended.
        """
        if chords is None:
            return features
        degree = ((pitch - tonic) % 12).masked_fill(pitch == NONE, NONE)
        places = self.members(degree, chords.root[..., None], chords.quality[..., None])
        return torch.cat([features, places], dim=-1)

    def frames(self, step: Tensor, context: Tensor) -> Tensor:
        """Features ``(B, T, K)`` and context ``(B, T, C)`` of the steps, joined for each frame:
        ``(B, J, stride * (K + C))``."""
        both = torch.cat([step, context], dim=-1)
        return both.reshape(both.shape[0], -1, self.config.stride * both.shape[-1])


def surprise(logits: Tensor, batch: MaskedBatch) -> Tensor:
    """``(B, T, V)`` the negative log-likelihood of each unknown symbol in nats; 0 for known ones.

    ``logits`` come from ``VoiceTransformer.decode``. The sum is the exact negative log-likelihood
    of the unknown symbols, given the known ones.
    """
    nats = F.cross_entropy(logits.float().flatten(0, -2), batch.tokens.flatten(), reduction="none")
    # Known symbols may be impossible for the model; their negative log-likelihood is infinite.
    return nats.view(batch.tokens.shape).masked_fill(batch.known, 0.0)
