"""Exact inference in a chain of chords: the best plan, samples, marginals.

Axes: ``B`` beats, ``S`` states. A chain is given by log potentials, constraints by a mask of the
states that are allowed at each beat. Sums over paths use probabilities that are scaled at each
beat, in the precision of the transitions. So results are exact up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import distinct
from musicae.core.progress import pulse

Floats = NDArray[np.float64]
Potentials = NDArray[np.floating]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

BLOCK = 16
"""The number of beats whose transitions are read at once; they fit into a processor's cache."""
FORBIDDEN = -1e4
"""The log potential, in nats, that a forbidden state adds. No plan can gain as much elsewhere, so a
constraint is broken only if no plan at all can keep it."""


class Transitions(Protocol):
    """Log potentials that are read like an array ``(B - 1, S, S)``."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Transitions, states, states."""

    def __getitem__(self, where: Any, /) -> Any:
        """``(b, S, S)`` of a slice of beats, or ``(b, S)`` of ``b`` beats and ``b`` states."""

    def __truediv__(self, temperature: float, /) -> Any:
        """The potentials at another temperature."""


@dataclass(frozen=True, eq=False)
class Kept:
    """Transitions that are all kept in memory, with their exponentials."""

    logs: Potentials
    """``(B - 1, S, S)`` log potentials. The best path is found fastest if columns are
    contiguous."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Transitions, states, states."""
        return self.logs.shape

    @cached_property
    def factors(self) -> Potentials:
        """``(B - 1, S, S)`` the exponentials of the log potentials."""
        found: Potentials = np.exp(self.logs)
        return found

    @cached_property
    def bounds(self) -> tuple[Potentials, Potentials]:
        """The greatest and the least log potential of the transitions into each state, each
        ``(B - 1, S)``."""
        return self.logs.max(axis=1), self.logs.min(axis=1)

    def __getitem__(self, where: Any, /) -> Potentials:
        """As ``Transitions``."""
        found: Potentials = self.logs[where]
        return found

    def __truediv__(self, temperature: float, /) -> Kept:
        """The potentials at another temperature."""
        return Kept(self.logs / self.logs.dtype.type(temperature))


@dataclass(frozen=True, eq=False)
class Chain:
    """The log potentials of a piece.

    Raises ValueError if the shapes do not fit.
    """

    unary: Potentials
    """``(B, S)`` the log potential of each state on each beat."""
    pair: Transitions
    """``(B - 1, S, S)`` from a state (rows) to a state of the next beat (columns); may have a lower
    precision than ``unary``. An array is wrapped as ``Kept``."""
    moves: Mapping[int, Floats] = field(default_factory=dict)
    """By the index of a beat the log potentials ``(S, S)`` that are added to the transition from it
    to the next beat."""

    def __post_init__(self) -> None:
        beats, states = self.unary.shape
        if beats < 1 or self.pair.shape != (beats - 1, states, states):
            raise ValueError(f"unary {self.unary.shape} does not fit pair {self.pair.shape}")
        if isinstance(self.pair, np.ndarray):
            object.__setattr__(self, "pair", Kept(self.pair))

    def __len__(self) -> int:
        return len(self.unary)

    @cached_property
    def scaled_unary(self) -> Potentials:
        """``unary`` minus the greatest value of each beat, in the precision of the transitions."""
        found: Potentials = self.unary - self.unary.max(axis=1, keepdims=True)
        return found.astype(np.asarray(self.pair[0:1]).dtype)

    def constrained(self, allowed: Mask, moves: Mapping[int, Floats] | None = None) -> Chain:
        """The chain in which states outside ``allowed`` ``(B, S)`` cost ``-FORBIDDEN`` nats.

        A beat without any allowed state is not constrained; ``broken`` reports it. ``moves``
        replace the chain's own; None keeps these.
        """
        unary = self.unary.copy()
        unary[~allowed & allowed.any(axis=1, keepdims=True)] += unary.dtype.type(FORBIDDEN)
        return replace(self, unary=unary, moves=self.moves if moves is None else moves)

    def at(self, temperature: float) -> Chain:
        """The chain with all log potentials divided by a temperature."""
        moves = {beat: added / temperature for beat, added in self.moves.items()}
        return Chain(self.unary / temperature, self.pair / temperature, moves)

    def score(self, path: Sequence[int] | Ints) -> float:
        """The log potential of a path ``(B,)``."""
        states = np.asarray(path)
        beats = np.arange(len(states))
        rows = np.asarray(self.pair[beats[:-1], states[:-1]])
        moved = sum(added[states[beat], states[beat + 1]] for beat, added in self.moves.items())
        unary = self.unary[beats, states].sum(dtype=np.float64)
        return float(unary + rows[beats[:-1], states[1:]].sum(dtype=np.float64) + moved)

    def row(self, beat: int, state: int) -> Potentials:
        """``(S,)`` the log potentials from a state at a beat to all states."""
        found: Potentials
        if isinstance(self.pair, Kept):
            found = self.pair.logs[beat, state]
        else:
            found = np.asarray(self.pair[[beat], [state]])[0]
        return found + self.moves[beat][state] if beat in self.moves else found

    def backwards(self, stop: int | None = None) -> Iterator[tuple[int, Potentials]]:
        """Beats with the log potentials ``(S, S)`` of the transitions from them, in reverse order.

        The first one is the beat before ``stop``, by default before the last beat.
        """
        for beat, pair in self._read(range(len(self) - 1 if stop is None else stop)[::-1]):
            yield beat, pair + self.moves[beat] if beat in self.moves else pair

    def factors(self, beats: range) -> Iterator[tuple[int, Potentials]]:
        """Each of ``beats`` with the exponentials ``(S, S)`` of its transitions' log potentials.

        The step of ``beats`` is 1 or -1.
        """
        for beat, factor in self._read(beats, exponentials=True):
            yield beat, factor * np.exp(self.moves[beat]) if beat in self.moves else factor

    def _read(
        self, beats: range, *, exponentials: bool = False
    ) -> Iterator[tuple[int, Potentials]]:
        """The transitions from each of ``beats`` (step 1 or -1), without ``moves``."""
        if isinstance(self.pair, Kept):
            kept = self.pair.factors if exponentials else self.pair.logs
            yield from ((beat, kept[beat]) for beat in beats)
            return
        for start in range(0, len(beats), BLOCK):
            pulse()
            some = beats[start : start + BLOCK]
            low = min(some[0], some[-1])
            block = np.asarray(self.pair[low : low + len(some)])
            if exponentials:
                block = np.exp(block)
            yield from ((beat, block[beat - low]) for beat in some)


def broken(path: Ints, allowed: Mask) -> list[int]:
    """The beats at which a path takes a state that is not allowed."""
    return np.flatnonzero(~allowed[np.arange(len(path)), path]).tolist()


class Filtered(NamedTuple):
    """The result of the forward algorithm: sums over all paths from the beginning, scaled."""

    shares: Potentials
    """``(B, S)`` the probability of each state given the beats up to it."""
    emissions: Potentials
    """``(B, S)`` the exponentials of the unary log potentials, scaled so that the greatest of each
    beat is 1."""
    sizes: Floats
    """``(B,)`` the divisor of the shares of each beat."""
    log_partition: float
    """The logarithm of the sum of the potentials of all paths."""


def forward(chain: Chain) -> Filtered:
    """The forward algorithm, in probabilities."""
    emissions = np.exp(chain.scaled_unary)
    # Products of smaller numbers would be denormal, which is slow and not exact.
    emissions[emissions < np.sqrt(np.finfo(emissions.dtype).tiny)] = 0.0
    shares, sizes = emissions.copy(), np.ones(len(chain))
    sizes[0] = shares[0].sum()
    shares[0] /= sizes[0]
    for beat, factor in chain.factors(range(len(chain) - 1)):
        reached = (shares[beat] @ factor) * emissions[beat + 1]
        sizes[beat + 1] = size = reached.sum()
        np.divide(reached, size, out=shares[beat + 1])
    top = chain.unary.max(axis=1).sum(dtype=np.float64)
    return Filtered(shares, emissions, sizes, float(np.log(sizes).sum() + top))


def backward(chain: Chain, filtered: Filtered) -> Potentials:
    """``(B, S)`` the sum over all continuations of each state, scaled.

    Its product with ``filtered.shares`` is the probability of the state.
    """
    found = np.ones_like(filtered.shares)
    for beat, factor in chain.factors(range(len(chain) - 1)[::-1]):
        arriving = filtered.emissions[beat + 1] * found[beat + 1]
        np.matmul(factor, arriving / float(filtered.sizes[beat + 1]), out=found[beat])
    return found


def log_partition(chain: Chain) -> float:
    """The logarithm of the sum of the potentials of all paths."""
    return forward(chain).log_partition


def log_likelihood(chain: Chain, path: Sequence[int] | Ints) -> float:
    """The log probability of a path, in nats."""
    return chain.score(path) - log_partition(chain)


def marginals(chain: Chain) -> Floats:
    """``(B, S)`` the probability of each state at each beat; rows sum to 1."""
    filtered = forward(chain)
    found = (filtered.shares * backward(chain, filtered)).astype(np.float64)
    shares: Floats = found / found.sum(axis=1, keepdims=True)
    return shares


def best_path(chain: Chain) -> Ints:
    """``(B,)`` the likeliest path (Viterbi's algorithm, from the end); the first on a tie."""
    return _followed(chain, _best_ahead(chain))


def _best_ahead(
    chain: Chain, known: Potentials | None = None, stop: int | None = None
) -> Potentials:
    """``(B, S)`` the log potential of the best continuation of each state, up to a constant for
    each beat.

    With ``known``, the values from the beat ``stop`` on are copied from it.
    """
    unary, greatest = chain.scaled_unary, np.maximum.reduce
    ahead = np.zeros_like(unary) if known is None else known.copy()
    most, least = chain.pair.bounds if isinstance(chain.pair, Kept) else (None, None)
    for beat, pair in chain.backwards(stop):
        after = ahead[beat + 1] + unary[beat + 1]
        after -= greatest(after)
        into = pair.T
        if most is not None and least is not None and beat not in chain.moves:
            # Leave out states of the next beat that cannot be the best continuation of any state.
            some = (after + most[beat] >= greatest(after + least[beat])).nonzero()[0]
            after, into = after[some], into.take(some, axis=0)
            into += after[:, None]
        else:
            into = into + after[:, None]
        greatest(into, axis=0, out=ahead[beat])
    return ahead


def _followed(chain: Chain, ahead: Potentials) -> Ints:
    """``(B,)`` the best path, given the best continuation ``(B, S)`` of each state."""
    total = chain.scaled_unary + ahead
    path = [int(total[0].argmax())]
    for beat in range(1, len(chain)):
        path.append(int((chain.row(beat - 1, path[-1]) + total[beat]).argmax()))
    return np.array(path)


def sample_paths(
    chain: Chain, count: int, random: np.random.Generator, temperature: float = 1.0
) -> Ints:
    """``(count, B)`` independent exact samples: forward filtering, backward sampling.

    All log potentials are divided by ``temperature``; at 0 each sample is the best path. Raises
    ValueError if it is negative.
    """
    if temperature < 0:
        raise ValueError(f"the temperature must be 0 or more, got {temperature}")
    if temperature == 0:
        return np.tile(best_path(chain), (count, 1))
    cooled = chain.at(temperature)
    shares = forward(cooled).shares.astype(np.float64)
    paths = np.zeros((count, len(chain)), dtype=np.int64)
    paths[:, -1] = _draw(np.tile(shares[-1], (count, 1)), random)
    for beat, factor in cooled.factors(range(len(chain) - 1)[::-1]):
        paths[:, beat] = _draw(shares[beat] * factor[:, paths[:, beat + 1]].T, random)
    return paths


def _draw(weights: Floats, random: np.random.Generator) -> Ints:
    """``(N,)`` for each row of ``weights`` ``(N, S)`` a random state, in proportion to them."""
    passed = weights.cumsum(axis=1)
    points = random.random(len(passed)) * passed[:, -1]
    drawn: Ints = np.minimum((passed <= points[:, None]).sum(axis=1), passed.shape[1] - 1)
    return drawn


def best_with_one_of(chain: Chain, beats: Sequence[int], fitting: Mask) -> Ints:
    """``(B,)`` the best path that has a ``fitting`` ``(S,)`` state on at least one of ``beats``.

    For each of these beats the best path with a fitting state on it is found; the best of these
    paths is returned. Without beats it is the best path. ``samples_with_one_of`` draws such paths.
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
    """``(count, B)`` exact samples of paths with a ``fitting`` ``(S,)`` state on one of ``beats``.

    First the earliest beat with a fitting state is drawn, in proportion to the potentials of all
    paths for which it is the earliest. Then the path is drawn. The other arguments are those of
    ``sample_paths``.
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
    for part in distinct(drawn):
        here = drawn == part
        paths[here] = sample_paths(parts[part], int(here.sum()), random, temperature)
    return paths
