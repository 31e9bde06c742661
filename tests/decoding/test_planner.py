"""Running the planner: transitions computed on demand, long pieces, and time."""

import numpy as np
import pytest
import torch

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.decoding import plan_potentials, planner
from musicae.decoding.plan import Kept, best_path, log_likelihood
from musicae.decoding.plan_potentials import LEAST, potentials
from musicae.decoding.planner import chain_of, plan_problem
from musicae.encoding.melody_features import COLUMNS, melody_features
from musicae.models.checkpoint import load_model
from musicae.models.torch_engine import network_of

C = Key(0)
SCALE = (60, 62, 64, 65, 67, 65, 64, 62)


@pytest.fixture(scope="module")
def model():
    return load_model("planner")


def tune(bars):
    notes = [(4 * i, 4, SCALE[i % 8]) for i in range(4 * bars - 1)]
    return Chorale.from_notes([[*notes, (16 * bars - 4, 4, 60)]])


def features(bars):
    return melody_features(tune(bars), C, (16 * bars - 4,), "bach")


@torch.no_grad()
def mixtures(model, read):
    """The log potentials of all transitions by their definition, in float64."""
    network = network_of(model)
    members = network(torch.from_numpy(read)[None], torch.tensor([len(read)]))
    total = 0
    for found in members:
        top = found.tables.double().amax(dim=0)
        factors = (found.tables.double() - top).exp()
        shares = found.weights[0].double().exp()
        total += torch.einsum("bk,kst->bst", shares, factors).clamp_min(float(LEAST)).log() + top
    return (total / len(members) / network.temperature.double()).numpy()


def test_transitions_are_the_mixtures_of_the_tables(model):
    read = features(4)
    expected = mixtures(model, read)
    _, pair = potentials(model, read)
    assert pair.shape == expected.shape
    np.testing.assert_allclose(pair[:], expected, atol=1e-4)
    np.testing.assert_allclose(pair.all(), expected, atol=1e-4)
    np.testing.assert_allclose(pair[3:9], expected[3:9], atol=1e-4)
    beats, states = [0, 7, 7, 14], [5, 0, 31, 2]
    np.testing.assert_allclose(pair[beats, states], expected[beats, states], atol=1e-4)
    np.testing.assert_allclose((pair / 0.5)[:2], 2 * expected[:2], atol=2e-4)


def test_transitions_computed_on_demand_give_the_same_plan(model, monkeypatch):
    read = features(20)
    kept = chain_of(model, read)
    monkeypatch.setattr(planner, "KEPT", 0)
    computed = chain_of(model, read)
    assert isinstance(kept.pair, Kept)
    assert not isinstance(computed.pair, Kept)
    path = best_path(kept)
    assert best_path(computed).tolist() == path.tolist()
    assert log_likelihood(computed, path) == pytest.approx(log_likelihood(kept, path), abs=1e-4)


def test_long_pieces_are_planned_without_keeping_transitions(model):
    problem = plan_problem(model, tune(250), C, tuple(range(60, 4000, 64)))
    found = problem.best()
    assert not isinstance(problem.chain.pair, Kept)
    assert len(found.plan) == 1000
    assert found.notices == ()
    assert found.plan.numerals()[-1] == "I"


@pytest.mark.parametrize("at_once", [1, 7, 80, 81])
def test_potentials_and_second_chords_by_blocks_are_those_of_the_whole(model, monkeypatch, at_once):
    ends = (60, 188, 316)

    def planned():
        problem = plan_problem(model, tune(20), C, ends)
        found = problem.with_seconds(problem.best(), np.random.default_rng(3))
        return problem.chain.unary, problem.chain.pair[:], found

    unary, pair, found = planned()
    monkeypatch.setattr(plan_potentials, "BEATS_AT_ONCE", at_once)
    other_unary, other_pair, other = planned()
    np.testing.assert_allclose(other_unary, unary, atol=1e-4)
    np.testing.assert_allclose(other_pair, pair, atol=1e-4)
    assert other.plan == found.plan
    assert other.log_likelihood == pytest.approx(found.log_likelihood, abs=1e-3)


def test_a_part_of_a_piece_neither_begins_nor_closes_it(model):
    # On the second degree, which the tonic triad does not have.
    part = Chorale.from_notes([[(0, 16, 62), (16, 16, 65), (32, 16, 62)]])
    whole = plan_problem(model, part, C, (32,))
    inner = plan_problem(model, part, C, (32,), outside=(64, 64))
    assert inner.first_bar == ()
    assert inner.wish.moves == {}
    assert inner.allowed[-1].sum() > whole.allowed[-1].sum()


def test_a_part_of_a_piece_is_read_at_its_place():
    piece = COLUMNS["piece"]
    whole = features(8)[:, piece]
    part = melody_features(tune(3), C, None, "bach", outside=(8, 12))[:, piece]
    assert np.array_equal(part, whole[8:20])
