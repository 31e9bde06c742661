"""What the harmonizer learns from: chorales in any key with some of their notes taken out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.core.chorale import Chorale, nearest_transposition, transpositions
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
from musicae.models.vocabulary import FIRST_PITCH, SILENCE
from musicae.models.voice_transformer import MaskedBatch, surprise
from musicae.theory.key_finding import likely_key
from musicae.training.calibration import calibrate

LONGEST_EXERCISE = 256
"""Steps of an exercise: sixteen bars of 4/4."""

SOPRANO_ALONE = 0.55
_NOTHING = 0.1
WHOLE_VOICES = 0.2
"""Shares of exercises in which the soprano, nothing, or any voices are given; in the others it is
passages of any voices."""
VOICE_GIVEN, SOPRANO_GIVEN, PASSAGE_GIVEN = 0.5, 0.7, 0.7
"""How likely a voice is given as a whole; in exercises with passages, the soprano as a whole, and
each voice within a passage."""
SHORTEST_PASSAGE, MOST_PASSAGES = 8, 3
TAUGHT = 0.8
"""How much teachers count beside Bach himself."""
_PHRASES_UNTOLD = 0.15
RHYTHM_TOLD = 0.5


class HarmonyTask:
    """To fill what is open in a chorale."""

    def __init__(self, teachers: Sequence[nn.Module] = ()) -> None:
        self.teachers = tuple(teachers)

    def examples(
        self, chorales: Sequence[Chorale], every_key: bool, config: Mapping[str, Any]
    ) -> Exercises:
        return Exercises(chorales, every_key, config.get("stride", HarmonizerConfig.stride))

    def begin(self, network: nn.Module, examples: Exercises) -> None:
        """Nothing need be set."""

    def watch(self, _network: nn.Module, _valid: Exercises) -> dict[str, float]:
        """Nothing but the losses."""
        return {}

    def loss(self, network: nn.Module, batch: MaskedBatch, _progress: float = 1.0) -> Tensor:
        """Nats a step at which something is open: ``(B,)``.

        While it learns from teachers, a model is surprised not by Bach's symbol alone but, for
        the most part, by what they hold possible.
        """
        logits = network(batch)
        nats = surprise(logits, batch)
        if network.training and self.teachers:
            nats = (1 - TAUGHT) * nats + TAUGHT * self._disagreement(logits, batch)
        steps = (~batch.known).any(dim=-1).sum(dim=-1)
        return nats.sum(dim=(1, 2)) / steps.clamp_min(1)

    def _disagreement(self, logits: Tensor, batch: MaskedBatch) -> Tensor:
        """``(B, T, V)`` nats by which the teachers' average opinion surprises."""
        with torch.no_grad():
            opinions = [
                teacher.to(batch.tokens.device)(batch).float().softmax(dim=-1)
                for teacher in self.teachers
            ]
        opinion = torch.stack(opinions).mean(dim=0)
        surprises = -logits.float().log_softmax(dim=-1)
        nats = (opinion * surprises.masked_fill(opinion == 0, 0.0)).sum(dim=-1)
        return nats.masked_fill(batch.known, 0.0)

    def finish(self, network: nn.Module, _train: Exercises, valid: Exercises) -> None:
        """Calibrate the model on the valid side."""
        assert isinstance(network, Harmonizer)
        problems = [valid.batch([i]) for i in range(len(valid))]
        calibrate(network, problems, lambda problem: (network(problem), problem))


class Exercise(NamedTuple):
    """A chorale, ready for any key and any choice of known notes."""

    tokens: Tensor
    """``(T, V)`` as near to the original key as the ranges allow."""
    contexts: tuple[Tensor, Tensor]
    """``(T, C)`` with the key that the whole chorale shows, and that its soprano shows."""
    tonics: tuple[int, int]
    rhythm: int
    """The rhythm that it has, as ``step_features`` numbers them; 0 for neither."""
    shifts: tuple[int, ...]
    """Semitones by which ``tokens`` can be moved."""


class Exercises:
    """Exercises to draw from; each time they are cut, moved and emptied anew.

    Args:
        chorales: with ``every_key``, each is moved by as many semitones as the voices' ranges
            allow, cut to ``LONGEST`` steps, and any notes may be given; without, they are used as
            they are, with the soprano given.
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
        """The exercises of these indices as one problem, drawn by ``seed`` and index.

        They are filled up to one length with known silence.
        """
        problems = [
            self._problem(self.exercises[i], np.random.default_rng([*seed, i]))
            for i in indices or [0]
        ]
        length = LONGEST_EXERCISE if self.every_key else max(p.tokens.shape[0] for p in problems)
        length += -length % self.stride
        padded = []
        for tokens, known, context, tonic in problems:
            missing = (0, 0, 0, length - len(tokens))
            padded.append(
                MaskedBatch(
                    F.pad(tokens, missing, value=SILENCE),
                    F.pad(known, missing, value=True),
                    F.pad(context, missing),
                    tonic,
                )
            )
        # Of the last batch a process may have no share.
        return MaskedBatch(
            *(torch.stack(part)[: len(indices)] for part in zip(*padded, strict=True))
        )

    def describe(self) -> dict[str, Any]:
        """How many there are, and a fingerprint."""
        digest = hashlib.sha256()
        for exercise in self.exercises:
            for tensor in (exercise.tokens, *exercise.contexts):
                digest.update(tensor.numpy().tobytes())
            digest.update(repr(exercise[2:]).encode())
        return {"chorales": len(self), "sha256": digest.hexdigest()}

    def _problem(self, exercise: Exercise, rng: np.random.Generator) -> MaskedBatch:
        """One exercise ``(T, ...)``, without ``B``."""
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
        tonic = torch.tensor((exercise.tonics[by_soprano] + shift) % 12)
        return MaskedBatch(tokens, known, context, tonic)


def whole_notes(tokens: Tensor, known: Tensor) -> Tensor:
    """``(T, V)`` known as it is where each note begins, for the whole of the note."""
    return known.gather(0, symbol_starts(tokens))


def _given(steps: int, rng: np.random.Generator) -> Tensor:
    """``(T, V)`` what an exercise gives."""
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
    """How ``step_features`` numbers a rhythm: of the third with the fewest notes, and the most."""
    if plain < rate < flowing:
        return 0
    return 1 + RHYTHMS.index("plain" if rate <= plain else "flowing")


def _rate(chorale: Chorale) -> float:
    """Notes a step of the voices below the soprano."""
    return float(chorale.onset[:, list(ACCOMPANIMENT)].sum() / len(chorale))
