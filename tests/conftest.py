"""Fixtures for all tests: untrained models that run the whole chain from file to file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from hypothesis import settings

from musicae.encoding.tokens import VOCABULARY, WINDOW
from musicae.models.torch_engine import build_model, save_model
from musicae.training.config import RECIPES
from tests.support.small import SMALL

settings.register_profile("musicae", deadline=None, derandomize=True)
settings.load_profile("musicae")


@pytest.fixture(scope="session")
def untrained(tmp_path_factory) -> dict[str, Path]:
    """Weights files of small untrained models, by the model's name."""
    folder = tmp_path_factory.mktemp("weights")
    sizes = {
        "minibach": {"inputs": WINDOW * VOCABULARY[0], "outputs": WINDOW * sum(VOCABULARY[1:])},
        "autoencoder": {"inputs": WINDOW * sum(VOCABULARY)},
        "harmonizer": RECIPES["harmonizer"].config,
        "vae": RECIPES["vae"].config,
    }
    configs = {name: size | SMALL[name] for name, size in sizes.items()}
    paths = {}
    for name, config in configs.items():
        torch.manual_seed(1)
        model = build_model(name, config)
        paths[name] = folder / f"{name}.safetensors"
        save_model(paths[name], name, model, {"seed": 1})
    return paths


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def musicae_command(monkeypatch, capsys) -> Callable[..., Outcome]:
    """Run the command ``musicae`` in this process; only ``--workers`` starts others."""
    from musicae.cli import main
    from musicae.core import processes

    monkeypatch.setattr(processes, "usable_cores", lambda: 1)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["musicae", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return Outcome(int(stopped.value.code or 0), captured.out, captured.err)

    return run
