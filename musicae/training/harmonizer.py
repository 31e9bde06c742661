"""Training of the harmonizer: chorales in any key, with some of their notes masked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from musicae.core.chorale import Chorale, nearest_transposition, transpositions
from musicae.encoding.batches import concatenate
from musicae.encoding.partial_score import RHYTHMS, PartialScore
from musicae.encoding.step_features import PHRASES, RHYTHM, step_features
from musicae.encoding.tokens import (
    ACCOMPANIMENT,
    ONLY_SOPRANO,
    chorale_to_tokens,
    symbol_starts,
    window,
)
from musicae.models.harmonizer import Harmonizer, HarmonizerConfig
from musicae.models.vocabulary import FIRST_PITCH
from musicae.models.voice_transformer import MaskedBatch, surprise
from musicae.theory.key_finding import likely_key
from musicae.training.calibration import calibrate

LONGEST_EXERCISE = 256
"""The greatest length of an exercise in steps: sixteen bars of 4/4."""

SOPRANO_ALONE = 0.55
_NOTHING = 0.1
WHOLE_VOICES = 0.2
"""Shares of exercises in which the soprano, nothing, or random whole voices are known; in the
others random passages of random voices are."""
VOICE_GIVEN, SOPRANO_GIVEN, PASSAGE_GIVEN = 0.5, 0.7, 0.7
"""Probabilities that a voice is known as a whole; in exercises with passages, that the soprano is
known as a whole, and that a voice is known in a passage."""
SHORTEST_PASSAGE, MOST_PASSAGES = 8, 3
"""The least length of a passage in steps, and the greatest number of passages."""
TAUGHT = 0.8
"""The weight of the teachers' distributions in the loss; the rest is that of Bach's symbols."""
_PHRASES_UNTOLD = 0.15
"""The share of exercises without phrases in the features."""
RHYTHM_TOLD = 0.5
"""The share of exercises with the rhythm in the features."""


class HarmonyTask:
    """Complete a chorale of which some notes are known; with teachers, by distillation."""

    def __init__(self, teachers: Sequence[nn.Module] = ()) -> None:
        self.teachers = tuple(teachers)

    def examples(
        self, chorales: Sequence[Chorale], every_key: bool, config: Mapping[str, Any]
    ) -> Exercises:
        """The chorales as exercises."""
        return Exercises(chorales, every_key, config.get("stride", HarmonizerConfig.stride))

    def begin(self, network: nn.Module, examples: Exercises) -> None:
        """All initial weights are random."""

    def watch(self, _network: nn.Module, _valid: Exercises) -> dict[str, float]:
        """There is nothing to measure besides the losses."""
        return {}

    def loss(self, network: nn.Module, batch: MaskedBatch, _progress: float = 1.0) -> Tensor:
        """``(B,)`` nats per step that has unknown symbols.

        In training with teachers it is a weighted mean of the cross-entropies with Bach's symbols
        and with the teachers' mean distribution.
        """
        logits = network(batch)
        nats = surprise(logits, batch)
        if network.training and self.teachers:
            nats = (1 - TAUGHT) * nats + TAUGHT * self._distillation(logits, batch)
        steps = (~batch.known).any(dim=-1).sum(dim=-1)
        return nats.sum(dim=(1, 2)) / steps.clamp_min(1)

    def _distillation(self, logits: Tensor, batch: MaskedBatch) -> Tensor:
        """``(B, T, V)`` the cross-entropy with the teachers' mean distribution, in nats."""
        with torch.no_grad():
            shares = [
                teacher.to(batch.tokens.device)(batch).float().softmax(dim=-1)
                for teacher in self.teachers
            ]
        share = torch.stack(shares).mean(dim=0)
        surprises = -logits.float().log_softmax(dim=-1)
        nats = (share * surprises.masked_fill(share == 0, 0.0)).sum(dim=-1)
        return nats.masked_fill(batch.known, 0.0)

    def finish(self, network: nn.Module, _train: Exercises, valid: Exercises) -> None:
        """Fit the softmax temperature on the validation side."""
        assert isinstance(network, Harmonizer)
        batches = [valid.batch([i]) for i in range(len(valid))]
        calibrate(network, batches, lambda batch: (network(batch), batch))


class Exercise(NamedTuple):
    """A chorale as tensors, from which exercises are made."""

    tokens: Tensor
    """``(T, V)`` in the key nearest to the original that fits the ranges."""
    contexts: tuple[Tensor, Tensor]
    """``(T, C)`` step features with the key of the whole chorale, and with that of the soprano."""
    tonics: tuple[int, int]
    """Pitch classes of the tonics of these keys."""
    rhythm: int
    """The chorale's rhythm, as a value of the column ``RHYTHM``; 0 for neither."""
    shifts: tuple[int, ...]
    """Semitones by which ``tokens`` can be transposed."""


class Exercises:
    """Exercises, which are cut, transposed and masked at random each time they are asked for.

    Args:
        chorales: what the exercises are made from.
        every_key: True to transpose at random within the voices' ranges, to cut to
            ``LONGEST_EXERCISE`` steps and to mask at random; False to keep chorales whole, with
            the soprano known.
        stride: lengths are multiples of this.
    """

    def __init__(self, chorales: Sequence[Chorale], every_key: bool, stride: int) -> None:
        self.every_key, self.stride = every_key, stride
        rates = [_rate(chorale) for chorale in chorales]
        plain, flowing = np.quantile(rates, [1 / 3, 2 / 3]).tolist()
        self.exercises = [
            _exercise(chorale, _rhythm(rate, plain, flowing))
            for chorale, rate in zip(chorales, rates, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.exercises)

    def batch(self, indices: Sequence[int], *seed: int) -> MaskedBatch:
        """Exercises padded to one length; their random choices depend on ``seed`` and index."""
        # A process may have no share of the last batch: it gets a batch of no pieces.
        pieces = [
            self._masked(self.exercises[i], np.random.default_rng([*seed, i]))
            for i in indices or [0]
        ]
        length = (
            LONGEST_EXERCISE if self.every_key else max(piece.tokens.shape[1] for piece in pieces)
        )
        batch = concatenate(pieces, length + -length % self.stride)
        return MaskedBatch(*(part[: len(indices)] for part in batch))

    def describe(self) -> dict[str, Any]:
        """The number of chorales and a fingerprint."""
        digest = hashlib.sha256()
        for exercise in self.exercises:
            for tensor in (exercise.tokens, *exercise.contexts):
                digest.update(tensor.numpy().tobytes())
            digest.update(repr(exercise[2:]).encode())
        return {"chorales": len(self), "sha256": digest.hexdigest()}

    def _masked(self, exercise: Exercise, rng: np.random.Generator) -> MaskedBatch:
        """One exercise, as a batch of one."""
        tokens, shift, by_soprano = exercise.tokens, 0, 1
        context = exercise.contexts[1]
        if self.every_key:
            shift = int(rng.choice(exercise.shifts))
            tokens = torch.where(tokens >= FIRST_PITCH, tokens + shift, tokens)
            by_soprano = int(rng.integers(2))
            context = exercise.contexts[by_soprano].clone()
            if rng.random() < _PHRASES_UNTOLD:
                context[:, PHRASES] = 0
            if rng.random() < RHYTHM_TOLD:
                context[:, RHYTHM] = exercise.rhythm
            frames = (len(tokens) - LONGEST_EXERCISE) // self.stride
            if frames > 0:
                first = int(rng.integers(frames + 1)) * self.stride
                tokens = window(tokens, first, LONGEST_EXERCISE)
                context = context[first : first + LONGEST_EXERCISE]
            known = whole_notes(tokens, _given(len(tokens), rng))
        else:
            known = torch.zeros(tokens.shape, dtype=torch.bool)
            known[:, ONLY_SOPRANO] = True
        tonic = torch.tensor([(exercise.tonics[by_soprano] + shift) % 12])
        return MaskedBatch(tokens[None], known[None], context[None], tonic)


def whole_notes(tokens: Tensor, known: Tensor) -> Tensor:
    """``(T, V)``: a whole note is known where its first step is ``known`` ``(T, V)``."""
    return known.gather(0, symbol_starts(tokens))


def _given(steps: int, rng: np.random.Generator) -> Tensor:
    """``(T, V)`` a random mask of what an exercise gives."""
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
    return torch.from_numpy(known)


def _exercise(chorale: Chorale, rhythm: int) -> Exercise:
    """A chorale as tensors."""
    shifts = transpositions(chorale)
    nearest = nearest_transposition(chorale)
    piece = chorale.transpose(nearest)
    by_soprano = PartialScore.of(piece, voices=ONLY_SOPRANO)
    by_all = replace(by_soprano, key=likely_key(piece))
    contexts = torch.from_numpy(step_features(by_all)), torch.from_numpy(step_features(by_soprano))
    return Exercise(
        chorale_to_tokens(piece),
        contexts,
        (by_all.key.tonic, by_soprano.key.tonic),
        rhythm,
        tuple(shift - nearest for shift in shifts),
    )


def _rhythm(rate: float, plain: float, flowing: float) -> int:
    """The rhythm of a chorale, as a value of the column ``RHYTHM``, from its rate of notes.

    ``plain`` and ``flowing`` are the terciles of all chorales' rates.
    """
    if plain < rate < flowing:
        return 0
    return 1 + RHYTHMS.index("plain" if rate <= plain else "flowing")


def _rate(chorale: Chorale) -> float:
    """Notes per step in the voices below the soprano."""
    return float(chorale.onset[:, list(ACCOMPANIMENT)].sum() / len(chorale))
