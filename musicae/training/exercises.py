"""The harmonizer's exercises: pieces in any key with some of their notes and chords taken out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from musicae.core.chorale import Chorale, nearest_transposition, transpositions
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
from musicae.models.vocabulary import FIRST_PITCH, SILENCE
from musicae.models.voice_transformer import MaskedBatch
from musicae.theory.harmonic_plan import HarmonicPlan
from musicae.theory.key_finding import likely_key
from musicae.theory.plan_reading import plan_of
from musicae.training.augmentation import augmented
from musicae.training.plan_hiding import partly_hidden
from musicae.training.task import StyledPiece

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
_PHRASES_UNTOLD = 0.15
RHYTHM_TOLD = 0.5
STYLE_UNTOLD = 0.15
AS_WRITTEN = 0.6
"""The share of exercises in which a piece is not ``augmented``."""
VARIANTS = 5
"""So many augmented variants of each piece are made."""
OTHERS = 1.5
"""At most so many pieces by others an epoch has for each one of Bach's."""
_POOL = 8
"""Among so many batches, exercises of like lengths are put into one."""


class Exercise(NamedTuple):
    """A chorale, ready for any key and any choice of known notes and chords."""

    tokens: Tensor
    """``(T, V)`` as near to the original key as the ranges allow."""
    contexts: tuple[Tensor, Tensor]
    """``(T, C)`` with the key that the whole chorale shows, and that its soprano shows; nothing of
    the style and of the plan."""
    tonics: tuple[int, int]
    plans: tuple[HarmonicPlan, HarmonicPlan]
    """The chords in these keys."""
    shifts: tuple[int, ...]
    """Semitones by which ``tokens`` can be moved."""


class Exercises:
    """Exercises to draw from; each time they are cut, moved and emptied anew.

    Args:
        chorales: Bach's. With ``every_key``, each is moved by as many semitones as the voices'
            ranges allow, cut to ``LONGEST_EXERCISE`` steps, often ``augmented``, and any notes and
            chords may be given; without, they are used as they are, with the soprano and the
            whole plan given.
        stride: lengths are multiples of this.
        others: pieces of other styles, of which each epoch has ``OTHERS`` for each of Bach's.
        variants: how many augmented variants each piece has; with 0, all stay as they are.
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
        self.by_bach = len(bach)
        self.by_others = min(len(self.pieces) - len(bach), round(OTHERS * len(bach)))
        self.prepared: dict[tuple[int, int], Exercise] = {}

    def __len__(self) -> int:
        return self.by_bach + self.by_others

    def batches(self, order: Tensor, batch_size: int, *seed: int) -> list[Tensor]:
        """The indices of an epoch, in an order by chance, in batches of like lengths."""
        lengths = torch.tensor(
            [min(len(self.pieces[self.piece_of(i, seed)].chorale), LONGEST_EXERCISE) for i in order]
        )
        pools = torch.split(torch.arange(len(order)), _POOL * batch_size)
        batches = [
            part
            for pool in pools
            for part in torch.split(order[pool[lengths[pool].argsort(stable=True)]], batch_size)
        ]
        rng = np.random.default_rng([*seed, len(order)])
        return [batches[i] for i in rng.permutation(len(batches))]

    def batch(self, indices: Sequence[int], *seed: int) -> MaskedBatch:
        """The exercises of these indices as one problem, drawn by ``seed`` and index.

        They are filled up to one length with known silence.
        """
        problems = [
            self._problem(self.piece_of(i, seed), np.random.default_rng([*seed, i]))
            for i in indices or [0]
        ]
        length = max(p.tokens.shape[0] for p in problems)
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
        for piece in self.pieces:
            digest.update(piece.chorale.pitch.tobytes() + piece.chorale.onset.tobytes())
            facts = piece.chorale
            told = (facts.meters, facts.pickup, facts.key, facts.fermatas, *piece[1:])
            digest.update(repr(told).encode())
        return {"chorales": len(self.pieces), "sha256": digest.hexdigest()}

    def piece_of(self, index: int, seed: Sequence[int]) -> int:
        """The piece of an index. Those by others take turns, epoch after epoch."""
        index = int(index)
        if index < self.by_bach or not seed:
            return index
        others = len(self.pieces) - self.by_bach
        place = seed[-1] * self.by_others + index - self.by_bach
        round_, place = divmod(place, others)
        order = np.random.default_rng([*seed[:-1], round_]).permutation(others)
        return self.by_bach + int(order[place])

    def _exercise(self, piece: int, variant: int) -> Exercise:
        """A piece as it is, or a variant of it, counted from 1."""
        if (piece, variant) not in self.prepared:
            found = self.pieces[piece]
            if variant:
                changed = augmented(found.chorale, np.random.default_rng([piece, variant]))
                found = found._replace(chorale=changed)
            self.prepared[piece, variant] = _exercise(found)
        return self.prepared[piece, variant]

    def _problem(self, piece: int, rng: np.random.Generator) -> MaskedBatch:
        """One exercise ``(T, ...)``, without ``B``."""
        if not self.every_key:
            return self._as_it_is(piece)
        variant = 0
        if self.variants and rng.random() >= AS_WRITTEN:
            variant = 1 + int(rng.integers(self.variants))
        exercise = self._exercise(piece, variant)
        shift = int(rng.choice(exercise.shifts))
        tokens = exercise.tokens
        tokens = torch.where(tokens >= FIRST_PITCH, tokens + shift, tokens)
        by_soprano = int(rng.integers(2))
        plan = partly_hidden(exercise.plans[by_soprano], rng)
        style = None if rng.random() < STYLE_UNTOLD else self.pieces[piece].style
        context = _with_plan(exercise.contexts[by_soprano], style, plan)
        if rng.random() < _PHRASES_UNTOLD:
            context[:, PHRASES] = 0
        if rng.random() < RHYTHM_TOLD:
            context[:, RHYTHM] = self.rhythms[piece]
        frames = (len(tokens) - LONGEST_EXERCISE) // self.stride
        if frames > 0:
            first = int(rng.integers(frames + 1)) * self.stride
            tokens = window(tokens, first, LONGEST_EXERCISE)
            context = context[first : first + LONGEST_EXERCISE]
        known = whole_notes(tokens, _given(len(tokens), rng))
        tonic = torch.tensor((exercise.tonics[by_soprano] + shift) % 12)
        return MaskedBatch(tokens, known, context, tonic)

    def _as_it_is(self, piece: int) -> MaskedBatch:
        """The soprano of a piece and the plan in the soprano's key."""
        exercise = self._exercise(piece, 0)
        known = torch.zeros(exercise.tokens.shape, dtype=torch.bool)
        known[:, ONLY_SOPRANO] = True
        context = _with_plan(exercise.contexts[1], self.pieces[piece].style, exercise.plans[1])
        return MaskedBatch(exercise.tokens, known, context, torch.tensor(exercise.tonics[1]))


def without_plan(batch: MaskedBatch) -> MaskedBatch:
    """A batch of which the chords are not known."""
    context = batch.context.clone()
    context[..., len(SIZES) + STYLE + 1 :] = 0
    return batch._replace(context=context)


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


def _exercise(piece: StyledPiece) -> Exercise:
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
        (torch.from_numpy(step_features(by_all)), torch.from_numpy(step_features(by_soprano))),
        (key.tonic, by_soprano.key.tonic),
        (plan, plan if same else plan_of(moved, by_soprano.key)),
        tuple(shift - nearest for shift in shifts),
    )


def _with_plan(context: Tensor, style: str | None, plan: HarmonicPlan | None) -> Tensor:
    """A context ``(T, C)`` and the columns of ``plan_features``."""
    columns = np.zeros((len(context), len(PLAN_SIZES)), dtype=np.int64)
    columns[:, STYLE] = style_number(style)
    if plan is not None:
        columns[:, STYLE + 1 :] = chord_columns(plan, len(context))
    return torch.cat([context, torch.from_numpy(columns)], dim=-1)


def _rhythm(rate: float, plain: float, flowing: float) -> int:
    """How ``step_features`` numbers a rhythm: of the third with the fewest notes, and the most."""
    if plain < rate < flowing:
        return 0
    return 1 + RHYTHMS.index("plain" if rate <= plain else "flowing")


def _rate(chorale: Chorale) -> float:
    """Notes a step of the voices below the soprano."""
    return float(chorale.onset[:, list(ACCOMPANIMENT)].sum() / len(chorale))
