"""Exact inference in a chain of chords: the best plan, samples, marginals, n best distinct plans.

Axes: ``B`` beats, ``S`` states. A chain is given by log potentials; constraints are a mask of the
states that are allowed at each beat. Everything is computed in float64 logarithms, so that results
are exact up to rounding and the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

BLOCK = 16
"""Beats whose transitions are read at once; so many stay in a processor's cache."""
FORBIDDEN = -1e4
"""What a forbidden state costs in nats: more than any plan could gain elsewhere, so that a
constraint is broken only where no plan at all can keep it."""


class Transitions(Protocol):
    """An array ``(B - 1, S, S)`` of log potentials, or what is read like one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Transitions, states, states."""

    def __getitem__(self, where: Any, /) -> Any:
        """``(b, S, S)`` of a slice of beats, or ``(b, S)`` of ``b`` beats and ``b`` states."""

    def __truediv__(self, temperature: float, /) -> Any:
        """The potentials at another temperature."""


@dataclass(frozen=True, eq=False)
class Adjusted:
    """Transitions of which some have a log potential ``(S, S)`` added; read like an array."""

    pair: Transitions
    added: Mapping[int, Floats]
    """By the beat that they leave."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Transitions, states, states."""
        return self.pair.shape

    def __getitem__(self, where: Any, /) -> Floats:
        """As ``Transitions``."""
        found: Floats = np.asarray(self.pair[where]).astype(np.float64)
        if isinstance(where, slice):
            for row, beat in enumerate(range(*where.indices(self.shape[0]))):
                if beat in self.added:
                    found[row] += self.added[beat]
            return found
        for row, (beat, state) in enumerate(zip(*where, strict=True)):
            if int(beat) in self.added:
                found[row] += self.added[int(beat)][state]
        return found

    def __truediv__(self, temperature: float, /) -> Adjusted:
        """The potentials at another temperature."""
        added = {beat: values / temperature for beat, values in self.added.items()}
        return Adjusted(self.pair / temperature, added)


@dataclass(frozen=True, eq=False)
class Chain:
    """The log potentials of a piece.

    Raises ValueError where the shapes do not fit.
    """

    unary: Floats
    """``(B, S)``."""
    pair: Transitions
    """``(B - 1, S, S)`` from a state (rows) to the next beat's; may be of lower precision."""

    def __post_init__(self) -> None:
        beats, states = self.unary.shape
        if beats < 1 or self.pair.shape != (beats - 1, states, states):
            raise ValueError(f"unary {self.unary.shape} does not fit pair {self.pair.shape}")

    def __len__(self) -> int:
        return len(self.unary)

    def constrained(self, allowed: Mask, moves: Mapping[int, Floats] | None = None) -> Chain:
        """The chain in which states outside ``(B, S)`` ``allowed`` cost ``-FORBIDDEN`` nats.

        A beat without any allowed state is left free; ``broken`` reports it. ``moves`` are log
        potentials ``(S, S)`` to be added to the transitions that leave some beats.
        """
        free = ~allowed.any(axis=1, keepdims=True)
        unary = self.unary + np.where(allowed | free, 0.0, FORBIDDEN)
        return Chain(unary, Adjusted(self.pair, moves) if moves else self.pair)

    def at(self, temperature: float) -> Chain:
        """The chain with all log potentials divided by a temperature."""
        return Chain(self.unary / temperature, self.pair / temperature)

    def score(self, path: Sequence[int] | Ints) -> float:
        """The log potential of a path."""
        states = np.asarray(path)
        beats = np.arange(len(states))
        rows = self.rows(beats[:-1], states[:-1])
        return float(self.unary[beats, states].sum() + rows[beats[:-1], states[1:]].sum())

    def rows(self, beats: Ints, states: Ints) -> Floats:
        """``(b, S)`` the log potentials from ``(b,)`` states at as many beats to all states."""
        return np.asarray(self.pair[beats, states], dtype=np.float64)

    def forwards(self) -> Iterator[tuple[int, Floats]]:
        """Each beat but the last with its ``(S, S)`` transitions, in order."""
        for start in range(0, len(self) - 1, BLOCK):
            yield from enumerate(np.asarray(self.pair[start : start + BLOCK]), start)

    def backwards(self, stop: int | None = None) -> Iterator[tuple[int, Floats]]:
        """The same from the last to the first, or from the one before ``stop``."""
        stop = len(self) - 1 if stop is None else stop
        while stop > 0:
            start = max(0, stop - BLOCK)
            block = np.asarray(self.pair[start:stop])
            for beat in range(stop - 1, start - 1, -1):
                yield beat, block[beat - start]
            stop = start


def broken(path: Ints, allowed: Mask) -> list[int]:
    """The beats at which a path takes a state that is not allowed."""
    return np.flatnonzero(~allowed[np.arange(len(path)), path]).tolist()


def log_partition(chain: Chain) -> float:
    """The logarithm of the sum of the potentials of all paths."""
    return float(logsumexp(forward(chain)[-1], axis=0))


def log_likelihood(chain: Chain, path: Sequence[int] | Ints) -> float:
    """The log probability of a path, in nats."""
    return chain.score(path) - log_partition(chain)


def marginals(chain: Chain) -> Floats:
    """``(B, S)`` the probability of each state at each beat; rows sum to 1."""
    alpha = forward(chain)
    log = alpha + backward(chain)
    found = np.exp(log - logsumexp(log.copy(), axis=1)[:, None])
    shares: Floats = found / found.sum(axis=1, keepdims=True)
    return shares


def best_path(chain: Chain) -> Ints:
    """``(B,)`` the likeliest path (Viterbi's algorithm, from the end); the first on a tie."""
    return _followed(chain, _best_ahead(chain))


def _best_ahead(chain: Chain, known: Floats | None = None, stop: int | None = None) -> Floats:
    """``(B, S)`` the log potential of the best continuation of each state.

    What is ``known`` stays from the beat ``stop`` on.
    """
    ahead = np.zeros(chain.unary.shape) if known is None else known.copy()
    room = np.empty((ahead.shape[1],) * 2)
    for beat, pair in chain.backwards(stop):
        np.add(pair, ahead[beat + 1] + chain.unary[beat + 1], out=room)
        room.max(axis=1, out=ahead[beat])
    return ahead


def _followed(chain: Chain, ahead: Floats) -> Ints:
    """``(B,)`` the path whose every state is the best with its continuation."""
    path = np.zeros(len(chain), dtype=np.int64)
    total = chain.unary + ahead
    path[0] = total[0].argmax()
    for beat in range(1, len(path)):
        row = chain.rows(np.array([beat - 1]), path[beat - 1 : beat])[0]
        path[beat] = (row + total[beat]).argmax()
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
    cooled = chain.at(temperature)
    alpha = forward(cooled)
    paths = np.zeros((count, len(chain)), dtype=np.int64)
    paths[:, -1] = _draw(np.tile(alpha[-1], (count, 1)), random)
    for beat, pair in cooled.backwards():
        log = alpha[beat][None, :] + pair[:, paths[:, beat + 1]].T
        paths[:, beat] = _draw(log, random)
    return paths


def n_best_distinct(
    chain: Chain,
    count: int,
    labels: Ints,
    apart: float = 0.15,
    *,
    rounds: int = 12,
    first: Ints | None = None,
) -> list[Ints]:
    """Up to ``count`` likely paths, any two of which differ in ``labels`` on a share of the beats.

    The first is the best path, or ``first``. Each other is the best path of the chain in which the
    labels of the paths before cost a penalty at every beat; the penalty is the smallest, found by
    bisection, at which the result is ``apart`` from all of them. They come in order of their
    score. Where the constraints leave no such path there are fewer.

    Args:
        chain: the potentials.
        count: how many paths to find.
        labels: ``(S,)`` what makes states alike, such as their roots.
        apart: the share of the beats on which the labels differ, 0 to 1.
        rounds: of the bisection.
    """
    found = [best_path(chain) if first is None else first]
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


def backward(chain: Chain) -> Floats:
    """``(B, S)`` the log sums of the potentials of what follows each state."""
    beta = np.zeros(chain.unary.shape)
    for beat, pair in chain.backwards():
        after = beta[beat + 1] + chain.unary[beat + 1]
        beta[beat] = logsumexp(pair + after[None, :], axis=1)
    return beta


def forward(chain: Chain) -> Floats:
    """``(B, S)`` the log sums of the potentials of all paths to each state."""
    alpha = np.zeros(chain.unary.shape)
    alpha[0] = chain.unary[0]
    for beat, pair in chain.forwards():
        reached = logsumexp(alpha[beat][:, None] + pair, axis=0)
        alpha[beat + 1] = reached + chain.unary[beat + 1]
    return alpha


def _draw(log: Floats, random: np.random.Generator) -> Ints:
    """For each row of ``(N, S)`` logarithms a state in proportion to their exponentials."""
    shares = np.exp(log - log.max(axis=1, keepdims=True)).cumsum(axis=1)
    points = random.random(len(log)) * shares[:, -1]
    drawn: Ints = np.minimum((shares <= points[:, None]).sum(axis=1), log.shape[1] - 1)
    return drawn


def logsumexp(log: Floats, axis: int) -> Floats:
    """The logarithm of the sum of exponentials along an axis; ``log`` is overwritten."""
    top = log.max(axis=axis, keepdims=True)
    log -= top
    total: Floats = np.log(np.exp(log, out=log).sum(axis=axis)) + np.squeeze(top, axis)
    return total


def best_with_one_of(chain: Chain, beats: Sequence[int], fitting: Mask) -> Ints:
    """The best path that takes one of ``(S,)`` fitting states on one of some beats.

    It is the best of the best paths with the constraint on each single beat. Without beats it is
    the best path. ``samples_with_one_of`` draws such paths.
    """
    ahead = _best_ahead(chain)
    best = _followed(chain, ahead)
    if not len(beats) or fitting[best[list(beats)]].any():
        return best
    allowed = np.ones(chain.unary.shape, dtype=np.bool_)
    paths = []
    for beat in beats:
        allowed[beat] = fitting
        met = chain.constrained(allowed)
        paths.append(_followed(met, _best_ahead(met, ahead, beat)))
        allowed[beat] = True
    return max(paths, key=chain.score)


def samples_with_one_of(
    chain: Chain,
    beats: Sequence[int],
    fitting: Mask,
    count: int,
    random: np.random.Generator,
    *,
    temperature: float = 1.0,
) -> Ints:
    """``(count, B)`` exact samples of paths that take one of ``(S,)`` fitting states on some beats.

    The first beat on which a path does so is drawn in proportion to what all such paths weigh, and
    then the path. The other arguments are those of ``sample_paths``.
    """
    if temperature == 0:
        return np.tile(best_with_one_of(chain, beats, fitting), (count, 1))
    allowed = np.ones(chain.unary.shape, dtype=np.bool_)
    parts = []
    for beat in sorted(beats):
        allowed[beat] = fitting
        parts.append(chain.constrained(allowed))
        allowed[beat] = ~fitting
    parts = parts or [chain]
    weights = np.array([log_partition(part.at(temperature)) for part in parts])
    shares = np.exp(weights - weights.max())
    drawn = random.choice(len(parts), size=count, p=shares / shares.sum())
    paths = np.zeros((count, len(chain)), dtype=np.int64)
    for part in np.unique(drawn):
        here = drawn == part
        paths[here] = sample_paths(parts[part], int(here.sum()), random, temperature)
    return paths
