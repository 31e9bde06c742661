"""Training of a planner's network for second chords of beats.

Axes: ``N`` beats, ``S`` states.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from musicae.models.second_chords import SecondChordNetwork
from musicae.training.planner import Augmentation, PlanExample, augmented


@dataclass(frozen=True)
class SecondSettings:
    """The settings of the network's training."""

    epochs: int = 12
    batch: int = 512
    """Beats per step."""
    learning_rate: float = 2e-3
    """The learning rate at the beginning; it falls as a cosine."""
    weight_decay: float = 0.05
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)


SecondReport = Callable[[int, float, float], None]
"""Called after each epoch with its number (from 1), the training loss and the validation loss, both
in nats per beat."""


def fit_seconds(
    network: SecondChordNetwork,
    train: Sequence[PlanExample],
    valid: Sequence[PlanExample],
    settings: SecondSettings,
    report: SecondReport | None = None,
) -> SecondChordNetwork:
    """Train a network; it has the weights of the epoch with the lowest validation loss."""
    torch.manual_seed(settings.seed)
    random = np.random.default_rng(settings.seed)
    optimizer = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    states = torch.from_numpy(np.concatenate([e.states for e in train]))
    seconds = torch.from_numpy(np.concatenate([e.seconds for e in train]))
    possible = torch.from_numpy(np.concatenate([e.possible for e in train]))
    undecided = possible[:, 1:].any(dim=1)  # other beats cannot have a second chord
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, settings.epochs * math.ceil(int(undecided.sum()) / settings.batch)
    )
    best, best_weights = math.inf, network.state_dict()
    for epoch in range(1, settings.epochs + 1):
        network.train()
        features = torch.cat(
            [torch.from_numpy(augmented(e.features, settings.augmentation, random)) for e in train]
        )
        last = torch.zeros(len(states), dtype=torch.bool)
        last[torch.tensor([len(e.states) for e in train]).cumsum(0) - 1] = True
        order = torch.from_numpy(random.permutation(np.flatnonzero(undecided.numpy())))
        total = 0.0
        for chosen in torch.split(order, settings.batch):
            here = network.beat_inputs(features[chosen], states[chosen])
            after = (chosen + 1) % len(states)
            following = network.beat_inputs(features[after], states[after])
            following = following.masked_fill(last[chosen, None], 0.0)
            logits = network.of_beats(here, following)
            loss = _surprise(logits, seconds[chosen], possible[chosen]).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        nats = nats_of_seconds(network, valid) / max(1, sum(len(e.states) for e in valid))
        if nats < best:
            best = nats
            best_weights = {name: value.clone() for name, value in network.state_dict().items()}
        if report:
            report(epoch, total / len(states), nats)
    network.load_state_dict(best_weights)
    return network.eval()


@torch.no_grad()
def nats_of_seconds(network: SecondChordNetwork, examples: Sequence[PlanExample]) -> float:
    """The negative log-likelihood of all second chords of some pieces, given their first chords, in
    nats."""
    network.eval()
    total = 0.0
    for example in examples:
        logits = network(torch.from_numpy(example.features), torch.from_numpy(example.states))
        seconds, possible = torch.from_numpy(example.seconds), torch.from_numpy(example.possible)
        total += float(_surprise(logits, seconds, possible).sum())
    return total


def _surprise(logits: Tensor, seconds: Tensor, possible: Tensor) -> Tensor:
    """``(N,)`` nats of each second chord, given that one of the possible ones follows."""
    return F.cross_entropy(logits.masked_fill(~possible, -torch.inf), seconds, reduction="none")
