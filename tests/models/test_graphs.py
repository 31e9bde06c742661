"""The graphs of shipped models: ONNX Runtime gives what torch does, at any length."""

from functools import cache

import numpy as np
import pytest

from musicae.models.checkpoint import load_checkpoint, load_model
from musicae.models.torch_engine import TorchEngine, network_of, save_model
from musicae.models.vocabulary import N_PIECE

LENGTHS = (1, 2, 37)
RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def piece(n):
    """Input of the key finder for a piece of ``n`` notes."""
    return {
        "pitch_class": RANDOM.integers(0, 12, (1, n)),
        "notes": normal(1, n, 12),
        "weight": RANDOM.dirichlet(np.ones(n))[None].astype(np.float32),
        "piece": np.eye(N_PIECE, dtype=np.float32)[[3, 12 + 5, 24 + 7, -1]].sum(axis=0)[None],
    }


INPUTS = {
    ("autoencoder", "decode"): lambda n: {"code": normal(n, 128)},
    ("key", "find"): piece,
    ("minibach", "accompany"): lambda n: {"soprano": normal(n, 1728)},
    ("phrases", "segment"): lambda n: {
        "features": normal(n, 191),
        "times": np.sort(RANDOM.integers(0, 64, n) / 4).astype(np.float32),
    },
    ("planner", "encode"): lambda n: {"features": normal(n, 152)},
    ("planner", "potentials"): lambda n: {
        "features": normal(n, 152),
        "encoding0": normal(n, 3 * 160),
        "encoding1": normal(n, 3 * 160),
    },
    ("planner", "seconds"): lambda n: {
        "features": normal(n, 152),
        "states": RANDOM.integers(0, 160, n),
    },
}
"""By model and graph, a function that makes inputs of a given length."""


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """Both engines of a shipped model, whose graphs are exported again."""
    folder = tmp_path_factory.mktemp("graphs")

    @cache
    def of(name):
        network = network_of(load_model(name))
        path = folder / f"{name}.safetensors"
        save_model(path, name, network, {})
        return load_checkpoint(path), TorchEngine(name, network)

    return of


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("name", "graph"), INPUTS)
def test_both_engines_agree(engines, name, graph, length):
    ours, theirs = engines(name)
    inputs = INPUTS[name, graph](length)
    for found, expected in zip(ours.run(graph, **inputs), theirs.run(graph, **inputs), strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
