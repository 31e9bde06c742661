"""How well a planner foretells the plans of settings that it has never seen.

Axes: ``B`` beats, ``S`` states.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicae.decoding.plan import (
    Chain,
    best_by_marginals,
    best_path,
    log_partition,
    most_expected,
)
from musicae.decoding.planner import chain_of
from musicae.encoding.melody_features import COLUMNS
from musicae.models.chord_planner import ChordPlanner
from musicae.training.planner import ALL_CHORDS, PlanExample


@dataclass(frozen=True)
class PlanMeasures:
    """Shares of the beats on which something sounds; all chords without a state count as wrong."""

    beats: int
    nats: float
    """Negative log-likelihood a beat, exact. A chord without a state has an equal share of the
    probability of the state for all others."""
    root: float
    """Roots right in the likeliest plan."""
    chord: float
    """Root, quality and bass right in the likeliest plan."""
    root_expected: float
    """Roots right in the plan that has most right in expectation, ``most_expected``."""
    chord_expected: float
    """Root, quality and bass right in that plan."""
    root_by_marginals: float
    """Roots right where each beat takes its likeliest root."""
    chord_by_marginals: float
    """Root, quality and bass right where each beat takes its likeliest chord."""
    covered: float
    """Chords that have a state."""

    def __str__(self) -> str:
        return (
            f"{self.beats} beats, {self.nats:.3f} nats; root and chord right: in the likeliest plan"
            f" {self.root:.1%} {self.chord:.1%}, in the most expected {self.root_expected:.1%}"
            f" {self.chord_expected:.1%}, by marginals {self.root_by_marginals:.1%}"
            f" {self.chord_by_marginals:.1%}; covered {self.covered:.1%}"
        )


def measure_plans(
    model: ChordPlanner, examples: Sequence[PlanExample], phrases: bool = True
) -> PlanMeasures:
    """Measure a planner on settings; without ``phrases`` it is told of no phrase ends."""
    return measure_chains([_chain(model, e, phrases) for e in examples], examples, _roots(model))


def measure_chains(
    chains: Sequence[Chain], examples: Sequence[PlanExample], roots: NDArray[np.int64]
) -> PlanMeasures:
    """The measures of chains of some examples; ``roots`` ``(S,)`` are those of the states."""
    other = len(roots) - 1
    rare = math.log(ALL_CHORDS - other)
    right, nats, beats = np.zeros(7), 0.0, 0
    for chain, example in zip(chains, examples, strict=True):
        known, truth = example.known, example.states
        allowed = np.ones(chain.unary.shape, dtype=np.bool_)
        allowed[known] = np.arange(other + 1) == truth[known, None]
        has_state = truth != other
        nats += log_partition(chain) - log_partition(chain.constrained(allowed))
        nats += rare * float((known & ~has_state).sum())
        counted = known & has_state
        best = best_path(chain)
        middle = most_expected(chain, roots)
        by_root = best_by_marginals(chain, roots)
        by_chord = best_by_marginals(chain)
        right += [
            ((roots[best] == roots[truth]) & counted).sum(),
            ((best == truth) & counted).sum(),
            ((roots[middle] == roots[truth]) & counted).sum(),
            ((middle == truth) & counted).sum(),
            ((roots[by_root] == roots[truth]) & counted).sum(),
            ((by_chord == truth) & counted).sum(),
            counted.sum(),
        ]
        beats += int(known.sum())
    return PlanMeasures(beats, nats / max(1, beats), *(right / max(1, beats)).tolist())


def _chain(model: ChordPlanner, example: PlanExample, phrases: bool) -> Chain:
    features = example.features
    if not phrases:
        features = features.copy()
        features[:, COLUMNS["phrase"]] = 0
    return chain_of(model, features)


def _roots(model: ChordPlanner) -> NDArray[np.int64]:
    """The root of each state; the state for all other chords has one of its own."""
    return np.array([*(state[0] for state in model.config.states[:-1]), 12])
