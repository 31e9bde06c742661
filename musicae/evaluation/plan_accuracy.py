"""Measures how well plans, keys and phrase ends are found in music that was no training data.

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
    """Measures of plans. Shares are shares of the beats with notes; a chord without a state always
    counts as wrong."""

    beats: int
    """The number of beats with notes."""
    nats: float
    """The exact negative log-likelihood per beat. The probability of the last state is divided
    equally among all chords without a state."""
    root: float
    """The share of right roots in the most probable plan."""
    chord: float
    """The share of right root, quality and bass in the most probable plan."""
    root_expected: float
    """The share of right roots in the plan with the greatest expected number of right chords; see
    ``most_expected``."""
    chord_expected: float
    """The share of right root, quality and bass in that plan."""
    root_by_marginals: float
    """The share of right roots if each beat has its most probable root."""
    chord_by_marginals: float
    """The share of right root, quality and bass if each beat has its most probable chord."""
    covered: float
    """The share of chords that have a state."""
    second_nats: float = 0.0
    """The negative log-likelihood per beat of second chords, given the first chords."""

    def __str__(self) -> str:
        return (
            f"{self.beats} beats, {self.nats:.3f} nats; root and chord right: in the likeliest plan"
            f" {self.root:.1%} {self.chord:.1%}, in the most expected {self.root_expected:.1%}"
            f" {self.chord_expected:.1%}, by marginals {self.root_by_marginals:.1%}"
            f" {self.chord_by_marginals:.1%}; covered {self.covered:.1%}; second chords"
            f" {self.second_nats:.3f} nats"
        )

    def as_dict(self) -> dict[str, float]:
        """The measures by name, rounded to four digits."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def measure_plans(
    model: Checkpoint, examples: Sequence[PlanExample], phrases: bool = True
) -> PlanMeasures:
    """Measure a planner on settings; without ``phrases`` the phrase ends are hidden from it."""
    chains = [_chain(model, e, phrases) for e in examples]
    found = measure_chains(chains, examples, _roots(model))
    seconds = cast("ChordPlanner", network_of(model)).seconds
    if seconds is None:
        return found
    return replace(found, second_nats=nats_of_seconds(seconds, examples) / found.beats)


def measure_chains(
    chains: Sequence[Chain], examples: Sequence[PlanExample], roots: NDArray[np.int64]
) -> PlanMeasures:
    """The measures of the chains of some examples; ``roots`` ``(S,)`` are the states' roots."""
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
    """``(S,)`` the root of each state, 0 to 11; 12 for the state of all other chords."""
    return np.array([*(state[0] for state in model.config.states[:-1]), 12])


class KeyMeasures(NamedTuple):
    """Shares of pieces, 0 to 1."""

    key: float
    """The tonic is right, and whether the mode is major or minor."""
    mode: float
    """The tonic and the mode (major, minor, dorian, phrygian or mixolydian) are right."""
    signature_key: float
    """As ``key``, if the key signature is given."""
    signature_mode: float
    """As ``mode``, if the key signature is given."""
    profile_key: float
    """As ``key``, found by the key profiles of ``theory.key_finding`` without a network."""


def measure_keys(
    model: Checkpoint, examples: Sequence[Example], voices: Sequence[int]
) -> KeyMeasures:
    """Measure how well keys are found from some of the voices."""
    right = np.zeros(5)
    for example in examples:
        chorale = voices_only(example.chorale, voices)
        as_major = example.mode in AS_MAJOR
        found = []
        for signature in (None, example.signature):
            read = find_mode(chorale, signature, model)
            tonic = read.key.tonic == example.tonic
            found += [tonic and (read.key.mode == "major") == as_major,
                      tonic and read.mode == example.mode]  # fmt: skip
        by_profile = key_by_profile(chorale)
        mode = "major" if as_major else "minor"
        found.append((by_profile.tonic, by_profile.mode) == (example.tonic, mode))
        right += found
    return KeyMeasures(*np.round(right / max(1, len(examples)), 4).tolist())


def measure_phrases(model: Checkpoint, examples: Sequence[Example]) -> EndFigures:
    """Measure how well phrase ends are found from the soprano alone, in pieces with marked ends.

    The network does not read the key and the marks; the key finder that ships finds the key. The
    last notes of pieces do not count.
    """
    found, marked = [np.zeros(0, dtype=np.bool_)], [np.zeros(0, dtype=np.bool_)]
    for example in with_ends(examples):
        alone = voices_only(example.chorale, SOPRANO)
        onsets = [note.step for note in alone.notes(0)][:-1]
        found.append(np.isin(onsets, list(phrase_ends(alone, model=model))))
        marked.append(np.isin(onsets, example.chorale.fermatas))
    return end_figures(np.concatenate(found), np.concatenate(marked))
