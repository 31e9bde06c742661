"""Points in the latent space of an untrained model: as text, encoded, sampled, and interpolated."""

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
from musicae.encoding.plan_features import style_number
from musicae.latent.space import (
    DRAWN_BLUR,
    PRIORS,
    VARIED,
    LatentPoint,
    encode,
    interpolate,
    sample,
    shift,
)
from musicae.models import checkpoint
from musicae.models.batches import Latent
from musicae.models.torch_engine import network_of
from musicae.models.vocabulary import NONE, SILENCE
from musicae.theory.form import parse_letters
from musicae.theory.harmonic_plan import beats_of
from musicae.theory.plan_reading import plan_of
from musicae.training.tensors import tensors
from tests.support.passages import HYMN
from tests.support.strategies import chorales

COMMON, WALTZ = Meter(0, 4, 4), Meter(0, 3, 4)
SHORT, LONG = (forms.regular(bars, WALTZ, Key.parse("G minor")) for bars in (2, 5))


@pytest.fixture(scope="module")
def model(untrained):
    """An untrained model with a mean and directions other than zero, as after training."""
    loaded = checkpoint.load_checkpoint(untrained["vae"])
    numbers, values = np.random.default_rng(2), dict(loaded.tensors)
    for name in ("latent_mean", "beat_mean", "directions"):
        drawn = 0.3 * numbers.standard_normal(values[name].shape)
        values[name] = drawn.astype(np.float32)
    values["latent_spread"] = np.eye(loaded.config.piece, dtype=np.float32) * 0.5
    return replace(loaded, tensors=values)


def point(model, form, seed=0, blur=0.25):
    numbers = np.random.default_rng(seed)
    count = int(frame_beats(form.chorale, model.config.stride)[-1]) + 1
    return LatentPoint(
        form,
        Latent(
            numbers.standard_normal((1, model.config.piece)).astype(np.float32),
            numbers.standard_normal((1, count, model.config.beat)).astype(np.float32),
        ),
        blur,
    )


def equal(one, other):
    return (
        one.blur == other.blur
        and forms.as_dict(one.form) == forms.as_dict(other.form)
        and all(np.array_equal(a, b) for a, b in zip(one.latent, other.latent, strict=True))
    )


CLOSE = {"abs": 2e-3, "rel": 2e-3}
CLOSER = {"abs": 5e-3, "rel": 5e-3}


def close(one, other, tolerance=CLOSE):
    for a, b in zip(one.latent, other.latent, strict=True):
        assert a == pytest.approx(b, **tolerance)


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
        assert part.dtype == np.float32
        assert np.array_equal(part, part.astype(np.float16))
    assert equal(one, LatentPoint(one.form, one.latent, one.blur))


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
        {"blur": None},
        {"blur": "much"},
        {"piece": "?"},
        {"piece": "abc"},
        {"beats": [1, 2]},
        {"beats": "AAA="},
    ],
)
def test_data_that_are_no_point_are_refused(model, change):
    with pytest.raises(ChoraleError, match=r"not a latent point|another model"):
        LatentPoint.from_dict(point(model, SHORT).as_dict() | change, model.config)
    with pytest.raises(ChoraleError, match="not a latent point"):
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
        (silence(20, Meter(0, 6, 8)), [6, 6, 6, 2]),  # dotted in compound meters
        (silence(24, Meter(0, 2, 2)), [8, 8, 8]),
        (silence(28, Meter(0, 7, 8)), [4, 4, 4, 2, 4, 4, 4, 2]),
        (silence(36, COMMON, Meter(22, 3, 4)), [4, 4, 4, 4, 4, 2, 4, 4, 4, 2]),
        (silence(3, COMMON), [3]),
    ],
)
def test_frames_belong_to_the_beats_of_plans(chorale, lengths):
    expected = np.repeat(np.arange(len(lengths)), lengths)
    assert [beat.length for beat in beats_of(chorale)] == lengths
    assert frame_beats(chorale, 1).tolist() == expected.tolist()
    later = [*expected[1::2].tolist(), *[len(lengths) - 1] * (len(chorale) % 2)]
    assert frame_beats(chorale, 2).tolist() == later


def test_a_frame_across_two_beats_belongs_to_the_later_one():
    """Where a pickup has an odd number of sixteenths, or a beat is shorter than a frame."""
    upbeat = silence(17, COMMON, pickup=1)
    assert frame_beats(upbeat, 2).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 4]
    assert frame_beats(upbeat, 4).tolist() == [1, 2, 3, 4, 4]


@settings(max_examples=40)
@given(chorales())
def test_every_frame_has_a_beat_and_they_come_in_order(chorale):
    found = frame_beats(chorale, 1)
    assert np.bincount(found).tolist() == [beat.length for beat in beats_of(chorale)]
    assert (np.diff(found) >= 0).all()
    for stride in (2, 4):
        frames = frame_beats(chorale, stride)
        assert len(frames) == -(-len(chorale) // stride)
        ends = np.minimum(
            np.arange(stride - 1, len(chorale) + stride - 1, stride), len(chorale) - 1
        )
        assert frames.tolist() == found[ends].tolist()


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
    assert np.array_equal(both.piece, np.concatenate([short.piece, long.piece]))
    assert np.array_equal(both.beats[:1, :6], short.beats)
    assert np.array_equal(both.beats[1:], long.beats)


# Encoding


def test_encoding_gives_the_mean_of_the_posterior(model):
    found = encode(model, HYMN)
    assert found.form.phrases == HYMN.fermatas
    assert found.form.key == Key.parse("C")
    assert not found.form.known.any()
    key = Key.parse("C")
    whole = PartialScore.of(HYMN, voices=(0, 1, 2, 3), key=key, plan=plan_of(HYMN, key))
    whole = tensors(beat_batch(whole, model.config))
    network = network_of(model)
    with torch.no_grad():
        mean = network.encode(whole, network.tokens_to_notes(whole.masked.tokens)).mean
    close(found, LatentPoint(found.form, Latent(*(part.numpy() for part in mean))))
    for change in ({"phrases": (20, 28)}, {"style": "hymn"}):
        other = encode(model, HYMN, replace(found.form, **change))
        assert not np.array_equal(other.latent.piece, found.latent.piece)


def test_notes_out_of_range_do_not_change_the_encoding(model):
    with pytest.raises(ChoraleError, match=r"bar 1, beat 1: C7 is outside the soprano's range"):
        encode(model, HYMN.transpose(24))


# Sampling


@pytest.mark.parametrize("prior", PRIORS)
def test_each_sample_follows_from_its_own_seed(model, prior):
    few = sample(model, [SHORT], prior, [(3, 0)])
    many = sample(model, [SHORT, LONG, SHORT], prior, [(3, 0), (3, 1), (3, 2)])
    close(few[0], many[0])
    assert [len(p.latent.beats[0]) for p in many] == [6, 15, 6]
    assert [p.form for p in many] == [SHORT, LONG, SHORT]
    assert not np.array_equal(many[0].latent.piece, many[2].latent.piece)
    again = sample(model, [SHORT, LONG, SHORT], prior, [(3, 0), (3, 1), (3, 2)])
    assert all(equal(a, b) for a, b in zip(many, again, strict=True))


def test_a_fitted_prior_has_the_models_middle_and_spread(model):
    seeds = [(0, i) for i in range(400)]
    normal, fitted = (
        np.concatenate([p.latent.piece for p in sample(model, [SHORT] * 400, prior, seeds)])
        for prior in ("normal", "fitted")
    )
    means, spread = model.tensors["latent_mean"], model.tensors["latent_spread"]
    assert means[0] + normal @ spread.T == pytest.approx(fitted, abs=3e-3, rel=3e-3)
    assert np.abs(normal.mean(axis=0)).max() < 0.2
    assert np.abs(normal.std(axis=0) - 1).max() < 0.15


def test_a_fitted_prior_has_the_mean_of_the_style(model):
    styled = [replace(SHORT, style=style) for style in (None, "bach", "hymn")]
    found = sample(model, styled, "fitted", [(0, 0)] * 3)
    none, bach, hymn = (point.latent.piece[0] for point in found)
    means = model.tensors["latent_mean"]
    assert bach - none == pytest.approx(means[1] - means[0], abs=4e-3)
    number = style_number("hymn")
    assert hymn - none == pytest.approx(means[number] - means[0], abs=4e-3)
    normal = sample(model, styled, "normal", [(0, 0)] * 3)
    assert np.array_equal(normal[0].latent.piece, normal[2].latent.piece)


def drawn(model, point, seed):
    """``(M, Y)`` each beat by its own random numbers, given the beats before it."""
    numbers, count = np.random.default_rng(seed), point.latent.beats.shape[1]
    numbers.standard_normal(model.config.piece)
    noise = numbers.standard_normal((1, count, model.config.beat)).astype(np.float32)
    chance = numbers.random((1, count)).astype(np.float32)
    with torch.no_grad():
        prior = network_of(model).beat_prior(
            tensors(point.latent), tensors(beat_batch(point.form, model.config))
        )
    return prior.at(torch.from_numpy(chance), torch.from_numpy(noise))[0].numpy()


def test_the_beats_of_a_sample_are_drawn_from_the_learned_prior(model):
    (found,) = sample(model, [LONG], "normal", [(5, 1)])
    assert found.latent.beats[0] == pytest.approx(drawn(model, found, (5, 1)), **CLOSER)


def test_beats_that_return_have_the_vectors_of_the_earlier_ones(model):
    """Equal vectors where all voices return, close ones where only the soprano returns."""
    form = forms.of_letters(parse_letters("AAA'B"), 8, WALTZ, Key.parse("D"))
    other = forms.regular(8, WALTZ, Key.parse("D"))
    found, _ = sample(model, [form, other], "normal", [(5, 2), (5, 3)])
    first, exact, varied, last = np.split(found.latent.beats[0], 4)
    assert np.array_equal(first, exact)
    new = np.split(drawn(model, found, (5, 2)), 4)
    assert varied == pytest.approx(VARIED * first + (1 - VARIED) * new[2], **CLOSER)
    assert last == pytest.approx(new[3], **CLOSER)
    assert not np.allclose(varied, first, atol=0.1)
    assert not np.allclose(exact, new[1], atol=0.1)


def test_a_sample_can_continue_a_point(model):
    begun = point(model, SHORT, 7)
    few, many = (
        sample(model, [LONG] * n, "fitted", [(1, i) for i in range(n)], begun) for n in (1, 3)
    )
    close(few[0], many[0])
    for number, found in enumerate(many):
        assert found.form is LONG
        assert np.array_equal(found.latent.piece, begun.latent.piece)
        assert np.array_equal(found.latent.beats[:, :6], begun.latent.beats)
        new = drawn(model, found, (1, number))
        assert found.latent.beats[0, 6:] == pytest.approx(new[6:], **CLOSER)
    assert not np.array_equal(many[0].latent.beats, many[1].latent.beats)


# Interpolation


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
        assert np.array_equal(own.latent.piece, p.latent.piece)
    # Fifteen beats for six: each from the same share of the piece.
    stretched = interpolate(model, one, other, 1.0, own_form=True).latent.beats
    positions = [0, 2, 5, 7, 10, 12]
    assert stretched == pytest.approx(other.latent.beats[:, positions], **CLOSE)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0, 1))
def test_an_interpolation_is_an_arc_around_the_prior_mean(model, seed, share):
    """The distance from the mean lies between those of the ends, and the angle grows with the
    share."""
    one, other = point(model, SHORT, seed), point(model, SHORT, seed + 1)
    found = interpolate(model, one, other, share)

    def arms(p):
        return (p.latent.piece[0] - model.tensors["latent_mean"][0]).astype(float)

    a, b, c = arms(one), arms(other), arms(found)
    long = np.linalg.norm

    def angle(x, y):
        return float(np.arccos(np.clip(x @ y / (long(x) * long(y)), -1, 1)))

    if abs(long(a) - long(b)) < 1e-6:
        assert long(c) == pytest.approx(long(a), rel=0.01)
    assert long(c) <= long(a) + long(b)
    assert angle(a, c) + angle(c, b) == pytest.approx(angle(a, b), abs=0.02)


def test_interpolating_a_point_with_itself_gives_the_point(model):
    one = point(model, SHORT)
    close(interpolate(model, one, one, 0.4), one)


def test_opposite_points_are_interpolated_in_a_straight_line(model):
    one = point(model, SHORT)
    means = model.tensors["beat_mean"].reshape(1, 1, -1)
    middle = Latent(model.tensors["latent_mean"][:1], means.repeat(6, axis=1))
    across = LatentPoint(
        SHORT, Latent(*(2 * m - p for m, p in zip(middle, one.latent, strict=True)))
    )
    close(interpolate(model, one, across, 0.5), LatentPoint(SHORT, middle), CLOSER)


def test_drawn_points_are_blurred_and_encoded_ones_are_not(model):
    """Between a drawn and an encoded point, the blur changes evenly; sliders do not change it."""
    heard, (new,) = encode(model, HYMN), sample(model, [SHORT], "fitted", [(0, 0)])
    assert (heard.blur, new.blur) == (0, DRAWN_BLUR)
    assert interpolate(model, heard, new, 0.25).blur == pytest.approx(0.25 * DRAWN_BLUR)
    assert shift(model, new, {model.config.sliders[0]: 1.0}).blur == DRAWN_BLUR


# Sliders


def test_sliders_move_all_beats_and_can_be_undone(model):
    one, names = point(model, SHORT), model.config.sliders
    moved = shift(model, one, {names[1]: 2.0})
    way = 2 * model.tensors["directions"][1]
    size = model.config.beat
    expected = Latent(one.latent.piece, one.latent.beats + way[:size])
    close(moved, LatentPoint(SHORT, expected), {"abs": 0, "rel": 0})
    assert moved.levers == pytest.approx(way[size:].tolist())
    close(shift(model, moved, {names[1]: -2.0}), one)
    both = shift(model, one, {names[0]: 1.0, names[2]: -1.0})
    close(both, shift(model, shift(model, one, {names[2]: -1.0}), {names[0]: 1.0}))
    assert equal(shift(model, one, {}), one)
    assert shift(model, one, {names[0]: 1.0}).form is SHORT
