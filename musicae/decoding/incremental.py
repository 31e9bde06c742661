"""A model that writes, step after step, on several candidates at once.

What a note is to a model (degrees, intervals, ages) it looks up in tables, which the model itself
has filled: at one step there is too little to work out for tensors to pay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicae.models.chords import COLUMNS, Chords
from musicae.models.layers import NONE, Memory
from musicae.models.vocabulary import HOLD, MIDI_PITCHES
from musicae.models.voice_transformer import (
    AGES,
    BEGUN,
    PARTS,
    RELATIONS,
    UNKNOWN,
    MaskedBatch,
    Notes,
    Turn,
    VoiceTransformer,
    interval_between,
    leap_of,
)

Numbers = NDArray[np.int64]


class Lookup:
    """A model's features of any pitch, as tables, which for a few notes are sooner read than the
    features are computed. ``NONE`` is the last entry of each.

    Axes: ``M`` MIDI pitches and ``NONE``.
    """

    def __init__(self, model: VoiceTransformer, tonic: Tensor) -> None:
        """``tonic`` ``(N,)`` are the candidates'."""
        voices = list(model.voices)
        pitch = torch.tensor([*range(MIDI_PITCHES), NONE])
        self.leap: Numbers = leap_of(pitch[:, None], pitch).numpy()  # (M, M)
        self.interval: Numbers = interval_between(pitch[:, None], pitch).numpy()  # (M, M)
        every = pitch[:, None].repeat(len(tonic), 1, len(voices))  # (N, M, V)
        by_pitch = model.step_features(Notes(every, every, every, every), tonic[:, None, None])
        self.height: Numbers = by_pitch[0, :, 1].numpy()  # (M,)
        self.degree: Numbers = by_pitch[..., 2].numpy()  # (N, M)
        ages = torch.tensor([*range(AGES[-1] + 1), NONE])[:, None].repeat(1, len(voices))
        by_age = model.step_features(Notes(ages, ages, ages, ages), tonic[0])
        self.age: Numbers = by_age[:, 3].numpy()
        # Of a note of the step before or of this one, what its intervals to all pitches are.
        every = every[0, :, None]  # (M, 1, V)
        places = [
            model.pitch_index(
                voices, every, Notes(every, every * 0 + kind, every, every), tonic[:1]
            )
            for kind in (UNKNOWN, BEGUN)
        ]
        self.relation: Numbers = torch.stack(places)[..., RELATIONS, :].numpy()  # (2, M, V, P)
        any_note = every[:1].expand(len(tonic), -1, -1)
        place = model.pitch_index(voices, any_note, Notes(*[any_note] * 4), tonic[:, None])
        self.place: Numbers = place[..., :RELATIONS, :].numpy()  # (N, V, 2, P)
        self.members: Numbers = model.members.table.numpy()

    def chord_place(self, rows: Numbers, pitch: Numbers, chord: Numbers) -> Numbers:
        """``ChordMembers.forward`` of pitches ``(N, V)`` in chords ``(N, 2)``: root and quality."""
        degree, (root, quality) = self.degree[rows, pitch], chord.T[..., None]
        place = self.members[quality, (degree - root + 1) % 12]
        return np.where((degree == NONE) | (root == 0), NONE, place)


class IncrementalDecoder:
    """A model that writes, step after step, on ``count`` candidates at once.

    At each step call ``begin``; then, for the voices that are not known in the model's order,
    ``logits`` and ``set_symbols``. Give or take rounding, the logits are those of ``VoiceTransformer.decode``. What
    takes time is the number of operations, not their size: notes are kept in tensors that numpy
    shares, and read by ``Lookup``.
    Axis ``N``: candidates.
    """

    def __init__(
        self, model: VoiceTransformer, problem: MaskedBatch, heard: Tensor, count: int
    ) -> None:
        """``problem`` is one piece (``B`` is 1), or as many as there are candidates, in all of
        which the same voices are known at the same steps; ``heard`` is ``VoiceTransformer.decode``'s."""
        self.model, self.problem, self.count = model, problem, count
        self.heard, self.led = heard.expand(count, -1, -1), model.heard(heard).expand(count, -1, -1)
        self.lookup = Lookup(model, problem.tonic.expand(count))
        self.context = problem.context.expand(count, -1, -1).numpy()
        self.known = problem.known[0].numpy()
        self.memories = [Memory(model.config.span) for _ in model.decoder]
        self.now = Notes(*torch.full((4, count, len(model.lowest)), NONE).unbind())
        self.sees = model.seen(torch.zeros_like(problem.known[0, 0])).numpy()  # (U, V)
        self.rows = np.arange(count)[:, None]
        self.upper, self.lower = model.upper.numpy(), model.lower.numpy()
        # The features of notes that are not known or chosen yet, by columns of ``model.now``.
        voices = len(model.lowest)
        kinds_first = [UNKNOWN, *[NONE] * (PARTS - 1)] * voices
        apart = len(self.upper) + voices + 1 + (voices if model.config.chords else 0)
        self.unseen = np.array([*kinds_first, *[NONE] * apart])
        self.chords = np.zeros((count, len(COLUMNS)), dtype=np.int64)
        self.relations: Numbers | None = None
        self.turns: dict[tuple[int, ...], Turn] = {}
        self.recent: list[Numbers] = []
        self.position = -1

    def begin(self) -> None:
        """Go on to the next step, at first to the first one; what is known of it is sung."""
        model, stride = self.model, self.model.config.stride
        self.position += 1
        self.before = self.now
        features = self._features(*(part.numpy() for part in self.before))
        past = self._with_places(features, self.before)
        # Before the piece there is nothing, for as many steps as a frame has.
        self.recent = [*(self.recent or [past] * stride), past][-stride:]
        if self.position % stride == 0:
            self._begin_frame(self.position // stride)
        self._take_chords()
        features = self._with_places(features, self.before)
        both = np.concatenate([features, self.context[:, self.position]], axis=-1)
        self.step = self.frame + model.before(torch.from_numpy(both))
        known = self.problem.known[0, self.position]
        tokens = torch.where(known, self.problem.tokens[:, self.position], HOLD)
        # What is not known is taken to hold until it is chosen.
        self.now = model.next_notes(self.before, tokens, model.lowest)

    def _begin_frame(self, frame: int) -> None:
        model, stride = self.model, self.model.config.stride
        steps = slice(frame * stride, (frame + 1) * stride)
        past = np.concatenate([np.stack(self.recent, axis=1), self.context[:, steps]], axis=-1)
        x = model.past(torch.from_numpy(past.reshape(self.count, -1))) + self.led[:, frame]
        for block, memory in zip(model.decoder, self.memories, strict=True):
            x = block.step(x, memory, frame)  # type: ignore[operator]  # a Block
        self.frame = model.to_step(torch.cat([model.decoder_norm(x), self.heard[:, frame]], dim=-1))

    def logits(self, voices: list[int]) -> Tensor:
        """``(N, U, S)`` of the next voices in their order, which are not known.

        Of the first one they are its logits; of each other one, if those before it hold, which
        at most steps they do.
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
        own_number = np.ones((len(voices), 1), dtype=bool)
        told = np.concatenate([seen.repeat(PARTS, axis=-1), pairs, *each, own_number], axis=-1)
        features = np.where(told, features, self.unseen)
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
        """One voice's symbols ``(N,)`` at this step."""
        own = slice(voice, voice + 1)
        before = Notes(*(part[:, own] for part in self.before))
        sung = self.model.next_notes(before, tokens[:, None], self.model.lowest[own])
        for part, new in zip(self.now, sung, strict=True):
            part[:, own] = new

    def _take_chords(self) -> None:
        """The chords of this step, and how all pitches stand to them."""
        if not self.model.config.chords:
            return
        chords = self.context[:, self.position, -len(COLUMNS) :]
        if self.relations is None or not np.array_equal(chords, self.chords):
            told = Chords.of(torch.from_numpy(chords)[:, None])  # (N, 1) each
            degrees = torch.from_numpy(self.lookup.place[:, :, 1])  # (N, V, P)
            self.relations = self.model.members.relations(degrees, told).numpy()
        self.chords = chords

    def _with_places(self, features: Numbers, notes: Notes) -> Numbers:
        if not self.model.config.chords:
            return features
        return np.concatenate([features, self._places(notes.pitch.numpy())], axis=-1)

    def _places(self, pitch: Numbers) -> Numbers:
        """``(N, V)`` the places of pitches in the chord of this step."""
        return self.lookup.chord_place(self.rows, pitch, self.chords[:, :2])

    def _features(self, pitch: Numbers, kind: Numbers, age: Numbers, leap: Numbers) -> Numbers:
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
    """A step's matrices are small: sharing one among processors takes longer than the product."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
