"""New pieces of an untrained model: form, plan, close, kept notes, returns, and interpolation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.constants import REST
from musicae.core.errors import CheckpointError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding.choice import LIKELIEST, SamplingOptions
from musicae.decoding.planner import state_of
from musicae.encoding import forms
from musicae.encoding.continued_form import continued
from musicae.latent import compose as composing
from musicae.latent.compose import (
    Kept,
    compose,
    decode_points,
    going_on,
    need_latent_space,
    neighbours,
    path_between,
    usual_options,
)
from musicae.latent.plans import chains_of
from musicae.latent.space import encode, interpolate
from musicae.models import checkpoint
from musicae.theory.form import parse_letters
from musicae.theory.harmonic_plan import beats_of
from musicae.theory.plan_reading import plan_of
from tests.support.passages import HYMN, OTHER

COMMON, WALTZ = Meter(0, 4, 4), Meter(0, 3, 4)
FORMS = [
    forms.regular(2, WALTZ, Key.parse("G minor")),
    forms.regular(3, COMMON, Key.parse("D major")),
    forms.regular(1, COMMON, Key.parse("Eb major")),
]


@pytest.fixture(scope="module")
def model(untrained):
    return checkpoint.load_checkpoint(untrained["vae"])


def notes(found):
    return [(each.chorale.pitch.tolist(), each.chorale.onset.tolist()) for each in found]


def sounding(chorale, start, stop):
    """What sounds and what begins in some steps, voice by voice."""
    return [[*chorale.pitch[start:stop, v], *chorale.onset[start:stop, v]] for v in range(4)]


def composed(model, wished, temperature=None, seed=1):
    return compose(model, wished, "fitted", {}, usual_options(seed, temperature))


# New pieces


@pytest.mark.parametrize("temperature", [None, LIKELIEST])
def test_composed_pieces_have_their_form(model, temperature):
    found = composed(model, FORMS, temperature)
    for each, form in zip(found, FORMS, strict=True):
        piece = each.chorale
        assert each.point.form is form
        assert piece.measures == form.chorale.measures
        assert piece.key == form.key
        assert set(piece.fermatas) <= set(form.phrases)
        assert piece.source == "musicae vae"
        assert each.nats > 0


@pytest.mark.parametrize("temperature", [None, LIKELIEST, 2.0])
def test_composed_pieces_end_on_the_tonic_triad_with_its_third(model, temperature):
    for each in composed(model, FORMS, temperature):
        key, last = each.chorale.key, each.chorale.pitch[-1]
        assert (last != REST).all()
        degrees = [(int(pitch) - key.tonic) % 12 for pitch in last]
        assert degrees[-1] == 0
        thirds = {4} if key.mode == "major" else {3, 4}
        assert set(degrees) <= {0, 7, *thirds}
        assert len(set(degrees) & thirds) == 1


@pytest.mark.parametrize("temperature", [None, LIKELIEST])
def test_the_first_pieces_are_the_same_however_many_are_asked_for(model, temperature):
    few, many = composed(model, FORMS[:1], temperature), composed(model, FORMS, temperature)
    assert notes(few) == notes(many[:1])
    assert [each.number for each in many] == [0, 1, 2]


def test_seeds_differ_and_repeat(model):
    one, again, other = (notes(composed(model, FORMS[:1], seed=seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_pieces_of_one_form_differ(model):
    one, other = composed(model, [FORMS[0]] * 2)
    assert notes([one]) != notes([other])


def test_batches_beyond_the_limit_are_decoded_in_turns(model, monkeypatch):
    whole = composed(model, FORMS)
    monkeypatch.setattr(composing, "TOGETHER", 2)
    assert notes(composed(model, FORMS)) == notes(whole)


def test_a_point_decoded_alone_gives_the_same_piece(model):
    options = usual_options(1)
    for each in composed(model, FORMS):
        (again,) = decode_points(model, [each.point], options, numbers=[each.number])
        assert notes([again]) == notes([each])
        assert again.nats == pytest.approx(each.nats, rel=1e-4)


def test_voices_follow_the_plan_of_the_piece(model):
    """The bass has the planned bass at each change of chord, and the last chord is the tonic."""
    as_planned = []
    for each in composed(model, FORMS, LIKELIEST):
        plan, chorale = each.plan, each.chorale
        assert plan.key == chorale.key
        assert plan.beats == beats_of(chorale)
        assert (plan.chords[-1].root, plan.chords[-1].bass) == (0, 0)
        assert not each.notices
        for step, chord in plan.changes():
            sung = (int(chorale.pitch[step, 3]) - plan.key.tonic) % 12
            as_planned.append(sung == chord.bass_class)
    assert np.mean(as_planned) > 0.7


def test_a_piece_costs_its_plan_and_its_notes(model):
    """With its plan given, the plan costs nothing."""
    (each,) = composed(model, FORMS[:1], LIKELIEST)
    (chain,) = chains_of(model, [each.point.form], [each.point.latent], [each.point.blur])
    states = [state_of(chord, each.plan.key.mode) for chord in each.plan.chords]
    path = np.array([model.config.states.index(state) for state in states])
    plan = replace(each.plan, local=())
    kept = [Kept(each.chorale, plan=plan)]
    (again,) = decode_points(model, [each.point], usual_options(1, LIKELIEST), kept)
    assert again.chorale.pitch.tolist() == each.chorale.pitch.tolist()
    of_plan = chain.log_partition() - chain.score(path)
    assert of_plan > 1
    assert each.nats == pytest.approx(again.nats + of_plan, rel=1e-4)


@pytest.mark.parametrize("temperature", [None, LIKELIEST])
def test_phrases_that_return_sound_again(model, temperature):
    """A A' B: the whole phrase, then its soprano."""
    form = forms.of_letters(parse_letters("AA'AB"), 8, WALTZ, Key.parse("D"))
    (each,) = composed(model, [form], temperature)
    parts = [sounding(each.chorale, start, start + 24) for start in (0, 24, 48)]
    assert parts[0] == parts[2]
    assert parts[0][0] == parts[1][0]
    assert parts[0] != parts[1]
    chords = each.plan.chords
    assert chords[:6] == chords[12:18]


def test_usual_sampling_options_have_the_measured_temperatures():
    assert usual_options(3).seed == 3
    assert usual_options(3).temperature == composing.USUAL_TEMPERATURE
    assert usual_options(3).rhythm_temperature == composing.RHYTHM_TEMPERATURE
    assert usual_options(0, LIKELIEST) == SamplingOptions(LIKELIEST)
    assert usual_options(0, 0.7).temperature == 0.7


def test_other_models_have_no_latent_space(untrained):
    with pytest.raises(CheckpointError, match="minibach has no latent space; use vae"):
        need_latent_space(checkpoint.load_checkpoint(untrained["minibach"]))


# Neighbours


@pytest.mark.parametrize("voices", [(0,), (3,), (0, 3), (0, 1, 2)])
@pytest.mark.parametrize("temperature", [None, LIKELIEST])
def test_kept_cells_stay_exactly(model, voices, temperature):
    point = encode(model, HYMN)
    kept = Kept(HYMN, voices)
    found = neighbours(model, point, 2, 0.8, usual_options(0, temperature), kept=kept)
    for each in found:
        piece = each.chorale
        for voice in voices:
            assert piece.notes(voice) == HYMN.notes(voice)
        assert (piece.measures, piece.key) == (HYMN.measures, HYMN.key)
        assert 0 not in voices or piece.fermatas == HYMN.fermatas
    assert any(each.chorale.pitch.tolist() != HYMN.pitch.tolist() for each in found)


def test_neighbours_at_distance_0_are_the_point_itself(model):
    point = encode(model, HYMN)
    likeliest = usual_options(0, LIKELIEST)
    near, far = (neighbours(model, point, 2, far, likeliest, kept=None) for far in (0.0, 1.0))
    (own,) = decode_points(model, [point], likeliest)
    assert notes(near) == notes([own]) * 2
    assert notes(far)[0] != notes(far)[1]
    assert {len(each.chorale) for each in far} == {len(HYMN)}


def test_the_first_neighbours_are_the_same_however_many_are_asked_for(model):
    point, options = encode(model, HYMN), usual_options(4)
    few, many = (neighbours(model, point, n, 0.5, options, kept=None) for n in (1, 3))
    assert notes(few) == notes(many[:1])


def test_a_kept_plan_is_the_plan_of_every_neighbour(model):
    point, plan = encode(model, HYMN), plan_of(HYMN, Key.parse("C"))
    kept = Kept(HYMN, (3,), plan=plan)
    found = neighbours(model, point, 2, 0.9, usual_options(0), kept=kept)
    for each in found:
        assert each.plan.chords == plan.chords
        assert each.chorale.notes(3) == HYMN.notes(3)
    assert notes(found)[0] != notes(found)[1]


# Continuing


@pytest.mark.parametrize("temperature", [None, LIKELIEST])
def test_a_piece_continues_a_beginning(model, temperature):
    """The beginning and its vectors stay; plan and notes follow it to the close."""
    known = forms.form_of(HYMN, HYMN.key, "bach")
    wanted = [continued(HYMN, known, 4, (1, number)) for number in range(2)]
    found = going_on(model, HYMN, wanted, usual_options(1, temperature))
    begun = encode(model, HYMN, known).latent
    for each, form in zip(found, wanted, strict=True):
        assert each.point.form is form
        piece = each.chorale
        assert len(piece) == len(HYMN) + 4 * 16
        assert sounding(piece, 0, len(HYMN)) == sounding(HYMN, 0, len(HYMN))
        assert (piece.pitch[len(HYMN) :] != REST).any()
        assert each.point.latent.piece.tolist() == begun.piece.tolist()
        assert each.point.latent.beats[:, :8].tolist() == begun.beats.tolist()
        assert (each.plan.chords[-1].root, each.plan.chords[-1].bass) == (0, 0)
        assert {0, 4} <= {int(p - piece.key.tonic) % 12 for p in piece.pitch[-1]} <= {0, 4, 7}
    assert notes(found)[0] != notes(found)[1]


# Interpolation


@pytest.mark.parametrize("n", [3, 4])
def test_an_interpolation_has_the_decoded_ends_at_its_ends(model, n):
    one, other = (encode(model, piece) for piece in (HYMN, OTHER))
    likeliest = usual_options(0, LIKELIEST)
    found = path_between(model, one, other, n, likeliest)
    assert len(found) == n
    assert notes([found[0], found[-1]]) == notes(decode_points(model, [one, other], likeliest))
    assert [each.point.form for each in (found[0], found[-1])] == [one.form, other.form]
    for each in found[1:-1]:
        assert each.point.form in (one.form, other.form)
        assert each.chorale.key == each.point.form.key


def test_an_interpolation_moves_from_one_end_to_the_other_in_order(model):
    one, other = (encode(model, piece) for piece in (HYMN, OTHER))
    found = path_between(model, one, other, 4, usual_options(0, LIKELIEST))
    shares = np.linspace(0, 1, composing.FINER * 3 + 1)
    on_it = [interpolate(model, one, other, float(share)).latent for share in shares]
    points = [
        next(
            i
            for i, latent in enumerate(on_it)
            if np.allclose(latent.piece, each.point.latent.piece, atol=2e-3)
        )
        for each in found
    ]
    assert points == sorted(set(points))


# Even steps


def test_even_steps_are_chosen_if_all_are_even():
    away = np.linspace(0, 6, 13)
    assert composing._even_steps(away, away[::-1], 4) == [0, 4, 8, 12]
    assert composing._even_steps(away, away[::-1], 13) == list(range(13))


def test_a_step_backwards_is_avoided():
    away = np.array([0, 2, 1, 3, 2.5, 4, 3.9, 5, 6.0])
    near = away[-1] - away
    near[4] = 0.5
    found = composing._even_steps(away, near, 5)
    assert (np.diff(away[found]) > 0).all()
    assert (np.diff(near[found]) < 0).all()


@settings(max_examples=40)
@given(st.integers(3, 7), st.data())
def test_steps_are_monotonic_if_that_is_possible(n, data):
    """Any distances, among which enough points rise and fall evenly, so that a solution exists."""
    count = composing.FINER * (n - 1) + 1
    numbers = st.floats(0, 10)
    away, near = (
        np.array(data.draw(st.lists(numbers, min_size=count, max_size=count))) for _ in range(2)
    )
    good = sorted(data.draw(st.sets(st.integers(1, count - 2), min_size=n - 2, max_size=n - 2)))
    for point, index in enumerate([0, *good, count - 1]):
        away[index], near[index] = 10 * point / (n - 1), 10 - 10 * point / (n - 1)
    found = composing._even_steps(away, near, n)
    assert (found[0], found[-1], len(found)) == (0, count - 1, n)
    assert found == sorted(set(found))
    assert (np.diff(away[found]) > 0).all()
    assert (np.diff(near[found]) < 0).all()


def test_equal_ends_still_give_the_number_of_steps_asked_for():
    still = np.zeros(9)
    found = composing._even_steps(still, still, 3)
    assert (found[0], found[-1], len(set(found))) == (0, 8, 3)
