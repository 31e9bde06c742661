"""Spelling next to notes with a given spelling, and under changing key signatures."""

import pytest

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.core.pitch import place_of
from musicae.theory.spelling import spell

C_SHARP, D_FLAT = place_of("C", 1), place_of("D", -1)


def names(chorale, **given):
    """The notes' places on the line of fifths, by step and voice."""
    places = spell(chorale, **given)
    return {
        (note.step, v): int(places[note.step, v]) for v in range(4) for note in chorale.notes(v)
    }


@pytest.mark.parametrize("place", [C_SHARP, D_FLAT])
def test_notes_near_a_given_one_are_spelled_as_it_is(place):
    piece = Chorale.from_notes([[(0, 4, 73)], [(0, 4, 61)], [(0, 4, 49)]], key=Key(0))
    found = names(piece, given={(0, 0): place})
    assert found == {(0, 0): place, (0, 1): place, (0, 2): place}


def test_given_notes_keep_their_spelling():
    piece = Chorale.from_notes([[(0, 4, 73), (4, 4, 73)], [(0, 8, 69)]], key=Key(3))
    found = names(piece, given={(0, 0): D_FLAT, (4, 0): C_SHARP})
    assert (found[0, 0], found[4, 0]) == (D_FLAT, C_SHARP)


def test_each_key_signature_spells_its_own_bars():
    piece = Chorale.from_notes([[(0, 4, 73), (32, 4, 73)]], key=Key(4))
    found = names(piece, signatures=[(0, 4), (32, -4)])
    assert (found[0, 0], found[32, 0]) == (C_SHARP, D_FLAT)
