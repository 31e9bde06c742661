"""Ensembles: their voices, and ranges in words."""

import pytest

from musicae.core.ensembles import ENSEMBLES, ensemble
from musicae.core.errors import ChoraleError


@pytest.mark.parametrize("name", ENSEMBLES)
def test_a_tessitura_lies_in_its_range(name):
    for voice in filter(None, ensemble(name).voices):
        low, high = voice.range
        assert low <= voice.tessitura[0] < voice.tessitura[1] <= high


def test_three_voices_leave_the_tenors_place_empty():
    assert ensemble("sab").names == ("Soprano", "Alto", "", "Baritone")


def test_ranges_are_read_by_name_or_short_name():
    men = ensemble("ttbb").with_ranges("T1 C3-Bb4, Bass 2 D2-D4")
    assert men.voices[0].range == (48, 70)
    assert men.voices[3].range == (38, 62)


@pytest.mark.parametrize(
    ("ranges", "told"),
    [
        ("S C4-B4", "narrower than an octave"),
        ("X C4-C5", "no voice is called 'X'"),
        ("S high", "written like"),
    ],
)
def test_bad_ranges_are_refused(ranges, told):
    with pytest.raises(ChoraleError, match=told):
        ensemble("satb").with_ranges(ranges)
