"""A tilt that is fitted to a model makes events as rare in its draws as in the pieces."""

from functools import partial

import numpy as np
import pytest
import torch

from musicae.decoding import motion_tilt, plan_tilt, sonority_tilt
from musicae.decoding.motion_tilt import MOTIONS
from musicae.encoding import forms
from musicae.latent import tilt as tilting
from musicae.latent.compose import decode_points, usual_options
from musicae.latent.space import sample
from musicae.latent.tilt import MOST, Counts, counts_of, find_tilt
from musicae.models.torch_engine import build_model, live
from musicae.training.config import RECIPES
from tests.support.small import SMALL

SHAPES = {
    "tilt": list(motion_tilt.SHAPE),
    "sonority_tilt": list(sonority_tilt.SHAPE),
    "plan_tilt": plan_tilt.SIZE,
}
LEAP = MOTIONS.index("leap")


@pytest.fixture
def model():
    torch.manual_seed(1)
    return live("vae", build_model("vae", RECIPES["vae"].config | SMALL["vae"] | SHAPES))


def drawn(model):
    """The counts of some pieces."""
    wanted = forms.draw_forms(6, 5)
    points = sample(model, wanted, "fitted", [(5, i) for i in range(6)])
    made = decode_points(model, points, usual_options(5))
    counts = [counts_of(each.chorale, each.plan) for each in made]
    return Counts(*(np.sum(part, axis=0) for part in zip(*counts, strict=True)))


def test_events_that_are_rare_in_the_pieces_are_drawn_more_rarely(model, monkeypatch):
    monkeypatch.setattr(tilting, "ROUNDS", 2)
    monkeypatch.setattr(tilting, "DRAWS", 6)
    monkeypatch.setattr(forms, "draw_forms", partial(forms.draw_forms, bars=3))
    usual = drawn(model)
    wanted = usual._replace(motions=usual.motions.copy())
    wanted.motions[..., LEAP] *= 0.05
    find_tilt(model, [wanted])
    motions = drawn(model).motions
    shares = [each[..., LEAP].sum() / each.sum() for each in (motions, usual.motions)]
    assert shares[0] < 0.8 * shares[1]
    tilts = [model.tensors[name] for name in ("tilt", "sonority_tilt", "plan_tilt")]
    assert (tilts[0][..., LEAP] < 0).any()
    assert not tilts[0][..., MOTIONS.index("rest")].any()
    for found in tilts:
        assert found.any()
        assert np.abs(found).max() <= MOST
