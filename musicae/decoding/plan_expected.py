"""Paths of a chain with most right in expectation, where many paths are likely and none is alone.

Axes: ``B`` beats, ``S`` states.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from musicae.decoding.plan import (
    FORBIDDEN,
    Chain,
    Floats,
    Ints,
    backward,
    best_path,
    forward,
    logsumexp,
    marginals,
)


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
    have. (Goodman 1996, *Parsing Algorithms and Metrics*: the labelled recall algorithm.)
    """
    before, after = forward(chain), backward(chain)
    total = float(logsumexp(before[-1].copy(), axis=0))
    shares = np.exp(before + after - total)
    groups = np.zeros((len(chain), int(labels.max()) + 1))
    np.add.at(groups.T, labels, shares.T)
    met = np.where(chain.unary <= FORBIDDEN / 2, FORBIDDEN, 0.0)
    gains = _Gains(chain, before, chain.unary + after - total)
    return best_path(replace(chain, unary=shares + groups[:, labels] + met, pair=gains))


@dataclass(frozen=True, eq=False)
class _Gains:
    """The probabilities of all transitions, computed where they are read."""

    chain: Chain
    before: Floats
    """``(B, S)`` log sums of all paths to each state."""
    after: Floats
    """``(B, S)`` of all paths from each state, itself included, less that of all paths."""
    scale: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.chain.pair.shape

    def __getitem__(self, where: Any, /) -> Floats:
        found = np.asarray(self.chain.pair[where]).astype(np.float64)
        if isinstance(where, slice):
            beats = np.arange(self.shape[0])[where]
            found += self.before[beats][:, :, None] + self.after[beats + 1][:, None, :]
        else:
            beats, states = where
            found += self.before[beats, states][:, None] + self.after[beats + 1]
        return np.exp(found) / self.scale

    def __truediv__(self, temperature: float, /) -> _Gains:
        return replace(self, scale=self.scale * temperature)
