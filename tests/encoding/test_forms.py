"""Forms: bars, phrases and key of pieces that are not written yet."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from musicae.core import assets
from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STYLES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.encoding import forms
from musicae.theory.form import Return, parse_letters, phrases_of
from tests.support.passages import passage
from tests.support.strategies import METERS, chorales, differences

COMMON, WALTZ = Meter(0, 4, 4), Meter(0, 3, 4)
HYMN = passage("S C5 D5 E5 D5^ F5 E5 D5 C5^\nB C3 B2 C3 G2 F2 G2 G2 C2", key="C major")


def same(one, other):
    """What differs between two forms, in words."""
    lines = differences(one.chorale, other.chorale)
    for name in ("key", "phrases", "rhythm", "style", "returns"):
        a, b = getattr(one, name), getattr(other, name)
        if a != b:
            lines.append(f"{name}: {a!r} became {b!r}")
    return lines + ["known"] * bool((one.known != other.known).any())


AGAIN = passage("S C5 D5 E5 D5^ C5 D5 E5 D5^\nB C3 B2 C3 G2 C3 B2 C3 G2", key="C major")
"""Two phrases of one bar, the second as the first."""


def bare(form):
    """The form without the facts that JSON does not keep."""
    return replace(
        form, chorale=replace(form.chorale, key=form.key, tempos=(), title="", source="")
    )


@settings(max_examples=40)
@given(chorales())
def test_a_form_comes_back_from_json(chorale):
    form = forms.form_of(chorale)
    again = forms.from_dict(json.loads(json.dumps(forms.as_dict(form))))
    assert not same(bare(form), again)


def test_a_form_contains_returns_and_style():
    form = forms.form_of(AGAIN, style="hymn")
    assert form.returns == (Return(16, 32, 0, (0, 1, 2, 3)),)
    assert forms.letters_of(form) == "AA"
    again = forms.from_dict(json.loads(json.dumps(forms.as_dict(form))))
    assert not same(bare(form), again)
    assert again.style == "hymn"


def test_a_form_of_an_older_file_has_no_style_and_no_returns():
    facts = forms.as_dict(forms.form_of(AGAIN, style="hymn"))
    del facts["style"], facts["returns"]
    form = forms.from_dict(facts)
    assert (form.style, form.returns, form.phrases) == (None, (), (12, 28))
    assert forms.letters_of(form) == "AB"


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
        {"style": "polka"},
        {"returns": None},
        {"returns": [[16, 32, 0]]},
        {"returns": [[16, 33, 0, [0]]]},
        {"returns": [[16, 32, 1, [0]]]},
        {"returns": [[16, 16, 0, [0]]]},
        {"returns": [[16, 32, -1, [0]]]},
        {"returns": [[16, 32, 0, []]]},
        {"returns": [[16, 32, 0, [1, 0]]]},
        {"returns": [[16, 32, 0, [0, 4]]]},
        {"returns": [[24, 28, 0, [0]], [16, 20, 0, [0]]]},
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


# Forms by letters


def spans_of(form, bar):
    """The bars of each phrase of a form whose phrases end in the first beat of a bar."""
    return np.diff([0, *(end // bar + 1 for end in form.phrases)]).tolist()


@pytest.mark.parametrize(
    ("letters", "bars", "expected"),
    [
        ("AABA", None, [2, 2, 2, 2]),
        ("AABA", 10, [2, 2, 4, 2]),
        ("AABB", 10, [3, 3, 2, 2]),
        ("AABB", 11, [3, 3, 2, 3]),
        ("AAAA", 11, [2, 2, 2, 5]),
        ("ABABCD", 13, [2, 2, 2, 2, 3, 2]),
    ],
)
def test_bars_are_divided_among_phrases(letters, bars, expected):
    form = forms.of_letters(parse_letters(letters), bars, COMMON, Key(0))
    assert spans_of(form, 16) == expected


def test_phrases_have_four_bars_where_a_bar_is_short():
    form = forms.of_letters(parse_letters("AB"), None, Meter(0, 6, 8), Key(0))
    assert spans_of(form, 12) == [4, 4]


def test_an_exact_return_is_whole_and_a_varied_one_is_the_sopranos():
    form = forms.of_letters(parse_letters("AA'AB"), 8, COMMON, Key(0))
    assert form.returns == (Return(32, 64, 0, (0,)), Return(64, 96, 0, (0, 1, 2, 3)))
    assert forms.letters_of(form) == "AA'AB"


@pytest.mark.parametrize(
    ("meter", "bars", "stop"),
    [((4, 4), 8, 96 + 16 - 8), ((6, 8), 8, 72 + 12 - 6), ((6, 8), 16, 144 + 36 - 12)],
)
def test_the_last_phrase_returns_up_to_its_cadence(meter, bars, stop):
    form = forms.of_letters(parse_letters("AABA"), bars, Meter(0, *meter), Key(0))
    assert form.returns[-1].stop == stop
    assert forms.letters_of(form) == "AABA'"


@given(
    st.lists(st.sampled_from(["A", "B", "C"]), min_size=1, max_size=8).map("".join),
    st.integers(2, 64),
    st.sampled_from([*METERS, (6, 4), (1, 16)]),
)
def test_phrases_of_one_letter_are_equally_long_but_for_the_last(letters, bars, meter):
    assume(bars >= 2 * len(letters))
    phrases, meter = parse_letters(letters), Meter(0, *meter)
    form = forms.of_letters(phrases, bars, meter, Key(0))
    assert form.chorale.bar_count == bars
    lengths = spans_of(form, meter.steps_per_bar)
    assert min(lengths) >= 2
    for (source, _), length in list(zip(phrases, lengths, strict=True))[:-1]:
        assert source is None or length == lengths[source]
    read = phrases_of(form.phrases, form.returns)
    assert read[:-1] == phrases[:-1]
    assert read[-1].source == phrases[-1].source


def test_too_few_bars_for_the_letters_are_refused():
    with pytest.raises(ChoraleError, match=r"AABA has 4 phrases .* ask for 8 bars or more, not 7"):
        forms.of_letters(parse_letters("AABA"), 7, COMMON, Key(0))


# Drawn forms


def test_the_shipped_forms_are_many_and_differ():
    assert len(forms.of_style("bach")) > 200
    for style in STYLES:
        shipped = forms.of_style(style)
        assert len(shipped) > 40
        assert {form.style for form in shipped} == {style}
        assert {form.key.mode for form in shipped} == {"major", "minor"}
        assert all(4 <= form.chorale.bar_count <= 64 for form in shipped)
        assert any(form.returns for form in shipped) == (style != "psalm")
    assert WALTZ in {form.chorale.meters[0] for form in forms.of_style("bach")}
    assert assets.FORMS.stat().st_size < 300_000


def test_forms_are_saved_once_with_how_often_they_come(tmp_path, monkeypatch):
    hymn = forms.form_of(piece_of(4), style="hymn")
    carol = replace(hymn, style="carol", returns=(Return(32, 64, 0, (0,)),))
    others = [forms.form_of(piece_of(bars), style="hymn") for bars in (3, 65)]
    path = tmp_path / "forms.json"
    forms.save_forms([hymn, carol, *others, hymn, replace(hymn, key=Key(2))], path)
    assert len(json.loads(path.read_text())) == 3
    monkeypatch.setattr(assets, "FORMS", path)
    of_style = forms.of_style.__wrapped__
    assert [form.key.fifths for form in of_style("hymn")] == [0, 0, 2]
    (found,) = of_style("carol")
    assert not same(bare(carol), found)
    assert of_style("song") == ()


def piece_of(bars):
    """A piece of one chord a bar, in phrases of two bars."""
    ends = tuple(range(16, 16 * bars, 32))
    voices = [[(16 * bar, 16, pitch) for bar in range(bars)] for pitch in (72, 67, 64, 48)]
    return Chorale.from_notes(voices, fermatas=ends, key=Key(0))


WISHES = st.fixed_dictionaries(
    {},
    optional={
        "bars": st.integers(1, 30),
        "meter": st.sampled_from([COMMON, WALTZ, Meter(0, 7, 8)]),
        "key": st.builds(Key, st.integers(-7, 7), st.sampled_from(["major", "minor"])),
        "mode": st.sampled_from(["major", "minor"]),
        "style": st.sampled_from(STYLES),
        "form": st.sampled_from(["AABA", "ABABCD", "AA'BA", "ABCD"]),
    },
)


@settings(max_examples=40)
@given(WISHES, st.integers(0, 5), st.integers(0, 1000))
def test_drawn_forms_have_the_settings_asked_for(wishes, n, seed):
    if "key" in wishes and "mode" in wishes:
        assume(wishes["key"].mode == wishes["mode"])
    letters = wishes.get("form")
    assume(not letters or wishes.get("bars", 12) >= 12)
    drawn = forms.draw_forms(n, seed, **wishes)
    assert len(drawn) == n
    for form in drawn:
        assert form.chorale.bar_count == wishes.get("bars", form.chorale.bar_count)
        assert form.chorale.meters == (wishes.get("meter"),) or "meter" not in wishes
        assert form.key == wishes.get("key", form.key)
        assert form.key.mode == wishes.get("mode", form.key.mode)
        assert form.style == wishes.get("style", "bach")
        read = forms.letters_of(form)
        assert letters in (None, read, read.removesuffix("'"))


def test_forms_are_bachs_if_one_fits_and_else_regular():
    (his,) = forms.draw_forms(1, 3, bars=12)
    assert any(his is form for form in forms.of_style("bach"))
    (ours,) = forms.draw_forms(1, 3, bars=977, meter=WALTZ, mode="minor")
    assert not same(ours, replace(forms.regular(977, WALTZ, ours.key), style="bach"))
    (usual,) = forms.draw_forms(1, 3, meter=Meter(0, 7, 8))
    assert usual.chorale.bar_count == forms.USUAL_BARS


def test_a_missing_form_is_taken_from_another_style():
    meter = Meter(0, 6, 8)
    assert not any(form.chorale.meters == (meter,) for form in forms.of_style("bach"))
    (drawn,) = forms.draw_forms(1, 3, meter=meter, mode="minor")
    assert drawn.style == "bach"
    others = [form for style in STYLES for form in forms.of_style(style)]
    found = [f for f in others if (f.phrases, f.returns) == (drawn.phrases, drawn.returns)]
    assert meter in {form.chorale.meters[0] for form in found}


def test_forms_with_given_letters_are_those_of_pieces_if_one_has_them():
    for drawn in forms.draw_forms(8, 1, form="ABABCD", bars=12, meter=COMMON):
        assert any(drawn is form for form in forms.of_style("bach"))
    (ours,) = forms.draw_forms(1, 1, form="ABABCD", bars=13, meter=COMMON)
    made = forms.of_letters(parse_letters("ABABCD"), 13, COMMON, ours.key)
    assert not same(ours, replace(made, style="bach"))


def test_made_forms_are_in_keys_and_meters_of_the_style():
    drawn = forms.draw_forms(20, 1, style="hymn", form="AABBA")
    assert len({form.key for form in drawn}) > 2
    assert len({form.chorale.meters for form in drawn}) > 1


@pytest.mark.parametrize("meter", [(2, 4), (3, 4), (4, 4), (5, 4), (6, 4), (6, 8)])
@pytest.mark.parametrize("bars", [4, 17, 64])
@pytest.mark.parametrize("style", ["bach", "psalm"])
def test_there_is_a_form_in_any_usual_meter_and_length(meter, bars, style):
    (form,) = forms.draw_forms(1, 5, bars=bars, meter=Meter(0, *meter), style=style)
    assert (form.chorale.bar_count, form.style) == (bars, style)


def test_another_style_is_refused():
    with pytest.raises(ChoraleError, match=r"a style is one of bach, .* motet, not 'polka'"):
        forms.draw_forms(1, 0, style="polka")


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 6), st.integers(0, 6))
def test_the_first_forms_do_not_depend_on_how_many_are_drawn(seed, n, more):
    few, many = forms.draw_forms(n, seed), forms.draw_forms(n + more, seed)
    assert all(a is b for a, b in zip(few, many, strict=False))


def test_seeds_differ():
    found = [[id(form) for form in forms.draw_forms(4, seed)] for seed in range(5)]
    assert len(set(map(tuple, found))) == 5
