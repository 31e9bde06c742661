"""Damaged files are refused in a line or used; nothing else is ever raised."""

import importlib
import random

import pytest

from tests.support import paths


@pytest.fixture
def fuzz(monkeypatch):
    """The benchmark that does for minutes what is done here for seconds."""
    monkeypatch.syspath_prepend(paths.ROOT / "benchmarks")
    return importlib.import_module("fuzz")


@pytest.mark.parametrize("seed", range(12))
def test_damaged_melodies_are_used_or_refused_in_one_line(tmp_path, untrained, fuzz, seed):
    rng = random.Random(seed)
    melodies = fuzz.sources(".mid")
    path = tmp_path / "tune.mid"
    for _ in range(12):
        path.write_bytes(fuzz.damaged_midi(rng.choice(melodies), melodies, rng))
        settings = rng.choice(fuzz.SETTINGS)
        assert fuzz.use(path, str(untrained["minibach"]), **settings) in (fuzz.USED, fuzz.REFUSED)
