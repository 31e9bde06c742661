"""A decoder of voices with its cache: it scores symbols step by step, for many candidates at once.

Keys and values of earlier frames are kept, so a frame is computed only once. Candidates share no
state, so each may be at a different step.

Axes: ``N`` candidates, ``T`` steps, ``V`` voices, ``J`` frames of ``stride`` steps, ``Q`` steps of
candidates, ``U`` voices that are scored, ``S`` symbols, ``M`` candidates whose frame is computed,
``R`` frames that are remembered, ``W`` width.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from musicae.core.arrays import Bools, Floats32, Ints
from musicae.decoding.conditioning import Conditioning
from musicae.encoding.notes import notes_after
from musicae.models.batches import MaskedBatch
from musicae.models.checkpoint import Checkpoint
from musicae.models.vocabulary import COLUMNS, HOLD, NONE

FAR = -1e9
"""The attention score of a frame that is not in the cache."""
AHEAD = 512
"""The most frames that are prepared at once. It limits the memory for long pieces."""
KEPT = 4
"""The number of latest frames whose steps can be scored."""
ROTARY = 10_000.0
"""The longest wavelength of the rotary embedding, divided by 2 pi; see
``models.layers.Attention``."""


class Notes:
    """The symbols of ``N`` candidates and the notes that are derived from them.

    Symbols that are neither known nor chosen count as holds.
    """

    def __init__(self, batch: MaskedBatch, count: int, lowest: Sequence[int]) -> None:
        """``batch`` has one piece for all candidates, or one for each."""
        self.lowest = np.array(lowest)
        self.known: Bools = batch.known[0]  # (T, V)
        tokens = np.where(self.known, batch.tokens, HOLD)
        self.tokens: Ints = np.broadcast_to(tokens, (count, *tokens.shape[1:])).copy()

    @cached_property
    def fields(self) -> Ints:
        """``(4, N, 1 + T, V)`` pitch, kind, age and leap of the voices. At the index of a step
        stand those of the step before it, or ``NONE`` if they are not derived yet."""
        count, steps, voices = self.tokens.shape
        return np.full((4, count, 1 + steps, voices), NONE, dtype=np.int64)

    @property
    def pitch(self) -> Ints:
        """``(N, 1 + T, V)`` the pitches. At the index of a step stand those of the step before."""
        found: Ints = self.fields[0]
        return found

    def go_on(self, candidates: Ints, first: int, stop: int) -> None:
        """Derive the notes of the steps from ``first`` to before ``stop`` from their symbols."""
        before = self.fields[:, candidates, first]
        for step in range(first, stop):
            before = notes_after(before, self.tokens[candidates, step], self.lowest)
            self.fields[:, candidates, step + 1] = before


class VoiceDecoder:
    """The negative log-likelihoods of symbols for ``N`` candidates, given their conditioning.

    Call ``begin`` for each frame that a candidate reaches. Then call ``nats`` for steps of that
    frame, and again after their notes change. The results equal those of
    ``VoiceTransformer.decode`` up to rounding.
    """

    def __init__(
        self,
        model: Checkpoint,
        batch: MaskedBatch,
        conditioning: Floats32 | Conditioning,
        of: Ints,
    ) -> None:
        """Prepare the cache.

        Args:
            model: the model.
            batch: ``B`` pieces.
            conditioning: ``(B, J, W)`` of the pieces; see ``VoiceTransformer.decode``.
            of: ``(N,)`` the index of the piece of each candidate.
        """
        self.model, config = model, model.config
        self.stride, self.span = config.stride, config.span
        self.of, count = of, len(of)
        self.conditioning, self.context = conditioning, batch.context
        self.tonics, self.tonic = batch.tonic, batch.tonic[of]
        self.chords = _chord_codes(batch.context, len(config.chords))
        self.prepared = range(0)
        # Frames may be computed ahead of the chosen symbols, and then computed again.
        self.room = self.span + KEPT
        shape = (count, config.decoder_layers, config.heads, self.room)
        depth = config.width // config.heads
        self.keys = np.zeros((*shape, depth), dtype=np.float32)
        self.values = np.zeros((*shape, depth), dtype=np.float32)
        self.states = np.zeros((count, KEPT, config.width), dtype=np.float32)
        """``(N, KEPT, W)`` the states of the last frames, at the frame number modulo ``KEPT``."""
        even = np.arange(0, depth, 2, dtype=np.float32)
        self.speed = np.float32(ROTARY) ** (-even / np.float32(depth))
        self.sees = _sees(config.order)  # (V, V) which are written before each voice

    def begin(self, candidates: Ints, frame: int, notes: Notes) -> None:
        """Run the decoder's layers for a frame of some candidates ``(M,)``."""
        if frame not in self.prepared:
            self._prepare(frame)
        everyone = len(candidates) == len(self.of)
        row = slice(None) if everyone else candidates
        piece, stride = self.of[candidates], self.stride
        steps = np.arange(frame * stride - stride + 1, frame * stride + 1)
        if frame:
            past = notes.fields[:, candidates[:, None], steps]  # (4, M, stride, V)
            chord = self.chords[piece[:, None], steps - 1, :1]
        else:  # before the piece is a frame without notes
            past = np.full((4, len(candidates), stride, notes.fields.shape[-1]), NONE)
            chord = np.zeros((len(candidates), stride, 1), dtype=np.int64)
        angle = np.float32(frame) * self.speed
        remembered = np.full(self.room, FAR, dtype=np.float32)
        remembered[np.arange(max(0, frame - self.span), frame) % (self.room)] = 0.0
        rows = len(candidates), 1
        state, key, value = self.model.run(
            "frame",
            pitch=past[0],
            kind=past[1],
            age=past[2],
            leap=past[3],
            chord=chord,
            tonic=self.tonic[candidates],
            conditioning=self.conditioning[piece, frame],
            projected=self.projected[piece, frame - self.prepared.start],
            keys=self.keys[row],
            values=self.values[row],
            mask=np.tile(remembered, rows),
            cos=np.tile(np.cos(angle), rows),
            sin=np.tile(np.sin(angle), rows),
        )
        place = frame % (self.room)
        self.keys[row, :, :, place], self.values[row, :, :, place] = key, value
        self.states[row, frame % KEPT] = state

    def nats(
        self, candidates: Ints, steps: Ints, voices: Sequence[int], notes: Notes, seen: Bools
    ) -> Floats32:
        """``(Q, U, S)`` the negative log-likelihood of each symbol of ``voices``, in nats.

        Args:
            candidates: ``(Q,)`` the candidate of each row.
            steps: ``(Q,)`` the step of each row; ``begin`` was called for its frame.
            voices: ``U`` numbers of voices.
            notes: the notes, derived up to these steps.
            seen: ``(Q, U, V)`` which voices of the step each voice is conditioned on.
        """
        piece = self.of[candidates]
        was = notes.fields[:, candidates, steps]
        now = notes.fields[:2, candidates, steps + 1]
        frame = steps // self.stride
        state = self.states[candidates, frame % KEPT]
        state += self.added[piece, steps - self.prepared.start * self.stride]
        found: Floats32 = self.model.run(
            "head",
            was=was[0],
            was_kind=was[1],
            was_age=was[2],
            was_leap=was[3],
            pitch=now[0],
            kind=now[1],
            state=state,
            chords=self.chords[piece, steps],
            tonic=self.tonic[candidates][:, None],
            seen=seen,
            voices=np.array(voices),
        )[0]
        return found

    def _prepare(self, frame: int) -> None:
        """Prepare ``AHEAD`` frames, beginning with this one."""
        stop = min(frame + AHEAD, self.conditioning.shape[1])
        self.prepared = range(frame, stop)
        self.projected, self.added = self.model.run(
            "prepare",
            conditioning=self.conditioning[:, frame:stop],
            context=self.context[:, frame * self.stride : stop * self.stride],
        )


def _sees(order: Sequence[int]) -> Bools:
    """``(V, V)`` which voices (columns) are written before each voice (rows)."""
    turn = np.argsort(order)
    return turn[None, :] < turn[:, None]


def _chord_codes(context: Ints, qualities: int) -> Ints:
    """``(..., T, 3)`` the chord of each step, its bass, and the next chord, as numbers that the
    graphs read."""
    if not qualities:
        return np.zeros((*context.shape[:-1], 3), dtype=np.int64)
    columns = context[..., -len(COLUMNS) :]
    root, quality, bass, next_root, next_quality = (
        columns[..., COLUMNS.index(name)]
        for name in ("root", "quality", "bass", "next_root", "next_quality")
    )
    size = 1 + qualities
    return np.stack([root * size + quality, bass, next_root * size + next_quality], axis=-1)
