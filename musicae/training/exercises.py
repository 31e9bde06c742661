"""Training examples of the harmonizer: pieces in any key with some notes and chords masked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from musicae.core.arrays import Bools, Ints
from musicae.core.chorale import Chorale, nearest_transposition, transpositions
from musicae.encoding.batches import concatenate
from musicae.encoding.partial_score import RHYTHMS, PartialScore
from musicae.encoding.plan_features import PLAN_SIZES, STYLE, chord_columns, style_number
from musicae.encoding.step_features import PHRASES, RHYTHM, SIZES, step_features
from musicae.encoding.tokens import (
    ACCOMPANIMENT,
    ONLY_SOPRANO,
    chorale_to_tokens,
    symbol_starts,
    window,
)
from musicae.models.batches import MaskedBatch
from musicae.models.vocabulary import FIRST_PITCH
from musicae.theory.harmonic_plan import HarmonicPlan
from musicae.theory.key_finding import likely_key
from musicae.theory.plan_reading import plan_of
from musicae.training.augmentation import augmented
from musicae.training.plan_hiding import partly_hidden
from musicae.training.task import StyledPiece
from musicae.training.tensors import tensors
from musicae.training.turns import Turns, batches_by_length

LONGEST_EXERCISE = 256
"""The greatest length of an exercise in steps; 256 steps are sixteen bars of 4/4."""

SOPRANO_ALONE = 0.55
_NOTHING = 0.1
WHOLE_VOICES = 0.2
"""Shares of the kinds of exercises: only the soprano is known, nothing is known, or random whole
voices are known. In all others random passages of random voices are known."""
VOICE_GIVEN, SOPRANO_GIVEN, PASSAGE_GIVEN = 0.5, 0.7, 0.7
"""The probability that a whole voice is known in exercises with whole voices. In exercises with
passages: the probability that the whole soprano is known, and that a voice is known in a passage.
"""
SHORTEST_PASSAGE, MOST_PASSAGES = 8, 3
"""The least length of a passage in steps, and the greatest number of passages."""
_PHRASES_HIDDEN = 0.15
"""The share of exercises without phrases in the features."""
RHYTHM_TOLD = 0.5
"""The share of exercises with the rhythm in the features."""
_STYLE_HIDDEN = 0.15
"""The share of exercises without the style in the features."""
AS_WRITTEN = 0.6
"""The share of exercises from pieces that are not augmented."""
VARIANTS = 5
"""The number of augmented variants of each piece."""


class Exercise(NamedTuple):
    """A piece as arrays, to make exercises from."""

    tokens: Ints
    """``(T, V)`` symbols, in the key nearest to the original in which the voices fit their ranges.
    """
    contexts: tuple[Ints, Ints]
    """Two ``(T, C)``: step features with the key of the whole piece, and with the key estimated
    from the soprano alone."""
    tonics: tuple[int, int]
    """Pitch classes of the tonics of these two keys."""
    plans: tuple[HarmonicPlan, HarmonicPlan]
    """The plan of the piece in these two keys."""
    shifts: tuple[int, ...]
    """Semitones by which ``tokens`` can be transposed within the ranges."""


class Exercises:
    """Exercises: each time they are read they are cut, transposed and masked at random.

    Args:
        chorales: chorales by Bach.
        every_key: True for training: transpose at random within the voices' ranges, cut to
            ``LONGEST_EXERCISE`` steps, augment often, and mask notes and chords at random. False
            for validation: keep chorales whole, with the soprano and the whole plan known.
        stride: lengths are padded to multiples of this.
        others: pieces by others; an epoch has at most ``turns.OTHERS`` times as many as by Bach.
        variants: the number of augmented variants of each piece; 0 for no augmentation.
    """

    def __init__(
        self,
        chorales: Sequence[Chorale],
        every_key: bool,
        stride: int,
        others: Sequence[StyledPiece] = (),
        *,
        variants: int = VARIANTS,
    ) -> None:
        self.every_key, self.stride, self.variants = every_key, stride, variants
        bach = [StyledPiece(chorale, "bach", None) for chorale in chorales]
        self.pieces = [*bach, *(piece for piece in others if transpositions(piece.chorale))]
        rates = [_rate(chorale) for chorale in chorales]
        plain, flowing = np.quantile(rates, [1 / 3, 2 / 3]).tolist()
        self.rhythms = [_rhythm(_rate(piece.chorale), plain, flowing) for piece in self.pieces]
        self.turns = Turns(len(bach), len(self.pieces) - len(bach))
        self.prepared: dict[tuple[int, int], Exercise] = {}

    def __len__(self) -> int:
        return self.turns.by_bach + self.turns.by_others

    def batches(self, order: Tensor, batch_size: int, *seed: int) -> list[Tensor]:
        """The indices of an epoch in batches of similar lengths, in random order."""
        lengths = torch.tensor(
            [
                min(len(self.pieces[self.turns.piece_of(i, seed)].chorale), LONGEST_EXERCISE)
                for i in order
            ]
        )
        return batches_by_length(order, lengths, batch_size, seed)

    def batch(self, indices: Sequence[int], *seed: int) -> MaskedBatch:
        """Exercises padded to one length, as tensors.

        Their random choices depend on ``seed`` and index.
        """
        # With several processes, one may have no share of the last batch: its batch is empty.
        pieces = [
            self._masked(self.turns.piece_of(i, seed), np.random.default_rng([*seed, i]))
            for i in indices or [0]
        ]
        length = max(piece.tokens.shape[1] for piece in pieces)
        batch = concatenate(pieces, length + -length % self.stride)
        return tensors(MaskedBatch(*(part[: len(indices)] for part in batch)))

    def describe(self) -> dict[str, Any]:
        """The number of pieces and the SHA-256 of their content."""
        digest = hashlib.sha256()
        for chorale, style, key in self.pieces:
            digest.update(chorale.pitch.tobytes() + chorale.onset.tobytes())
            facts = (chorale.meters, chorale.pickup, chorale.key, chorale.fermatas, style, key)
            digest.update(repr(facts).encode())
        return {"chorales": len(self.pieces), "sha256": digest.hexdigest()}

    def _exercise(self, piece: int, variant: int) -> Exercise:
        """A piece as written (variant 0), or one of its augmented variants (from 1)."""
        if (piece, variant) not in self.prepared:
            found = self.pieces[piece]
            if variant:
                changed = augmented(found.chorale, np.random.default_rng([piece, variant]))
                found = found._replace(chorale=changed)
            self.prepared[piece, variant] = _exercise(found)
        return self.prepared[piece, variant]

    def _masked(self, piece: int, rng: np.random.Generator) -> MaskedBatch:
        """One exercise as a batch of one piece."""
        if not self.every_key:
            return self._whole(piece)
        variant = 0
        if self.variants and rng.random() >= AS_WRITTEN:
            variant = 1 + int(rng.integers(self.variants))
        exercise = self._exercise(piece, variant)
        shift = int(rng.choice(exercise.shifts))
        tokens = exercise.tokens
        tokens = np.where(tokens >= FIRST_PITCH, tokens + shift, tokens)
        by_soprano = int(rng.integers(2))
        plan = partly_hidden(exercise.plans[by_soprano], rng)
        style = None if rng.random() < _STYLE_HIDDEN else self.pieces[piece].style
        context = _with_plan(exercise.contexts[by_soprano], style, plan)
        if rng.random() < _PHRASES_HIDDEN:
            context[:, PHRASES] = 0
        if rng.random() < RHYTHM_TOLD:
            context[:, RHYTHM] = self.rhythms[piece]
        frames = (len(tokens) - LONGEST_EXERCISE) // self.stride
        if frames > 0:
            first = int(rng.integers(frames + 1)) * self.stride
            tokens = window(tokens, first, LONGEST_EXERCISE)
            context = context[first : first + LONGEST_EXERCISE]
        known = whole_notes(tokens, _given(len(tokens), rng))
        tonic = np.array([(exercise.tonics[by_soprano] + shift) % 12])
        return MaskedBatch(tokens[None], known[None], context[None], tonic)

    def _whole(self, piece: int) -> MaskedBatch:
        """A whole piece as a batch of one: in its soprano's key, with soprano and plan known."""
        exercise = self._exercise(piece, 0)
        known = np.zeros(exercise.tokens.shape, dtype=np.bool_)
        known[:, ONLY_SOPRANO] = True
        context = _with_plan(exercise.contexts[1], self.pieces[piece].style, exercise.plans[1])
        tonic = np.array([exercise.tonics[1]])
        return MaskedBatch(exercise.tokens[None], known[None], context[None], tonic)


def without_plan(batch: MaskedBatch) -> MaskedBatch:
    """The batch of tensors with all chords unknown."""
    context = batch.context.clone()
    context[..., len(SIZES) + STYLE + 1 :] = 0
    return batch._replace(context=context)


def whole_notes(tokens: Ints, known: Bools) -> Bools:
    """``(T, V)`` bool: a note is known in full if its first step is ``known`` ``(T, V)``."""
    return np.take_along_axis(known, symbol_starts(tokens), axis=0)


def _given(steps: int, rng: np.random.Generator) -> Bools:
    """``(T, V)`` bool: a random mask of the steps that an exercise gives."""
    voices = 1 + len(ACCOMPANIMENT)
    known = np.zeros((steps, voices), dtype=np.bool_)
    kind = rng.random()
    if kind < SOPRANO_ALONE:
        known[:, ONLY_SOPRANO] = True
    elif kind < SOPRANO_ALONE + _NOTHING:
        pass
    elif kind < SOPRANO_ALONE + _NOTHING + WHOLE_VOICES:
        known[:, rng.random(voices) < VOICE_GIVEN] = True
    else:
        known[:, ONLY_SOPRANO] = rng.random() < SOPRANO_GIVEN
        for _ in range(rng.integers(1, MOST_PASSAGES + 1)):
            first = int(rng.integers(steps))
            stop = first + int(rng.integers(SHORTEST_PASSAGE, steps + SHORTEST_PASSAGE))
            known[first:stop, rng.random(voices) < PASSAGE_GIVEN] = True
    return known


def _exercise(piece: StyledPiece) -> Exercise:
    """A piece as arrays."""
    chorale = piece.chorale
    shifts = transpositions(chorale)
    nearest = nearest_transposition(chorale)
    moved = chorale.transpose(nearest)
    by_soprano = PartialScore.of(moved, voices=ONLY_SOPRANO)
    key = piece.key.transpose(nearest) if piece.key else likely_key(moved)
    by_all = replace(by_soprano, key=key)
    plan = plan_of(moved, key)
    same = by_soprano.key == key
    return Exercise(
        chorale_to_tokens(moved),
        (step_features(by_all), step_features(by_soprano)),
        (key.tonic, by_soprano.key.tonic),
        (plan, plan if same else plan_of(moved, by_soprano.key)),
        tuple(shift - nearest for shift in shifts),
    )


def _with_plan(context: Ints, style: str | None, plan: HarmonicPlan | None) -> Ints:
    """The context ``(T, C)``, extended by the columns of ``encoding.plan_features``."""
    columns = np.zeros((len(context), len(PLAN_SIZES)), dtype=np.int64)
    columns[:, STYLE] = style_number(style)
    if plan is not None:
        columns[:, STYLE + 1 :] = chord_columns(plan, len(context))
    return np.concatenate([context, columns], axis=-1)


def _rhythm(rate: float, plain: float, flowing: float) -> int:
    """A chorale's value of the column ``RHYTHM``, from its notes per step ``rate``.

    ``plain`` and ``flowing`` are the terciles of the rates of all chorales. The middle third gets
    0, no requested rhythm.
    """
    if plain < rate < flowing:
        return 0
    return 1 + RHYTHMS.index("plain" if rate <= plain else "flowing")


def _rate(chorale: Chorale) -> float:
    """Notes per step in the voices below the soprano."""
    return float(chorale.onset[:, list(ACCOMPANIMENT)].sum() / len(chorale))
