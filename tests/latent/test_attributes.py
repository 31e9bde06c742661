"""The attributes that sliders move, measured on short passages."""

import numpy as np
import pytest
from hypothesis import given, settings

from musicae.core.chorale import Chorale
from musicae.latent.attributes import (
    ATTRIBUTES,
    activity,
    chromaticism,
    dissonance,
    harmonic_rhythm,
    measured,
    register,
)
from tests.support.passages import passage
from tests.support.strategies import chorales

PLAIN = """
S C5 D5 E5 C5
A G4 G4 G4 G4
T E4 B3 C4 E4
B C3 G2 C3 C3
"""


@settings(max_examples=40)
@given(chorales())
def test_attributes_are_finite_and_in_range_for_any_chorale(chorale):
    found = measured(chorale)
    assert len(found) == len(ATTRIBUTES)
    assert np.isfinite(found).all()
    named = dict(zip(ATTRIBUTES, found, strict=True))
    assert 0 <= named["activity"] <= 4
    assert 0 <= named["chromaticism"] <= 1
    assert 0 <= named["dissonance"] <= 1
    assert 0 <= named["register"] <= 127
    assert 0 <= named["harmonic rhythm"] <= 4


def test_activity_is_notes_a_quarter():
    assert activity(passage(PLAIN)) == 1
    assert activity(passage(PLAIN, column=2)) == 2
    assert activity(passage(PLAIN.replace("A G4 G4 G4 G4", "A G4 -- -- --"))) == 13 / 16
    assert activity(passage(PLAIN.replace("A G4 G4 G4 G4", "A .. .. .. .."))) == 12 / 16


def test_chromaticism_is_the_share_of_notes_out_of_the_scale():
    major = passage(PLAIN, key="C major")
    assert chromaticism(major) == 0
    altered = passage(PLAIN.replace("D5", "D#5"), key="C major")
    assert chromaticism(altered) == pytest.approx(1 / 16)
    assert chromaticism(altered.transpose(3)) == pytest.approx(1 / 16)
    held = passage(PLAIN.replace("D5 E5", "D#5 --"), key="C major")
    assert chromaticism(held) == pytest.approx(1 / 15)  # notes count, not their length


def test_minor_scales_have_both_sixths_and_sevenths():
    minor = passage(
        "S A4 B4 C5 B4 A4 A4 G#4 A4\nA E4 E4 E4 F#4 E4 F4 E4 E4\n"
        "T C4 G3 A3 D4 C4 D4 B3 C4\nB A2 E3 A2 B2 C3 D3 E3 A2",
        key="A minor",
    )
    assert chromaticism(minor) == 0
    wrong = minor.pitch.copy()
    wrong[4:8, 0] = 70  # B flat
    assert chromaticism(Chorale(wrong, minor.onset, key=minor.key)) == pytest.approx(1 / 32)


def test_register_is_the_mean_pitch_of_what_sounds():
    assert register(passage("S C5 -- -- E5")) == 73
    assert register(passage("S C5 .. .. ..\nB C3 .. .. ..")) == 60
    assert register(passage(PLAIN).transpose(5)) == register(passage(PLAIN)) + 5


def test_dissonance_is_the_time_without_a_plain_triad():
    assert dissonance(passage(PLAIN)) == 0
    seventh = PLAIN.replace("A G4 G4 G4 G4", "A G4 F4 G4 G4")
    assert dissonance(passage(seventh)) == pytest.approx(1 / 4)
    suspended = passage(PLAIN.replace("T E4 B3 C4 E4", "T E4 C4 C4 F4"))
    assert dissonance(suspended) == pytest.approx(2 / 4)
    assert dissonance(passage("S C5 C5\nA G4 G4\nT .. ..\nB C3 C3")) == 0  # a bare fifth


def test_harmonic_rhythm_is_changes_of_chord_a_quarter():
    assert harmonic_rhythm(passage(PLAIN, key="C major")) == 2 / 4  # I V I I
    assert harmonic_rhythm(passage(PLAIN.replace("B C3 G2 C3 C3", "B C3 G2 C3 E3"))) == 3 / 4
    still = "S C5 E5 C5 G5\nA G4 G4 G4 E4\nT E4 C4 E4 C4\nB C3 C3 C3 C3"
    assert harmonic_rhythm(passage(still, key="C major")) == 0


def test_attributes_of_silence_are_0():
    silence = Chorale(np.full((8, 4), -1), np.zeros((8, 4), bool))
    found = (activity, chromaticism, register, harmonic_rhythm)
    assert [attribute(silence) for attribute in found] == [0] * len(found)
    assert 0 <= dissonance(silence) <= 1


def test_two_voices_that_rest_take_nothing_from_chromaticism():
    duo = passage("S C5 C#5 D5 C5\nB C3 C3 C3 C3", key="C major")
    assert chromaticism(duo) == pytest.approx(1 / 8)
