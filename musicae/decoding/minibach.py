"""Decode MiniBach and the autoencoder, which read windows of four bars of 4/4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Bools, Floats32, Ints
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
from musicae.models.checkpoint import Checkpoint
from musicae.models.vocabulary import HOLD, SILENCE

LEAST = 1e-20
"""The least probability of a symbol; 0 has no logarithm."""


def accompany(
    model: Checkpoint, melody: Chorale, n: int, options: SamplingOptions
) -> list[Chorale]:
    """``n`` harmonizations of the soprano of ``melody`` by MiniBach."""
    tokens = chorale_to_tokens(melody)
    probabilities = accompaniment_probabilities(model, tokens, window_starts(melody))
    random = np.random.default_rng(options.seed)
    rests = _silent_bars(melody)
    found = []
    for _ in range(n):
        drawn = tokens.copy()
        for voice, voice_probabilities in zip(ACCOMPANIMENT, probabilities, strict=True):
            drawn[:, voice] = _draw_line(voice_probabilities, options.temperature, random, rests)
        found.append(tokens_to_chorale(drawn, melody))
    return found


def generate(model: Checkpoint, n: int, temperature: float, seed: int) -> list[Chorale]:
    """``n`` new pieces of four bars, decoded from random codes of the autoencoder.

    ``temperature`` multiplies the codes' deviations from their mean; at 0 all pieces are the piece
    of the mean code. Raises CheckpointError for another model.
    """
    if model.name != "autoencoder":
        raise CheckpointError(f"{model.name} does not compose; use autoencoder")
    random = np.random.default_rng(seed)
    never = np.zeros(WINDOW, dtype=np.bool_)
    noise = random.standard_normal((n, model.config.bottleneck)) @ model.tensors["code_scale"].T
    codes = model.tensors["code_mean"] + temperature * noise
    (logits,) = model.run("decode", code=codes.astype(np.float32))
    parts = unflatten(logits, ALL_VOICES)
    pieces = []
    for i in range(n):
        lines = [_draw_line(part[i], 0.0, random, never) for part in parts]
        piece = tokens_to_chorale(np.stack(lines, axis=-1))
        title = f"Four bars, seed {seed}, number {i + 1}"
        tempos = (Tempo(0, DEFAULT_QPM),)
        pieces.append(replace(piece, title=title, source=f"musicae {model.name}", tempos=tempos))
    return pieces


def window_starts(melody: Chorale) -> list[int]:
    """The first steps of windows of four bars of 4/4 that cover a piece and overlap.

    A window begins with each bar, and every half window within longer bars. A pickup counts as the
    end of a full bar, which begins at a negative step; windows that end before the piece are left
    out. The last window is the first one that reaches the end of the piece.
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


def accompaniment_probabilities(
    model: Checkpoint, tokens: Ints, starts: Sequence[int]
) -> list[Floats32]:
    """For alto, tenor and bass the probabilities ``(T, P_v)`` of their symbols at each step.

    ``tokens`` ``(T, V)`` contain the soprano, ``starts`` are the first steps of the windows. The
    probabilities of overlapping windows are averaged. Each counts in proportion to its distance
    from the nearer edge of its window, for in the middle MiniBach reads the soprano before and
    after.
    """
    (flat,) = model.run("accompany", soprano=flatten(windows(tokens, starts), ONLY_SOPRANO))
    steps = np.arange(WINDOW)
    weight = np.minimum(steps + 1, WINDOW - steps).astype(np.float32)
    averaged = []
    for voice, part in zip(ACCOMPANIMENT, unflatten(flat, ACCOMPANIMENT), strict=True):
        total = np.zeros((len(tokens), VOCABULARY[voice]), dtype=np.float32)
        for start, probabilities in zip(starts, part, strict=True):
            first, stop = max(0, start), min(len(tokens), start + WINDOW)
            inside = slice(first - start, stop - start)
            total[first:stop] += weight[inside, None] * probabilities[inside]
        averaged.append(total / total.sum(axis=-1, keepdims=True))
    return averaged


def _draw_line(
    scores: NDArray[np.floating], temperature: float, random: np.random.Generator, rests: Bools
) -> Ints:
    """One voice's tokens ``(T,)`` from probabilities ``(T, P_v)``.

    At temperature 0 they are the likeliest, so ``scores`` may be logits too. They are ``SILENCE``
    at ``rests`` ``(T,)``, and no ``HOLD`` follows a ``SILENCE``.
    """
    if temperature > 0:
        # Gumbel-max sampling: all noise is drawn at once, then the symbols are chosen in order.
        noise = random.gumbel(size=scores.shape)
        scores = np.log(np.maximum(scores, LEAST)) / temperature + noise
    free = scores.argmax(axis=-1).tolist()
    not_held = (scores[:, SILENCE:].argmax(axis=-1) + SILENCE).tolist()
    line, sounds = [], False
    for token, instead, rest in zip(free, not_held, rests.tolist(), strict=True):
        chosen = SILENCE if rest else token if sounds or token != HOLD else instead
        line.append(chosen)
        sounds = chosen != SILENCE
    return np.array(line)


def _silent_bars(melody: Chorale) -> Bools:
    """``(T,)`` True in bars in which the soprano rests throughout; the other voices rest there."""
    rests = np.zeros(len(melody), dtype=np.bool_)
    for measure in melody.measures:
        bar = slice(measure.start, measure.start + measure.length)
        rests[bar] = (melody.pitch[bar, 0] == REST).all()
    return rests
