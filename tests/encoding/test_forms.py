"""Forms: bars, phrases and key of pieces that are yet to be written."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from musicae.core.constants import REST
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.encoding import forms
from tests.support.passages import passage
from tests.support.strategies import METERS, chorales, differences

COMMON, WALTZ = Meter(0, 4, 4), Meter(0, 3, 4)
HYMN = passage("S C5 D5 E5 D5^ F5 E5 D5 C5^\nB C3 B2 C3 G2 F2 G2 G2 C2", key="C major")


def same(one, other):
    """What differs between two forms, in words."""
    lines = differences(one.chorale, other.chorale)
    for name in ("key", "phrases", "rhythm"):
        a, b = getattr(one, name), getattr(other, name)
        if a != b:
            lines.append(f"{name}: {a!r} became {b!r}")
    return lines + ["known"] * bool((one.known != other.known).any())


def bare(form):
    """Without what a form does not speak of."""
    return replace(
        form, chorale=replace(form.chorale, key=form.key, tempos=(), title="", source="")
    )


@settings(max_examples=40)
@given(chorales())
def test_a_form_comes_back_from_json(chorale):
    form = forms.form_of(chorale)
    again = forms.from_dict(json.loads(json.dumps(forms.as_dict(form))))
    assert not same(bare(form), again)


@settings(max_examples=25)
@given(chorales())
def test_a_form_is_silent_and_unknown_with_its_chorales_bars(chorale):
    form = forms.form_of(chorale)
    assert not form.known.any()
    assert (form.chorale.pitch == REST).all()
    assert form.chorale.measures == chorale.measures
    assert form.phrases == (chorale.fermatas or None)


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0},
        {"steps": None},
        {"steps": "many"},
        {"steps": 10**15},
        {"steps": -1},
        {"key": [9, "major"]},
        {"key": 3},
        {"key": ["C", "major"]},
        {"meters": [[0, 4]]},
        {"meters": []},
        {"meters": [[0, 4, 5]]},
        {"pickup": 99},
        {"pickup": "one"},
        {"phrases": [1000]},
        {"phrases": 4},
    ],
)
def test_settings_that_make_no_form_are_refused(change):
    with pytest.raises(ChoraleError):
        forms.from_dict(forms.as_dict(forms.form_of(HYMN)) | change)


@pytest.mark.parametrize("missing", ["steps", "pickup", "meters", "key", "phrases"])
def test_a_form_with_something_missing_is_refused(missing):
    facts = forms.as_dict(forms.form_of(HYMN))
    del facts[missing]
    with pytest.raises(ChoraleError, match=f"not the form of a piece.*{missing}"):
        forms.from_dict(facts)


def test_a_chorale_in_a_form_has_its_key_and_fermatas_where_phrases_end_on_a_note():
    form = replace(forms.form_of(HYMN, Key.parse("A minor")), phrases=(12, 17, 28))
    dressed = forms.with_form(HYMN, form)
    assert dressed.key == Key.parse("A minor")
    assert dressed.fermatas == (12, 28)
    assert np.array_equal(dressed.pitch, HYMN.pitch)
    assert forms.with_form(HYMN, replace(form, phrases=None)).fermatas == ()


# Regular forms


@given(st.integers(1, 40), st.sampled_from(METERS), st.sampled_from(["C", "F# minor"]))
def test_a_regular_form_has_its_bars_and_phrases_that_end_with_them(bars, meter, key):
    meter = Meter(0, *meter)
    form = forms.regular(bars, meter, Key.parse(key))
    assert form.chorale.bar_count == bars
    assert len(form.chorale) == bars * meter.steps_per_bar
    assert (form.chorale.meters, form.chorale.pickup) == ((meter,), 0)
    assert form.key == form.chorale.key == Key.parse(key)
    assert form.phrases[-1] == (bars - 1) * meter.steps_per_bar
    starts = [measure.start for measure in form.chorale.measures]
    assert set(form.phrases) <= set(starts)
    lengths = np.diff([-1, *(starts.index(step) for step in form.phrases)])
    assert lengths.max() <= (2 if meter.steps_per_bar >= 16 else 4)


def test_regular_phrases_end_where_expected():
    starts = [step // 16 for step in forms.regular(5, COMMON, Key(0)).phrases]
    assert starts == [1, 3, 4]
    assert [step // 12 for step in forms.regular(9, WALTZ, Key(0)).phrases] == [3, 7, 8]


# Drawn forms


def test_the_shipped_forms_are_many_and_differ():
    shipped = forms.of_bach()
    assert len(shipped) > 200
    assert {form.key.mode for form in shipped} == {"major", "minor"}
    assert WALTZ in {form.chorale.meters[0] for form in shipped}


def test_forms_that_are_saved_are_the_chorales(tmp_path):
    path = tmp_path / "forms.json"
    forms.save_forms([HYMN, HYMN.transpose(2)], path)
    found = [forms.from_dict(facts) for facts in json.loads(path.read_text())]
    assert [form.key for form in found] == [Key.parse("C"), Key.parse("D")]
    assert all(form.phrases == (12, 28) for form in found)


WISHES = st.fixed_dictionaries(
    {},
    optional={
        "bars": st.integers(1, 30),
        "meter": st.sampled_from([COMMON, WALTZ, Meter(0, 7, 8)]),
        "key": st.builds(Key, st.integers(-7, 7), st.sampled_from(["major", "minor"])),
        "mode": st.sampled_from(["major", "minor"]),
    },
)


@settings(max_examples=40)
@given(WISHES, st.integers(0, 5), st.integers(0, 1000))
def test_drawn_forms_have_the_settings_asked_for(wishes, n, seed):
    if "key" in wishes and "mode" in wishes:
        assume(wishes["key"].mode == wishes["mode"])
    drawn = forms.draw_forms(n, seed, **wishes)
    assert len(drawn) == n
    for form in drawn:
        assert form.chorale.bar_count == wishes.get("bars", form.chorale.bar_count)
        assert form.chorale.meters == (wishes.get("meter"),) or "meter" not in wishes
        assert form.key == wishes.get("key", form.key)
        assert form.key.mode == wishes.get("mode", form.key.mode)


def test_forms_are_bachs_where_he_has_one_and_else_regular():
    (his,) = forms.draw_forms(1, 3, bars=12)
    assert any(his is form for form in forms.of_bach())
    (ours,) = forms.draw_forms(1, 3, bars=977, meter=WALTZ, mode="minor")
    assert not same(ours, forms.regular(977, WALTZ, Key(0, "minor")))
    (usual,) = forms.draw_forms(1, 3, meter=Meter(0, 7, 8))
    assert usual.chorale.bar_count == forms.USUAL_BARS


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 6), st.integers(0, 6))
def test_the_first_forms_do_not_depend_on_how_many_are_drawn(seed, n, more):
    few, many = forms.draw_forms(n, seed), forms.draw_forms(n + more, seed)
    assert all(a is b for a, b in zip(few, many, strict=False))


def test_seeds_differ():
    found = [[id(form) for form in forms.draw_forms(4, seed)] for seed in range(5)]
    assert len(set(map(tuple, found))) == 5
