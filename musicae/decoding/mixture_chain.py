"""Exact inference in chains whose transitions are mixtures of a few tables, in probabilities.

The tables do not depend on the piece, so their exponentials are computed once. Sampling needs no
logarithms and is many times faster than with a ``plan.Chain``.

Axes: ``B`` beats, ``S`` states, ``K`` tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.progress import pulse
from musicae.decoding.plan import BLOCK, FORBIDDEN

NEGLIGIBLE = 1e-14
"""A state is dropped if its share is less than this part of the likeliest state's share."""
Floats = NDArray[np.floating]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tables:
    """The transition tables of all pieces."""

    factors: Floats
    """``(K, S, S)`` the exponentials of the tables, from a state (rows) to the next (columns), up
    to a common factor; none is 0."""

    @cached_property
    def by_state(self) -> NDArray[np.float32]:
        """``(S, K, S)`` ``factors`` with the state of departure first, in single precision."""
        return np.ascontiguousarray(self.factors.transpose(1, 0, 2), dtype=np.float32)


class Filtered(NamedTuple):
    """The result of forward filtering."""

    shares: Floats
    """``(B, S)`` the probability of each state given the beats up to it."""
    log_partition: float
    """The logarithm of the sum of the potentials of all paths."""


@dataclass(frozen=True, eq=False)
class MixtureChain:
    """The potentials of a piece. Raises ValueError if the shapes do not fit."""

    unary: Floats
    """``(B, S)`` log potentials."""
    shares: Floats
    """``(B - 1, K)`` the share of each table at each transition; each row sums to 1."""
    tables: Tables
    moves: Mapping[int, Floats] | None = None
    """By the index of a beat the log potentials ``(S, S)`` that are added to the transition from it
    to the next beat."""

    @cached_property
    def factors(self) -> dict[int, NDArray[np.float32]]:
        """The exponentials of ``moves``, by the index of a beat."""
        moves = self.moves or {}
        every = {id(m): m for m in moves.values()}
        found = {key: np.exp(m.astype(np.float32)) for key, m in every.items()}
        return {beat: found[id(m)] for beat, m in moves.items()}

    def __post_init__(self) -> None:
        (beats, states), shape = self.unary.shape, self.tables.factors.shape
        if self.shares.shape != (beats - 1, shape[0]) or shape[1:] != (states, states):
            raise ValueError(
                f"unary {self.unary.shape}, shares {self.shares.shape} and tables {shape} do not"
                " fit"
            )

    def __len__(self) -> int:
        return len(self.unary)

    def constrained(self, allowed: Mask, moves: Mapping[int, Floats] | None = None) -> MixtureChain:
        """The chain in which states outside ``allowed`` ``(B, S)`` cost ``-FORBIDDEN`` nats.

        A beat without any allowed state is not constrained. ``moves`` replace the chain's own.
        """
        free = ~allowed.any(axis=1, keepdims=True)
        unary = self.unary + np.where(allowed | free, 0.0, FORBIDDEN)
        return replace(self, unary=unary, moves=moves)

    def sharpened(self, temperature: float) -> MixtureChain:
        """The chain with its unary potentials divided by a temperature."""
        return replace(self, unary=self.unary / temperature)

    def score(self, path: Ints) -> float:
        """The log potential of a path ``(B,)``."""
        beats = np.arange(len(path))
        pairs = np.einsum("bk,kb->b", self.shares, self.tables.factors[:, path[:-1], path[1:]])
        added = sum(float(m[path[b], path[b + 1]]) for b, m in (self.moves or {}).items())
        return float(self.unary[beats, path].sum() + np.log(pairs).sum()) + added

    def log_partition(self) -> float:
        """The logarithm of the sum of the potentials of all paths."""
        return self.filtered.log_partition

    def best_path(self) -> Ints:
        """``(B,)`` the likeliest path (Viterbi's algorithm)."""
        emissions, _ = self.emissions()
        reached, came_from = emissions[0], []
        for beat, pair in self._transitions():
            each = reached[:, None] * pair
            came_from.append(each.argmax(axis=0))
            reached = each.max(axis=0) * emissions[beat + 1]
            reached = reached / reached.max()
        path = [int(reached.argmax())]
        for before in reversed(came_from):
            path.append(int(before[path[-1]]))
        return np.array(path[::-1])

    def sample_path(self, random: np.random.Generator) -> Ints:
        """``(B,)`` an exact sample: forward filtering, backward sampling."""
        filtered = self.filtered.shares
        path = np.zeros(len(self), dtype=np.int64)
        path[-1] = _draw(filtered[-1], random)
        for beat in range(len(self) - 2, -1, -1):
            after = path[beat + 1]
            into = self.shares[beat] @ self.tables.factors[:, :, after]
            if beat in self.factors:
                into = into * self.factors[beat][:, after]
            path[beat] = _draw(filtered[beat] * into, random)
        return path

    @cached_property
    def filtered(self) -> Filtered:
        """The chain, filtered forwards; see ``filter_together``."""
        return _filter([self])[0]

    def emissions(self) -> tuple[Floats, float]:
        """``(B, S)`` the exponentials of the unary potentials, scaled so that the greatest of each
        beat is 1, and the logarithm of the product of all divisors."""
        top = self.unary.max(axis=1, keepdims=True)
        return np.exp(self.unary - top), float(top.sum())

    def _transitions(self) -> Iterator[tuple[int, Floats]]:
        """Each beat but the last, in order, with its transition factors ``(S, S)``."""
        states = self.unary.shape[1]
        flat = self.tables.factors.reshape(self.shares.shape[1], -1)
        for start in range(0, len(self) - 1, BLOCK):
            block = (self.shares[start : start + BLOCK] @ flat).reshape(-1, states, states)
            for beat, pair in enumerate(block, start):
                moved = (self.moves or {}).get(beat)
                yield beat, pair if moved is None else pair * np.exp(moved)


def filter_together(chains: Sequence[MixtureChain]) -> None:
    """Filter several chains at once, which is faster. Chains with the same tables form one batch.

    Each chain keeps its result as ``MixtureChain.filtered``.
    """
    by_tables: dict[int, list[MixtureChain]] = {}
    for chain in chains:
        by_tables.setdefault(id(chain.tables), []).append(chain)
    for group in by_tables.values():
        for chain, found in zip(group, _filter(group), strict=True):
            chain.__dict__["filtered"] = found  # where ``cached_property`` keeps it


def _filter(chains: Sequence[MixtureChain]) -> list[Filtered]:
    """Filter chains with the same tables, beat by beat."""
    tables = chains[0].tables.by_state
    states, count = tables.shape[:2]
    flat, lengths = tables.reshape(states, -1), np.array([len(chain) for chain in chains])
    shape = (int(lengths.max()), len(chains))
    emissions, shares = np.ones((*shape, states)), np.full((*shape, count), 1 / count)
    totals, filtered = np.zeros(len(chains)), np.empty((*shape, states))
    for i, chain in enumerate(chains):
        pulse()
        emissions[: len(chain), i], totals[i] = chain.emissions()
        shares[: len(chain) - 1, i] = chain.shares
    reached = emissions[0]
    for beat in range(len(emissions)):
        pulse()
        if beat:
            reached = reached * emissions[beat]
        size = reached.sum(axis=1, keepdims=True)
        totals += np.where(beat < lengths, np.log(size[:, 0]), 0.0)
        filtered[beat] = share = reached / size
        # In single precision the smaller shares would be denormal numbers, which are slow.
        followed = share > share.max(axis=1, keepdims=True) * NEGLIGIBLE
        single = np.where(followed, share, 0.0).astype(np.float32)
        arrived = (single @ flat).reshape(len(chains), count, states)
        reached = (shares[beat][:, None] @ arrived)[:, 0]
        for i, chain in enumerate(chains):
            if beat in chain.factors:
                pair = shares[beat, i].astype(np.float32) @ tables  # (S, S)
                reached[i] = single[i] @ (pair * chain.factors[beat])
    return [
        Filtered(filtered[: len(chain), i], total)
        for i, (chain, total) in enumerate(zip(chains, totals.tolist(), strict=True))
    ]


def _draw(weights: Floats, random: np.random.Generator) -> int:
    """A random index, with probabilities in proportion to ``weights`` ``(S,)``."""
    passed = weights.cumsum()
    return int(min(np.searchsorted(passed, random.random() * passed[-1], "right"), len(passed) - 1))
