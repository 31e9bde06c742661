"""Inference in chains of chords, compared with a list of every path of tiny chains."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.decoding.plan import (
    Chain,
    best_path,
    best_with_one_of,
    broken,
    log_likelihood,
    log_partition,
    marginals,
    sample_paths,
    samples_with_one_of,
)
from musicae.decoding.plan_distinct import n_best_distinct
from musicae.decoding.plan_expected import best_by_marginals, most_expected


def chain_of(seed: int, beats: int = 4, states: int = 3) -> Chain:
    random = np.random.default_rng(seed)
    pair = random.normal(size=(beats - 1, states, states))
    return Chain(random.normal(size=(beats, states)), pair)


def listed(chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """Every path of a chain and its probability."""
    paths = np.array(list(product(range(chain.unary.shape[1]), repeat=len(chain))))
    scores = np.array([chain.score(path) for path in paths])
    shares = np.exp(scores - scores.max())
    return paths, shares / shares.sum()


seeds = st.integers(0, 10_000)


@given(seeds, st.integers(1, 5))
def test_likelihood_and_best_path_are_those_of_all_paths(seed: int, beats: int) -> None:
    chain = chain_of(seed, beats)
    paths, shares = listed(chain)
    scores = [chain.score(path) for path in paths]
    assert log_partition(chain) == pytest.approx(np.logaddexp.reduce(scores))
    assert best_path(chain).tolist() == paths[shares.argmax()].tolist()
    assert log_likelihood(chain, paths[0]) == pytest.approx(np.log(shares[0]))


@given(seeds)
def test_marginals_are_sums_over_all_paths(seed: int) -> None:
    chain = chain_of(seed)
    paths, shares = listed(chain)
    expected = [[shares[paths[:, b] == s].sum() for s in range(3)] for b in range(4)]
    assert marginals(chain) == pytest.approx(np.array(expected))
    assert best_by_marginals(chain).tolist() == np.array(expected).argmax(axis=1).tolist()


def test_samples_have_the_probabilities_of_their_paths() -> None:
    chain = chain_of(3, beats=3, states=2)
    paths, shares = listed(chain)
    drawn = sample_paths(chain, 20_000, np.random.default_rng(0))
    counts = np.array([(drawn == path).all(axis=1).mean() for path in paths])
    assert np.abs(counts - shares).max() < 0.015
    cold = sample_paths(chain, 2, np.random.default_rng(0), temperature=0)
    assert cold.tolist() == [best_path(chain).tolist()] * 2


@given(seeds, st.lists(st.booleans(), min_size=12, max_size=12))
def test_a_constraint_leaves_the_paths_that_keep_it(seed: int, cells: list[bool]) -> None:
    chain = chain_of(seed)
    allowed = np.array(cells).reshape(4, 3)
    met = chain.constrained(allowed)
    free = allowed | ~allowed.any(axis=1, keepdims=True)
    paths, shares = listed(chain)
    kept = free[np.arange(4), paths].all(axis=1)
    best = best_path(met)
    assert best.tolist() == paths[kept][shares[kept].argmax()].tolist()
    assert broken(best, allowed) == np.flatnonzero(~allowed.any(axis=1)).tolist()
    assert log_partition(met) == pytest.approx(log_partition(chain) + np.log(shares[kept].sum()))


@given(seeds, st.integers(0, 2))
def test_a_term_added_to_a_transition_weighs_on_the_paths_that_take_it(seed: int, at: int) -> None:
    chain = chain_of(seed)
    added = np.random.default_rng(seed + 1).normal(size=(3, 3))
    allowed = np.ones((4, 3), dtype=bool)
    moved = chain.constrained(allowed, {at: added})
    by_hand = np.array(chain.pair[:])
    by_hand[at] += added
    expected = Chain(chain.unary, by_hand)
    assert best_path(moved).tolist() == best_path(expected).tolist()
    assert log_partition(moved) == pytest.approx(log_partition(expected))
    assert log_partition(moved.at(0.5)) == pytest.approx(log_partition(expected.at(0.5)))
    assert moved.score([0, 1, 2, 0]) == pytest.approx(expected.score([0, 1, 2, 0]))


def test_samples_with_a_state_on_one_of_some_beats_have_the_shares_of_such_paths() -> None:
    chain = chain_of(5, beats=3, states=2)
    paths, shares = listed(chain)
    fitting, beats = np.array([True, False]), [0, 2]
    kept = fitting[paths[:, beats]].any(axis=1)
    expected = np.where(kept, shares, 0.0) / shares[kept].sum()
    drawn = samples_with_one_of(chain, beats, fitting, 20_000, np.random.default_rng(0))
    counts = np.array([(drawn == path).all(axis=1).mean() for path in paths])
    assert np.abs(counts - expected).max() < 0.015
    cold = samples_with_one_of(chain, beats, fitting, 2, np.random.default_rng(0), temperature=0)
    assert cold.tolist() == [best_with_one_of(chain, beats, fitting).tolist()] * 2


def test_distinct_paths_differ_and_the_best_comes_first() -> None:
    chain = chain_of(1, beats=20, states=6)
    labels = np.array([0, 0, 1, 1, 2, 3])
    found = n_best_distinct(chain, 4, labels, apart=0.2)
    assert len(found) == 4
    assert found[0].tolist() == best_path(chain).tolist()
    for i, path in enumerate(found):
        for other in found[:i]:
            assert np.mean(labels[path] != labels[other]) >= 0.2


def test_paths_that_are_fixed_but_in_a_few_beats_differ_there() -> None:
    chain = chain_of(1, beats=20, states=6)
    among = np.zeros(20, dtype=bool)
    among[8:11] = True
    allowed = np.ones((20, 6), dtype=bool)
    allowed[~among] = np.eye(6, dtype=bool)[best_path(chain)[~among]]
    fixed = chain.constrained(allowed)
    assert len(n_best_distinct(fixed, 3, np.arange(6), apart=0.2)) == 1
    found = n_best_distinct(fixed, 3, np.arange(6), apart=0.2, among=among)
    assert len({tuple(path[among]) for path in found}) == 3
    assert len({tuple(path[~among]) for path in found}) == 1


def test_there_is_one_path_if_all_beats_are_fixed() -> None:
    chain = chain_of(2, beats=5)
    allowed = np.eye(3, dtype=bool)[[0, 1, 2, 1, 0]]
    found = n_best_distinct(chain.constrained(allowed), 3, np.arange(3))
    assert [path.tolist() for path in found] == [[0, 1, 2, 1, 0]]


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Chain(np.zeros((3, 2)), np.zeros((3, 2, 2)))


@given(seeds)
def test_the_most_expected_path_gains_most_over_all_paths(seed: int) -> None:
    chain = chain_of(seed)
    labels = np.array([0, 0, 1])
    paths, shares = listed(chain)

    def gain(path: np.ndarray) -> float:
        states = (paths == path).sum(axis=1)
        roots = (labels[paths] == labels[path]).sum(axis=1)
        pairs = ((paths[:, 1:] == path[1:]) & (paths[:, :-1] == path[:-1])).sum(axis=1)
        return float(shares @ (states + roots + pairs))

    expected = max(gain(path) for path in paths)
    assert gain(most_expected(chain, labels)) == pytest.approx(expected)


@given(seeds, st.sets(st.integers(0, 3), min_size=1), st.integers(0, 2))
def test_the_best_path_with_a_state_on_one_of_some_beats(
    seed: int, beats: set[int], state: int
) -> None:
    chain = chain_of(seed)
    paths, shares = listed(chain)
    kept = (paths[:, sorted(beats)] == state).any(axis=1)
    expected = paths[kept][shares[kept].argmax()]
    found = best_with_one_of(chain, sorted(beats), np.arange(3) == state)
    assert found.tolist() == expected.tolist()


def test_chains_longer_than_a_block_are_read_whole() -> None:
    chain = chain_of(4, beats=40)
    total = best = chain.unary[0]
    for pair, unary in zip(chain.pair, chain.unary[1:], strict=True):
        total = np.logaddexp.reduce(total[:, None] + pair, axis=0) + unary
        best = (best[:, None] + pair).max(axis=0) + unary
    assert log_partition(chain) == pytest.approx(np.logaddexp.reduce(total))
    assert chain.score(best_path(chain)) == pytest.approx(best.max())
    assert marginals(chain).sum(axis=1) == pytest.approx(1)
