"""The training loop of one planner network, in cycles of the learning rate; it can be resumed.

Axes: ``N`` pieces, ``B`` beats, ``S`` states.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicae.core.errors import TrainingError
from musicae.core.files import whole_file
from musicae.decoding.plan import Chain, log_likelihood
from musicae.decoding.planner import chain_of
from musicae.models.chord_planner import ChordPlanner, PlannerNetwork
from musicae.models.configs import ChordPlannerConfig
from musicae.models.torch_engine import live
from musicae.training.chain_likelihood import negative_log_likelihood
from musicae.training.planner import (
    Augmentation,
    PlanExample,
    augmented,
    batches,
    moves_of,
    padded,
    shifted,
)


@dataclass(frozen=True)
class PlannerSettings:
    """The settings of a network's training."""

    cycles: tuple[int, ...] = (20, 9, 12, 12, 12, 12, 12)
    """Epochs of each cycle of the learning rate. Each cycle starts from the weights of the best
    epoch of the cycle before; a restart lowers the loss by about 0.01 nats per beat."""
    averaged: int = 4
    """The result is the average of the best weights of this many last cycles (Izmailov et al. 2018,
    *Averaging Weights Leads to Wider Optima and Better Generalization*)."""
    batch: int = 24
    """Pieces per step."""
    learning_rate: float = 3e-3
    """The peak of the first cycle, after ``warmup`` steps. In each cycle the learning rate falls as
    a cosine to 2% of the cycle's peak."""
    restart: float = 0.67
    """The peak of each cycle is the peak of the cycle before times this, but at least
    ``least_peak``."""
    least_peak: float = 1.5e-3
    warmup: int = 100
    """Steps in which the learning rate rises at the beginning."""
    weight_decay: float = 0.05
    clip: float = 2.0
    """The norm to which larger gradients are clipped."""
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def epochs(self) -> int:
        """The epochs of all cycles together."""
        return sum(self.cycles)

    def ends_cycle(self, epoch: int) -> bool:
        """Whether an epoch, counted from 0, is the last of its cycle."""
        return epoch + 1 in accumulate(self.cycles)

    def rate(self, epoch: float) -> float:
        """The learning rate after ``epoch`` epochs, which may be a fraction; without the warmup."""
        peak = self.learning_rate
        for length in self.cycles[:-1]:
            if epoch < length:
                break
            epoch -= length
            peak = max(peak * self.restart, self.least_peak)
        else:
            length = self.cycles[-1]
        return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * epoch / length)))


Report = Callable[[int, float, Mapping[str, float]], None]
"""Called after each epoch with its number from 0, the training loss and the validation losses by
side, in nats per beat."""


def fit_network(
    train: Sequence[PlanExample],
    valid: Mapping[str, Sequence[PlanExample]],
    config: ChordPlannerConfig,
    settings: PlannerSettings,
    *,
    state: Path | None = None,
    report: Report | None = None,
) -> PlannerNetwork:
    """Train a network; returns it with the average of the best weights of its last cycles.

    Args:
        train: the training examples.
        valid: the validation sides by name; the epoch with the lowest mean of their losses is the
            best one of a cycle.
        config: the sizes of the network.
        settings: the settings of the training.
        state: a file that is written after each epoch; if it exists, the run is resumed from it.
        report: called after each epoch.

    Raises TrainingError if the file belongs to a run with other settings or data.
    """
    facts = {"settings": asdict(settings), "config": asdict(config), "pieces": len(train)}
    torch.manual_seed(settings.seed)
    random = np.random.default_rng(settings.seed)
    network = PlannerNetwork(config)
    optimizer = torch.optim.AdamW(
        network.parameters(),
        settings.learning_rate,
        (0.9, 0.98),
        weight_decay=settings.weight_decay,
    )
    begin, best, best_weights = 0, math.inf, _copy(network)
    snapshots: list[Weights] = []
    if state is not None and state.is_file():
        saved = torch.load(state, weights_only=False)  # written by this function
        if saved["facts"] != facts:
            raise TrainingError(f"{state}: belongs to a run with other settings or data")
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        random.bit_generator.state = saved["random"]
        torch.set_rng_state(saved["torch"])
        begin, best, best_weights = saved["epoch"], saved["best"], saved["best_weights"]
        snapshots = saved["snapshots"]
    course = _Course(train, moves_of(config.states), settings, random)
    for epoch in range(begin, settings.epochs):
        loss = _epoch(network, optimizer, course, epoch)
        losses = {name: nats_a_beat(network, side) for name, side in valid.items()}
        mean = sum(losses.values()) / max(1, len(losses))
        if mean < best:
            best = mean
            best_weights = _copy(network)
        if report:
            report(epoch, loss, losses)
        if settings.ends_cycle(epoch):
            snapshots = [*snapshots, best_weights][-settings.averaged :]
            network.load_state_dict(best_weights)
            best = math.inf
        if state is not None:
            now = {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "random": random.bit_generator.state,
                "torch": torch.get_rng_state(),
                "epoch": epoch + 1,
                "best": best,
                "best_weights": best_weights,
                "snapshots": snapshots,
                "facts": facts,
            }
            _save(now, state)
    network.load_state_dict(
        {
            name: torch.stack([weights[name].double() for weights in snapshots]).mean(dim=0)
            for name in best_weights
        }
    )
    return network.eval()


Weights = dict[str, Tensor]


def _copy(network: PlannerNetwork) -> Weights:
    return {name: value.clone() for name, value in network.state_dict().items()}


def assemble(networks: Sequence[PlannerNetwork], temperature: float = 1.0) -> ChordPlanner:
    """The planner that averages the log potentials of networks with the same config."""
    config = networks[0].config
    planner = ChordPlanner(replace(config, members=len(networks)))
    for member, network in zip(planner.networks, networks, strict=True):
        member.load_state_dict(network.state_dict())
    planner.temperature.fill_(temperature)
    return planner.eval()


@torch.no_grad()
def nats_a_beat(network: PlannerNetwork, examples: Sequence[PlanExample], batch: int = 16) -> float:
    """The negative log-likelihood of the examples' plans, in nats per beat.

    In beats without notes the plan holds the chord before.
    """
    network.eval()
    ordered = sorted(examples, key=lambda e: len(e.states))
    nats, beats = 0.0, 0
    for start in range(0, len(ordered), batch):
        some = ordered[start : start + batch]
        inputs, targets, lengths = padded([e.features for e in some], [e.states for e in some])
        nats += negative_log_likelihood(network(inputs, lengths), targets, lengths).sum().item()
        beats += int(lengths.sum())
    return nats / max(1, beats)


class _Course(NamedTuple):
    """The arguments that are the same in every epoch."""

    train: Sequence[PlanExample]
    moves: NDArray[np.int64]
    """``(12, S)`` from ``moves_of``."""
    settings: PlannerSettings
    random: np.random.Generator


def _epoch(
    network: PlannerNetwork, optimizer: torch.optim.Optimizer, course: _Course, epoch: int
) -> float:
    """Train for an epoch; returns the training loss in nats per beat."""
    settings = course.settings
    network.train()
    steps = math.ceil(len(course.train) / settings.batch)
    nats, beats = 0.0, 0
    for index, chosen in enumerate(batches(course.train, settings.batch, course.random)):
        step = epoch * steps + index
        rate = settings.rate(step / steps) * min(1.0, (step + 1) / settings.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        inputs, targets, lengths = _batch(course, chosen)
        loss = negative_log_likelihood(network(inputs, lengths), targets, lengths)
        optimizer.zero_grad()
        (loss.sum() / lengths.sum()).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
        optimizer.step()
        nats += loss.sum().item()
        beats += int(lengths.sum())
    return nats / max(1, beats)


def _batch(course: _Course, chosen: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Augmented examples as a padded batch; see ``planner.padded``."""
    train, moves, random = course.train, course.moves, course.random
    how = course.settings.augmentation
    features, targets = [], []
    for i in chosen:
        rows, states = augmented(train[i].features, how, random), train[i].states
        if random.random() < how.other_key:
            for up in random.permutation(np.arange(1, 12))[: how.tries]:
                moved = shifted(rows, states, int(up), moves)
                if moved:
                    rows, states = moved
                    break
        features.append(rows)
        targets.append(states)
    return padded(features, targets)


def _save(facts: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        torch.save(facts, partial)


def calibrate(planner: ChordPlanner, examples: Sequence[PlanExample]) -> float:
    """Fit the temperature that minimizes the negative log-likelihood of held-out plans.

    It is found by golden-section search between 0.6 and 1.5, set in the planner and returned.
    """
    planner.temperature.fill_(1.0)
    model = live("planner", planner)
    chains = [chain_of(model, e.features) for e in examples]

    def nats(temperature: float) -> float:
        found = 0.0
        for chain, example in zip(chains, examples, strict=True):
            warm = Chain(chain.unary / temperature, chain.pair / temperature)
            found -= log_likelihood(warm, example.states)
        return found

    low, high = 0.6, 1.5
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(8):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if nats(left) < nats(right):
            high = right
        else:
            low = left
    planner.temperature.fill_((low + high) / 2)
    return (low + high) / 2
