"""The distance of chorales: sounding notes at each quarter, relative to the key."""

import pytest
from hypothesis import given, settings

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.latent.distance import FARTHEST, distance
from tests.support.passages import passage
from tests.support.strategies import chorales

HYMN = """
S C5 D5 E5 C5
A G4 G4 G4 G4
T E4 D4 C4 E4
B C3 B2 C3 C3
"""


def hymn(text=HYMN, key="C major", **facts):
    return passage(text, key=key, **facts)


@settings(max_examples=40)
@given(chorales())
def test_the_distance_of_a_chorale_to_itself_is_0(chorale):
    assert distance(chorale, chorale) == 0


@settings(max_examples=40)
@given(chorales(), chorales())
def test_the_distance_is_bounded_and_symmetric(one, other):
    one = Chorale(one.pitch, one.onset, key=Key(0))
    other = Chorale(other.pitch, other.onset, key=Key(2))
    assert 0 <= distance(one, other) <= FARTHEST
    assert distance(one, other) == distance(other, one)


@pytest.mark.parametrize("shift", [-5, -3, 1, 2, 4, 5])
def test_the_distance_ignores_transposition(shift):
    assert distance(hymn(), hymn().transpose(shift)) == 0


@pytest.mark.parametrize(
    ("changed", "semitones"),
    [
        (HYMN.replace("S C5 D5", "S C5 E5"), 2),
        (HYMN.replace("B C3 B2 C3", "B C3 B2 C2"), 12),
        (HYMN.replace("B C3 B2 C3", "B C3 B2 .."), FARTHEST),
        (HYMN.replace("A G4 G4 G4 G4", "A G4 A4 B4 G4"), 2 + 4),
    ],
)
def test_the_voices_differ_by_semitones_up_to_an_octave(changed, semitones):
    assert distance(hymn(), hymn(changed)) == pytest.approx(semitones / 16)


def test_silence_is_farthest_from_sound_and_at_0_from_silence():
    tune = passage("S C5 D5 E5 C5", key="C major")
    assert distance(hymn(), tune) == pytest.approx(FARTHEST * 12 / 16)
    assert distance(tune, tune.transpose(0)) == 0


def test_only_what_sounds_at_the_quarters_counts():
    repeated = passage("S C5 C5 D5 D5 E5 F5 C5 B4", key="C major", column=2)
    assert distance(passage("S C5 D5 E5 C5", key="C major"), repeated) == 0


def test_pieces_of_different_length_are_compared_at_equal_shares():
    tune = passage("S C5 D5 E5 C5", key="C major")
    twice_as_long = passage("S C5 -- D5 -- E5 -- C5 --", key="C major")
    assert distance(tune, twice_as_long) == 0
    assert distance(twice_as_long, tune) == 0


def test_without_a_signature_the_key_is_found_in_the_notes():
    up = hymn(key=None).transpose(2)
    assert distance(hymn(key=None), up) == 0


def test_tonics_a_tritone_apart_are_aligned_the_better_way():
    low = Chorale.from_notes([[(0, 8, 62), (8, 8, 67)]], key=Key(0))
    high = Chorale.from_notes([[(0, 8, 68), (8, 8, 75)]], key=Key(6))
    assert distance(low, high) == distance(high, low)
    assert distance(low, low.transpose(6)) == 0
