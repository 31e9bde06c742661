"""Measures of the soprano alone: its surprise and its shape."""

import math
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.errors import MusicaeError
from musicae.evaluation.melody import (
    CONTOURS,
    MOST_SEMITONES,
    MOST_STEPS,
    MelodyModel,
    Shape,
    contour,
    phrases_of,
)
from tests.support.passages import HYMN, OTHER, passage

SCALE = passage("S C5 D5 E5 F5 G5 F5 E5 D5 C5 D5 E5 D5 C5 B4 C5 --", "C major")
LEAPS = passage("S C5 A5 D5 B4 F5 B5 C5 F#5 C5 A4 Eb5 A5 D5 B5 C5 --", "C major")


def test_melodies_of_the_fit_surprise_the_model_less():
    model = MelodyModel.fit([SCALE])
    assert model.surprise(SCALE) < model.surprise(LEAPS)
    assert MelodyModel.fit([LEAPS]).surprise(LEAPS) < model.surprise(LEAPS)


def test_a_model_of_nothing_is_uniform():
    nats = MelodyModel.fit([]).surprise(SCALE)
    assert nats == pytest.approx(math.log(49) + math.log(64))


def test_transposition_and_the_stated_key_make_no_difference():
    model = MelodyModel.fit([SCALE, HYMN])
    moved = replace(SCALE.transpose(3), key=None)
    assert model.surprise(moved) == pytest.approx(model.surprise(SCALE))


def test_the_surprise_of_one_context_as_computed_by_hand():
    """Three notes of one pitch: two intervals of 0, each after the same degree."""
    tune = Chorale.from_notes([[(0, 4, 60), (4, 4, 60), (8, 4, 60)]])
    model = MelodyModel.fit([tune], order=1, escape=1.0)

    def share(count, total, kinds, shorter):
        return (count + kinds * shorter) / (total + kinds)

    interval = share(2, 2, 1, share(2, 2, 1, 1 / 49))
    duration = share(1, 1, 1, share(2, 2, 1, 1 / 64))  # two places in the bar
    assert model.surprise(tune) == pytest.approx(-math.log(interval * duration))


def test_shares_of_the_next_note_sum_to_one():
    """Over all intervals and all durations of a note after these."""
    model = MelodyModel.fit([SCALE, LEAPS, HYMN])
    upper = [(0, 4, 60), (4, 4, 64), (8, 4, 65)]
    ground = [(0, 200, 48)], [(0, 200, 52)], [(0, 200, 55)]  # the key is C, whatever follows

    def likelihood(notes):
        chorale = Chorale.from_notes([notes, *ground])
        return math.exp(-(len(notes) - 1) * model.surprise(chorale))

    following = product(range(1, MOST_STEPS + 1), range(65 - MOST_SEMITONES, 66 + MOST_SEMITONES))
    total = sum(likelihood([*upper, (12, *note)]) for note in following)
    assert total == pytest.approx(likelihood(upper))


@pytest.mark.parametrize("notes", [[], [(0, 4, 60)]])
def test_fewer_than_two_notes_are_no_melody(notes):
    chorale = Chorale.from_notes([notes, [(0, 4, 55)]])
    MelodyModel.fit([chorale])
    with pytest.raises(MusicaeError, match="fewer than two notes"):
        MelodyModel.fit([SCALE]).surprise(chorale)
    with pytest.raises(MusicaeError, match="fewer than two notes"):
        Shape.of(chorale)


@pytest.mark.parametrize(
    ("pitches", "shape"),
    [
        ((60, 64, 67, 64, 60), "arch"),
        ((67, 62, 60, 67), "bowl"),
        ((60, 62, 64, 65), "rising"),
        ((60, 60, 60, 65), "rising"),
        ((60, 64, 64, 64), "rising"),
        ((65, 64, 62, 60), "falling"),
        ((65, 65, 60), "falling"),
        ((60, 60, 60), "level"),
        ((60, 62, 58, 60), "level"),  # the mean of those between is the first and the last note
    ],
)
def test_contours(pitches, shape):
    assert contour(pitches) == shape
    if shape in ("rising", "falling"):
        other = "falling" if shape == "rising" else "rising"
        assert contour(pitches[::-1]) == other


@given(st.lists(st.integers(48, 84), min_size=3), st.integers(-12, 12))
def test_a_contour_is_the_same_in_every_key(pitches, semitones):
    assert contour(pitches) == contour([pitch + semitones for pitch in pitches])


def test_shape_of_two_phrases():
    tune = passage("S C5 E5 G5 E5 C5^ E5 E5 G5 G5 C6 C6 B4 C6^ --")
    shape = Shape.of(tune)
    assert shape.semitones == 13
    assert shape.repeated == pytest.approx(3 / 12)
    assert shape.climax == pytest.approx(9 / 12)
    assert shape.peaks == 2  # C6 C6, and once more after B4
    assert shape.contours == {"arch": 1, "bowl": 0, "rising": 1, "falling": 0, "level": 0}


def test_phrases_of_fewer_than_three_notes_have_no_contour():
    tune = passage("S C5 D5^ C5 C5 C5")
    assert [len(phrase) for phrase in phrases_of(tune)] == [2, 3]
    assert Shape.of(tune).contours == {name: int(name == "level") for name in CONTOURS}


def test_the_lower_voices_do_not_matter_to_the_shape():
    alone = Chorale.from_notes([OTHER.notes(0)], steps=len(OTHER), fermatas=OTHER.fermatas)
    assert Shape.of(alone) == Shape.of(OTHER)
