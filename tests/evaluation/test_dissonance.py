"""Suspensions and dominant sevenths, in passages whose answer every musician knows."""

import pytest

from musicae.core.chorale import Chorale
from musicae.evaluation.dissonance import (
    DominantSeventh,
    Suspension,
    dominant_sevenths,
    rates,
    suspensions,
)
from tests.support.passages import EIGHTH, HYMN, passage

FOUR_THREE = """
S C5 -- -- B4 C5 --
A E4 -- D4 -- E4 --
T G3 -- G3 -- G3 --
B C3 -- G2 -- C3 --
"""
RESOLVED = "S B4 C5\nA F4 E4\nT D4 C4\nB G3 C3"


def test_a_four_three_suspension():
    (found,) = suspensions(passage(FOUR_THREE, "C major"))
    assert found == Suspension(step=8, voice=0, resolution=12)


def test_a_suspension_that_is_struck_again():
    again = FOUR_THREE.replace("C5 -- --", "C5 -- C5")
    assert suspensions(passage(again, "C major")) == [Suspension(8, 0, 12)]


@pytest.mark.parametrize(
    "soprano",
    [
        "S B4 -- B4 B4 C5 --",  # no dissonance
        "S C5 -- -- D5 C5 --",  # rises
        "S C5 -- -- G4 C5 --",  # leaps
        "S E5 -- C5 B4 C5 --",  # is not prepared: an appoggiatura
        "S C5 -- -- .. B4 --",  # breaks off
    ],
)
def test_no_suspension(soprano):
    lower = "\n".join(FOUR_THREE.strip().splitlines()[1:])
    assert suspensions(passage(f"{soprano}\n{lower}", "C major")) == []


def test_a_nine_eight_and_a_bass_suspension():
    nine = "S E5 -- -- D5 E5 --\nA G4 -- F4 -- E4 --\nT C4 -- A3 -- G3 --\nB C3 -- D3 -- C3 --"
    assert [s.voice for s in suspensions(passage(nine, "C major"))] == [0]
    bass = "S E5 -- D5 -- E5 --\nA G4 -- G4 -- G4 --\nT G3 -- G3 -- G3 --\nB C3 -- -- B2 C3 --"
    assert suspensions(passage(bass, "C major")) == [Suspension(8, 3, 12)]


def test_the_seventh_of_a_dominant_is_no_suspension_though_it_is_prepared():
    prepared = "S A4 B4 C5\nA F4 -- E4\nT C4 D4 C4\nB F3 G3 C3"
    assert suspensions(passage(prepared, "C major")) == []
    assert len(dominant_sevenths(passage(prepared, "C major"))) == 1


def test_a_fourth_is_dissonant_above_the_lowest_voice():
    fourth = "S A4 B4 C5 A4 B4 --\nA C4 D4 -- -- D4 --\nT G3 -- -- F#3 G3 --\nB E3 D3 -- -- G2 --"
    assert suspensions(passage(fourth, "G major")) == [Suspension(8, 2, 12)]


def test_a_note_that_falls_to_a_foreign_note_is_no_suspension():
    passing = """
    S G4 -- A4 -- B4 -- C5 --
    A E4 -- E4 D4 D4 -- C4 --
    T C4 -- C4 -- B3 -- C4 --
    B C3 -- F3 -- G2 -- C3 --
    """
    assert suspensions(passage(passing, "C major", column=EIGHTH)) == []


def test_a_consonance_that_is_foreign_to_the_chord_is_no_suspension():
    """A passage by Bach: the tenor's D over F# and A#."""
    augmented = """
    S A4  -- B4 C#5 D5  E5 F#5 --  E5  -- D5  --  --  -- C#5 --
    A A4  -- G4 --  A4  -- A#4 B4  C#5 -- F#4 --  E4  -- E4  --
    T D4  -- D4 --  D4  -- D4  --  C#4 -- D4  C#4 B3  -- A3  --
    B F#3 -- G3 --  F#3 -- --  G#3 A#3 -- B3  A3  G#3 -- A3  --
    """
    assert suspensions(passage(augmented, "B minor", column=EIGHTH)) == []


def test_an_off_beat_passing_note_is_no_suspension():
    passing = "S C5 B4 A4 G4\nA E4 -- F4 E4\nT G3 -- C4 --\nB C3 -- F3 C3"
    assert suspensions(passage(passing, "C major", column=EIGHTH)) == []


def test_two_voices_have_no_suspensions():
    assert suspensions(passage("S C5 -- -- B4\nB C3 -- D3 --")) == []


@pytest.mark.parametrize(
    ("alto", "resolves"),
    [("F4 E4", True), ("F4 G4", False), ("F4 F4", False), ("F4 D4", False), ("F4 ..", False)],
)
def test_a_dominant_seventh_resolves_down_by_step(alto, resolves):
    chorale = passage(RESOLVED.replace("F4 E4", alto), "C major")
    assert dominant_sevenths(chorale)[0] == DominantSeventh(0, 1, resolves)


def test_a_seventh_that_is_held_through_its_chord_is_one():
    chorale = passage("S B4 D5 C5\nA F4 -- E4\nT D4 B3 C4\nB G3 -- C3", "C major")
    assert dominant_sevenths(chorale) == [DominantSeventh(0, 1, True)]


def test_other_sevenths_are_none():
    assert dominant_sevenths(passage("S C5 B4\nA F4 F4\nT A3 G3\nB D3 G3", "C major")) != []
    assert dominant_sevenths(passage("S C5 C5\nA F4 E4\nT A3 A3\nB D3 A2", "C major")) == []


def test_an_augmented_sixth_is_no_dominant_seventh():
    german = "S F#5 G5\nA C5 B4\nT Eb4 D4\nB Ab3 G3"
    assert dominant_sevenths(passage(german, "C minor")) == []


def test_rates_are_of_all_chorales_together():
    found = rates([passage(FOUR_THREE, "C major"), passage(RESOLVED, "C major")])
    assert found.suspensions == pytest.approx(100 / 6)  # of four chords and two
    assert found.dominant_sevenths == pytest.approx(100 / 6)
    assert found.resolved == 1.0


def test_rates_of_music_without_them():
    assert rates([HYMN.transpose(0)]).suspensions == 0.0
    lone = rates([Chorale.from_notes([[(0, 4, 60)]])])
    assert (lone.suspensions, lone.dominant_sevenths, lone.resolved) == (0.0, 0.0, None)
