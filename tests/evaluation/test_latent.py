"""Whether latent vectors matter: the report for a model that uses them, and for another."""

import copy
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from musicae.core.errors import CheckpointError
from musicae.corpus import load
from musicae.evaluation import comparison
from musicae.evaluation.latent import latent_report, rebuilt
from musicae.latent.space import encode
from musicae.models.checkpoint import load_model
from musicae.models.torch_engine import network_of, save_model

SHORT = 130
FEW = 8


@pytest.fixture(scope="module")
def chorales():
    """A few short held-out chorales."""
    valid = load.load().side("valid")
    return tuple(chorale for chorale in valid if len(chorale) < SHORT)[:3]


@pytest.fixture(scope="module")
def weights(untrained, tmp_path_factory):
    """Weights whose posterior is the prior, whatever the music."""
    model = copy.deepcopy(network_of(load_model(str(untrained["vae"]))))
    for layer in (model.to_piece, model.to_beat, model.prior_out):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    path = tmp_path_factory.mktemp("collapsed") / "vae.safetensors"
    save_model(path, "vae", model, {"seed": 1})
    return path


def test_a_model_that_ignores_its_latents_has_collapsed(weights, chorales):
    report = latent_report(load_model(str(weights)), chorales)
    assert report.collapsed
    assert report.divergence == pytest.approx(0, abs=1e-3)
    assert (report.statistics.active_piece, report.statistics.active_beat) == (0, 0)
    assert "COLLAPSED" in str(report)
    assert report.as_dict()["collapsed"] is True


def test_nats_are_those_of_plan_and_notes(untrained, chorales):
    """With a chorale's own vectors, the nats that training reports; with others, a different
    number."""
    report = latent_report(load_model(str(untrained["vae"])), chorales)
    seen = report.statistics
    assert report.own == pytest.approx(seen.reconstruction + seen.plan, rel=1e-3)
    assert seen.plan > 0
    assert report.other != pytest.approx(report.own, rel=1e-4)
    assert report.as_dict()["plan"] == seen.plan


def test_the_shipped_model_uses_its_vectors(chorales):
    report = latent_report(load_model("vae"), chorales)
    assert not report.collapsed
    assert "COLLAPSED" not in str(report)
    assert report.divergence > 40
    assert report.other - report.own > 0.3
    assert report.rebuilt > 0.6 > 2 * report.rebuilt_by_chance


def test_rebuilt_is_the_share_of_right_pitches(chorales):
    model = load_model("vae")
    places = [encode(model, chorale) for chorale in chorales]
    right = rebuilt(model, chorales, places)
    silent = [replace(chorale, pitch=chorale.pitch * 0 + 1) for chorale in chorales]
    assert 0.45 < right < 1
    assert rebuilt(model, silent, places) == 0


def test_only_a_vae_has_a_latent_report(chorales):
    with pytest.raises(CheckpointError, match="no latent space"):
        latent_report(load_model("minibach"), chorales)


def test_evaluate_says_that_a_model_has_collapsed(weights, chorales, musicae_command, monkeypatch):
    loaded = load.load()
    sides = {"train": loaded.side("train")[:FEW], "valid": chorales}
    small = SimpleNamespace(
        side=sides.__getitem__, tunes=tuple(range(3)), sides=("valid",) * len(chorales)
    )
    monkeypatch.setattr(load, "load", lambda _: small)
    monkeypatch.setattr(comparison, "OWN_PIECES", 2)
    done = musicae_command("evaluate", weights, "--side", "valid")
    assert done.status == 0
    assert "vae, composing: COLLAPSED" in done.out
