"""How often a model predicts Bach's symbols, compared with trivial predictors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Bools, Ints
from musicae.core.chorale import Chorale, nearest_transposition, transpositions
from musicae.core.constants import N_VOICES, REST, VOICE_RANGES, VOICES
from musicae.core.errors import MusicaeError
from musicae.core.key import MODES, Key
from musicae.encoding import tokens as pianoroll
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import ACCOMPANIMENT, ONLY_SOPRANO, WINDOW
from musicae.evaluation.likelihood import score
from musicae.models.checkpoint import Checkpoint
from musicae.models.harmonizer import Harmonizer
from musicae.models.torch_engine import network_of
from musicae.models.vocabulary import FIRST_PITCH, HOLD
from musicae.theory.plan_reading import plan_of
from musicae.training.config import RECIPES
from musicae.training.minibach import WindowTask, four_bar_starts

HOLDING = "always hold"
DEGREE = "scale degree"
TRIVIAL = (HOLDING, DEGREE)
"""Trivial predictors. ``HOLDING`` predicts a hold at every step. ``DEGREE`` predicts an onset at
each onset of the soprano and a hold elsewhere; its pitch is the voice's most frequent one under the
soprano's scale degree. It has no accuracy for the soprano, because that is its input."""

SAME = 0.01
"""A model is better than a trivial predictor only if its accuracy is higher by at least this."""


class Accuracy(NamedTuple):
    """Shares of correctly predicted symbols, 0 to 1."""

    steps: float
    """The share of all steps: hold, rest, or the onset of the right pitch."""
    onsets: float
    """The share of the steps at which Bach has an onset."""


AccuracyTable = dict[str, dict[str, Accuracy]]
"""Voice -> predictor -> accuracy."""


def accuracies(
    model: Checkpoint, chorales: Sequence[Chorale], known: Sequence[Chorale]
) -> AccuracyTable:
    """The accuracy of a model that predicts windows, and of the trivial predictors.

    ``chorales`` are cut into windows of four bars of 4/4 that do not overlap. The trivial
    predictors are fitted on ``known``, the train side. Steps outside the piece, and notes that a
    window cuts in two, do not count. Raises MusicaeError if no window is left, or if the model does
    not predict windows.
    """
    task = RECIPES[model.name].task
    if not isinstance(task, WindowTask):
        raise MusicaeError(
            f"{model.name} does not predict windows of four bars;"
            f" use: musicae evaluate {model.name}"
        )
    below = _usual_distances(known)
    windows, bach, counted, degree = [], [], [], []
    for chorale in chorales:
        if not transpositions(chorale):
            continue
        piece = chorale.transpose(nearest_transposition(chorale))
        tokens = pianoroll.chorale_to_tokens(piece)
        guess = _by_degree(piece, below)
        for start in _side_by_side(four_bar_starts(piece)):
            window = pianoroll.window(tokens, start)
            steps = np.arange(start, start + WINDOW)
            inside = (steps >= 0) & (steps < len(piece))
            steps = steps.clip(0, len(piece) - 1)
            windows.append(window)
            bach.append(tokens[steps])
            degree.append(guess[steps])
            counted.append(inside[:, None] & (window == tokens[steps]))
    if not windows:
        raise MusicaeError("no chorale has four consecutive bars of 4/4 to measure a model on")
    truth, count = np.stack(bach), np.stack(counted)
    answer = task.predict(network_of(model), np.stack(windows))
    by_degree = np.stack(degree)
    table: AccuracyTable = {}
    for i, v in enumerate(task.answer):
        guesses = {
            model.name: answer[..., i],
            HOLDING: np.full_like(truth[..., v], HOLD),
        }
        if v not in ONLY_SOPRANO:
            guesses[DEGREE] = by_degree[..., v]
        table[VOICES[v]] = {
            predictor: _accuracy(guess, truth[..., v], count[..., v])
            for predictor, guess in guesses.items()
        }
    return table


def harmonizer_metrics(
    model: Harmonizer,
    chorales: Sequence[Chorale],
    *,
    with_plan: bool = False,
    styles: Sequence[str] | str = "bach",
    keys: Sequence[Key] | None = None,
) -> tuple[float, Accuracy]:
    """A harmonizer's nats per step and accuracy on alto, tenor and bass, given the soprano.

    For each symbol the model reads the soprano and all symbols that Bach wrote before. Chorales are
    scored whole, in any meter; phrases end at their fermatas. Chorales that fit the voices' ranges
    in no key are left out. Raises MusicaeError if none is left.

    Args:
        model: a harmonizer.
        chorales: pieces by Bach or others.
        with_plan: whether a model that can follow a plan reads the plan of the piece. The nats are
            then those of the voices given the plan. The plan is a function of the voices, so these
            nats and the plan's own nats add up to the negative log-likelihood of the voices.
        styles: the style of all pieces, or one for each piece.
        keys: the key of each piece; by default it is found from the soprano and its signature.
    """
    nats, steps, right, begins = 0.0, 0, [], []
    for number, chorale in enumerate(chorales):
        if not transpositions(chorale):
            continue
        shift = nearest_transposition(chorale)
        piece = chorale.transpose(shift)
        key = keys[number].transpose(shift) if keys else None
        partial = PartialScore.of(piece, voices=ONLY_SOPRANO, key=key)
        if model.config.chords:
            style = styles if isinstance(styles, str) else styles[number]
            plan = plan_of(piece, partial.key) if with_plan else None
            partial = replace(partial, style=style, plan=plan)
        tokens = pianoroll.chorale_to_tokens(piece)
        judged = score(model, partial, tokens)
        nats += float(judged.nats.sum())
        steps += len(tokens)
        for voice in ACCOMPANIMENT:
            right.append(judged.likeliest[:, voice] == tokens[:, voice])
            begins.append(tokens[:, voice] >= FIRST_PITCH)
    if not steps:
        raise MusicaeError("no chorale fits the voices' ranges, so the model cannot be measured")
    hits, onsets = np.concatenate(right), np.concatenate(begins)
    return nats / steps, Accuracy(float(hits.mean()), float(hits[onsets].mean()))


def _accuracy(answer: Ints, truth: Ints, counted: Bools) -> Accuracy:
    right = (answer == truth)[counted]
    begins = (truth >= FIRST_PITCH)[counted]
    return Accuracy(float(right.mean()), float(right[begins].mean()))


def _side_by_side(starts: Sequence[int]) -> list[int]:
    """The starts of windows that do not overlap, chosen from the first one on."""
    chosen: list[int] = []
    for start in starts:
        if not chosen or start >= chosen[-1] + WINDOW:
            chosen.append(start)
    return chosen


def _usual_distances(chorales: Sequence[Chorale]) -> NDArray[np.int64]:
    """The most frequent distance of each voice's onsets below the soprano, in semitones.

    ``(2, 12, V)``: for each mode and each scale degree of the soprano.
    """
    unison = 127  # the index of distance 0; lower indices are for voices above the soprano
    counts = np.zeros((len(MODES), 12, N_VOICES, 2 * unison + 1), dtype=np.int64)
    for chorale in chorales:
        if chorale.key is None:
            continue
        at, voice = np.nonzero(chorale.onset & (chorale.pitch[:, :1] != REST))
        soprano = chorale.pitch[at, 0].astype(np.int64)
        degree = (soprano - chorale.key.tonic) % 12
        distance = soprano - chorale.pitch[at, voice] + unison
        np.add.at(counts[MODES.index(chorale.key.mode)], (degree, voice, distance), 1)
    usual: NDArray[np.int64] = counts.argmax(axis=-1) - unison
    return usual


def _by_degree(chorale: Chorale, below: NDArray[np.int64]) -> NDArray[np.int64]:
    """The symbols ``(T, V)`` that ``DEGREE`` predicts; all are holds if the key is not known."""
    tokens = np.full(chorale.pitch.shape, HOLD, dtype=np.int64)
    if chorale.key is not None:
        at = np.flatnonzero(chorale.onset[:, 0])
        soprano = chorale.pitch[at, 0].astype(np.int64)
        mode, degrees = MODES.index(chorale.key.mode), (soprano - chorale.key.tonic) % 12
        lows = np.array([low for low, _ in VOICE_RANGES])
        tokens[at] = soprano[:, None] - below[mode, degrees] - lows + FIRST_PITCH
    return tokens


def accuracy_markdown(table: AccuracyTable) -> str:
    """The table in Markdown; numbers are percent."""
    predictors = list(dict.fromkeys(p for row in table.values() for p in row))
    lines = [
        "| voice | " + " | ".join(f"{p}: steps | onsets" for p in predictors) + " |",
        "| --- |" + " ---: | ---: |" * len(predictors),
    ]
    for voice, row in table.items():
        cells = [
            f"{100 * share:.1f}" if p in row else "-"
            for p in predictors
            for share in row.get(p, Accuracy(0, 0))
        ]
        lines.append(f"| {voice.lower()} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdicts(table: AccuracyTable) -> list[str]:
    """A sentence for each accuracy that is less than ``SAME`` above a trivial predictor's."""
    sentences = []
    for voice, row in table.items():
        name, model = next((p, accuracy) for p, accuracy in row.items() if p not in TRIVIAL)
        for trivial in (p for p in TRIVIAL if p in row):
            for kind, share, other in zip(Accuracy._fields, model, row[trivial], strict=True):
                if share - other < SAME:
                    sentences.append(
                        f"{voice}, {kind}: {name} ({share:.1%}) is no better than"
                        f" {trivial!r} ({other:.1%})"
                    )
    return sentences
