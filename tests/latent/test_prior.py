"""Beats that are drawn one by one follow the prior of whole pieces."""

import numpy as np
import pytest
import torch

from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.encoding import forms
from musicae.encoding.batches import beat_batch, concatenate_beats
from musicae.latent.prior import Draw, sample_beats
from musicae.models.batches import Again
from musicae.models.checkpoint import load_checkpoint
from musicae.models.torch_engine import build_model, network_of, save_model
from musicae.training.config import RECIPES
from musicae.training.tensors import tensors
from tests.support.small import SMALL

BEATS = 24
SHORT, LONG = (forms.regular(bars, Meter(0, 3, 4), Key.parse("G minor")) for bars in (3, 8))
CLOSE = {"abs": 1e-4, "rel": 1e-4}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model whose prior reads the last three beats and has two layers."""
    torch.manual_seed(0)
    changes = {"beat_span": 3, "prior_layers": 2, "components": 3}
    network = build_model("vae", RECIPES["vae"].config | SMALL["vae"] | changes)
    for weights in network.parameters():
        weights.data.add_(0.1 * torch.randn_like(weights))
    path = tmp_path_factory.mktemp("prior") / "vae.safetensors"
    save_model(path, "vae", network, {})
    return load_checkpoint(path)


@pytest.fixture(scope="module")
def pieces(model):
    return concatenate_beats([beat_batch(form, model.config) for form in (SHORT, LONG)])


def draw(model, seed, **changes):
    """Random numbers, and vectors of two pieces."""
    numbers = np.random.default_rng(seed)
    config = model.config
    return Draw(
        numbers.standard_normal((2, config.piece)).astype(np.float32),
        numbers.random((2, BEATS)).astype(np.float32),
        numbers.standard_normal((2, BEATS, config.beat)).astype(np.float32),
        **changes,
    )


def prior(model, latent, pieces):
    """The mixtures of all beats at once, each given the vectors before it."""
    with torch.no_grad():
        return network_of(model).beat_prior(tensors(latent), tensors(pieces))


def expected(model, latent, pieces, numbers):
    chance, noise = torch.from_numpy(numbers.chance), torch.from_numpy(numbers.noise)
    return prior(model, latent, pieces).at(chance, noise).numpy()


def test_sampled_beats_follow_the_beat_prior(model, pieces):
    """The piece is longer than the prior's span; each beat lies where its random numbers put it in
    its mixture."""
    numbers = draw(model, 3)
    latent = sample_beats(model, numbers, pieces)
    assert np.array_equal(latent.piece, numbers.whole)
    assert latent.beats == pytest.approx(expected(model, latent, pieces, numbers), **CLOSE)
    still = sample_beats(model, numbers._replace(noise=0 * numbers.noise), pieces)
    means = prior(model, still, pieces).mean.numpy()
    assert np.abs(means - still.beats[:, :, None]).max(axis=-1).min(axis=-1).max() < 1e-4


def test_a_beginning_is_continued_from_its_first_beats(model, pieces):
    begun = np.random.default_rng(5).standard_normal((1, 4, model.config.beat)).astype(np.float32)
    numbers = draw(model, 4, begun=begun)
    latent = sample_beats(model, numbers, pieces)
    assert np.array_equal(latent.beats[:, :4], begun.repeat(2, axis=0))
    found = expected(model, latent, pieces, numbers)
    assert latent.beats[:, 4:] == pytest.approx(found[:, 4:], **CLOSE)
    usual = sample_beats(model, draw(model, 4), pieces)
    assert not np.allclose(latent.beats[:, 4], usual.beats[:, 4])


def test_beats_are_repeated_whole_or_in_part(model, pieces):
    """No beat of the second piece is repeated. Beats after a repetition depend on it."""
    source, share = np.zeros((2, BEATS), np.int64), np.zeros((2, BEATS), np.float32)
    source[0, 4:7] = 0, 1, 2
    share[0, 4:7] = 1.0, 0.25, 0.0
    numbers = draw(model, 6, again=Again(source, share))
    latent = sample_beats(model, numbers, pieces)
    beats, new = latent.beats, expected(model, latent, pieces, numbers)
    assert np.array_equal(beats[0, 4], beats[0, 0])
    assert beats[0, 5] == pytest.approx(0.75 * new[0, 5] + 0.25 * beats[0, 1], **CLOSE)
    others = share == 0
    assert beats[others] == pytest.approx(new[others], **CLOSE)
    usual = sample_beats(model, draw(model, 6), pieces)
    assert beats[1] == pytest.approx(usual.beats[1], **CLOSE)


def test_beats_depend_on_the_form_of_their_piece(model, pieces):
    numbers = draw(model, 7)
    major = forms.regular(8, Meter(0, 3, 4), Key.parse("G"))
    other = concatenate_beats([beat_batch(form, model.config) for form in (SHORT, major)])
    here, there = (sample_beats(model, numbers, each).beats for each in (pieces, other))
    assert here[0] == pytest.approx(there[0], **CLOSE)
    assert not np.allclose(here[1], there[1], atol=1e-2)
