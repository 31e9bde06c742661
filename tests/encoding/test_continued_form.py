"""The form of a continued piece: its new phrases, its returns, and where it ends."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import SOPRANO
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.encoding import forms
from musicae.encoding.continued_form import continued
from musicae.theory.form import EVERY_VOICE, Return
from musicae.theory.harmonic_plan import beats_of
from tests.support.passages import HYMN
from tests.support.strategies import chorales

ONE = Chorale.from_notes(
    [[(0, 4, 67), (4, 4, 69), (8, 4, 71), (12, 4, 72), (16, 8, 74), (24, 8, 67)]],
    fermatas=(24,),
    key=Key(0),
)
"""A phrase of two bars; the last note begins in the middle of the second bar."""
SEED = (0, 0)


def upbeat(phrases=1):
    """Phrases of two bars that begin with a quarter and end with a dotted half note."""
    notes = []
    for number in range(phrases):
        at, up = 32 * number, 2 * number
        lengths = [(0, 4, 67), (4, 8, 72), (12, 8, 71), (20, 12, 69)]
        notes += [(at + step, length, pitch + up) for step, length, pitch in lengths]
    ends = tuple(32 * number + 20 for number in range(phrases))
    return Chorale.from_notes([notes], pickup=4, fermatas=ends, key=Key(0))


def form_of(chorale):
    return forms.form_of(chorale, chorale.key, "bach")


def goes_on(chorale, bars, letters=None, **changes):
    return continued(chorale, replace(form_of(chorale), **changes), bars, SEED, letters)


# Phrases


@pytest.mark.parametrize(
    ("bars", "ends"),
    [
        (2, [56]),
        (4, [56, 88]),
        (1, [40]),  # shorter
        (5, [56, 104]),  # the last phrase has three bars
        (7, [56, 88, 120, 136]),  # or only one
    ],
)
def test_new_phrases_are_like_the_last_one_of_the_beginning(bars, ends):
    form = goes_on(ONE, bars)
    assert form.phrases == (24, *ends)
    assert len(form.chorale) == 32 + 16 * bars
    assert (form.chorale.bar_count, form.style, form.key) == (2 + bars, "bach", Key(0))
    assert not form.known.any()
    assert not form.chorale.onset.any()


def test_an_upbeat_leads_into_each_new_phrase():
    form = goes_on(upbeat(2), 4)
    assert form.phrases == (20, 52, 84, 116)
    assert form.chorale.pickup == 4
    assert len(form.chorale) == 128
    assert len(beats_of(form.chorale)) == 32


def test_the_last_meter_continues():
    changing = Chorale.from_notes(
        [[(0, 16, 67), (16, 12, 69)]], meters=(Meter(0, 4, 4), Meter(16, 3, 4)), fermatas=(16,)
    )
    form = goes_on(changing, 3)
    assert [measure.length for measure in form.chorale.measures] == [16, 12, 12, 12, 12]


def test_a_beginning_of_unknown_phrases_is_one():
    form = goes_on(replace(ONE, fermatas=()), 2, phrases=None)
    assert form.phrases == (31, 63)


# Returns


def test_letters_name_the_returning_phrases():
    """A is the beginning; the last phrase returns, except for its cadence, which is new."""
    form = goes_on(ONE, 6, "AABA")
    assert form.phrases == (24, 56, 88, 120)
    assert form.returns == (Return(32, 64, 0, EVERY_VOICE), Return(96, 112, 0, EVERY_VOICE))
    varied = goes_on(ONE, 4, "a a' b")
    assert varied.returns == (Return(32, 64, 0, (SOPRANO,)),)
    assert not goes_on(ONE, 4, "ABC").returns


def test_letters_share_the_bars_and_new_phrases_return_too():
    form = goes_on(ONE, 9, "ABBC")
    assert form.phrases == (24, 72, 120, 168)
    assert form.returns == (Return(80, 128, 32, EVERY_VOICE),)
    shorter = goes_on(ONE, 2, "AAB")  # one bar each: half of the beginning returns
    assert shorter.returns == (Return(32, 48, 0, EVERY_VOICE),)


def test_a_return_keeps_its_upbeat():
    form = goes_on(upbeat(2), 4, "ABAB")
    first, second = form.returns
    assert first == Return(64, 96, 0, EVERY_VOICE)
    assert (second.start, second.source) == (96, 32)
    assert second.stop < form.phrases[-1]


def test_returns_inside_the_beginning_stay():
    again = HYMN.pitch.copy()
    again[16:], onset = again[:16], HYMN.onset.copy()
    onset[16:] = onset[:16]
    twice = replace(HYMN, pitch=again, onset=onset)
    form = form_of(twice)
    assert form.returns
    found = continued(twice, form, 2, SEED, "AAA")
    assert found.returns[: len(form.returns)] == form.returns
    assert found.returns[-1].start == 32


def test_phrases_return_only_where_the_bars_match():
    """The beginning stops a beat before the end of its bar, so new phrases are a beat early."""
    cut = replace(ONE, pitch=ONE.pitch[:28], onset=ONE.onset[:28])
    assert not goes_on(cut, 6, "AABA").returns


def test_without_letters_the_returns_are_those_of_a_piece_of_the_style(monkeypatch):
    """It takes the returns of a piece that begins alike; after other beginnings nothing returns."""
    three = forms.regular(6, Meter(0, 4, 4), Key(0))
    repeating = replace(three, returns=(Return(32, 64, 0, EVERY_VOICE),))
    late = replace(three, returns=(Return(64, 96, 0, EVERY_VOICE),))
    monkeypatch.setattr(forms, "of_style", lambda _: (repeating, late))
    found = [continued(ONE, form_of(ONE), 4, (seed, 0)).returns for seed in range(20)]
    assert set(found) == {(Return(32, 64, 0, EVERY_VOICE),), (Return(64, 80, 0, EVERY_VOICE),)}
    assert found == [continued(ONE, form_of(ONE), 4, (seed, 0)).returns for seed in range(20)]
    assert not goes_on(ONE, 40).returns  # no piece is so long
    monkeypatch.setattr(forms, "of_style", lambda _: (three,))
    assert not goes_on(ONE, 4).returns


# Any beginning


@settings(max_examples=60)
@given(
    chorales(), st.integers(1, 12), st.none() | st.lists(st.integers(0, 2), min_size=1, max_size=6)
)
def test_any_piece_continues_in_phrases_and_ends_where_requested(chorale, bars, pattern):
    form = form_of(chorale)
    meter = chorale.measures[-1].meter
    begun, stop = len(chorale), len(chorale) + bars * meter.steps_per_bar
    count = len(form.phrases or (0,))
    letters = None
    if pattern is not None and len(pattern) <= bars:
        letters = "A" * count + "".join("ABC"[letter] for letter in pattern)
    found = continued(chorale, form, bars, SEED, letters)  # raises if it is no form
    assert len(found.chorale) == stop
    assert found.chorale.measures[-1].meter.steps_per_bar == meter.steps_per_bar
    assert found.phrases[:count] == (form.phrases or (begun - 1,))
    new = found.phrases[count:]
    assert begun <= new[0]
    assert new[-1] < stop
    if letters:
        assert len(new) == len(pattern)
    assert found.returns[: len(form.returns)] == form.returns
    for passage in found.returns[len(form.returns) :]:
        assert passage.start >= begun
        assert (passage.start - passage.source) % meter.steps_per_bar == 0
        assert passage.stop <= new[-1] or passage.stop < stop


# What is refused


@pytest.mark.parametrize(
    ("letters", "bars", "complaint"),
    [
        ("A", 4, "A does not fit: it has 1 phrase in all, the beginning has 1, and 4 bars follow;"),
        ("AABA", 2, "AABA does not fit: it has 4 phrases in all, the beginning has 1, and 2 bars"),
        ("A?", 4, "'A\\?' is not a form"),
    ],
)
def test_letters_that_do_not_fit_are_refused_in_a_sentence(letters, bars, complaint):
    with pytest.raises(ChoraleError, match=complaint) as refusal:
        goes_on(ONE, bars, letters)
    assert "\n" not in str(refusal.value)
