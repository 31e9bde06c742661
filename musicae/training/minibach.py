"""Training of MiniBach and the autoencoder on windows of four bars of 4/4."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from musicae.core.arrays import Ints
from musicae.core.chorale import Chorale, nearest_transposition, transpositions
from musicae.core.constants import STEPS_PER_WHOLE
from musicae.encoding import tokens as pianoroll
from musicae.encoding.tokens import ALL_VOICES, VOCABULARY, WINDOW, chorale_to_tokens, windows
from musicae.models.autoencoder import Autoencoder
from musicae.models.vocabulary import FIRST_PITCH, SILENCE
from musicae.training.task import StyledPiece
from musicae.training.tensors import flatten

_BAR = STEPS_PER_WHOLE
"""Steps of a bar of 4/4; a window has four bars."""
_RAREST = 1e-4
"""Shares of symbols in the examples are clipped to at least this."""
_AT_ONCE = 512
"""Windows per batch when all windows are read in turn."""

Tokens = NDArray[np.uint8]
"""The symbols ``(N, 64, V)`` of windows."""


class Windows:
    """Windows of four bars as examples: symbols ``(N, 64, V)``, uint8."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def batch(self, indices: Sequence[int], *_seed: int) -> Tensor:
        """The windows at these indices, ``(B, 64, V)``; no random choice is made."""
        return torch.from_numpy(self.tokens[list(indices)])

    def describe(self) -> dict[str, Any]:
        """The number of windows and the SHA-256 of their symbols."""
        digest = hashlib.sha256(self.tokens.tobytes()).hexdigest()
        return {"windows": len(self), "sha256": digest}


@dataclass(frozen=True)
class WindowTask:
    """The task to predict some voices of a window from some of its voices."""

    given: tuple[int, ...]
    """The voices of the input."""
    answer: tuple[int, ...]
    """The voices of the output."""
    to_the_end: bool = False
    """True to leave out windows with a silent fourth bar: a model that composes must not learn to
    end early."""

    def examples(
        self,
        chorales: Sequence[Chorale],
        every_key: bool,
        _config: Mapping[str, Any],
        _others: Sequence[StyledPiece] = (),
    ) -> Windows:
        """The windows of chorales; see ``training_windows``."""
        found = training_windows(chorales, every_key)
        if self.to_the_end:
            found = found[(found[:, -_BAR:] != SILENCE).any(axis=(1, 2))]
        return Windows(found)

    @torch.no_grad()
    def begin(self, network: nn.Module, examples: Windows) -> None:
        """Set the output's biases to the log-odds of each symbol in the examples.

        With zero biases, the first steps mostly learn that most symbols are rare. Their gradients
        are so large that nearly half of the hidden units become inactive.
        """
        counts = sum(
            flatten(part.long(), self.answer).sum(dim=0) for part in _parts(examples.tokens)
        )
        output = [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]
        output.bias.copy_(torch.logit(torch.as_tensor(counts / len(examples)), eps=_RAREST))

    def watch(self, _network: nn.Module, _valid: Windows) -> dict[str, float]:
        """No measurements besides the losses."""
        return {}

    def loss(self, network: nn.Module, batch: Tensor, _progress: float = 1.0) -> Tensor:
        """``(B,)`` the binary cross-entropy of windows ``(B, 64, V)``, in nats per window."""
        tokens = batch.long()
        logits = network(flatten(tokens, self.given))
        target = flatten(tokens, self.answer)
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(dim=-1)

    @torch.no_grad()
    def finish(self, network: nn.Module, train: Windows, _valid: Windows) -> None:
        """Fit the normal distribution of an autoencoder's codes."""
        if isinstance(network, Autoencoder):
            # In double precision, because some directions of the codes hardly vary.
            network.double()
            codes = [
                network.encode(flatten(part.long(), ALL_VOICES).double())
                for part in _parts(train.tokens)
            ]
            network.fit_codes(torch.cat(codes))
            network.float()

    @torch.no_grad()
    def predict(self, network: nn.Module, cut: Ints) -> Ints:
        """Windows ``(N, 64, V)`` -> the most probable symbols ``(N, 64, A)`` of the ``A`` voices
        of the answer."""
        likeliest = []
        for part in _parts(cut):
            logits = network(flatten(part.long(), self.given)).numpy()
            voices = pianoroll.unflatten(logits, self.answer)
            likeliest.append(np.stack([voice.argmax(axis=-1) for voice in voices], axis=-1))
        return np.concatenate(likeliest)


def _parts(tokens: NDArray[np.integer[Any]]) -> Sequence[Tensor]:
    """Windows in parts of at most ``_AT_ONCE``."""
    return torch.split(torch.from_numpy(tokens), _AT_ONCE)


def four_bar_starts(chorale: Chorale) -> list[int]:
    """The steps at which four whole bars of 4/4 begin in a chorale.

    A window begins at each bar if all of its four bars are whole bars of 4/4. A pickup counts as
    the end of a bar that begins at a negative step. The last windows extend beyond the piece.
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


def training_windows(chorales: Sequence[Chorale], every_key: bool) -> Tokens:
    """Symbols ``(N, 64, V)``, uint8: all windows of four bars of 4/4 in the chorales.

    With ``every_key`` each window is in all transpositions that keep each voice in its range;
    without, only in the transposition nearest to the original key.
    """
    found = [np.empty((0, WINDOW, len(VOCABULARY)), dtype=np.int64)]
    for chorale in chorales:
        starts, shifts = four_bar_starts(chorale), transpositions(chorale)
        if not starts or not shifts:
            continue
        nearest = nearest_transposition(chorale)
        tokens = chorale_to_tokens(chorale.transpose(nearest))
        cut = windows(tokens, starts)
        for shift in shifts if every_key else [nearest]:
            found.append(np.where(cut >= FIRST_PITCH, cut + shift - nearest, cut))
    return np.concatenate(found).astype(np.uint8)
