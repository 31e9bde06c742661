"""``--engine``: what runs the models, and the message if torch is not installed."""

import subprocess
import sys

import pytest

import musicae
from musicae.core.errors import MusicaeError
from musicae.models import checkpoint
from musicae.models.checkpoint import engine_in_use, load_model

RUNNING = (
    *("harmonize", "generate", "interpolate", "vary", "continue"),
    *("chords", "watch", "evaluate", "accuracy"),
)
"""The commands that run models."""


@pytest.fixture(autouse=True)
def onnx_again():
    yield
    musicae.use_engine("onnx")


def without_torch(*arguments):
    """Run the command in a process of its own, in which torch is not installed."""
    code = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['musicae', *sys.argv[1:]]\n"
        "from musicae.cli import main; main()"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", RUNNING)
def test_commands_that_run_models_take_an_engine(musicae_command, command):
    assert "--engine" in musicae_command(command, "--help").out


def test_the_engine_of_a_command_holds_until_the_next(musicae_command, untrained, tmp_path):
    command = ["generate", "--model", untrained["autoencoder"], "-o", tmp_path]
    done = musicae_command(*command, "--engine", "torch")
    assert (done.status, done.err) == (0, "")
    assert engine_in_use() == "torch"
    assert musicae_command(*command).status == 0
    assert engine_in_use() == "onnx"


def test_an_engine_runs_what_is_loaded_from_then_on(untrained):
    path = str(untrained["minibach"])
    onnx = load_model(path)
    musicae.use_engine("torch")
    torch = load_model(path)
    assert type(onnx.engine) is not type(torch.engine)
    musicae.use_engine("onnx")
    assert load_model(path) is onnx


def test_another_engine_is_refused(musicae_command, untrained):
    done = musicae_command("generate", "--model", untrained["autoencoder"], "--engine", "abacus")
    assert done.status == 2
    assert done.err == "error: an engine is onnx or torch, not 'abacus'\n"


def test_without_torch_its_engine_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MusicaeError, match=r"the engine torch needs torch: pip install"):
        musicae.use_engine("torch")
    assert engine_in_use() == "onnx"


@pytest.mark.parametrize(
    ("arguments", "purpose"),
    [
        (("train", "minibach"), "training"),
        (("evaluate",), "evaluation"),
        (("accuracy", "minibach"), "evaluation"),
        (("generate", "--engine", "torch"), "the engine torch"),
    ],
)
def test_commands_that_need_torch_say_so_in_one_line(arguments, purpose):
    done = without_torch(*arguments)
    assert done.returncode == 2
    assert done.stderr == f"error: {purpose} needs torch: pip install 'musicae[train]'\n"


def test_a_file_without_graphs_needs_torch(monkeypatch, tmp_path, untrained):
    from musicae.models import torch_engine

    trained = load_model(str(untrained["minibach"]))
    path = tmp_path / "minibach.safetensors"
    monkeypatch.setattr(torch_engine, "export", lambda _name, _network: {})
    torch_engine.save_model(path, "minibach", torch_engine.network_of(trained), {})
    assert checkpoint.load_checkpoint(path).checksum == trained.checksum
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MusicaeError, match=r"a model without graphs needs torch"):
        checkpoint.load_checkpoint(path)
