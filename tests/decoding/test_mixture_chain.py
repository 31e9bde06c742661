"""Inference in chains of mixed tables gives the same results as in logarithms: ``plan.Chain``."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.decoding import plan
from musicae.decoding.mixture_chain import MixtureChain, Tables, filter_together

STATES, TABLES = 3, 2
SEEDS = st.integers(0, 10_000)


def chain_of(seed, beats=4, states=STATES):
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.ones(TABLES), size=beats - 1)
    factors = np.exp(random.normal(size=(TABLES, states, states)))
    return MixtureChain(random.normal(size=(beats, states)), shares, Tables(factors))


def in_logarithms(chain):
    """The same chain as a ``plan.Chain``."""
    pair = np.log(np.einsum("bk,kst->bst", chain.shares, chain.tables.factors))
    same = plan.Chain(chain.unary, pair)
    every = np.ones(chain.unary.shape, dtype=bool)
    return same.constrained(every, chain.moves) if chain.moves else same


def every_path(chain):
    return np.array(list(product(range(chain.unary.shape[1]), repeat=len(chain))))


@st.composite
def constraints(draw, beats=4):
    """Allowed states, and terms that are added to the transitions from some beats."""
    cells = draw(st.lists(st.booleans(), min_size=beats * STATES, max_size=beats * STATES))
    at = draw(st.sets(st.integers(0, beats - 2)))
    numbers = np.random.default_rng(draw(SEEDS))
    moves = {beat: numbers.normal(size=(STATES, STATES)) for beat in sorted(at)}
    return np.array(cells).reshape(beats, STATES), moves


@given(SEEDS, st.integers(1, 6))
def test_a_chain_is_the_same_in_probabilities_and_in_logarithms(seed, beats):
    chain = chain_of(seed, beats)
    expected = in_logarithms(chain)
    assert len(chain) == beats
    assert chain.log_partition() == pytest.approx(plan.log_partition(expected), abs=1e-5)
    assert chain.best_path().tolist() == plan.best_path(expected).tolist()
    for path in every_path(chain)[:: 1 + 3 ** max(0, beats - 3)]:
        assert chain.score(path) == pytest.approx(expected.score(path))


@given(SEEDS, constraints())
def test_constraints_and_moves_weigh_as_in_logarithms(seed, narrowed):
    allowed, moves = narrowed
    chain = chain_of(seed).constrained(allowed, moves)
    expected = in_logarithms(chain_of(seed)).constrained(allowed, moves)
    assert chain.log_partition() == pytest.approx(plan.log_partition(expected), abs=1e-5)
    assert chain.best_path().tolist() == plan.best_path(expected).tolist()
    path = chain.best_path()
    assert chain.score(path) == pytest.approx(expected.score(path))
    drawn = chain.sample_path(np.random.default_rng(seed))
    for found in (path, drawn):
        # Only beats at which no state is allowed become free.
        assert plan.broken(found, allowed) == np.flatnonzero(~allowed.any(axis=1)).tolist()


@pytest.mark.parametrize("moved", [False, True])
def test_samples_have_the_probabilities_of_their_paths(moved):
    chain = chain_of(3, beats=3)
    if moved:
        added = np.random.default_rng(4).normal(size=(STATES, STATES))
        allowed = np.ones((3, STATES), dtype=bool)
        allowed[2, 0] = False
        chain = chain.constrained(allowed, {1: 2 * added})
    paths = every_path(chain)
    shares = np.exp([chain.score(path) - chain.log_partition() for path in paths])
    assert shares.sum() == pytest.approx(1)
    random = np.random.default_rng(0)
    drawn = np.array([chain.sample_path(random) for _ in range(8000)])
    counts = np.array([(drawn == path).all(axis=1).mean() for path in paths])
    assert np.abs(counts - shares).max() < 0.02
    assert not counts[shares < 1e-9].any()


def test_a_temperature_divides_the_potentials_of_beats_alone():
    chain = chain_of(5)
    hot = chain.sharpened(2.0)
    assert np.array_equal(hot.unary, chain.unary / 2)
    assert hot.shares is chain.shares
    assert hot.tables is chain.tables
    cold = chain.sharpened(1e-3)
    assert cold.best_path().tolist() == chain.unary.argmax(axis=1).tolist()
    assert cold.sample_path(np.random.default_rng(0)).tolist() == cold.best_path().tolist()


def test_a_common_factor_of_the_tables_changes_no_share():
    chain = chain_of(6)
    scaled = MixtureChain(chain.unary, chain.shares, Tables(chain.tables.factors * 1e-30))
    path = chain.best_path()
    assert scaled.best_path().tolist() == path.tolist()
    assert scaled.score(path) - scaled.log_partition() == pytest.approx(
        chain.score(path) - chain.log_partition()
    )


def test_long_chains_neither_overflow_nor_vanish():
    """Four hundred beats; some are hundreds of nats above the others."""
    chain = chain_of(7, beats=400)
    chain = MixtureChain(chain.unary * 300, chain.shares, chain.tables)
    expected = in_logarithms(chain)
    assert chain.log_partition() == pytest.approx(plan.log_partition(expected), abs=1e-5)
    assert chain.best_path().tolist() == plan.best_path(expected).tolist()


def test_shapes_that_do_not_fit_are_refused():
    chain = chain_of(0)
    for wrong in (
        (chain.unary[:-1], chain.shares, chain.tables),
        (chain.unary, chain.shares[:, :1], chain.tables),
        (chain.unary[:, :2], chain.shares, chain.tables),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            MixtureChain(*wrong)


@given(SEEDS, constraints(), constraints())
def test_chains_filtered_together_are_those_filtered_alone(seed, one, other):
    """Chains of several lengths, with different constraints and two kinds of tables."""
    long, short = chain_of(seed, 6), chain_of(seed + 1, 4)
    short = replace(short, tables=long.tables)

    def chains():
        constrained = [short.constrained(*narrowed) for narrowed in (one, other)]
        return [*constrained, long, chain_of(seed + 2, 1), chain_of(seed + 3, 5)]

    together = chains()
    filter_together(together)
    for found, alone in zip(together, chains(), strict=True):
        assert found.log_partition() == pytest.approx(alone.log_partition(), abs=1e-5)
        assert found.filtered.shares == pytest.approx(alone.filtered.shares, abs=1e-5)
        drawn = [each.sample_path(np.random.default_rng(seed)).tolist() for each in (found, alone)]
        assert drawn[0] == drawn[1]
