"""Decode MiniBach and the autoencoder, which see windows of four bars of 4/4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from musicae.core.chorale import Chorale
from musicae.core.constants import DEFAULT_QPM, REST
from musicae.core.errors import CheckpointError
from musicae.core.meter import Tempo
from musicae.decoding.choice import SamplingOptions
from musicae.encoding.tokens import (
    ACCOMPANIMENT,
    ALL_VOICES,
    ONLY_SOPRANO,
    VOCABULARY,
    WINDOW,
    chorale_to_tokens,
    flatten,
    tokens_to_chorale,
    unflatten,
    windows,
)
from musicae.models.autoencoder import Autoencoder
from musicae.models.checkpoint import Checkpoint
from musicae.models.minibach import MiniBach
from musicae.models.vocabulary import HOLD, SILENCE


def accompany(model: MiniBach, melody: Chorale, n: int, options: SamplingOptions) -> list[Chorale]:
    """``n`` harmonizations of a soprano by MiniBach."""
    tokens = chorale_to_tokens(melody)
    probabilities = accompaniment_probabilities(model, tokens, window_starts(melody))
    generator = torch.Generator().manual_seed(options.seed)
    rests = _silent_bars(melody)
    found = []
    for _ in range(n):
        drawn = tokens.clone()
        for voice, voice_probabilities in zip(ACCOMPANIMENT, probabilities, strict=True):
            drawn[:, voice] = _draw_line(voice_probabilities, options.temperature, generator, rests)
        found.append(tokens_to_chorale(drawn, melody))
    return found


def generate(model: Checkpoint, n: int, temperature: float, seed: int) -> list[Chorale]:
    """``n`` new pieces of four bars, decoded from random codes of the autoencoder.

    ``temperature`` multiplies the codes' deviations from their mean; at 0 all pieces are those of
    the mean code. Raises CheckpointError for another model.
    """
    if not isinstance(model.model, Autoencoder):
        raise CheckpointError(f"{model.name} does not compose; use autoencoder")
    generator = torch.Generator().manual_seed(seed)
    never = torch.zeros(WINDOW, dtype=torch.bool)
    with torch.inference_mode():
        codes = model.model.draw_codes(n, temperature, generator)
        parts = unflatten(model.model.decode(codes), ALL_VOICES)
    pieces = []
    for i in range(n):
        lines = [_draw_line(F.softmax(part[i], -1), 0.0, generator, never) for part in parts]
        piece = tokens_to_chorale(torch.stack(lines, dim=-1))
        title = f"Four bars, seed {seed}, number {i + 1}"
        tempos = (Tempo(0, DEFAULT_QPM),)
        pieces.append(replace(piece, title=title, source=f"musicae {model.name}", tempos=tempos))
    return pieces


def window_starts(melody: Chorale) -> list[int]:
    """The steps at which windows of four bars of 4/4 begin, to cover a piece with overlap.

    A window begins with each bar, and within bars that are longer than half a window. A pickup is
    the end of a bar that begins before the piece, at a negative step; windows that end before the
    piece are left out. The last window is the first one that reaches the end.
    """
    bars = [measure.start for measure in melody.measures]
    if melody.pickup:
        bars[0] = melody.pickup - melody.meters[0].steps_per_bar
    begins: list[int] = []
    for bar, following in zip(bars, [*bars[1:], len(melody)], strict=True):
        for start in range(bar, following, WINDOW // 2):
            if start + WINDOW > 0:
                begins.append(start)
            if start + WINDOW >= len(melody):
                return begins
    return begins


@torch.inference_mode()
def accompaniment_probabilities(
    model: MiniBach, tokens: Tensor, starts: Sequence[int]
) -> list[Tensor]:
    """The probabilities ``(T, P_v)`` of the symbols of alto, tenor and bass at each step.

    ``tokens`` ``(T, V)`` contain the soprano. Probabilities of overlapping windows are averaged,
    weighted by the distance to the window's nearer edge: in the middle of a window MiniBach knows
    the soprano before and after.
    """
    flat = torch.sigmoid(model(flatten(windows(tokens, starts), ONLY_SOPRANO)))
    steps = torch.arange(WINDOW)
    weight = torch.minimum(steps + 1, WINDOW - steps).float()
    averaged = []
    for voice, part in zip(ACCOMPANIMENT, unflatten(flat, ACCOMPANIMENT), strict=True):
        total = torch.zeros(len(tokens), VOCABULARY[voice])
        for start, probabilities in zip(starts, part, strict=True):
            first, stop = max(0, start), min(len(tokens), start + WINDOW)
            inside = slice(first - start, stop - start)
            total[first:stop] += weight[inside, None] * probabilities[inside]
        averaged.append(total / total.sum(dim=-1, keepdim=True))
    return averaged


def _draw_line(
    probabilities: Tensor, temperature: float, generator: torch.Generator, rests: Tensor
) -> Tensor:
    """One voice's tokens ``(T,)`` from probabilities ``(T, P_v)``; at temperature 0 the likeliest.

    They are ``SILENCE`` at ``rests`` ``(T,)``, and no ``HOLD`` follows a ``SILENCE``.
    """
    if temperature > 0:
        # Gumbel-max sampling: all noise is drawn at once, then the symbols are chosen in order.
        uniform = torch.rand(probabilities.shape, generator=generator).clamp_min(1e-20)
        noise = -torch.log(-torch.log(uniform))
        scores = torch.log(probabilities.clamp_min(1e-20)) / temperature + noise
    else:
        scores = probabilities
    free = scores.argmax(dim=-1).tolist()
    not_held = scores[:, SILENCE:].argmax(dim=-1).add(SILENCE).tolist()
    line, sounds = [], False
    for token, instead, rest in zip(free, not_held, rests.tolist(), strict=True):
        chosen = SILENCE if rest else token if sounds or token != HOLD else instead
        line.append(chosen)
        sounds = chosen != SILENCE
    return torch.tensor(line)


def _silent_bars(melody: Chorale) -> Tensor:
    """``(T,)`` True in bars in which the soprano rests throughout: there the others rest too."""
    rests = torch.zeros(len(melody), dtype=torch.bool)
    for measure in melody.measures:
        bar = slice(measure.start, measure.start + measure.length)
        rests[bar] = bool((melody.pitch[bar, 0] == REST).all())
    return rests
