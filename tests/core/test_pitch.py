"""Names of pitches: the examples in the docstrings, and the inverse functions."""

import pytest

from musicae.core.pitch import letter_at, place_of, spelled_name


def test_letter_and_place_are_inverse():
    for place in range(-15, 20):
        assert place_of(*letter_at(place)) == place


@pytest.mark.parametrize(
    ("midi", "place", "name"),
    [(60, 0, "C4"), (61, 7, "C#4"), (61, -5, "Db4"), (60, 12, "B#3"), (59, -7, "Cb4")],
)
def test_a_spelled_name_has_the_octave_of_its_letter(midi, place, name):
    assert spelled_name(midi, place) == name
