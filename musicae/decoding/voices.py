"""A decoder of voices at work: it scores symbols step by step, for many candidates at once.

Keys and values of the frames before are kept, so a frame is computed once. Candidates share no
state: each may stand at another step than the others.

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
"""The score of a frame that is not remembered."""
AHEAD = 512
"""Frames that are prepared at once: so memory does not grow with the length of a piece."""
KEPT = 4
"""Frames of which steps can be scored, at the same time."""
ROTARY = 10_000.0
"""The longest wavelength of rotary embedding, over 2 pi; see ``models.layers.Attention``."""


class Notes:
    """The notes of ``N`` candidates, those before the first step among them.

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
        """``(4, N, 1 + T, V)`` at the index of a step pitch, kind, age and leap of the voices at
        the step before it, as far as they are derived."""
        count, steps, voices = self.tokens.shape
        return np.full((4, count, 1 + steps, voices), NONE, dtype=np.int64)

    @property
    def pitch(self) -> Ints:
        """``(N, 1 + T, V)``: at the index of a step the pitches of the step before it."""
        found: Ints = self.fields[0]
        return found

    def go_on(self, candidates: Ints, first: int, stop: int) -> None:
        """Derive the notes of steps from ``first`` to ``stop`` from their symbols."""
        before = self.fields[:, candidates, first]
        for step in range(first, stop):
            before = notes_after(before, self.tokens[candidates, step], self.lowest)
            self.fields[:, candidates, step + 1] = before


class VoiceDecoder:
    """The logits of ``N`` candidates, given what conditions them.

    For each frame that a candidate reaches call ``begin``; then ``nats`` of steps of that frame, as
    often as their notes change. The results equal those of ``VoiceTransformer.decode`` up to
    rounding.
    """

    def __init__(
        self,
        model: Checkpoint,
        batch: MaskedBatch,
        conditioning: Floats32 | Conditioning,
        of: Ints,
    ) -> None:
        """``batch`` and ``conditioning`` ``(B, J, W)`` are of the pieces, the latter is that of
        ``VoiceTransformer.decode``; ``of`` ``(N,)`` is the piece of each candidate."""
        self.model, config = model, model.config
        self.stride, self.span = config.stride, config.span
        self.of, count = of, len(of)
        self.conditioning, self.context = conditioning, batch.context
        self.tonics, self.tonic = batch.tonic, batch.tonic[of]
        self.chords = _chord_codes(batch.context, len(config.chords))
        self.prepared = range(0)
        # Room for frames that are computed ahead, and may have to be computed again.
        self.room = self.span + KEPT
        shape = (count, config.decoder_layers, config.heads, self.room)
        depth = config.width // config.heads
        self.keys = np.zeros((*shape, depth), dtype=np.float32)
        self.values = np.zeros((*shape, depth), dtype=np.float32)
        self.states = np.zeros((count, KEPT, config.width), dtype=np.float32)
        """Of the last frames, by the remainders of their numbers."""
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
        else:  # a frame of absent notes stands before the piece
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
        """``(Q, U, S)`` the negative log-likelihood of each symbol of ``voices``.

        Row by row they are those of a candidate ``(Q,)`` at a step ``(Q,)``, whose frame has begun.
        ``seen`` ``(Q, U, V)`` are the voices of the step that each voice sees.
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
        """Prepare frames from this one on."""
        stop = min(frame + AHEAD, self.conditioning.shape[1])
        self.prepared = range(frame, stop)
        self.projected, self.added = self.model.run(
            "prepare",
            conditioning=self.conditioning[:, frame:stop],
            context=self.context[:, frame * self.stride : stop * self.stride],
        )


def _sees(order: Sequence[int]) -> Bools:
    """``(V, V)`` which voices are written before each voice."""
    turn = np.argsort(order)
    return turn[None, :] < turn[:, None]


def _chord_codes(context: Ints, qualities: int) -> Ints:
    """``(..., T, 3)`` the chord of each step, its bass, and the next chord, as graphs number
    them."""
    if not qualities:
        return np.zeros((*context.shape[:-1], 3), dtype=np.int64)
    columns = context[..., -len(COLUMNS) :]
    root, quality, bass, next_root, next_quality = (
        columns[..., COLUMNS.index(name)]
        for name in ("root", "quality", "bass", "next_root", "next_quality")
    )
    size = 1 + qualities
    return np.stack([root * size + quality, bass, next_root * size + next_quality], axis=-1)
