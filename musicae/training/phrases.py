"""Training of the phrase segmenter on melodies with marked phrase ends.

Altered copies of the melodies teach it not to depend on bar lines or on the lengths of last notes.
The last note of a piece is never scored: a phrase always ends there.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from musicae.encoding.melody_notes import (
    Bars,
    MelodyNotes,
    bar_times,
    ends_to_labels,
    features,
    melody_notes,
)
from musicae.models.configs import PhraseSegmenterConfig
from musicae.models.phrase_segmenter import PhraseSegmenter
from musicae.theory.key_finding import find_key
from musicae.training.melody_data import Example, voices_only

RIGHT_KEYS = 0.6
"""The share of training pieces that are read in the right key; the others are read in the key that
``theory.key_finding`` finds."""
THRESHOLDS = np.arange(0.2, 0.71, 0.02)
"""The probabilities that are tried as threshold of a phrase end on the validation side."""


@dataclass(frozen=True)
class PhraseSettings:
    """The settings of a phrase segmenter's training."""

    seed: int = 0
    epochs: int = 14
    batch: int = 32
    """Pieces per step."""
    learning_rate: float = 3e-3
    """The peak of the one-cycle schedule."""
    weight_decay: float = 0.02
    variants: int = 8
    """Copies of each piece: the piece itself and altered ones. They are made once; each epoch uses
    one of them at random."""
    bach_repeats: int = 1
    """How often an epoch uses each of Bach's chorales."""


@dataclass(frozen=True)
class Item:
    """A piece as the input and target of the network."""

    features: Tensor
    """``(N, F)`` the features of the notes."""
    times: Tensor
    """``(N,)`` the onsets of the notes, in bars."""
    labels: Tensor
    """``(N,)`` 1 for notes on which a phrase ends, else 0; the last note is not scored."""


def with_ends(examples: Sequence[Example]) -> list[Example]:
    """The examples that have a phrase end before the last note."""
    return [e for e in examples if set(e.chorale.fermatas) - {e.chorale.notes(0)[-1].step}]


def item(notes: MelodyNotes, labels: NDArray[np.float32]) -> Item:
    """The input and target of the network for a melody."""
    return Item(
        torch.from_numpy(features(notes)),
        torch.from_numpy(bar_times(notes)),
        torch.from_numpy(labels),
    )


def collate(items: Sequence[Item]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features ``(B, N, F)``, times, mask and labels ``(B, N)``, padded to the longest piece."""
    pad = torch.nn.utils.rnn.pad_sequence
    mask = pad([torch.ones(len(i.labels), dtype=torch.bool) for i in items], batch_first=True)
    return (
        pad([i.features for i in items], batch_first=True),
        pad([i.times for i in items], batch_first=True),
        mask,
        pad([i.labels for i in items], batch_first=True),
    )


# Alterations


def altered(
    notes: MelodyNotes, labels: NDArray[np.float32], rng: np.random.Generator
) -> tuple[MelodyNotes, NDArray[np.float32]]:
    """The melody with random changes that keep its phrase ends.

    It may have other bars, other lengths of last notes, only some of its phrases or no known key.
    """
    if rng.random() < 0.3:
        notes, labels = _cropped(notes, labels, rng)
    if rng.random() < 0.4:
        notes = _other_ends(notes, labels, rng)
    if rng.random() < 0.25:
        notes = replace(notes, bars=_other_bars(notes.bars, rng))
    if rng.random() < 0.1:
        shift = int(notes.bars.beat[0]) * int(rng.integers(1, 4))
        notes = replace(notes, bars=replace(notes.bars, start=notes.bars.start - shift))
        notes = replace(notes, bars=_extended(notes.bars, int(notes.following[-1])))
    if rng.random() < 0.1:
        notes = replace(notes, tonic=-1)
    return notes, labels


def _cropped(
    notes: MelodyNotes, labels: NDArray[np.float32], rng: np.random.Generator
) -> tuple[MelodyNotes, NDArray[np.float32]]:
    """Some consecutive phrases; time 0 is the onset of their first note."""
    ends = np.flatnonzero(labels[:-1])
    if len(ends) < 3:
        return notes, labels
    first = int(rng.choice([-1, *ends[: len(ends) // 2]]))
    last = int(rng.choice([*ends[len(ends) // 2 + 1 :], len(labels) - 1]))
    kept = slice(first + 1, last + 1)
    origin = int(notes.onset[first + 1])
    index, _ = notes.bars.place(notes.onset[first + 1 : first + 2])
    bars = notes.bars
    at = int(index[0])
    bars = Bars(bars.start[at:] - origin, bars.length[at:], bars.beat[at:])
    return (
        replace(
            notes,
            onset=notes.onset[kept] - origin,
            duration=notes.duration[kept],
            pitch=notes.pitch[kept],
            bars=bars,
        ),
        labels[kept],
    )


def _other_ends(
    notes: MelodyNotes, labels: NDArray[np.float32], rng: np.random.Generator
) -> MelodyNotes:
    """The melody with other lengths of last notes of phrases.

    Either all notes last until the next one, or last notes of phrases are shortened. The last note
    of the piece may be shorter or longer.
    """
    duration = notes.duration.copy()
    gaps = notes.following - notes.onset
    ends = np.flatnonzero(labels[:-1])
    if rng.random() < 0.5:
        duration[:-1] = gaps[:-1]
    else:
        duration[ends] = np.maximum(1, (gaps[ends] * rng.choice([0.5, 0.75])).astype(np.int64))
    if rng.random() < 0.5:
        duration[-1] = max(1, int(duration[-1] * rng.choice([0.5, 1.5, 2.0])))
    return replace(notes, duration=duration)


def _other_bars(bars: Bars, rng: np.random.Generator) -> Bars:
    """Bars of half or twice the length, if all bars of the piece are equal."""
    length = int(bars.length[0])
    if (bars.length != length).any() or (np.diff(bars.start) != length).any():
        return bars
    beats = length / bars.beat[0]
    if beats % 2 == 0 and beats > 2 and rng.random() < 0.5:
        start = np.arange(bars.start[0], bars.start[-1] + length, length // 2)
        return Bars(start, np.full(len(start), length // 2), np.full(len(start), bars.beat[0]))
    if beats <= 3:
        # In 30% of cases the pairs of bars begin one bar earlier.
        first = bars.start[0] - (length if rng.random() < 0.3 else 0)
        start = np.arange(first, bars.start[-1] + length, 2 * length)
        return Bars(start, np.full(len(start), 2 * length), np.full(len(start), bars.beat[0]))
    return bars


def _extended(bars: Bars, stop: int) -> Bars:
    """The bars with one more at the end, if the piece goes on after the last one."""
    last = int(bars.start[-1] + bars.length[-1])
    if last >= stop:
        return bars
    return Bars(
        np.append(bars.start, last),
        np.append(bars.length, bars.length[-1]),
        np.append(bars.beat, bars.beat[-1]),
    )


# Training


def pool_of(examples: Sequence[Example], settings: PhraseSettings) -> list[list[Item]]:
    """For each example the piece itself and its altered copies.

    For a share of ``RIGHT_KEYS`` pieces the key is the right one. For the others it is the key that
    ``theory.key_finding`` finds, which is sometimes wrong.
    """
    rng = np.random.default_rng(settings.seed)
    pool: list[list[Item]] = []
    for example in examples:
        right = rng.random() < RIGHT_KEYS
        key = example.key if right else find_key(voices_only(example.chorale, (0,)))
        notes = melody_notes(example.chorale, key)
        labels = ends_to_labels(example.chorale, notes)
        variants = [item(notes, labels)]
        variants += [item(*altered(notes, labels, rng)) for _ in range(settings.variants - 1)]
        repeats = settings.bach_repeats if example.style == "bach" else 1
        pool += [variants] * repeats
    return pool


def train(
    pool: Sequence[Sequence[Item]],
    config: PhraseSegmenterConfig,
    settings: PhraseSettings,
    validate: Callable[[PhraseSegmenter], float],
    log: Callable[[dict[str, Any]], None],
) -> PhraseSegmenter:
    """Train one network; it has the weights of the epoch with the highest ``validate``.

    ``pool`` comes from ``pool_of``. ``log`` is called with each epoch's number, training loss,
    score and seconds.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    model = PhraseSegmenter(config)
    steps = settings.epochs * -(-len(pool) // settings.batch)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=steps, pct_start=0.15
    )
    best, kept = -1.0, copy.deepcopy(model.state_dict())
    for epoch in range(settings.epochs):
        model.train()
        began, losses = time.perf_counter(), []
        # Batches of pieces with similar lengths, in random order.
        chosen = [variants[int(rng.integers(len(variants)))] for variants in pool]
        chosen.sort(key=lambda one: len(one.labels) * float(rng.uniform(0.8, 1.25)))
        batches = [chosen[i : i + settings.batch] for i in range(0, len(chosen), settings.batch)]
        for index in rng.permutation(len(batches)):
            inputs, times, mask, targets = collate(batches[index])
            loss = _loss(model(inputs, times, mask), targets, mask)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        model.eval()
        score = validate(model)
        log(
            {
                "epoch": epoch + 1,
                "train_loss": float(np.mean(losses)),
                "score": score,
                "seconds": time.perf_counter() - began,
            }
        )
        if score > best:
            best, kept = score, copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    return model.eval()


def _loss(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """The mean cross-entropy of the scored notes, in nats."""
    scored = _scored(mask)
    return F.binary_cross_entropy_with_logits(logits[scored], labels[scored])


def _scored(mask: Tensor) -> Tensor:
    """``(B, N)`` bool: all notes except the last of each piece."""
    scored = mask.clone()
    scored[torch.arange(len(mask)), mask.sum(dim=1) - 1] = False
    return scored


# Measuring


class EndFigures(NamedTuple):
    """How well phrase ends are found; the last notes of pieces do not count."""

    precision: float
    recall: float
    f1: float
    found: int
    """Notes on which the network finds an end."""
    marked: int
    """Notes on which an end is marked."""


def end_figures(found: NDArray[np.bool_], marked: NDArray[np.bool_]) -> EndFigures:
    """Compare found and marked ends; both are ``(N,)`` over the scored notes of all pieces."""
    right, of_found, of_marked = (int(a.sum()) for a in (found & marked, found, marked))
    return EndFigures(
        round(right / max(1, of_found), 4),
        round(right / max(1, of_marked), 4),
        round(2 * right / max(1, of_found + of_marked), 4),
        of_found,
        of_marked,
    )


def validation_items(examples: Sequence[Example]) -> list[Item]:
    """The sopranos in the keys that ``theory.key_finding`` finds, for ``validation_score``."""
    items = []
    for example in with_ends(examples):
        notes = melody_notes(example.chorale, find_key(voices_only(example.chorale, (0,))))
        items.append(item(notes, ends_to_labels(example.chorale, notes)))
    return items


@torch.inference_mode()
def validation_score(model: PhraseSegmenter, sides: Sequence[Sequence[Item]]) -> float:
    """The mean over sides of the best F1 minus half the cross-entropy; higher is better."""
    scores = []
    for items in sides:
        inputs, times, mask, labels = collate(items)
        logits = model(inputs, times, mask)
        scored = _scored(mask)
        probabilities = torch.sigmoid(logits[scored]).numpy()
        ends = labels[scored].numpy() > 0.5
        f1 = max(end_figures(probabilities > t, ends).f1 for t in THRESHOLDS)
        scores.append(f1 - 0.5 * _loss(logits, labels, mask).item())
    return float(np.mean(scores))
