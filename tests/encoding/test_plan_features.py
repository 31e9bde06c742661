"""The features of a plan that a harmonizer reads at each step."""

from dataclasses import replace

import numpy as np
import pytest

from musicae.core.chorale import Chorale
from musicae.core.constants import STYLES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.encoding.batches import masked_batch
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.plan_features import (
    BEGINS,
    GOES_ON,
    MEMBERS,
    PLAN_SIZES,
    STYLE,
    UNKNOWN,
    chord_columns,
    plan_features,
)
from musicae.encoding.step_features import SIZES, step_features
from musicae.models.configs import HarmonizerConfig
from musicae.models.vocabulary import COLUMNS
from musicae.theory.harmonic_plan import HarmonicPlan, beats_of
from musicae.theory.numerals import QUALITIES
from musicae.training.config import FOLLOWER, TRANSFORMER

TUNE = Chorale.from_notes([[(0, 4, 67), (4, 4, 69), (8, 4, 71), (12, 4, 72)]], key=Key(0))
QUALITY = {name: 1 + number for number, name in enumerate(QUALITIES)}


C_MAJOR = Key(0)


def plan(text, key=C_MAJOR):
    return HarmonicPlan.parse(text, beats_of(TUNE), key)


def column(text, name, every=4):
    """A column of the plan, at the first step of each beat."""
    return chord_columns(plan(text), len(TUNE))[::every, COLUMNS.index(name)].tolist()


def test_chords_have_root_quality_and_bass_as_features():
    text = "I V65 V7/V i6"
    assert column(text, "root") == [1 + 0, 1 + 7, 1 + 2, 1 + 0]
    assert column(text, "bass") == [1 + 0, 1 + 11, 1 + 2, 1 + 3]
    qualities = ["major", "dominant", "dominant", "minor"]
    assert column(text, "quality") == [QUALITY[name] for name in qualities]


def test_a_chord_begins_where_it_differs_from_the_one_before():
    assert column("I I V V6", "begins") == [BEGINS, GOES_ON, BEGINS, BEGINS]
    steps = column("I I V V6", "begins", every=1)
    assert [step for step, value in enumerate(steps) if value == BEGINS] == [0, 8, 12]
    assert UNKNOWN not in steps


def test_the_next_other_chord_and_the_steps_until_it_are_features():
    text = "I . V7 i"
    assert column(text, "next_root") == [1 + 7, 1 + 7, 1 + 0, 0]
    assert column(text, "next_quality") == [QUALITY["dominant"]] * 2 + [QUALITY["minor"], 0]
    assert column(text, "next_bass") == [1 + 7, 1 + 7, 1 + 0, 0]
    until = column(text, "next_in", every=1)
    assert until[12:] == [0] * 4
    assert until[8:12] == sorted(until[8:12], reverse=True)
    assert len(set(until[:8])) > 4


def test_a_second_chord_is_a_chord_of_its_own_from_its_step_on():
    text = "I,2:V6 I IV IV"
    assert column(text, "root", every=1)[:5] == [1, 1, 8, 8, 1]
    assert column(text, "begins", every=1)[:6] == [2, 1, 2, 1, 2, 1]
    assert column(text, "next_root", every=1)[:3] == [8, 8, 1]


def test_unknown_chords_are_zeros_and_the_known_one_after_them_is_next():
    assert column("I - - V", "root") == [1, 0, 0, 8]
    assert column("I - - V", "begins") == [BEGINS, UNKNOWN, UNKNOWN, BEGINS]
    assert column("I - - V", "next_root") == [8, 8, 8, 0]
    assert not chord_columns(plan("- - - -"), len(TUNE)).any()


@pytest.mark.parametrize("style", [None, *STYLES])
def test_the_style_is_a_column(style):
    found = plan_features(PartialScore.of(TUNE, voices=(0,), style=style))
    expected = 0 if style is None else 1 + STYLES.index(style)
    assert found.shape == (len(TUNE), len(PLAN_SIZES))
    assert (found[:, STYLE] == expected).all()
    assert not found[:, STYLE + 1 :].any()


def test_values_stay_below_their_sizes():
    text = "viio7 bII6 III+ iiø43"
    found = plan_features(PartialScore.of(TUNE, voices=(0,), plan=plan(text), style=STYLES[-1]))
    assert (found >= 0).all()
    assert (found < PLAN_SIZES).all()
    assert len(MEMBERS) + 1 == PLAN_SIZES[1 + COLUMNS.index("quality")]


def test_only_a_model_that_follows_plans_gets_their_features():
    partial = PartialScore.of(TUNE, voices=(0,), plan=plan("I V I V"), style="carol")
    follower = masked_batch(partial, HarmonizerConfig(**FOLLOWER)).context[0, : len(TUNE)]
    other = masked_batch(partial, HarmonizerConfig(**TRANSFORMER)).context[0, : len(TUNE)]
    assert follower.shape[1] == len(SIZES) + len(PLAN_SIZES)
    assert np.array_equal(other, step_features(partial))
    assert np.array_equal(follower, np.hstack([other, plan_features(partial)]))


def test_a_plan_is_in_the_key_of_the_score_and_no_longer_than_it():
    partial = PartialScore.of(TUNE, voices=(0,), key=Key(0))
    with pytest.raises(ChoraleError, match="relative to G major, the key is C major"):
        replace(partial, plan=plan("I V I V", Key(1)))
    longer = Chorale.from_notes([[(0, 20, 67)]])
    too_long = HarmonicPlan.parse("I I I I V", beats_of(longer), Key(0))
    with pytest.raises(ChoraleError, match="longer than the 16 steps"):
        replace(partial, plan=too_long)
    with pytest.raises(ChoraleError, match="a style is one of bach"):
        replace(partial, style="jazz")
