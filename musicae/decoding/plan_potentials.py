"""The log potentials of a piece's chords, computed by a planner's networks.

Axes: ``M`` networks of the planner, ``B`` beats, ``S`` states, ``K`` transition tables, ``F``
features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from musicae.core.arrays import Floats32
from musicae.models.checkpoint import Checkpoint

LEAST = np.float32(1e-30)
"""The least factor of a transition, so that its logarithm is finite in single precision."""
BEATS_AT_ONCE = 1024
"""The most beats whose potentials are computed at once. It limits the memory for long pieces."""
AT_ONCE = 4
"""The number of transitions that are computed at once."""


class Factors(NamedTuple):
    """The exponentials of a planner's transition tables, from a state (columns) to the next
    (rows)."""

    factors: Floats32
    """``(M, K, S, S)`` the exponentials of the tables minus the greatest of the ``K`` entries."""
    top: Floats32
    """``(S, S)`` the greatest of the ``K`` entries, summed over the networks."""


@dataclass(frozen=True, eq=False)
class MixedTransitions:
    """The log potentials of all transitions of a piece, averaged over the networks.

    They are read like an array ``(B - 1, S, S)``, by slices of beats or by rows, and computed when
    they are read. All of them at once would take 400 MB for a thousand bars.
    """

    shares: Floats32
    """``(M, B - 1, K)`` the share of each table at each transition; each row sums to 1."""
    tables: Factors
    scale: float
    """The divisor of the sum over the networks: their number times the temperature."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Transitions, states, states."""
        states = len(self.tables.top)
        return self.shares.shape[1], states, states

    def __getitem__(self, where: slice | tuple[Sequence[int], Sequence[int]]) -> Floats32:
        """For a slice of ``b`` beats ``(b, S, S)``; for ``b`` beats and ``b`` states the rows
        ``(b, S)`` from these states to all states."""
        factors, top = self.tables
        if isinstance(where, slice):
            found = np.empty((self.shares[0, where].shape[0], *top.shape), dtype=np.float32)
            self._fill(found, where)
            return found.transpose(0, 2, 1)
        beats, states = np.asarray(where[0]), np.asarray(where[1])
        total = top[:, states].T / np.float32(self.scale)
        for shares, of_member in zip(self.shares[:, beats], factors, strict=True):
            mixture = np.einsum("bk,ksb->bs", shares, of_member[:, :, states])
            total += np.log(mixture) / np.float32(self.scale)
        return total

    def __truediv__(self, temperature: float) -> MixedTransitions:
        """The potentials at another temperature."""
        return replace(self, scale=self.scale * temperature)

    def all(self) -> Floats32:
        """``(B - 1, S, S)`` all transitions, with contiguous columns for ``plan.Kept``.

        They are computed in blocks that fit into a processor's cache.
        """
        found = np.empty(self.shape, dtype=np.float32)
        for start in range(0, len(found), AT_ONCE):
            self._fill(found[start : start + AT_ONCE], slice(start, start + AT_ONCE))
        return found.transpose(0, 2, 1)

    def _fill(self, found: Floats32, beats: slice) -> None:
        """Write the log potentials of a slice of beats into ``found`` ``(b, S, S)``, from a state
        (columns) to the next (rows)."""
        factors, top = self.tables
        total = found.reshape(len(found), -1)
        room = np.empty_like(total)
        for member, shares in enumerate(self.shares[:, beats]):
            mixture = room if member else total
            np.matmul(shares, factors[member].reshape(len(factors[member]), -1), out=mixture)
            np.log(mixture, out=mixture)
            if member:
                total += mixture
        total += top.reshape(-1)
        total *= np.float32(1 / self.scale)


def potentials(planner: Checkpoint, features: Floats32) -> tuple[Floats32, MixedTransitions]:
    """The log potentials of one piece, ``(B, S)`` of states and ``(B - 1, S, S)`` of transitions.

    They are averaged over the planner's networks and divided by its calibrated temperature.
    ``features`` are ``(B, F)``.
    """
    encodings = planner.run("encode", features=features)
    parts = []
    for some in blocks(len(features)):
        # A block includes the transition to the next block.
        read = slice(some.start, some.stop + 1)
        inputs = {f"encoding{number}": each[read] for number, each in enumerate(encodings)}
        unary, shares = planner.run("potentials", features=features[read], **inputs)
        parts.append((unary[: some.stop - some.start], shares))
    unary = np.concatenate([of_block for of_block, _ in parts])
    shares = np.concatenate([of_block for _, of_block in parts], axis=1)
    scale = len(shares) * float(planner.tensors["temperature"][0])
    return unary, MixedTransitions(shares, factors_of(planner), scale)


def blocks(beats: int) -> list[slice]:
    """The beats of a piece as slices of at most ``BEATS_AT_ONCE`` beats, in order."""
    return [
        slice(start, min(start + BEATS_AT_ONCE, beats)) for start in range(0, beats, BEATS_AT_ONCE)
    ]


@lru_cache(maxsize=2)
def factors_of(planner: Checkpoint) -> Factors:
    """The tables of a planner; they do not depend on the piece."""
    tables = np.stack([_tables(planner, m) for m in range(planner.config.members)])
    tables = np.ascontiguousarray(tables.swapaxes(-1, -2))
    top = tables.max(axis=1)
    factors = np.maximum(np.exp(tables - top[:, None]), LEAST)
    return Factors(factors, top.sum(axis=0))


def _tables(planner: Checkpoint, member: int) -> Floats32:
    """``(K, S, S)`` the tables of one network; see ``ChordPlanner.transition_tables``."""
    roots, qualities, _, basses = np.array(planner.config.states).T

    def weight(name: str) -> Floats32:
        found: Floats32 = planner.tensors[f"networks.{member}.{name}"]
        return found

    up = (roots[None, :] - roots[:, None]) % 12
    bass_up = (basses[None, :] - basses[:, None]) % 12
    motion = weight("root_motion")[:, qualities[:, None], qualities[None, :], up]
    same = np.eye(len(roots), dtype=np.float32)
    tables: Floats32 = (
        motion
        + weight("bass_motion")[:, bass_up]
        + weight("shared")
        + weight("leave") @ weight("reach")
        + weight("stay")[:, None, None] * same
    )
    return tables
