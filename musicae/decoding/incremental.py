"""Incremental decoding of a batch of candidates with cached keys and values.

Features of notes (degrees, intervals, ages) are read from tables that the model has filled once:
for the few notes of a step a look-up is faster than tensor operations.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from musicae.core.arrays import Ints
from musicae.models.chords import COLUMNS, Chords
from musicae.models.layers import NONE, Memory
from musicae.models.notes import (
    AGES,
    BEGUN,
    UNKNOWN,
    Notes,
    interval_between,
    leap_of,
    notes_after,
)
from musicae.models.vocabulary import HOLD, MIDI_PITCHES
from musicae.models.voice_transformer import (
    PARTS,
    RELATIONS,
    MaskedBatch,
    Turn,
    VoiceTransformer,
)


class Lookup:
    """Tables of a model's features for every pitch; the last entry of each is that of ``NONE``.

    Axes: ``N`` candidates, ``M`` MIDI pitches and ``NONE``, ``V`` voices, ``P`` pitches of a voice.
    """

    def __init__(self, model: VoiceTransformer, tonic: Tensor) -> None:
        """``tonic`` ``(N,)`` are the tonics of the candidates."""
        voices = list(model.voices)
        pitch = torch.tensor([*range(MIDI_PITCHES), NONE])
        self.leap: Ints = leap_of(pitch[:, None], pitch).numpy()  # (M, M)
        self.interval: Ints = interval_between(pitch[:, None], pitch).numpy()  # (M, M)
        every = pitch[:, None].repeat(len(tonic), 1, len(voices))  # (N, M, V)
        by_pitch = model.step_features(Notes(every, every, every, every), tonic[:, None, None])
        self.height: Ints = by_pitch[0, :, 1].numpy()  # (M,)
        self.degree: Ints = by_pitch[..., 2].numpy()  # (N, M)
        ages = torch.tensor([*range(AGES[-1] + 1), NONE])[:, None].repeat(1, len(voices))
        by_age = model.step_features(Notes(ages, ages, ages, ages), tonic[0])
        self.age: Ints = by_age[:, 3].numpy()
        # The intervals of all pitches to a note of the step before, and to a note of this step.
        every = every[0, :, None]  # (M, 1, V)
        places = [
            model.pitch_index(
                voices, every, Notes(every, every * 0 + kind, every, every), tonic[:1]
            )
            for kind in (UNKNOWN, BEGUN)
        ]
        self.relation: Ints = torch.stack(places)[..., RELATIONS, :].numpy()  # (2, M, V, P)
        any_note = every[:1].expand(len(tonic), -1, -1)
        place = model.pitch_index(voices, any_note, Notes(*[any_note] * 4), tonic[:, None])
        self.place: Ints = place[..., :RELATIONS, :].numpy()  # (N, V, 2, P)
        self.members: Ints = model.members.table.numpy()

    def chord_place(self, pitch: Ints, chords: Ints) -> Ints:
        """``ChordMembers.forward`` of pitches ``(N, V)``; ``chords`` ``(N, 2)`` are the root and
        quality of each candidate's."""
        degree = np.take_along_axis(self.degree, pitch, axis=1)
        root, quality = chords.T[..., None]
        place = self.members[quality, (degree - root + 1) % 12]
        return np.where((degree == NONE) | (root == 0), NONE, place)


class IncrementalDecoder:
    """Incremental decoding of ``N`` candidates at once.

    At each step call ``begin``; then, for unknown voices in the model's order, ``logits`` and
    ``set_symbols``. The logits equal those of ``VoiceTransformer.decode`` up to rounding. The time
    depends on the number of operations, not on their size: so the notes are kept in tensors whose
    memory numpy shares, and their features come from a ``Lookup``.

    Axes: ``N`` candidates, ``U`` voices that are scored, ``V`` voices, ``J`` frames.
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
        self.memories = [Memory(model.config.span) for _ in model.decoder]
        self.now = Notes(*torch.full((4, count, len(model.lowest)), NONE).unbind())
        self.sees = model.seen(torch.zeros_like(batch.known[0, 0])).numpy()  # (U, V)
        self.rows = np.arange(count)[:, None]
        self.upper, self.lower = model.upper.numpy(), model.lower.numpy()
        # The features of notes that are neither known nor chosen, by columns of ``model.now``.
        voices = len(model.lowest)
        kinds_first = [UNKNOWN, *[NONE] * (PARTS - 1)] * voices
        apart = len(self.upper) + voices + 1 + (voices if model.config.chords else 0)
        self.unseen = np.array([*kinds_first, *[NONE] * apart])
        self.chords = np.zeros((count, len(COLUMNS)), dtype=np.int64)
        self.relations: Ints | None = None
        self.turns: dict[tuple[int, ...], Turn] = {}
        self.recent: list[Ints] = []
        self.position = -1

    def begin(self) -> None:
        """Go on to the next step, and set its known symbols."""
        model, stride = self.model, self.model.config.stride
        self.position += 1
        self.before = self.now
        features = self._features(*(part.numpy() for part in self.before))
        past = self._with_places(features, self.before)  # in the chord of the step before
        # A frame of absent notes stands before the piece.
        self.recent = [*(self.recent or [past] * stride), past][-stride:]
        if self.position % stride == 0:
            self._begin_frame(self.position // stride)
        self._read_chords()
        features = self._with_places(features, self.before)
        both = np.concatenate([features, self.context[:, self.position]], axis=-1)
        self.step = self.frame + model.before(torch.from_numpy(both))
        known = self.batch.known[0, self.position]
        tokens = torch.where(known, self.batch.tokens[:, self.position], HOLD)
        # Unknown symbols count as holds until they are set.
        self.now = notes_after(self.before, tokens, model.lowest)

    def _begin_frame(self, frame: int) -> None:
        """Run the decoder's layers for the frame that the new step begins."""
        model, stride = self.model, self.model.config.stride
        steps = slice(frame * stride, (frame + 1) * stride)
        past = np.concatenate([np.stack(self.recent, axis=1), self.context[:, steps]], axis=-1)
        x = model.past(torch.from_numpy(past.reshape(self.count, -1))) + self.projected[:, frame]
        for block, memory in zip(model.decoder, self.memories, strict=True):
            x = block.step(x, memory, frame)  # type: ignore[operator]  # a Block
        self.frame = model.to_step(
            torch.cat([model.decoder_norm(x), self.conditioning[:, frame]], dim=-1)
        )

    def logits(self, voices: list[int]) -> Tensor:
        """The logits ``(N, U, S)`` of ``voices``, the next unknown ones in the model's order.

        Those of later voices are valid as long as all voices before them hold, which they do at
        most steps.
        """
        lookup, shape = self.lookup, (self.count, len(voices))
        turn = self.turns.get(tuple(voices)) or self.model.turn([*voices])
        self.turns[tuple(voices)] = turn
        seen = (self.sees | self.known[self.position])[voices]  # (U, V)
        seen[range(len(voices)), voices] = False
        was, now, kind = self.before.pitch.numpy(), self.now.pitch.numpy(), self.now.kind.numpy()
        moves = self._features(now, kind, np.full_like(now, NONE), lookup.leap[was, now])
        own = was[:, voices, None]  # (N, U, 1)
        features = np.empty((*shape, len(self.unseen)), dtype=np.int64)
        features[..., : moves.shape[-1]] = moves[:, None]
        apart = slice(moves.shape[-1], moves.shape[-1] + now.shape[-1])
        features[..., apart] = lookup.interval[own, now[:, None]]
        if self.relations is not None:
            features[..., apart.stop : -1] = self._places(now)[:, None]
        features[..., -1] = voices
        pairs = seen[:, self.upper] & seen[:, self.lower]
        each = [seen] * (1 if self.relations is None else 2)
        voice = np.ones((len(voices), 1), dtype=bool)
        visible = np.concatenate([seen.repeat(PARTS, axis=-1), pairs, *each, voice], axis=-1)
        features = np.where(visible, features, self.unseen)
        place = lookup.place[:, voices]  # (N, U, 2, P)
        others = np.where(seen, now[:, None], was[:, None])  # (N, U, V)
        relation = lookup.relation[seen.astype(np.int64), others, np.array(voices)[:, None]]
        parts = [place, relation]
        if self.relations is not None:
            parts.append(self.relations[:, voices])
        index = np.concatenate(parts, axis=-2)  # (N, U, R, P)
        tensors = (torch.from_numpy(part) for part in (features, index, own == NONE))
        return self.model.score(turn, self.step, *tensors)

    def set_symbols(self, voice: int, tokens: Tensor) -> None:
        """Set one voice's symbols ``(N,)`` at this step."""
        own = slice(voice, voice + 1)
        before = Notes(*(part[:, own] for part in self.before))
        notes = notes_after(before, tokens[:, None], self.model.lowest[own])
        for part, new in zip(self.now, notes, strict=True):
            part[:, own] = new

    def _read_chords(self) -> None:
        """Look up the chords of this step, and the relations of all pitches to them."""
        if not self.model.config.chords:
            return
        chords = self.context[:, self.position, -len(COLUMNS) :]
        if self.relations is None or not np.array_equal(chords, self.chords):
            each = Chords.of(torch.from_numpy(chords)[:, None])  # (N, 1) each
            degrees = torch.from_numpy(self.lookup.place[:, :, 1])  # (N, V, P)
            self.relations = self.model.members.relations(degrees, each).numpy()
        self.chords = chords

    def _with_places(self, features: Ints, notes: Notes) -> Ints:
        """``VoiceTransformer.with_places`` in the chord that was read last."""
        if not self.model.config.chords:
            return features
        return np.concatenate([features, self._places(notes.pitch.numpy())], axis=-1)

    def _places(self, pitch: Ints) -> Ints:
        return self.lookup.chord_place(pitch, self.chords[:, :2])

    def _features(self, pitch: Ints, kind: Ints, age: Ints, leap: Ints) -> Ints:
        """``VoiceTransformer.step_features`` ``(N, K)`` of notes ``(N, V)``."""
        lookup = self.lookup
        voices = np.stack(
            (
                kind,
                lookup.height[pitch],
                lookup.degree[self.rows, pitch],
                lookup.age[np.minimum(age, AGES[-1])],
                leap,
            ),
            axis=-1,
        )
        between = lookup.interval[pitch[:, self.upper], pitch[:, self.lower]]
        return np.concatenate([voices.reshape(self.count, -1), between], axis=-1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: the matrices of a step are too small to be shared out."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
