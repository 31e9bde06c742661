"""The key finder: keys that it must find, transposition, and what it refuses."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.corpus import load
from musicae.decoding.key import find_key, find_mode, key_probabilities
from tests.support.passages import midi, passage
from tests.support.strategies import chorales


def tune(names, column=4):
    """A soprano in notes of one length."""
    return Chorale.from_notes(
        [[(column * i, column, midi(name)) for i, name in enumerate(names.split())]]
    )


IN_C = "E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4 E4 D4 D4 E4 F4 G4 A4 G4 F4 E4 D4 C4"


def test_a_tune_from_e_to_c_is_not_in_a_minor():
    assert find_key(tune(IN_C)) == Key.parse("C major")
    assert find_key(tune("E4 D4 C4 D4 E4 E4 E4 D4 D4 D4 E4 G4 G4 E4 D4 C4")) == Key.parse("C")


@pytest.mark.parametrize(
    ("names", "key"),
    [
        ("C5 C5 G4 G4 A4 A4 G4 F4 F4 E4 E4 D4 D4 C4", "C major"),
        ("A4 B4 C5 B4 A4 G#4 A4", "A minor"),
        ("D5 C5 Bb4 A4 G4 F#4 G4", "G minor"),
        ("F#4 G#4 A#4 B4 A#4 G#4 F#4", "F# major"),
    ],
)
def test_short_tunes_show_their_keys(names, key):
    assert find_key(tune(names)) == Key.parse(key)


def test_a_dorian_tune_is_dorian_and_written_in_minor():
    found = find_mode(tune("D4 D4 A4 A4 B4 C5 A4 G4 F4 E4 D4 F4 G4 A4 B4 A4 G4 E4 C4 E4 D4 D4"))
    assert (str(found.key), found.mode) == ("D dorian", "dorian")
    assert (found.key.fifths, found.key.mode) == (-1, "minor")


def test_a_mixolydian_tune_is_written_in_major():
    found = find_mode(tune("G4 B4 D5 D5 E5 D5 C5 B4 A4 G4 F4 G4 A4 B4 A4 F4 F4 A4 G4 G4"))
    assert (str(found.key), found.mode) == ("G mixolydian", "mixolydian")
    assert (found.key.fifths, found.key.mode) == (1, "major")


def test_a_signature_says_how_to_spell():
    flats = tune("Gb4 Ab4 Bb4 B4 Bb4 Ab4 Gb4")
    assert find_key(flats, signature=-6) == Key.parse("Gb major")
    assert find_key(flats, signature=6) == Key.parse("F# major")


@pytest.mark.parametrize("names", ["C4", "C4 C4 C4", "C4 Db4 D4 Eb4 E4 F4 Gb4 G4 Ab4 A4 Bb4 B4"])
def test_whatever_sounds_has_a_key(names):
    probabilities = key_probabilities(tune(names))
    assert probabilities.shape == (12, 5)
    assert probabilities.sum() == pytest.approx(1)
    assert 0 < find_mode(tune(names)).probability <= 1


def test_a_single_note_is_its_tonic():
    assert find_key(tune("D4")).tonic == 2


def test_silence_has_no_key():
    with pytest.raises(ChoraleError, match="nothing sounds"):
        find_key(passage("S .. .."))


@settings(max_examples=30)
@given(chorales(), st.integers(-11, 11), st.none() | st.integers(-5, 5))
def test_the_key_moves_with_the_music(chorale, semitones, signature):
    assume(np.any(chorale.pitch != REST))
    moved = None if signature is None else Key(signature).transpose(semitones).fifths
    here = key_probabilities(chorale, signature)
    there = key_probabilities(chorale.transpose(semitones), moved)
    assert np.array_equal(np.roll(here, semitones, axis=0), there)


def test_a_thousand_bars_are_read_at_once():
    notes = [(4 * i, 4, midi(name)) for i, name in enumerate(IN_C.split() * 167)]
    long = Chorale.from_notes([notes])
    assert long.bar_count > 1000
    began = time.process_time()
    assert find_key(long) == Key.parse("C major")
    assert time.process_time() - began < 3


def test_bach_s_keys_are_found_on_tunes_never_seen():
    held = [*load.load().side("valid"), *load.load().side("test")]
    right = 0
    for chorale in held:
        last = chorale.notes(3)[-1].pitch % 12
        found = find_key(replace(chorale, key=None))
        # The recorded key, or the key of the final chord if the signature is that of a church mode.
        right += found.tonic in (chorale.key.tonic, last)
    assert right / len(held) > 0.95
