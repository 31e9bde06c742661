"""Directions of sliders are found in the music of shifted beats."""

import numpy as np
import pytest
import torch

from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding.levers import LEVERS
from musicae.encoding import forms
from musicae.latent import compose, sliders
from musicae.latent.attributes import ATTRIBUTES
from musicae.latent.compose import DecodedPoint
from musicae.latent.sliders import find_directions
from musicae.models.torch_engine import build_model, live
from musicae.training.config import RECIPES

TINY = {"width": 16, "heads": 2, "depth": 4, "piece": 8, "beat": 8, "planner": 8, "components": 2}
BEATS = 8


def vae():
    torch.manual_seed(0)
    config = RECIPES["vae"].config | TINY | {"encoder_layers": 1, "prior_layers": 1}
    return live("vae", build_model("vae", config))


@pytest.fixture
def linear(monkeypatch):
    """Decoding in which each attribute is a linear function of the beats and levers; gives the
    slopes."""
    slopes = np.random.default_rng(0).standard_normal((BEATS + len(LEVERS), len(ATTRIBUTES)))

    def decode(_model, points, _options):
        heard = [
            np.concatenate([point.latent.beats[0].mean(axis=0), point.levers]) for point in points
        ]
        return [
            DecodedPoint(point, each, 0.0, None, (), 0)
            for point, each in zip(points, heard, strict=True)
        ]

    monkeypatch.setattr(sliders, "decode_points", decode)
    monkeypatch.setattr(sliders, "measured", lambda heard: tuple(heard @ slopes))
    return slopes


def test_a_direction_moves_its_attribute_by_a_deviation_and_no_other(linear):
    deviations = [0.5, 1.0, 2.0, 4.0, 1.5]
    directions = find_directions(vae(), deviations, probes=40)
    assert directions.shape == (len(ATTRIBUTES), BEATS + len(LEVERS))
    moved = directions @ linear
    assert moved == pytest.approx(np.diag(deviations), abs=0.02)


@pytest.mark.usefixtures("linear")
def test_an_attribute_that_never_differs_has_no_direction():
    directions = find_directions(vae(), [1.0, 0.0, 1.0, 1.0, 1.0], probes=40)
    assert np.isfinite(directions).all()
    assert np.abs(directions[1]).max() < 1e-9


def test_the_same_model_has_the_same_directions(monkeypatch):
    short = forms.regular(2, Meter(0, 3, 4), Key(0))
    monkeypatch.setattr(forms, "draw_forms", lambda n, _: [short] * n)
    model = vae()
    once, again = (find_directions(model, [1.0] * len(ATTRIBUTES), probes=1) for _ in range(2))
    assert np.array_equal(once, again)
    assert compose.decode_points is sliders.decode_points
