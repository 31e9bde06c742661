"""Weights files come back as they were saved, and no other file is accepted."""

import json
import os
import stat

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from musicae.core import assets
from musicae.core.errors import CheckpointError
from musicae.models import checkpoint
from musicae.models.torch_engine import build_model, live, network_of, save_model

CONFIGS = {
    "minibach": {"inputs": 12, "outputs": 20, "hidden": 5},
    "autoencoder": {"inputs": 12, "hidden": 5, "bottleneck": 3},
    "harmonizer": {
        "lowest": [60, 48],
        "symbols": [9, 12],
        "order": [0, 1],
        "context": [3],
        "width": 8,
        "heads": 2,
    },
    "vae": {
        "lowest": [60, 48],
        "symbols": [9, 12],
        "order": [0, 1],
        "context": [3, 13, 2, 13, 3, 13, 2, 13, 4],
        "chords": [[0, 4, 7]],
        "width": 8,
        "heads": 2,
        "planner": 4,
        "sliders": ["activity"],
    },
}


@pytest.fixture(params=CONFIGS)
def name(request):
    return request.param


@pytest.fixture
def model(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return build_model(name, CONFIGS[name])


def test_every_kind_of_model_is_covered_by_these_tests():
    assert CONFIGS.keys() == checkpoint.KINDS.keys()


def test_a_model_comes_back_with_its_config_and_provenance(tmp_path, name, model):
    path = tmp_path / "new" / "model.safetensors"
    provenance = {"seed": 7, "data": {"source": "Bach"}, "valid_loss": 0.25}
    checksum = save_model(path, name, model, provenance)
    loaded = checkpoint.load_checkpoint(path)
    assert (loaded.name, loaded.provenance, loaded.checksum) == (name, provenance, checksum)
    assert loaded.config == model.config
    network = network_of(loaded)
    assert not network.training
    for key, tensor in model.state_dict().items():
        assert np.array_equal(loaded.tensors[key], tensor), key
        assert torch.equal(network.state_dict()[key], tensor), key
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_weights_are_stored_in_half_and_loaded_in_single_precision(tmp_path, name, model):
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    assert save_model(whole, name, model, {}) != save_model(
        half, name, model, {}, dtype=torch.float16
    )
    assert half.stat().st_size < whole.stat().st_size
    for key, tensor in checkpoint.load_checkpoint(half).tensors.items():
        assert tensor.dtype == np.float32
        assert np.array_equal(tensor, model.state_dict()[key].half().float()), key


def test_the_same_weights_have_the_same_checksum(tmp_path, name, model):
    path = tmp_path / "model.safetensors"
    first = save_model(path, name, model, {"written": "today"})
    assert save_model(path, name, model, {"written": "tomorrow"}) == first
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] += 1
    assert save_model(path, name, model, {}) != first


def test_a_weights_file_is_readable_by_other_users(tmp_path, name, model):
    path, plain = tmp_path / "model.safetensors", tmp_path / "plain"
    save_model(path, name, model, {})
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("of_graphs", [False, True])
def test_a_flipped_bit_is_noticed(tmp_path, name, model, of_graphs):
    path = tmp_path / "model.safetensors"
    save_model(path, name, model, {})
    content = bytearray(path.read_bytes())
    damaged = next(
        tensor.tobytes()
        for key, tensor in load_file(path).items()
        if key.startswith(checkpoint.GRAPH) == of_graphs
    )
    content[content.index(damaged) + len(damaged) - 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors: the weights are damaged"):
        checkpoint.load_checkpoint(path)


def test_other_files_are_refused_as_weights(tmp_path, name, model):
    path = tmp_path / "model.safetensors"
    with pytest.raises(CheckpointError, match="no such weights file"):
        checkpoint.load_checkpoint(path)
    with pytest.raises(CheckpointError, match="no such weights file"):
        checkpoint.load_checkpoint(tmp_path)
    save_model(path, name, model, {})
    for content in (path.read_bytes()[:-10], b"", b"MThd", b"PK\x03\x04" + bytes(100)):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="not a safetensors file"):
            checkpoint.load_checkpoint(path)
    save_file({"a": np.ones(1)}, path)
    with pytest.raises(CheckpointError, match="holds no musicae model"):
        checkpoint.load_checkpoint(path)
    for facts in ("[]", "{}", "not json"):
        save_file({"a": np.ones(1)}, path, {"musicae": facts})
        with pytest.raises(CheckpointError, match="holds no musicae model"):
            checkpoint.load_checkpoint(path)


def test_weights_that_do_not_fit_their_config_are_refused(tmp_path, name):
    path = tmp_path / "model.safetensors"
    tensors = {"a": np.ones(1)}
    facts = {
        "model": name,
        "config": CONFIGS[name],
        "provenance": {},
        "checksum": checkpoint.checksum_of(tensors),
    }
    save_file(tensors, path, {"musicae": json.dumps(facts)})
    with pytest.raises(CheckpointError, match=f"do not fit a {name} of this version"):
        checkpoint.load_checkpoint(path)


def test_unknown_models_and_settings_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, "minibach", build_model("minibach", CONFIGS["minibach"]), {})
    path.write_bytes(
        path.read_bytes().replace(b'"model\\": \\"minibach', b'"model\\": \\"makebach')
    )
    with pytest.raises(CheckpointError, match="no model is called 'makebach'; there are minibach"):
        checkpoint.load_checkpoint(path)
    with pytest.raises(CheckpointError, match=r"settings of MiniBach: .*depth"):
        build_model("minibach", {**CONFIGS["minibach"], "depth": 3})
    with pytest.raises(CheckpointError, match=r"settings of MiniBach: .*outputs"):
        build_model("minibach", {"inputs": 3})
    with pytest.raises(CheckpointError, match="narrow towards the bottleneck"):
        build_model("autoencoder", {"inputs": 12, "hidden": 5, "bottleneck": 6})


def test_a_name_finds_a_shipped_model_and_a_path_itself(tmp_path):
    assert checkpoint.find("minibach") == assets.WEIGHTS / "minibach.safetensors"
    path = tmp_path / "mine.safetensors"
    assert checkpoint.find(str(path)) == path
    with pytest.raises(CheckpointError, match=r"no model is called 'bach'.*\.safetensors file"):
        checkpoint.find("bach")


def test_abilities_follow_from_the_kind_of_model(name, model):
    trained = live(name, model)
    assert trained.abilities == checkpoint.KINDS[name].abilities
    assert trained.can("harmonize") == (name in ("minibach", "harmonizer"))
    assert trained.can("compose") == (name in ("autoencoder", "vae"))


def test_weights_are_loaded_once_and_again_when_they_are_retrained(tmp_path, monkeypatch):
    path = tmp_path / "mine.safetensors"

    def train(seed):
        torch.manual_seed(seed)
        model = build_model("minibach", CONFIGS["minibach"])
        return save_model(path, "minibach", model, {"seed": seed})

    with torch.random.fork_rng(devices=[]):
        first = train(1)
        loaded = checkpoint.load_model(str(path))
        assert loaded.checksum == first
        assert checkpoint.load_model(str(path)) is loaded
        monkeypatch.chdir(tmp_path)
        assert checkpoint.load_model(path.name) is loaded
        facts = path.stat()
        second = train(2)
        assert path.stat().st_size == facts.st_size
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1_000_000))
        assert checkpoint.load_model(str(path)).checksum == second != first
        path.unlink()
        with pytest.raises(CheckpointError, match="no such weights file"):
            checkpoint.load_model(str(path))
