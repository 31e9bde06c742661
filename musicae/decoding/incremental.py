"""Incremental decoding of a batch of candidates with cached keys and values.

Features of notes (degrees, intervals, ages) are read from tables that the model has filled once:
for the few notes of a step a look-up is faster than tensor operations.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicae.core.arrays import Bools, Ints
from musicae.decoding.lookup import FewRows, Lookup, StepNotes
from musicae.models.batches import MaskedBatch
from musicae.models.chords import Chords
from musicae.models.layers import Memory
from musicae.models.vocabulary import (
    CHORD_RELATIONS,
    COLUMNS,
    FIRST_PITCH,
    HOLD,
    NONE,
    PARTS,
    UNKNOWN,
)
from musicae.models.voice_transformer import VoiceTransformer


class Turn(NamedTuple):
    """What scoring the symbols of ``U`` voices needs, where the same voices are known."""

    voices: Ints
    """``(U,)``."""
    seen: Ints
    """``(U, V)`` which voices of the step each of them sees, 0 or 1."""
    visible: Bools
    """``(U, K)`` which features of the step's notes each of them sees."""
    place: Ints
    """``(U, 2, N, P)`` the indices of each pitch's height and degree in the table."""
    table: Tensor
    """``(U * R, D, I)`` the key vectors of the intervals."""
    outside: Bools
    """``(U, P)`` which pitches lie above a voice's highest."""


class IncrementalDecoder:
    """Incremental decoding of ``N`` candidates at once.

    At each step call ``begin``; then, for unknown voices in the model's order, ``logits`` and
    ``set_symbols``. The logits equal those of ``VoiceTransformer.decode`` up to rounding. The time
    depends on the number of operations more than on their size: so notes are kept in NumPy, and
    their features come from a ``Lookup``.

    Axes: ``N`` candidates, ``U`` voices that are scored, ``V`` voices, ``J`` frames, ``P`` pitches
    of a voice, ``S`` symbols, ``R`` relations, ``M`` candidates that are scored.
    """

    def __init__(
        self, model: VoiceTransformer, batch: MaskedBatch, conditioning: Tensor, count: int
    ) -> None:
        """Prepare for decoding ``count`` candidates from their first step on.

        ``batch`` has one piece for all candidates, or one for each; the same voices are known at
        the same steps in all. ``conditioning`` ``(B, J, W)`` is that of
        ``VoiceTransformer.decode``.
        """
        self.model, self.batch, self.count = model, batch, count
        self.conditioning = conditioning.expand(count, -1, -1)
        self.projected = model.heard(conditioning).expand(count, -1, -1)
        self.lookup = Lookup(model, batch.tonic.expand(count))
        self.context = batch.context.expand(count, -1, -1).numpy()
        self.known = batch.known[0].numpy()
        tokens = np.where(self.known, batch.tokens.numpy(), HOLD)
        # Unknown symbols count as holds until they are set.
        self.tokens = np.broadcast_to(tokens, (count, *tokens.shape[1:]))
        self.past, self.last, self.moves = map(FewRows, (model.past, model.before, model.now))
        self.calibration = model.calibration.numpy()
        self.sees = model.seen(torch.zeros_like(batch.known[0, 0])).numpy()  # (U, V)
        # The features of notes that are neither known nor chosen, by columns of ``model.now``.
        voices = len(model.lowest)
        kinds_first = [UNKNOWN, *[NONE] * (PARTS - 1)] * voices
        apart = len(self.lookup.upper) + voices + 1 + (voices if model.config.chords else 0)
        self.unseen = np.array([*kinds_first, *[NONE] * apart])
        self.memories = [Memory(model.config.span) for _ in model.decoder]
        self.voices = np.arange(len(model.lowest))
        self.now = StepNotes(*np.full((4, count, len(self.voices)), NONE))
        self.chords = np.zeros((count, len(COLUMNS)), dtype=np.int64)
        # How the twelve degrees stand to the chords of each step, (N, T, 3, 12).
        self.relations: Ints | None = None
        if model.config.chords:
            chords = Chords.of(batch.context.expand(count, -1, -1))
            self.relations = model.members.relations(torch.arange(12), chords).numpy()
        self.turns: dict[tuple[bytes, tuple[int, ...]], Turn] = {}
        self.recent: list[Ints] = []
        self.position = -1
        # The logits of this step, and which of them hold for what is chosen by now.
        self.scores = np.empty((count, len(self.voices), max(model.config.symbols)), np.float32)
        self.valid = np.zeros(self.scores.shape[:2], dtype=np.bool_)

    def begin(self) -> None:
        """Go on to the next step, and set its known symbols."""
        stride = self.model.config.stride
        self.position += 1
        self.before = self.now
        features = self.lookup.features(self.before)
        past = self._with_places(features, self.before)  # in the chord of the step before
        # A frame of absent notes stands before the piece.
        self.recent = [*(self.recent or [past] * stride), past][-stride:]
        if self.position % stride == 0:
            self._begin_frame(self.position // stride)
        self.chords = self.context[:, self.position, -len(COLUMNS) :]
        features = self._with_places(features, self.before)
        both = np.concatenate([features, self.context[:, self.position]], axis=-1)
        self.step = self.frame + self.last(both)
        self.now = self.lookup.after(self.before, self.tokens[:, self.position], self.voices)
        self.valid[:] = False

    def _begin_frame(self, frame: int) -> None:
        """Run the decoder's layers for the frame that the new step begins."""
        model, stride = self.model, self.model.config.stride
        steps = slice(frame * stride, (frame + 1) * stride)
        past = np.concatenate([np.stack(self.recent, axis=1), self.context[:, steps]], axis=-1)
        x = self.past(past.reshape(self.count, -1)) + self.projected[:, frame]
        for block, memory in zip(model.decoder, self.memories, strict=True):
            x = block.step(x, memory, frame)  # type: ignore[operator]  # a Block
        self.frame = model.to_step(
            torch.cat([model.decoder_norm(x), self.conditioning[:, frame]], dim=-1)
        )

    def logits(self, voices: list[int]) -> Tensor:
        """The logits ``(N, U, S)`` of ``voices``, the next unknown ones in the model's order.

        Those of later voices are valid as long as all voices before them hold, which they do at
        most steps. Only those of candidates that do not hold are computed again.
        """
        rows = np.flatnonzero(~self.valid[:, voices].all(axis=1))
        if len(rows):
            each = rows[:, None], voices
            self.scores[each] = self._scores(rows, self._turn(voices))
            self.valid[each] = True
        return torch.from_numpy(self.scores[:, voices])

    def set_symbols(self, voice: int, tokens: Tensor) -> None:
        """Set one voice's symbols ``(N,)`` at this step."""
        own = slice(voice, voice + 1)
        symbols = tokens.numpy()
        before = StepNotes(*(part[:, own] for part in self.before))
        notes = self.lookup.after(before, symbols[:, None], self.voices[own])
        for part, new in zip(self.now, notes, strict=True):
            part[:, own] = new
        self.valid[symbols != HOLD] = False

    def _scores(self, rows: Ints, turn: Turn) -> NDArray[np.float32]:
        """The logits ``(M, U, S)`` of candidates ``(M,)``; ``VoiceTransformer.score`` of a step."""
        model, (m, u) = self.model, (len(rows), len(turn.voices))
        x = self.step[rows][:, None] + self.moves(self._seen_features(rows, turn))
        for layer in model.head:
            x = x + layer(x)
        x = model.score_norm(x)
        queries = model.queries(x).view(m, -1, model.config.depth)  # (M, U * R, D)
        scores = torch.bmm(queries.transpose(0, 1), turn.table)  # (U * R, M, I)
        index = self._pitch_index(rows, turn)  # (U, R, M, P)
        pitches = scores.view(u, -1, m, scores.shape[-1]).gather(-1, index).sum(dim=1)
        hold_or_rest = model.hold_or_rest(x).view(m, u, -1, 2).numpy()
        found = np.empty((m, u, self.scores.shape[-1]), dtype=np.float32)
        found[..., :FIRST_PITCH] = hold_or_rest[:, np.arange(u), turn.voices]
        found[..., FIRST_PITCH:] = pitches.transpose(0, 1).numpy()
        found[..., FIRST_PITCH:][:, turn.outside] = -np.inf
        found[self.before.pitch[rows[:, None], turn.voices] == NONE, HOLD] = -np.inf
        found /= self.calibration
        return found

    def _turn(self, voices: list[int]) -> Turn:
        """What scoring some voices needs at this step; computed once for the same known voices."""
        model, known = self.model, self.known[self.position]
        key = known.tobytes(), tuple(voices)
        if key not in self.turns:
            seen = (self.sees | known)[voices]  # (U, V)
            seen[range(len(voices)), voices] = False
            pairs = seen[:, self.lookup.upper] & seen[:, self.lookup.lower]
            each = [seen] * (2 if model.config.chords else 1)
            voice = np.ones((len(voices), 1), dtype=bool)
            visible = np.concatenate([seen.repeat(PARTS, axis=-1), pairs, *each, voice], axis=-1)
            place = self.lookup.place[:, voices].transpose(1, 2, 0, 3)
            table = model.intervals[voices].flatten(0, 1).transpose(1, 2).contiguous()
            outside = model.turn(voices).outside.numpy()
            self.turns[key] = Turn(
                np.array(voices), seen.astype(np.int64), visible, place, table, outside
            )
        return self.turns[key]

    def _seen_features(self, rows: Ints, turn: Turn) -> Ints:
        """The features ``(M, U, K)`` of this step's notes that each voice sees."""
        lookup, was, now = self.lookup, self.before.pitch, self.now.pitch
        # Of a note of this step what counts is the motion from the step before.
        moves = self.now._replace(age=np.full_like(now, NONE), leap=lookup.leap[was, now])
        told = lookup.features(moves)
        found = np.empty((len(rows), *turn.visible.shape), dtype=np.int64)
        found[..., : told.shape[-1]] = told[rows, None]
        apart = slice(told.shape[-1], told.shape[-1] + now.shape[-1])
        found[..., apart] = lookup.interval[was[rows][:, turn.voices, None], now[rows, None]]
        if self.relations is not None:
            found[..., apart.stop : -1] = self._places(now)[rows, None]
        found[..., -1] = turn.voices
        return np.where(turn.visible, found, self.unseen)

    def _pitch_index(self, rows: Ints, turn: Turn) -> Tensor:
        """``VoiceTransformer.pitch_index`` of candidates ``(M,)``, as ``(U, R, M, P)``."""
        seen, voices = turn.seen[..., None], turn.voices[:, None, None]
        others = np.where(seen, self.now.pitch[rows].T, self.before.pitch[rows].T)  # (U, V, M)
        place = turn.place[:, :, rows]
        parts = [place, self.lookup.relation[seen, others, voices]]
        if self.relations is not None:
            which = np.arange(CHORD_RELATIONS)[:, None, None]
            degree = place[:, 1:]  # (U, 1, M, P)
            parts.append(self.relations[rows[:, None], self.position, which, degree])
        return torch.from_numpy(np.concatenate(parts, axis=1))

    def _with_places(self, features: Ints, notes: StepNotes) -> Ints:
        """``VoiceTransformer.with_places`` in the chord that was read last."""
        if not self.model.config.chords:
            return features
        return np.concatenate([features, self._places(notes.pitch)], axis=-1)

    def _places(self, pitch: Ints) -> Ints:
        return self.lookup.chord_place(pitch, self.chords[:, :2])


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: the matrices of a step are too small to be shared out."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def few_rows() -> Iterator[None]:
    """Let torch do without oneDNN: of the few rows of a step its GELU takes ten times as long."""
    enabled = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # a property
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = enabled
