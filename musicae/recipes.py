"""What each model learns: its examples, its loss, its layers and its settings for release."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae import corpus, pianoroll
from musicae.chorale import STEPS_PER_WHOLE, Chorale, MusicaeError
from musicae.pianoroll import (
    ACCOMPANIMENT,
    ALL_VOICES,
    FIRST_PITCH,
    SILENCE,
    SOPRANO,
    VOCABULARY,
    WINDOW,
)

BAR = STEPS_PER_WHOLE
"""Steps of a bar of 4/4, of which a window holds four."""

RAREST = 1e-4
"""The least share of examples that a symbol is taken to have."""


@dataclass(frozen=True)
class Settings:
    """How a model is trained. Raises MusicaeError where the numbers make no sense."""

    epochs: int = 10
    """At most so many passes over the training examples."""
    batch_size: int = 256
    """Examples a step of the optimizer, over all processes together."""
    learning_rate: float = 1e-3
    """AdamW's, at its highest."""
    weight_decay: float = 0.0
    """AdamW's, on matrices; biases are left alone."""
    warmup: float = 0.05
    """Share of all steps in which the learning rate rises; then it falls to zero as a cosine."""
    patience: int = 5
    """Epochs without a lower validation loss after which training stops."""
    seed: int = 0
    """Of the first weights and of the order of the examples."""

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_size, self.patience) < 1:
            raise MusicaeError("epochs, batch_size and patience are at least 1")
        if not (self.learning_rate > 0 and self.weight_decay >= 0 and 0 <= self.warmup < 1):
            raise MusicaeError(
                "learning_rate is above 0, weight_decay is not below 0, warmup is a share below 1"
            )
        if self.seed < 0:
            raise MusicaeError(f"a seed is not negative: {self.seed}")

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate of a step, counted from 0, of so many."""
        warmup = math.ceil(self.warmup * steps)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        return self.learning_rate * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


@dataclass(frozen=True)
class Recipe:
    """A model that reads some voices of four bars and writes some."""

    given: tuple[int, ...]
    """The voices of its input."""
    answer: tuple[int, ...]
    """The voices of its output."""
    config: dict[str, int]
    """Its layers."""
    settings: Settings
    to_the_end: bool = False
    """Whether only windows count whose fourth bar sounds: who composes should not learn to stop."""

    def examples(self, chorales: Sequence[Chorale], every_key: bool) -> Tensor:
        """The ``windows`` of chorales that the model learns from, ``(N, 64, V)``, uint8."""
        found = windows(chorales, every_key)
        if self.to_the_end:
            found = found[(found[:, -BAR:] != SILENCE).flatten(1).any(dim=1)]
        return found

    @torch.no_grad()
    def begin(self, network: nn.Module, examples: Tensor) -> None:
        """Begin the output's biases at the log-odds of each symbol in examples ``(N, 64, V)``.

        From zero, the first steps only teach that most symbols are rare, by gradients so large
        that nearly half of the hidden units die of them.
        """
        counts = sum(
            pianoroll.flatten(part.long(), self.answer).sum(dim=0)
            for part in torch.split(examples, 512)
        )
        output = [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]
        output.bias.copy_(torch.logit(torch.as_tensor(counts / len(examples)), eps=RAREST))

    def loss(self, network: nn.Module, batch: Tensor) -> Tensor:
        """The binary cross-entropy of windows ``(B, 64, V)``: ``(B,)``, in nats a window."""
        tokens = batch.long()
        logits = network(pianoroll.flatten(tokens, self.given))
        target = pianoroll.flatten(tokens, self.answer)
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(dim=-1)

    @torch.no_grad()
    def predict(self, network: nn.Module, windows: Tensor) -> Tensor:
        """The likeliest token of each voice of the answer: ``(N, 64, V)`` -> ``(N, 64, A)``."""
        likeliest = []
        for part in torch.split(windows, 512):
            logits = network(pianoroll.flatten(part.long(), self.given))
            voices = pianoroll.unflatten(logits, self.answer)
            likeliest.append(torch.stack([voice.argmax(dim=-1) for voice in voices], dim=-1))
        return torch.cat(likeliest)


def _width(voices: Sequence[int]) -> int:
    return WINDOW * sum(VOCABULARY[v] for v in voices)


RECIPES = {
    "minibach": Recipe(
        given=SOPRANO,
        answer=ACCOMPANIMENT,
        config={"inputs": _width(SOPRANO), "outputs": _width(ACCOMPANIMENT), "hidden": 200},
        settings=Settings(epochs=20, learning_rate=5e-3, weight_decay=0.2),
    ),
    "autoencoder": Recipe(
        given=ALL_VOICES,
        answer=ALL_VOICES,
        config={"inputs": _width(ALL_VOICES), "hidden": 200, "bottleneck": 128},
        settings=Settings(epochs=20, learning_rate=5e-3, weight_decay=0.02),
        to_the_end=True,
    ),
}


def four_bar_starts(chorale: Chorale) -> list[int]:
    """The steps at which four whole bars of 4/4 can be cut out of a chorale.

    Every bar begins such a window unless a bar line would fall within a bar of it. A pickup is
    the end of a bar that begins before the piece, at a negative step; the last windows reach
    beyond the piece.
    """
    lines = {}
    for measure in chorale.measures:
        in_pickup = bool(chorale.pickup) and measure.start == 0
        start = chorale.pickup - BAR if in_pickup else measure.start
        lines[start] = (measure.numerator, measure.denominator) == (4, 4)
    starts = []
    for start in lines:
        expected = range(start, min(start + WINDOW, len(chorale)), BAR)
        inside = [line for line in lines if start <= line < start + WINDOW]
        if inside == list(expected) and all(lines[line] for line in inside):
            starts.append(start)
    return starts


def windows(chorales: Sequence[Chorale], every_key: bool) -> Tensor:
    """Tokens ``(N, 64, V)``, uint8: every four bars of 4/4 that can be cut out of the chorales.

    ``every_key``: in all transpositions that keep every voice in its range; otherwise once, as
    near to the original as the ranges allow.
    """
    found = [torch.empty(0, WINDOW, len(VOCABULARY), dtype=torch.int64)]
    for chorale in chorales:
        starts, shifts = four_bar_starts(chorale), corpus.transpositions(chorale)
        if not starts or not shifts:
            continue
        nearest = min(shifts, key=abs)
        tokens = pianoroll.encode(chorale.transpose(nearest))
        cut = pianoroll.windows(tokens, starts)
        for shift in shifts if every_key else [nearest]:
            found.append(torch.where(cut >= FIRST_PITCH, cut + shift - nearest, cut))
    return torch.cat(found).to(torch.uint8)
