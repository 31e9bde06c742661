"""How well plans, keys and phrase ends are found in music that the networks have never seen.

Axes: ``B`` beats, ``S`` states.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from musicae.decoding.key import AS_MAJOR, find_mode
from musicae.decoding.phrases import phrase_ends
from musicae.decoding.plan import (
    Chain,
    best_path,
    log_partition,
)
from musicae.decoding.plan_expected import best_by_marginals, most_expected
from musicae.decoding.planner import chain_of
from musicae.encoding.melody_features import COLUMNS
from musicae.models.checkpoint import Checkpoint
from musicae.models.chord_planner import ChordPlanner
from musicae.models.torch_engine import network_of
from musicae.theory.key_finding import find_key as key_by_profile
from musicae.training.melody_data import Example, voices_only
from musicae.training.phrases import EndFigures, end_figures, with_ends
from musicae.training.planner import ALL_CHORDS, PlanExample
from musicae.training.second_chords import nats_of_seconds

SOPRANO, ALL_VOICES = (0,), (0, 1, 2, 3)


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
    second_nats: float = 0.0
    """Negative log-likelihood a beat of the second chords of beats, given the first ones."""

    def __str__(self) -> str:
        return (
            f"{self.beats} beats, {self.nats:.3f} nats; root and chord right: in the likeliest plan"
            f" {self.root:.1%} {self.chord:.1%}, in the most expected {self.root_expected:.1%}"
            f" {self.chord_expected:.1%}, by marginals {self.root_by_marginals:.1%}"
            f" {self.chord_by_marginals:.1%}; covered {self.covered:.1%}; second chords"
            f" {self.second_nats:.3f} nats"
        )

    def as_dict(self) -> dict[str, float]:
        """The measures by name, shares and nats with four digits."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def measure_plans(
    model: Checkpoint, examples: Sequence[PlanExample], phrases: bool = True
) -> PlanMeasures:
    """Measure a planner on settings; without ``phrases`` it is told of no phrase ends."""
    chains = [_chain(model, e, phrases) for e in examples]
    found = measure_chains(chains, examples, _roots(model))
    seconds = cast("ChordPlanner", network_of(model)).seconds
    if seconds is None:
        return found
    return replace(found, second_nats=nats_of_seconds(seconds, examples) / found.beats)


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


def _chain(model: Checkpoint, example: PlanExample, phrases: bool) -> Chain:
    features = example.features
    if not phrases:
        features = features.copy()
        features[:, COLUMNS["phrase"]] = 0
    return chain_of(model, features)


def _roots(model: Checkpoint) -> NDArray[np.int64]:
    """The root of each state; the state for all other chords has one of its own."""
    return np.array([*(state[0] for state in model.config.states[:-1]), 12])


class KeyMeasures(NamedTuple):
    """Shares of the pieces."""

    key: float
    """Tonic right, and major or minor."""
    mode: float
    """Tonic right, and major, minor, dorian, phrygian or mixolydian."""
    signature_key: float
    """As ``key``, where the key signature is told."""
    signature_mode: float
    profile_key: float
    """Tonic right, and major or minor, by the key profiles of the theory, without a network."""


def measure_keys(
    model: Checkpoint, examples: Sequence[Example], voices: Sequence[int]
) -> KeyMeasures:
    """How well keys are found of those voices."""
    right = np.zeros(5)
    for example in examples:
        heard = voices_only(example.chorale, voices)
        as_major = example.mode in AS_MAJOR
        found = []
        for signature in (None, example.signature):
            read = find_mode(heard, signature, model)
            tonic = read.key.tonic == example.tonic
            found += [tonic and (read.key.mode == "major") == as_major,
                      tonic and read.mode == example.mode]  # fmt: skip
        by_profile = key_by_profile(heard)
        mode = "major" if as_major else "minor"
        found.append((by_profile.tonic, by_profile.mode) == (example.tonic, mode))
        right += found
    return KeyMeasures(*np.round(right / max(1, len(examples)), 4).tolist())


def measure_phrases(model: Checkpoint, examples: Sequence[Example]) -> EndFigures:
    """How well ends are found in sopranos alone, without key and marks, of the marked pieces.

    The key is found by the key finder that ships. The last notes of pieces are left out.
    """
    found, marked = [np.zeros(0, dtype=np.bool_)], [np.zeros(0, dtype=np.bool_)]
    for example in with_ends(examples):
        alone = voices_only(example.chorale, SOPRANO)
        onsets = [note.step for note in alone.notes(0)][:-1]
        found.append(np.isin(onsets, list(phrase_ends(alone, model=model))))
        marked.append(np.isin(onsets, example.chorale.fermatas))
    return end_figures(np.concatenate(found), np.concatenate(marked))
