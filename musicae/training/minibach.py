"""What models of four bars learn: windows of chorales, some voices in and some out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.core.chorale import Chorale, nearest_transposition, transpositions
from musicae.core.constants import STEPS_PER_WHOLE
from musicae.encoding import tokens as pianoroll
from musicae.encoding.tokens import ALL_VOICES, VOCABULARY, WINDOW
from musicae.models.autoencoder import Autoencoder
from musicae.models.vocabulary import FIRST_PITCH, SILENCE
from musicae.training.task import StyledPiece

_BAR = STEPS_PER_WHOLE
"""Steps of a bar of 4/4, of which a window holds four."""

_RAREST = 1e-4
"""The least share of examples that a symbol is taken to have."""


class Windows:
    """Tokens ``(N, 64, V)``, uint8, to learn from."""

    def __init__(self, tokens: Tensor) -> None:
        self.tokens = tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def batch(self, indices: Sequence[int], *_seed: int) -> Tensor:
        """Those windows; there is nothing to draw."""
        return self.tokens[list(indices)]

    def describe(self) -> dict[str, Any]:
        """How many there are, and a fingerprint."""
        digest = hashlib.sha256(self.tokens.numpy().tobytes()).hexdigest()
        return {"windows": len(self), "sha256": digest}


@dataclass(frozen=True)
class WindowTask:
    """To read some voices of four bars and write some."""

    given: tuple[int, ...]
    """The voices of its input."""
    answer: tuple[int, ...]
    """The voices of its output."""
    to_the_end: bool = False
    """Whether only windows count whose fourth bar sounds: who composes should not learn to stop."""

    def examples(
        self,
        chorales: Sequence[Chorale],
        every_key: bool,
        _config: Mapping[str, Any],
        _others: Sequence[StyledPiece] = (),
    ) -> Windows:
        """The ``windows`` of chorales that the model learns from."""
        found = training_windows(chorales, every_key)
        if self.to_the_end:
            found = found[(found[:, -_BAR:] != SILENCE).flatten(1).any(dim=1)]
        return Windows(found)

    @torch.no_grad()
    def begin(self, network: nn.Module, examples: Windows) -> None:
        """Begin the output's biases at the log-odds of each symbol in the examples.

        From zero, the first steps only teach that most symbols are rare, by gradients so large
        that nearly half of the hidden units die of them.
        """
        counts = sum(
            pianoroll.flatten(part.long(), self.answer).sum(dim=0)
            for part in torch.split(examples.tokens, 512)
        )
        output = [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]
        output.bias.copy_(torch.logit(torch.as_tensor(counts / len(examples)), eps=_RAREST))

    def watch(self, _network: nn.Module, _valid: Windows) -> dict[str, float]:
        """Nothing but the losses."""
        return {}

    def loss(self, network: nn.Module, batch: Tensor, _progress: float = 1.0) -> Tensor:
        """The binary cross-entropy of windows ``(B, 64, V)``: ``(B,)``, in nats a window."""
        tokens = batch.long()
        logits = network(pianoroll.flatten(tokens, self.given))
        target = pianoroll.flatten(tokens, self.answer)
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(dim=-1)

    @torch.no_grad()
    def finish(self, network: nn.Module, train: Windows, _valid: Windows) -> None:
        """Fit the distribution of an autoencoder's codes."""
        if isinstance(network, Autoencoder):
            # In double precision, for some directions of the codes hardly vary.
            network.double()
            codes = [
                network.encode(pianoroll.flatten(part.long(), ALL_VOICES).double())
                for part in torch.split(train.tokens, 512)
            ]
            network.fit_codes(torch.cat(codes))
            network.float()

    @torch.no_grad()
    def predict(self, network: nn.Module, windows: Tensor) -> Tensor:
        """The likeliest token of each voice of the answer: ``(N, 64, V)`` -> ``(N, 64, A)``."""
        likeliest = []
        for part in torch.split(windows, 512):
            logits = network(pianoroll.flatten(part.long(), self.given))
            voices = pianoroll.unflatten(logits, self.answer)
            likeliest.append(torch.stack([voice.argmax(dim=-1) for voice in voices], dim=-1))
        return torch.cat(likeliest)


def four_bar_starts(chorale: Chorale) -> list[int]:
    """The steps at which four whole bars of 4/4 can be cut out of a chorale.

    Every bar begins such a window unless a bar line would fall within a bar of it. A pickup is
    the end of a bar that begins before the piece, at a negative step; the last windows reach
    beyond the piece.
    """
    lines = {}
    for measure in chorale.measures:
        in_pickup = bool(chorale.pickup) and measure.start == 0
        start = chorale.pickup - _BAR if in_pickup else measure.start
        lines[start] = (measure.numerator, measure.denominator) == (4, 4)
    starts = []
    for start in lines:
        expected = range(start, min(start + WINDOW, len(chorale)), _BAR)
        inside = [line for line in lines if start <= line < start + WINDOW]
        if inside == list(expected) and all(lines[line] for line in inside):
            starts.append(start)
    return starts


def training_windows(chorales: Sequence[Chorale], every_key: bool) -> Tensor:
    """Tokens ``(N, 64, V)``, uint8: every four bars of 4/4 that can be cut out of the chorales.

    ``every_key``: in all transpositions that keep every voice in its range; otherwise once, as
    near to the original as the ranges allow.
    """
    found = [torch.empty(0, WINDOW, len(VOCABULARY), dtype=torch.int64)]
    for chorale in chorales:
        starts, shifts = four_bar_starts(chorale), transpositions(chorale)
        if not starts or not shifts:
            continue
        nearest = nearest_transposition(chorale)
        tokens = pianoroll.chorale_to_tokens(chorale.transpose(nearest))
        cut = pianoroll.windows(tokens, starts)
        for shift in shifts if every_key else [nearest]:
            found.append(torch.where(cut >= FIRST_PITCH, cut + shift - nearest, cut))
    return torch.cat(found).to(torch.uint8)
