"""Training examples of the chord planner: melodies with the plans of their settings.

Axes: ``N`` pieces, ``B`` beats, ``S`` states, ``F`` features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.decoding.planner import State, chords_of, state_of
from musicae.encoding.melody_features import COLUMNS, SLOT, SLOTS, melody_features
from musicae.encoding.second_chords import second_states
from musicae.models.second_chords import NONE
from musicae.theory.harmonic_plan import HarmonicPlan, PlannedChord
from musicae.theory.key_finding import find_key
from musicae.theory.numerals import QUALITIES
from musicae.theory.plan_reading import plan_of
from musicae.training.melody_data import Example, voices_only

QUALITY_NAMES = tuple(QUALITIES)
OTHER: State = (0, len(QUALITY_NAMES), 0, 0)
"""The state that stands for all chords without a state of their own."""
ALL_CHORDS = 12 * sum(len(quality.members) for quality in QUALITIES.values())
"""The number of chords: every root, quality and inversion."""


@dataclass(frozen=True)
class PlanExample:
    """A melody and the plan that was found in its setting."""

    features: NDArray[np.float32]
    """``(B, F)`` the features of the melody at each beat."""
    states: NDArray[np.int64]
    """``(B,)`` the state of each beat. A beat without notes has the state of the beat before."""
    known: NDArray[np.bool_]
    """``(B,)`` False for beats without notes."""
    seconds: NDArray[np.int64]
    """``(B,)`` the second chord of each beat: ``NONE``, or its state plus one."""
    possible: NDArray[np.bool_]
    """``(B, 1 + S)`` the second chords that the melody and the first chord allow; always True for
    ``seconds``."""


def read_plan(piece: Example) -> HarmonicPlan:
    """The plan of a setting, in the manifest's key; for Bach, in the key found from the notes."""
    key = piece.chorale.key
    if piece.style == "bach" or key is None:
        key = find_key(piece.chorale, piece.signature)
    return plan_of(piece.chorale, key)


def examples_of(pieces: Iterable[Example], states: Sequence[State]) -> list[PlanExample]:
    """The examples of some settings, in the same order."""
    plans = ((piece, read_plan(piece)) for piece in pieces)
    return [example(p.chorale, plan.key, p.style, states, plan) for p, plan in plans]


def common_states(plans: Iterable[HarmonicPlan], at_least: int = 6) -> tuple[State, ...]:
    """The chords that occur at least that often, the most frequent first, then ``OTHER``."""
    counts = Counter(
        state_of(chord, plan.key.mode) for plan in plans for chord in plan.chords if chord
    )
    kept = [state for state, count in counts.items() if count >= at_least]
    return (*sorted(kept, key=lambda state: (-counts[state], state)), OTHER)


def example(
    chorale: Chorale,
    key: Key,
    style: str | None,
    states: Sequence[State],
    plan: HarmonicPlan | None = None,
) -> PlanExample:
    """The example of a setting; its fermatas mark the ends of phrases.

    Without ``plan`` the plan is found from the notes.
    """
    plan = plan or plan_of(chorale, key)
    index, other = {state: i for i, state in enumerate(states)}, len(states) - 1
    found = [index.get(state_of(c, key.mode), other) if c else -1 for c in plan.chords]
    known = np.array([state >= 0 for state in found])
    tonic = index.get(state_of(PlannedChord(0, key.mode), key.mode), 0)
    for i, state in enumerate(found):
        if state < 0:
            found[i] = found[i - 1] if i else next((s for s in found if s >= 0), tonic)
    features = melody_features(chorale, key, chorale.fermatas or None, style)
    truth = np.array(found)
    seconds = np.array(
        [1 + index.get(state_of(s.chord, key.mode), other) if s else NONE for s in plan.seconds]
    )
    soprano = voices_only(chorale, (0,))
    possible = second_states(soprano, key, plan.beats, chords_of(states, key.mode), truth)
    possible[np.arange(len(truth)), seconds] = True
    return PlanExample(features, truth, known, seconds, possible)


@dataclass(frozen=True)
class Augmentation:
    """The probabilities of random changes of the training pieces."""

    no_phrases: float = 0.2
    """Phrase ends are hidden."""
    no_style: float = 0.1
    """The style is hidden."""
    plain_beats: float = 0.1
    """A beat keeps only the note at its beginning. In half of the pieces, for each beat."""
    wrong_place: float = 0.03
    """A beat's place in the bar is hidden. For each beat."""
    blank: float = 0.03
    """A beat's notes are hidden. For each beat."""
    silent: float = 0.06
    """The melody rests in all beats, as if only a bass or chords were given."""
    silent_span: float = 0.06
    """The melody rests in a part of the piece."""
    other_key: float = 0.0
    """The piece is read in a key that is not its own; see ``shifted``."""
    tries: int = 8
    """Keys that are tried until all chords of the piece have states in the new key."""


def shifted(
    features: NDArray[np.float32], targets: NDArray[np.int64], up: int, moves: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]] | None:
    """The same piece in degrees of another key, ``up`` semitones lower.

    The mode features become 0: they mark that the key is not the piece's own. Such pieces teach the
    network to plan passages in other keys. ``moves`` comes from ``moves_of``. Returns None if a
    chord has no state in the new key.
    """
    moved = moves[up, targets]
    if np.mean(moved == moves.shape[1] - 1) > 0:
        return None
    rows = features.copy()
    starts = [slot * SLOT for slot in range(SLOTS)]
    for start in (*starts, COLUMNS["before"].start, COLUMNS["after"].start):
        rows[:, start : start + 12] = np.roll(rows[:, start : start + 12], up, axis=1)
    rows[:, COLUMNS["mode"]] = 0
    return rows, moved


def moves_of(states: Sequence[State]) -> NDArray[np.int64]:
    """``(12, S)``: for each number of semitones up the state of each transposed chord; the last
    state, ``OTHER``, if it has none."""
    index = {state: i for i, state in enumerate(states)}
    table = np.full((12, len(states)), len(states) - 1)
    for up in range(12):
        for i, (root, quality, member, bass) in enumerate(states[:-1]):
            moved = (root + up) % 12, quality, member, (bass + up) % 12
            table[up, i] = index.get(moved, len(states) - 1)
    return table


def augmented(
    features: NDArray[np.float32], how: Augmentation, random: np.random.Generator
) -> NDArray[np.float32]:
    """A copy of a piece's features ``(B, F)`` with random changes."""
    rows = features.copy()
    beats = len(rows)
    if random.random() < how.no_phrases:
        rows[:, COLUMNS["phrase"]] = 0
    if random.random() < how.no_style:
        rows[:, COLUMNS["style"]] = 0
    if random.random() < 0.5:
        plain = random.random(beats) < how.plain_beats
        for slot in range(1, SLOTS):
            rows[plain, slot * SLOT : slot * SLOT + 13] = rows[plain, :13]
            rows[plain, slot * SLOT + 13] = 0
    rows[np.ix_(random.random(beats) < how.wrong_place, _range("meter"))] = 0
    blank = random.random(beats) < how.blank
    for name in ("slots", "before", "after"):
        rows[np.ix_(blank, _range(name))] = 0
    if random.random() < how.silent:
        _silence(rows, 0, beats)
    elif random.random() < how.silent_span:
        first = int(random.integers(beats))
        _silence(rows, first, first + 1 + int(random.integers(beats)))
    return rows


def _silence(rows: NDArray[np.float32], first: int, stop: int) -> None:
    """Set the features of the beats to those of a melody that rests, in place."""
    for name in ("slots", "motion", "held", "before", "after"):
        rows[first:stop, COLUMNS[name]] = 0
    for rest in (*(slot * SLOT + 12 for slot in range(SLOTS)), *_ends("before", "after")):
        rows[first:stop, rest] = 1


def _ends(*names: str) -> list[int]:
    return [COLUMNS[name].stop - 1 for name in names]


def _range(name: str) -> NDArray[np.int64]:
    return np.arange(COLUMNS[name].start, COLUMNS[name].stop)


def batches(
    examples: Sequence[PlanExample], size: int, random: np.random.Generator
) -> Iterator[list[int]]:
    """Batches of indices of pieces with similar lengths, in random order."""
    jitter = random.uniform(0.9, 1.1, len(examples))
    order = np.argsort([len(e.states) * j for e, j in zip(examples, jitter, strict=True)])
    starts = np.arange(0, len(order), size)
    for start in random.permutation(starts):
        yield order[start : start + size].tolist()


def padded(
    features: Sequence[NDArray[np.float32]], states: Sequence[NDArray[np.int64]]
) -> tuple[Tensor, Tensor, Tensor]:
    """Features ``(N, B, F)``, states ``(N, B)`` and lengths ``(N,)`` of a batch, padded."""
    lengths = torch.tensor([len(row) for row in states])
    inputs = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(row) for row in features], batch_first=True
    )
    targets = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(row) for row in states], batch_first=True
    )
    return inputs, targets, lengths
