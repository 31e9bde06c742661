"""Exact inference in a chain of chords: the best plan, samples, marginals, n best distinct plans.

Axes: ``B`` beats, ``S`` states. A chain is given by log potentials; constraints are a mask of the
states that are allowed at each beat. Everything is computed in float64 logarithms, so that results
are exact up to rounding and the same on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

FORBIDDEN = -1e4
"""What a forbidden state costs in nats: more than any plan could gain elsewhere, so that a
constraint is broken only where no plan at all can keep it."""


@dataclass(frozen=True, eq=False)
class Chain:
    """The log potentials of a piece.

    Raises ValueError where the shapes do not fit.
    """

    unary: Floats
    """``(B, S)``."""
    pair: Floats
    """``(B - 1, S, S)`` from a state (rows) to the next beat's; may be of lower precision."""

    def __post_init__(self) -> None:
        beats, states = self.unary.shape
        if beats < 1 or self.pair.shape != (beats - 1, states, states):
            raise ValueError(f"unary {self.unary.shape} does not fit pair {self.pair.shape}")

    def __len__(self) -> int:
        return len(self.unary)

    def constrained(self, allowed: Mask) -> Chain:
        """The chain in which states outside ``(B, S)`` ``allowed`` cost ``-FORBIDDEN`` nats.

        A beat without any allowed state is left free; ``broken`` reports it.
        """
        free = ~allowed.any(axis=1, keepdims=True)
        return replace(self, unary=self.unary + np.where(allowed | free, 0.0, FORBIDDEN))

    def score(self, path: Sequence[int] | Ints) -> float:
        """The log potential of a path."""
        states = np.asarray(path)
        beats = np.arange(len(states))
        pairs = self.pair[beats[:-1], states[:-1], states[1:]]
        return float(self.unary[beats, states].sum() + pairs.astype(np.float64).sum())


def broken(path: Ints, allowed: Mask) -> list[int]:
    """The beats at which a path takes a state that is not allowed."""
    return np.flatnonzero(~allowed[np.arange(len(path)), path]).tolist()


def log_partition(chain: Chain) -> float:
    """The logarithm of the sum of the potentials of all paths."""
    return float(_logsumexp(_forward(chain)[-1], axis=0))


def log_likelihood(chain: Chain, path: Sequence[int] | Ints) -> float:
    """The log probability of a path, in nats."""
    return chain.score(path) - log_partition(chain)


def marginals(chain: Chain) -> Floats:
    """``(B, S)`` the probability of each state at each beat; rows sum to 1."""
    alpha = _forward(chain)
    log = alpha + _backward(chain)
    found = np.exp(log - _logsumexp(log, axis=1)[:, None])
    shares: Floats = found / found.sum(axis=1, keepdims=True)
    return shares


def best_path(chain: Chain) -> Ints:
    """``(B,)`` the likeliest path (Viterbi's algorithm); the first state on a tie."""
    beats = len(chain)
    score = chain.unary[0].astype(np.float64)
    came_from = np.zeros(chain.unary.shape, dtype=np.int64)
    for beat in range(1, beats):
        reached = score[:, None] + chain.pair[beat - 1]
        came_from[beat] = reached.argmax(axis=0)
        score = reached.max(axis=0) + chain.unary[beat]
    path = np.zeros(beats, dtype=np.int64)
    path[-1] = score.argmax()
    for beat in range(beats - 1, 0, -1):
        path[beat - 1] = came_from[beat, path[beat]]
    return path


def sample_paths(
    chain: Chain, count: int, random: np.random.Generator, temperature: float = 1.0
) -> Ints:
    """``(count, B)`` independent exact samples: forward filtering, backward sampling.

    All log potentials are divided by ``temperature``; 0 gives the best path each time. Raises
    ValueError for a negative one.
    """
    if temperature < 0:
        raise ValueError(f"a temperature is not negative: {temperature}")
    if temperature == 0:
        return np.tile(best_path(chain), (count, 1))
    cooled = Chain(chain.unary / temperature, chain.pair / temperature)
    alpha = _forward(cooled)
    paths = np.zeros((count, len(chain)), dtype=np.int64)
    paths[:, -1] = _draw(np.tile(alpha[-1], (count, 1)), random)
    for beat in range(len(chain) - 2, -1, -1):
        log = alpha[beat][None, :] + cooled.pair[beat][:, paths[:, beat + 1]].T
        paths[:, beat] = _draw(log, random)
    return paths


def n_best_distinct(
    chain: Chain, count: int, labels: Ints, apart: float = 0.15, rounds: int = 12
) -> list[Ints]:
    """Up to ``count`` likely paths, any two of which differ in ``labels`` on a share of the beats.

    The first is the best path. Each other is the best path of the chain in which the labels of the
    paths before cost a penalty at every beat; the penalty is the smallest, found by bisection, at
    which the result is ``apart`` from all of them. They come in order of their score. Where the
    constraints leave no such path there are fewer.

    Args:
        chain: the potentials.
        count: how many paths to find.
        labels: ``(S,)`` what makes states alike, such as their roots.
        apart: the share of the beats on which the labels differ, 0 to 1.
        rounds: of the bisection.
    """
    found = [best_path(chain)]
    beats = np.arange(len(chain))
    while len(found) < count:
        taken = np.zeros_like(chain.unary)
        for path in found:
            taken[labels[None, :] == labels[path][:, None]] += 1.0
        low, high, best = 0.0, 8.0, None
        for _ in range(rounds):
            penalty = high if best is None else (low + high) / 2
            path = best_path(replace(chain, unary=chain.unary - penalty * taken))
            if all(np.mean(labels[path] != labels[other]) >= apart for other in found):
                best, high = path, penalty
            elif best is None:
                break
            else:
                low = penalty
        if best is None or chain.unary[beats, best].min() <= FORBIDDEN / 2:
            break
        found.append(best)
    return [found[0], *sorted(found[1:], key=chain.score, reverse=True)]


def best_by_marginals(chain: Chain, labels: Ints | None = None) -> Ints:
    """``(B,)`` at each beat the likeliest state of the likeliest label (by default, the state).

    This path has the most labels right in expectation, but it can hold transitions that are
    unlikely; it is a measure, not a plan.
    """
    shares = marginals(chain)
    if labels is None:
        states: Ints = shares.argmax(axis=1)
        return states
    groups = np.zeros((len(chain), int(labels.max()) + 1))
    np.add.at(groups.T, labels, shares.T)
    inside = labels[None, :] == groups.argmax(axis=1)[:, None]
    found: Ints = np.where(inside, shares, -1.0).argmax(axis=1)
    return found


def most_expected(chain: Chain, labels: Ints) -> Ints:
    """``(B,)`` the path with the most right in expectation: its labels, states and transitions.

    Where many plans are likely, the likeliest one alone is no good summary of them. This path takes
    what most of them share, but unlike ``best_by_marginals`` it holds only transitions that plans
    have.
    """
    alpha = _forward(chain)
    beta = _backward(chain)
    total = float(_logsumexp(alpha[-1], axis=0))
    shares = np.exp(alpha + beta - total)
    groups = np.zeros((len(chain), int(labels.max()) + 1))
    np.add.at(groups.T, labels, shares.T)
    left = alpha[:-1, :, None] + chain.pair + (chain.unary + beta)[1:, None, :] - total
    gain = Chain(shares + groups[:, labels], np.exp(left))
    met = np.where(chain.unary <= FORBIDDEN / 2, FORBIDDEN, 0.0)
    return best_path(replace(gain, unary=gain.unary + met))


def _backward(chain: Chain) -> Floats:
    """``(B, S)`` the log sums of the potentials of what follows each state."""
    beta = np.zeros(chain.unary.shape)
    for beat in range(len(chain) - 2, -1, -1):
        after = beta[beat + 1] + chain.unary[beat + 1]
        beta[beat] = _logsumexp(chain.pair[beat] + after[None, :], axis=1)
    return beta


def _forward(chain: Chain) -> Floats:
    """``(B, S)`` the log sums of the potentials of all paths to each state."""
    alpha = np.zeros(chain.unary.shape)
    alpha[0] = chain.unary[0]
    for beat in range(1, len(chain)):
        reached = alpha[beat - 1][:, None] + chain.pair[beat - 1]
        alpha[beat] = _logsumexp(reached, axis=0) + chain.unary[beat]
    return alpha


def _draw(log: Floats, random: np.random.Generator) -> Ints:
    """For each row of ``(N, S)`` logarithms a state in proportion to their exponentials."""
    shares = np.exp(log - log.max(axis=1, keepdims=True)).cumsum(axis=1)
    points = random.random(len(log)) * shares[:, -1]
    drawn: Ints = np.minimum((shares <= points[:, None]).sum(axis=1), log.shape[1] - 1)
    return drawn


def _logsumexp(log: Floats, axis: int) -> Floats:
    top = log.max(axis=axis, keepdims=True)
    total: Floats = np.log(np.exp(log - top).sum(axis=axis)) + np.squeeze(top, axis)
    return total


def best_with_one_of(chain: Chain, beats: Sequence[int], fitting: Mask) -> Ints:
    """The best path that takes one of ``(S,)`` fitting states on one of some beats.

    It is the best of the best paths with the constraint on each single beat. Without beats it is
    the best path.
    """
    best = best_path(chain)
    if not len(beats) or fitting[best[list(beats)]].any():
        return best
    allowed = np.ones(chain.unary.shape, dtype=np.bool_)
    paths = []
    for beat in beats:
        allowed[beat] = fitting
        paths.append(best_path(chain.constrained(allowed)))
        allowed[beat] = True
    return max(paths, key=chain.score)
