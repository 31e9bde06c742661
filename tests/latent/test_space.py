"""Places in latent space, of an untrained model: as text, from notes, from chance, and between."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.encoding import forms
from musicae.encoding.batches import (
    beat_batch,
    concatenate_beats,
    concatenate_latents,
    frame_beats,
)
from musicae.encoding.partial_score import PartialScore
from musicae.latent.space import PRIORS, LatentPoint, encode, interpolate, sample, shift
from musicae.models import checkpoint
from musicae.models.layers import NONE
from musicae.models.vae import Latent
from musicae.models.vocabulary import SILENCE
from tests.support.passages import HYMN
from tests.support.strategies import chorales

COMMON, WALTZ = Meter(0, 4, 4), Meter(0, 3, 4)
SHORT, LONG = (forms.regular(bars, WALTZ, Key.parse("G minor")) for bars in (2, 5))


@pytest.fixture(scope="module")
def model(untrained):
    """With a middle and directions that are not zero, as if it had been trained."""
    vae = checkpoint.load_checkpoint(untrained["vae"]).model.requires_grad_(False)
    numbers = torch.Generator().manual_seed(2)
    for name in ("latent_mean", "beat_mean", "directions"):
        values = getattr(vae, name)
        values.copy_(0.3 * torch.randn(values.shape, generator=numbers))
    vae.latent_spread.copy_(torch.eye(vae.config.piece) * 0.5)
    return vae


def point(model, form, seed=0):
    numbers = torch.Generator().manual_seed(seed)
    count = int(frame_beats(form.chorale, model.config.stride)[-1]) + 1
    return LatentPoint(
        form,
        Latent(
            torch.randn(1, model.config.piece, generator=numbers),
            torch.randn(1, count, model.config.beat, generator=numbers),
        ),
    )


def equal(one, other):
    return forms.as_dict(one.form) == forms.as_dict(other.form) and all(
        torch.equal(a, b) for a, b in zip(one.latent, other.latent, strict=True)
    )


def close(one, other, **tolerance):
    for a, b in zip(one.latent, other.latent, strict=True):
        torch.testing.assert_close(a, b, **{"atol": 2e-3, "rtol": 2e-3} | tolerance)


# As text


@settings(max_examples=30)
@given(chorales(), st.integers(0, 1000))
def test_a_point_survives_json_exactly(model, chorale, seed):
    one = point(model, forms.form_of(chorale), seed)
    again = LatentPoint.from_dict(json.loads(json.dumps(one.as_dict())), model.config)
    assert equal(one, again)


def test_numbers_are_rounded_as_a_file_holds_them(model):
    one = point(model, SHORT)
    for part in one.latent:
        assert part.dtype == torch.float32
        assert torch.equal(part, part.half().float())
    assert equal(one, LatentPoint(one.form, one.latent))


def test_another_models_point_is_refused(model):
    facts = point(model, SHORT).as_dict()
    for change in ({"piece": 7}, {"beat": 5}):
        with pytest.raises(ChoraleError, match="latent vectors are those of another model"):
            LatentPoint.from_dict(facts, replace(model.config, **change))
    longer = facts | {"form": point(model, LONG).as_dict()["form"]}
    with pytest.raises(ChoraleError, match="latent vectors are those of another model"):
        LatentPoint.from_dict(longer, model.config)


@pytest.mark.parametrize(
    "change",
    [
        {"form": None},
        {"form": {"steps": 4}},
        {"piece": None},
        {"piece": "?"},
        {"piece": "abc"},
        {"beats": [1, 2]},
        {"beats": "AAA="},
    ],
)
def test_what_is_no_point_is_refused(model, change):
    with pytest.raises(ChoraleError, match=r"no place in latent space|another model"):
        LatentPoint.from_dict(point(model, SHORT).as_dict() | change, model.config)
    with pytest.raises(ChoraleError, match="no place in latent space"):
        LatentPoint.from_dict({}, model.config)


# Beats


def silence(steps, *meters, pickup=0):
    shape = (steps, 4)
    return Chorale(np.full(shape, REST), np.zeros(shape, bool), meters=meters, pickup=pickup)


@pytest.mark.parametrize(
    ("chorale", "lengths"),
    [
        (silence(16, COMMON), [4, 4, 4, 4]),
        (silence(20, COMMON, pickup=4), [4, 4, 4, 4, 4]),
        (silence(18, COMMON, pickup=2), [2, 4, 4, 4, 4]),
        (silence(22, COMMON, pickup=6), [2, 4, 4, 4, 4, 4]),
        (silence(24, WALTZ), [4] * 6),
        (silence(20, Meter(0, 6, 8)), [4, 4, 4, 4, 4]),  # quarters, whatever the meter
        (silence(28, Meter(0, 7, 8)), [4, 4, 4, 2, 4, 4, 4, 2]),
        (silence(36, COMMON, Meter(22, 3, 4)), [4, 4, 4, 4, 4, 2, 4, 4, 4, 2]),
        (silence(3, COMMON), [3]),
    ],
)
def test_beats_are_quarters_from_the_bar_line(chorale, lengths):
    expected = np.repeat(np.arange(len(lengths)), lengths)
    assert frame_beats(chorale, 1).tolist() == expected.tolist()
    assert frame_beats(chorale, 2).tolist() == expected[::2].tolist()


@settings(max_examples=40)
@given(chorales())
def test_every_frame_has_a_beat_and_they_come_in_order(chorale):
    found = frame_beats(chorale, 1).numpy()
    assert found[0] == 0
    assert set(np.diff(found)) <= {0, 1}
    assert np.bincount(found).max() <= 4
    for measure in chorale.measures[1:]:
        assert found[measure.start] > found[measure.start - 1]


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_pieces_are_filled_up_with_known_silence(model, stride):
    config = replace(model.config, stride=stride)
    pieces = [beat_batch(form, config) for form in (SHORT, LONG)]
    masked, beats = concatenate_beats(pieces)
    steps = masked.tokens.shape[1]
    assert beats.shape == (2, steps // stride)
    for i, form in enumerate((SHORT, LONG)):
        length = len(form.chorale)
        assert steps - length >= config.beyond
        assert not masked.known[i, :length].any()
        assert masked.known[i, length:].all()
        assert (masked.tokens[i, length:] == SILENCE).all()
        assert (beats[i, length // stride :] == NONE).all()
        assert beats[i].max() == length // 4 - 1


def test_padded_latents_begin_with_the_latents_of_each_piece(model):
    short, long = point(model, SHORT).latent, point(model, LONG).latent
    both = concatenate_latents([short, long])
    assert torch.equal(both.piece, torch.cat([short.piece, long.piece]))
    assert torch.equal(both.beats[:1, :6], short.beats)
    assert torch.equal(both.beats[1:], long.beats)


# From notes


def test_encoding_gives_the_mean_of_the_posterior(model):
    found = encode(model, HYMN)
    assert found.form.phrases == HYMN.fermatas
    assert found.form.key == Key.parse("C")
    assert not found.form.known.any()
    whole = beat_batch(PartialScore.of(HYMN, voices=(0, 1, 2, 3), key=Key.parse("C")), model.config)
    mean = model.encode(whole, model.tokens_to_notes(whole.masked.tokens)).mean
    close(found, LatentPoint(found.form, mean), atol=0, rtol=0)
    other = encode(model, HYMN, replace(found.form, phrases=(20, 28)))
    assert not torch.equal(other.latent.piece, found.latent.piece)


def test_notes_out_of_range_do_not_change_the_encoding(model):
    with pytest.raises(ChoraleError, match=r"bar 1, beat 1: C7 is outside the soprano's range"):
        encode(model, HYMN.transpose(24))


# From chance


@pytest.mark.parametrize("prior", PRIORS)
def test_each_sample_follows_from_its_own_seed(model, prior):
    few = sample(model, [SHORT], prior, [(3, 0)])
    many = sample(model, [SHORT, LONG, SHORT], prior, [(3, 0), (3, 1), (3, 2)])
    close(few[0], many[0])
    assert [len(p.latent.beats[0]) for p in many] == [6, 15, 6]
    assert [p.form for p in many] == [SHORT, LONG, SHORT]
    assert not torch.equal(many[0].latent.piece, many[2].latent.piece)
    again = sample(model, [SHORT, LONG, SHORT], prior, [(3, 0), (3, 1), (3, 2)])
    assert all(equal(a, b) for a, b in zip(many, again, strict=True))


def test_a_fitted_prior_has_the_models_middle_and_spread(model):
    seeds = [(0, i) for i in range(400)]
    normal, fitted = (
        torch.cat([p.latent.piece for p in sample(model, [SHORT] * 400, prior, seeds)])
        for prior in ("normal", "fitted")
    )
    torch.testing.assert_close(
        model.latent_mean + normal @ model.latent_spread.T, fitted, atol=3e-3, rtol=3e-3
    )
    assert normal.mean(dim=0).abs().max() < 0.2
    assert normal.std(dim=0).sub(1).abs().max() < 0.15


def test_the_beats_of_a_sample_are_drawn_from_the_learned_prior(model):
    (found,) = sample(model, [LONG], "normal", [(5, 1)])
    numbers = np.random.default_rng((5, 1))
    numbers.standard_normal(model.config.piece)
    noise = torch.from_numpy(numbers.standard_normal((15, model.config.beat))).float()
    foreseen = model.beat_prior(found.latent, beat_batch(LONG, model.config))
    expected = foreseen.mean + noise * (0.5 * foreseen.log_variance).exp()
    torch.testing.assert_close(found.latent.beats, expected, atol=5e-3, rtol=5e-3)


# Between


@pytest.mark.parametrize("own_form", [False, True])
def test_an_interpolation_begins_and_ends_at_its_ends(model, own_form):
    one, other = point(model, SHORT, 1), point(model, SHORT, 2)
    close(interpolate(model, one, other, 0.0, own_form), one)
    close(interpolate(model, one, other, 1.0, own_form), other)


def test_interpolated_points_have_the_form_of_the_nearer_end_or_the_given_one(model):
    one, other = point(model, SHORT, 1), point(model, LONG, 2)
    shares = (0.0, 0.49, 0.5, 1.0)
    found = [interpolate(model, one, other, share) for share in shares]
    assert [p.form for p in found] == [SHORT, SHORT, LONG, LONG]
    close(found[0], one)
    close(found[-1], other)
    for share, p in zip(shares, found, strict=True):
        own = interpolate(model, one, other, share, own_form=True)
        assert own.form is SHORT
        assert own.latent.beats.shape[1] == 6
        assert torch.equal(own.latent.piece, p.latent.piece)
    # Fifteen beats on six: each from where it stands in the piece.
    stretched = interpolate(model, one, other, 1.0, own_form=True).latent.beats
    positions = [0, 2, 5, 7, 10, 12]
    torch.testing.assert_close(stretched, other.latent.beats[:, positions], atol=2e-3, rtol=2e-3)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0, 1))
def test_an_interpolation_is_an_arc_around_the_prior_mean(model, seed, share):
    """The distance from the middle lies between the ends', and the angle grows with the share."""
    one, other = point(model, SHORT, seed), point(model, SHORT, seed + 1)
    found = interpolate(model, one, other, share)

    def arms(p):
        return p.latent.piece[0] - model.latent_mean

    a, b, c = arms(one), arms(other), arms(found)

    def angle(x, y):
        return torch.arccos(torch.cosine_similarity(x, y, dim=0).clamp(-1, 1)).item()

    if abs(a.norm() - b.norm()) < 1e-6:
        assert c.norm().item() == pytest.approx(a.norm().item(), rel=0.01)
    assert c.norm() <= a.norm() + b.norm()
    assert angle(a, c) + angle(c, b) == pytest.approx(angle(a, b), abs=0.02)


def test_interpolating_a_point_with_itself_gives_the_point(model):
    one = point(model, SHORT)
    close(interpolate(model, one, one, 0.4), one)


def test_opposite_points_are_interpolated_in_a_straight_line(model):
    one = point(model, SHORT)
    middle = Latent(model.latent_mean[None], model.beat_mean.expand(1, 6, -1))
    across = LatentPoint(
        SHORT, Latent(*(2 * m - p for m, p in zip(middle, one.latent, strict=True)))
    )
    close(interpolate(model, one, across, 0.5), LatentPoint(SHORT, middle), atol=5e-3)


# Sliders


def test_sliders_move_all_beats_and_can_be_undone(model):
    one, names = point(model, SHORT), model.config.sliders
    moved = shift(model, one, {names[1]: 2.0})
    expected = Latent(one.latent.piece, one.latent.beats + 2 * model.directions[1])
    close(moved, LatentPoint(SHORT, expected), atol=0, rtol=0)
    close(shift(model, moved, {names[1]: -2.0}), one)
    both = shift(model, one, {names[0]: 1.0, names[2]: -1.0})
    close(both, shift(model, shift(model, one, {names[2]: -1.0}), {names[0]: 1.0}))
    assert equal(shift(model, one, {}), one)
    assert shift(model, one, {names[0]: 1.0}).form is SHORT
