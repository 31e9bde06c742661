"""Training examples of the VAE: passages of pieces, transposed, with some voices known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from musicae.core.arrays import Ints
from musicae.core.chorale import Chorale, nearest_transposition, transpositions
from musicae.core.constants import STYLES
from musicae.decoding.planner import State, state_of
from musicae.encoding.batches import concatenate_beats, frame_beats, pad
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.plan_features import STYLE, plan_features
from musicae.encoding.step_features import PHRASES, SINCE_BAR, SIZES, step_features
from musicae.encoding.tokens import chorale_to_tokens, window
from musicae.latent.attributes import measured
from musicae.latent.tilt import Counts, counts_of
from musicae.models.batches import Array, BeatBatch, MaskedBatch
from musicae.models.configs import ChoraleVAEConfig
from musicae.models.vocabulary import FIRST_PITCH, NONE, SILENCE
from musicae.theory.key_finding import likely_key
from musicae.theory.plan_reading import plan_of
from musicae.training.task import StyledPiece
from musicae.training.tensors import tensors
from musicae.training.turns import Turns, batches_by_length

LONGEST_PASSAGE = 256
"""The greatest length of a training passage in steps; 256 steps are sixteen bars of 4/4."""
_PHRASES_HIDDEN = 0.15
"""The share of passages without phrases in the features."""
_STYLE_HIDDEN = 0.15
"""The share of passages without the style in the features."""
VOICES_KEPT, KEPT = 0.15, 0.4
"""The share of passages in which whole voices are known, and in these the probability that a voice
is known."""


class Example(NamedTuple):
    """A chorale as arrays; ``T`` is a multiple of the stride."""

    tokens: Ints
    """``(T, V)`` symbols, in the key nearest to the original in which the voices fit their ranges.
    """
    context: Ints
    """``(T, C)`` the features of its form and of its plan."""
    beats: Ints
    """``(J,)`` the number of each frame's beat."""
    states: Ints
    """``(M,)`` the chord of each beat, an index into ``ChoraleVAEConfig.states``. A beat without
    notes has the chord of the beat before."""
    counts: Counts
    """The result of ``latent.tilt.counts_of`` for the chorale and its plan."""
    style: int
    """An index into ``STYLES``."""
    tonic: int
    """A pitch class, 0 to 11."""
    shifts: tuple[int, ...]
    """Semitones by which ``tokens`` can be transposed."""
    attributes: tuple[float, ...]
    """The values of ``latent.attributes.ATTRIBUTES``."""


class PlannedBatch(NamedTuple):
    """Whole chorales with the chords of their beats."""

    piece: BeatBatch
    states: Array
    """``(B, M)`` int64 the chord of each beat; 0 after the piece's end."""


class Pieces:
    """Whole chorales; batches are random passages of them.

    Args:
        chorales: chorales by Bach.
        every_key: True for training: transpose at random within the voices' ranges, cut to
            ``LONGEST_PASSAGE`` steps and mark some voices as known. False for validation: keep
            chorales whole and in their own key.
        config: the model's config; its stride and lookahead determine the padding.
        others: pieces by others; an epoch uses some of them, see ``Turns``.
    """

    def __init__(
        self,
        chorales: Sequence[Chorale],
        every_key: bool,
        config: ChoraleVAEConfig,
        others: Sequence[StyledPiece] = (),
    ) -> None:
        self.every_key, self.stride, self.beyond = every_key, config.stride, config.beyond
        bach = [StyledPiece(chorale, "bach", None) for chorale in chorales]
        fitting = [piece for piece in others if transpositions(piece.chorale)]
        self.turns = Turns(len(bach), len(fitting))
        numbers = {state: number for number, state in enumerate(config.states)}
        self.pieces = [_example(piece, config, numbers) for piece in (*bach, *fitting)]

    def __len__(self) -> int:
        return self.turns.by_bach + self.turns.by_others

    def batches(self, order: Tensor, batch_size: int, *seed: int) -> list[Tensor]:
        """The indices of an epoch in batches of similar lengths, in random order."""
        lengths = [len(self.pieces[self.turns.piece_of(i, seed)].tokens) for i in order]
        within = torch.tensor(lengths).clamp_max(LONGEST_PASSAGE)
        return batches_by_length(order, within, batch_size, seed)

    def batch(self, indices: Sequence[int], *seed: int) -> PlannedBatch:
        """Pieces padded to one length, as tensors; random choices depend on ``seed`` and index."""
        # With several processes, one may have no share of the last batch: its batch is empty.
        found = [
            self._passage(
                self.pieces[self.turns.piece_of(i, seed)], np.random.default_rng([*seed, i])
            )
            for i in indices or [0]
        ]
        longest = max(each.piece.masked.tokens.shape[1] for each in found)
        length = longest + (0 if self.every_key else self.beyond)
        masked, beats = concatenate_beats([each.piece for each in found], length)
        parts = (part[: len(indices)] for part in masked)
        count = max(each.states.shape[1] for each in found)
        states = np.concatenate([pad(each.states, count, dim=1) for each in found])
        piece = BeatBatch(MaskedBatch(*parts), beats[: len(indices)])
        return tensors(PlannedBatch(piece, states[: len(indices)]))

    def whole(self, example: Example) -> PlannedBatch:
        """A whole example in its own key as a batch of one, as tensors; padded by ``beyond``
        steps."""
        uncut = _uncut(example)
        piece = concatenate_beats([uncut.piece], len(example.tokens) + self.beyond)
        return tensors(uncut._replace(piece=piece))

    def describe(self) -> dict[str, Any]:
        """The number of chorales and the SHA-256 of their content."""
        digest = hashlib.sha256()
        for piece in self.pieces:
            for array in (piece.tokens, piece.context, piece.beats, piece.states):
                digest.update(array.tobytes())
            digest.update(repr(piece[5:]).encode())
        return {"chorales": len(self.pieces), "sha256": digest.hexdigest()}

    def _passage(self, example: Example, rng: np.random.Generator) -> PlannedBatch:
        """A random passage of an example as a batch of one; in validation the whole example."""
        if not self.every_key:
            return _uncut(example)
        tokens, context, beats = example.tokens, example.context.copy(), example.beats
        shift = int(rng.choice(example.shifts))
        tokens = np.where(tokens >= FIRST_PITCH, tokens + shift, tokens)
        if rng.random() < _PHRASES_HIDDEN:
            context[:, PHRASES] = 0
        if rng.random() < _STYLE_HIDDEN:
            context[:, len(SIZES) + STYLE] = 0
        if len(tokens) > LONGEST_PASSAGE:
            starts = np.flatnonzero(context[:, SINCE_BAR] == 0).tolist()
            last = len(tokens) - LONGEST_PASSAGE
            # If no frame begins at a bar line, the passage begins with the piece.
            choices = [s for s in starts if s <= last and s % self.stride == 0] or [0]
            first = choices[int(rng.integers(len(choices)))]
            tokens = window(tokens, first, LONGEST_PASSAGE)
            context = context[first : first + LONGEST_PASSAGE]
            beats = beats[first // self.stride : (first + LONGEST_PASSAGE) // self.stride]
        states = example.states[beats[0] : int(beats[-1]) + 1]
        known = np.zeros(tokens.shape, dtype=np.bool_)
        if rng.random() < VOICES_KEPT:
            known[:, rng.random(tokens.shape[1]) < KEPT] = True
        tonic = np.array([(example.tonic + shift) % 12])
        masked = MaskedBatch(tokens[None], known[None], context[None], tonic)
        return PlannedBatch(BeatBatch(masked, (beats - beats[0])[None]), states[None])


def _example(piece: StyledPiece, config: ChoraleVAEConfig, numbers: Mapping[State, int]) -> Example:
    """A piece as arrays; ``numbers`` are the indices of the states."""
    shifts = transpositions(piece.chorale)
    nearest = nearest_transposition(piece.chorale)
    chorale = piece.chorale.transpose(nearest)
    key = piece.key.transpose(nearest) if piece.key else likely_key(chorale)
    plan = plan_of(chorale, key)
    form = PartialScore.of(chorale, key=key, style=piece.style, plan=plan)
    columns = np.concatenate([step_features(form), plan_features(form)], axis=1)
    tokens = chorale_to_tokens(chorale)
    steps = len(tokens) + -len(tokens) % config.stride
    found = [numbers[state_of(chord, key.mode)] if chord else NONE for chord in plan.chords]
    for beat, state in enumerate(found):
        if state == NONE:
            found[beat] = found[beat - 1] if beat else next((s for s in found if s != NONE), 0)
    return Example(
        pad(tokens, steps, value=SILENCE),
        pad(columns, steps),
        frame_beats(chorale, config.stride),
        np.array(found),
        counts_of(chorale, plan),
        STYLES.index(piece.style),
        key.tonic,
        tuple(shift - nearest for shift in shifts),
        measured(chorale),
    )


def _uncut(example: Example) -> PlannedBatch:
    """A whole example in its own key as a batch of one, with no symbol known."""
    tokens, tonic = example.tokens[None], np.array([example.tonic])
    known = np.zeros(tokens.shape, dtype=np.bool_)
    masked = MaskedBatch(tokens, known, example.context[None], tonic)
    return PlannedBatch(BeatBatch(masked, example.beats[None]), example.states[None])
