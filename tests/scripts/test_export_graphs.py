"""Graphs are written into weights files, and nothing else in these files changes."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from musicae.core.errors import CheckpointError
from musicae.models import torch_engine
from musicae.models.checkpoint import GRAPH, load_checkpoint
from musicae.models.torch_engine import network_of, save_model
from scripts import export_graphs


@pytest.fixture(params=["float16", "float32"])
def without_graphs(request, tmp_path, untrained, monkeypatch):
    """A weights file of a version without graphs."""
    trained = load_checkpoint(untrained["minibach"])
    path = tmp_path / "minibach.safetensors"
    with monkeypatch.context() as before:
        before.setattr(torch_engine, "export", lambda _name, _network: {})
        dtype = getattr(torch_engine.torch, request.param)
        save_model(path, "minibach", network_of(trained), {"seed": 1}, dtype)
    assert not any(name.startswith(GRAPH) for name in load_file(path))
    return path


def test_a_file_gets_graphs_and_stays_the_same_model(without_graphs):
    before, weights = load_checkpoint(without_graphs), load_file(without_graphs)
    export_graphs.export(without_graphs)
    after, tensors = load_checkpoint(without_graphs), load_file(without_graphs)
    assert {name for name in tensors if name.startswith(GRAPH)} == {GRAPH + "accompany"}
    for name, weight in weights.items():
        assert tensors[name].dtype == weight.dtype
        assert np.array_equal(tensors[name], weight)
    for fact in ("name", "config", "provenance", "checksum"):
        assert getattr(after, fact) == getattr(before, fact)
    soprano = np.random.default_rng(0).random((3, before.config.inputs), dtype=np.float32)
    (one,), (other,) = (model.run("accompany", soprano=soprano) for model in (before, after))
    assert np.allclose(one, other, atol=1e-6)


def test_graphs_of_a_file_are_written_again(untrained, tmp_path):
    path = Path(shutil.copy(untrained["autoencoder"], tmp_path))
    before = path.read_bytes()
    export_graphs.export(path)
    assert path.read_bytes() == before


def test_a_file_stays_unchanged_if_the_engines_disagree(without_graphs, monkeypatch):
    before = without_graphs.read_bytes()
    monkeypatch.setattr(export_graphs, "TOLERANCE", -1.0)
    with pytest.raises(CheckpointError, match=r"ONNX Runtime and torch differ by .* in accompany"):
        export_graphs.export(without_graphs)
    assert without_graphs.read_bytes() == before
    assert list(without_graphs.parent.iterdir()) == [without_graphs]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1.0, -np.inf], [1.5, -np.inf], 0.5),
        ([1.0, -np.inf], [1.0, 3.0], np.inf),
        ([np.nan], [1.0], np.inf),
        ([], [], 0.0),
    ],
)
def test_differences(one, other, expected):
    assert export_graphs.difference(np.array(one), np.array(other)) == expected
