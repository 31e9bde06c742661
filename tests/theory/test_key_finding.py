"""Keys from the notes: of typed tunes, and compared with the keys recorded in Bach's files."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from musicae.core.constants import REST
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.corpus import load
from musicae.theory.key_finding import find_key
from tests.support.passages import passage
from tests.support.strategies import chorales


@pytest.mark.parametrize(
    ("tune", "key"),
    [
        ("S C5 C5 G4 G4 A4 A4 G4 F4 F4 E4 E4 D4 D4 C4", "C major"),
        ("S A4 B4 C5 B4 A4 G#4 A4", "A minor"),
        ("S Bb4 A4 Bb4 C5 D5 C5 Bb4", "Bb major"),
        ("S D5 C5 Bb4 A4 G4 F#4 G4", "G minor"),
        ("S F#4 G#4 A#4 B4 A#4 G#4 F#4", "F# major"),
    ],
)
def test_a_tune_shows_its_key(tune, key):
    assert find_key(passage(tune)) == Key.parse(key)


def test_the_harmony_decides_if_the_tune_does_not():
    tune = "S C5 B4 A4 B4 C5\n"
    assert find_key(passage(tune + "B C4 G3 F3 G3 C3")) == Key.parse("C major")
    assert find_key(passage(tune + "B A3 E3 F3 E3 A2")) == Key.parse("A minor")


def test_a_signature_settles_a_doubt_and_overrules_no_notes():
    open_end = passage("S D5 E5 D5 B4 A4 G4 A4")
    assert find_key(open_end) == Key.parse("A minor")
    assert find_key(open_end, signature=1) == Key.parse("G major")
    # A church mode: G minor under one flat.
    dorian = passage("S G4 A4 Bb4 C5 D5 C5 Bb4 A4 G4\nB G3 F#3 G3 Eb3 D3 Eb3 G3 D3 G2")
    assert find_key(dorian, signature=-1) == Key.parse("G minor")


def test_a_signature_says_how_to_spell():
    tune = passage("S Gb4 Ab4 Bb4 Cb5 Bb4 Ab4 Gb4")
    assert find_key(tune) == Key.parse("F# major")
    assert find_key(tune, signature=-6) == Key.parse("Gb major")


def test_silence_has_no_key():
    with pytest.raises(ChoraleError, match="nothing sounds"):
        find_key(passage("S .. .."))


@given(chorales(), st.integers(-11, 11), st.none() | st.integers(-7, 7))
def test_the_key_moves_with_the_music(chorale, semitones, signature):
    assume(np.any(chorale.pitch != REST))
    moved = None if signature is None else Key(signature).transpose(semitones).fifths
    here, there = find_key(chorale, signature), find_key(chorale.transpose(semitones), moved)
    assert (there.tonic, there.mode) == ((here.tonic + semitones) % 12, here.mode)


@pytest.fixture(scope="module")
def bach():
    return load.load()


def soprano(chorale):
    alone = np.arange(4) == 0
    return replace(
        chorale,
        pitch=np.where(alone, chorale.pitch, REST),
        onset=chorale.onset & alone,
    )


def agreement(chorales):
    """The shares of chorales whose key is the recorded one, its relative, or a fifth from it.

    The last share is for signatures of a church mode: the bass ends on the tonic that was found,
    not on the recorded one.
    """
    kinds = {"same": 0, "relative": 0, "church mode": 0}
    for chorale, recorded in chorales:
        found = find_key(chorale)
        last = next(chorale.notes(v)[-1].pitch % 12 for v in (3, 2, 1, 0) if chorale.notes(v))
        if found == recorded:
            kinds["same"] += 1
        elif found.fifths == recorded.fifths:
            kinds["relative"] += 1
        elif last == found.tonic != recorded.tonic:
            kinds["church mode"] += 1
    return {kind: count / len(chorales) for kind, count in kinds.items()}


def test_the_recorded_keys_of_bach_are_found(bach):
    train = [(chorale, chorale.key) for chorale in bach.side("train")]
    shares = agreement(train)
    assert shares["same"] > 0.86
    assert shares["same"] + shares["church mode"] > 0.95
    assert shares["relative"] < 0.04


def test_sopranos_alone_show_their_keys(bach):
    train = [(soprano(chorale), chorale.key) for chorale in bach.side("train")]
    assert agreement(train)["same"] > 0.83
    assert agreement(train)["relative"] < 0.06
