"""Paths of a chain that are most correct in expectation, for chains with many likely paths.

Axes: ``B`` beats, ``S`` states.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from musicae.decoding.plan import FORBIDDEN, Chain, Ints, backward, forward, marginals

ROUNDING = 1e-5
"""The largest rounding error of gains."""


def best_by_marginals(chain: Chain, labels: Ints | None = None) -> Ints:
    """``(B,)`` the likeliest state of the likeliest label on each beat.

    ``labels`` ``(S,)`` is the label of each state; by default each state is its own label. The
    expected number of correct labels is as high as possible. But the path can have unlikely
    transitions, so it is used for measuring, not as a plan.
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
    """``(B,)`` the path with the most correct labels, states and transitions in expectation.

    If many plans are likely, the likeliest one does not represent them well. This path has what
    most of them share. Unlike ``best_by_marginals`` it also counts transitions, so it does not join
    chords that no plan joins. (Goodman 1996, *Parsing Algorithms and Metrics*: the labelled recall
    algorithm.) ``labels`` ``(S,)`` is the label of each state, such as its root.
    """
    filtered = forward(chain)
    following = backward(chain, filtered)
    shares = filtered.shares * following
    gains = shares + (shares @ _same(labels)).astype(np.float64)
    gains[chain.unary <= chain.unary.max(axis=1, keepdims=True) + FORBIDDEN / 2] = -np.inf
    # A transition gains at most the share of either of its states. So a state is never on the path
    # if its gain and two such transitions are less than the gain of the best state.
    worth = gains + 2 * shares >= gains.max(axis=1, keepdims=True) - ROUNDING
    most = int(worth.sum(axis=1).max())
    states = np.sort(np.argsort(~worth, axis=1, kind="stable")[:, :most], axis=1)  # (B, C)
    gains[~worth] = -np.inf
    gains = np.take_along_axis(gains, states, axis=1)
    before = np.take_along_axis(filtered.shares, states, axis=1)
    after = filtered.emissions * following / filtered.sizes[:, None].astype(following.dtype)
    after = np.take_along_axis(after, states, axis=1)
    followers = []
    total = gains[-1]
    for beat, factor in chain.factors(range(len(chain) - 1)[::-1]):
        here, there = states[beat], states[beat + 1]
        each = before[beat][:, None] * factor[here[:, None], there] * after[beat + 1] + total
        follower = each.argmax(axis=1)
        followers.append(follower)
        total = gains[beat] + each[np.arange(most), follower]
    place = int(total.argmax())
    path = [states[0, place]]
    for beat, follower in enumerate(reversed(followers), 1):
        place = int(follower[place])
        path.append(states[beat, place])
    return np.array(path)


def _same(labels: Ints) -> NDArray[np.float32]:
    """``(S, S)`` 1 if two states have the same label, else 0."""
    found: NDArray[np.float32] = (labels[:, None] == labels[None, :]).astype(np.float32)
    return found
