"""The planner at work: transitions computed where they are read, long pieces, and time."""

import numpy as np
import pytest
import torch

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.decoding import planner
from musicae.decoding.plan import Kept, best_path, log_likelihood
from musicae.decoding.plan_potentials import LEAST, potentials
from musicae.decoding.planner import chain_of, plan_problem
from musicae.encoding.melody_features import melody_features
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
    """The log potentials of all transitions, straight from the definition, in float64."""
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


def test_what_is_not_kept_gives_the_same_plan(model, monkeypatch):
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
