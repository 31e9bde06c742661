"""Keys: how they are read, refused and found by their tonic."""

import pytest

from musicae.core.errors import ChoraleError
from musicae.core.key import MODES, Key


@pytest.mark.parametrize(
    ("text", "fifths", "name"),
    [
        ("C", 0, "C major"),
        ("G minor", -2, "G minor"),
        ("f#m", 3, "F# minor"),
        ("B-flat major", -2, "Bb major"),
        ("Ab", -4, "Ab major"),
        ("C sharp minor", 4, "C# minor"),
        ("D dorian", -1, "D dorian"),
        ("g Mixolydian", 1, "G mixolydian"),
        ("E-flat lydian", -3, "Eb lydian"),
        ("E phrygian", 1, "E phrygian"),
        ("A aeolian", 0, "A minor"),
    ],
)
def test_keys_are_read_as_musicians_write_them(text, fifths, name):
    assert Key.parse(text).fifths == fifths
    assert str(Key.parse(text)) == name


@pytest.mark.parametrize("text", ["H minor", "", "G locrian", "D# major"])
def test_what_is_not_a_key_is_refused(text):
    with pytest.raises(ChoraleError, match=r"is not a key|sharps or flats"):
        Key.parse(text)


@pytest.mark.parametrize("mode", MODES)
def test_a_key_from_its_tonic_has_that_tonic_and_the_nearest_signature(mode):
    for tonic in range(12):
        assert Key.from_tonic(tonic, mode).tonic == tonic
        for signature in range(-7, 8):
            found = Key.from_tonic(tonic, mode, near=signature)
            assert (found.tonic, found.mode) == (tonic, mode)
            others = (found.fifths - 12, found.fifths + 12)
            distances = [abs(other - signature) for other in others if -7 <= other <= 7]
            assert all(abs(found.fifths - signature) <= distance for distance in distances)


def test_a_church_mode_stays_when_a_key_is_transposed():
    assert str(Key.parse("D dorian").transpose(2)) == "E dorian"
    assert Key.parse("D dorian") != Key.parse("D minor")


def test_a_church_mode_has_the_third_of_its_mode():
    with pytest.raises(ChoraleError, match="no major mode is called 'dorian'"):
        Key(0, "major", "dorian")
