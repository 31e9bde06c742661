"""Training of the key finder on the keys of scores, from sopranos alone and from all voices."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from musicae.core.constants import N_VOICES, REST
from musicae.encoding.key_features import KeyInput, collate, key_input
from musicae.models.configs import KeyFinderConfig
from musicae.models.key_finder import KeyFinder
from musicae.models.vocabulary import MODES
from musicae.training.melody_data import Example, voices_only


@dataclass(frozen=True)
class KeySettings:
    """The settings of a key finder's training."""

    seed: int = 0
    epochs: int = 14
    batch: int = 32
    """Pieces per step."""
    learning_rate: float = 3e-3
    """The peak of the one-cycle schedule."""
    weight_decay: float = 0.02
    variants: int = 10
    """Altered copies of each piece. They are made once; each epoch uses one of them at random."""
    smoothing: float = 0.02
    """Label smoothing: this share of the target is spread over all keys, because some labels are
    uncertain."""


def target(example: Example) -> int:
    """The index of an example's tonic and mode among the network's flattened scores."""
    return example.tonic * len(MODES) + MODES.index(example.mode)


def altered(example: Example, rng: np.random.Generator) -> KeyInput:
    """A random variant: some of the voices, sometimes a part of the piece, sometimes with the key
    signature or with a wrong one."""
    draw = rng.random()
    if draw < 0.6:
        voices = [0]
    elif draw < 0.85:
        voices = [0, 1, 2, 3]
    elif draw < 0.93:
        voices = [0, 3]
    else:
        voices = [int(rng.integers(1, N_VOICES))]
    chorale = voices_only(example.chorale, voices)
    if rng.random() < 0.1 and chorale.bar_count > 8:
        first = int(rng.integers(1, chorale.bar_count // 3))
        part = chorale.bars(first, chorale.bar_count)
        if (part.pitch != REST).any():
            chorale = part
    draw = rng.random()
    signature = None
    if draw > 0.92:
        signature = 0 if rng.random() < 0.5 else int(rng.integers(-6, 7))
    elif draw > 0.6:
        signature = example.signature
    return key_input(chorale, signature)


def pool_of(examples: Sequence[Example], settings: KeySettings) -> list[tuple[list[KeyInput], int]]:
    """For each example its altered copies and its target index."""
    rng = np.random.default_rng(settings.seed)
    return [
        ([altered(example, rng) for _ in range(settings.variants)], target(example))
        for example in examples
    ]


def train(
    pool: Sequence[tuple[Sequence[KeyInput], int]],
    config: KeyFinderConfig,
    settings: KeySettings,
    log: Callable[[dict[str, Any]], None],
) -> KeyFinder:
    """Train one network; it has the weights of the last epoch.

    ``pool`` comes from ``pool_of``. ``log`` is called with each epoch's number, training loss and
    seconds.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    model = KeyFinder(config)
    steps = settings.epochs * -(-len(pool) // settings.batch)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=steps, pct_start=0.15
    )
    for epoch in range(settings.epochs):
        model.train()
        began, losses = time.perf_counter(), []
        chosen = [(variants[int(rng.integers(len(variants)))], label) for variants, label in pool]
        chosen.sort(key=lambda one: len(one[0].weight) * float(rng.uniform(0.8, 1.25)))
        batches = [chosen[i : i + settings.batch] for i in range(0, len(chosen), settings.batch)]
        for index in rng.permutation(len(batches)):
            inputs = collate([one for one, _ in batches[index]])
            scores = model(**{name: torch.from_numpy(x) for name, x in inputs.items()})
            labels = torch.tensor([label for _, label in batches[index]])
            loss = F.cross_entropy(scores.flatten(1), labels, label_smoothing=settings.smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        log(
            {
                "epoch": epoch + 1,
                "train_loss": float(np.mean(losses)),
                "seconds": time.perf_counter() - began,
            }
        )
    return model.eval()
