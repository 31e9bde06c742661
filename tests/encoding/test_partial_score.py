"""The known part of a chorale, and contradictions that are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.encoding.partial_score import PartialScore
from musicae.theory.key_finding import likely_key
from tests.support.passages import midi, passage
from tests.support.strategies import chorales

GRID = """
S  C5 D5 E5 -- D5 C5^ C5 ..
A  G4 -- -- G4 F4 E4  .. ..
T  E4 .. .. C4 B3 G3  .. ..
B  C3 B2 A2 G2 -- C3  .. ..
"""


def letters(part, voice):
    """The known quarters of a voice, one letter each: ``k`` known, ``.`` open."""
    return "".join("k" if known else "." for known in part.known[::4, voice])


def mask(chorale, *cells):
    """Single steps of single voices."""
    known = np.zeros(chorale.pitch.shape, dtype=bool)
    for step, voice in cells:
        known[step, voice] = True
    return known


def test_voices_are_known_with_their_rests_and_the_others_are_silent():
    piece = passage(GRID)
    found = PartialScore.of(piece, voices=(0, 2))
    assert [letters(found, v) for v in range(4)] == ["k" * 8, "." * 8, "k" * 8, "." * 8]
    assert [found.chorale.notes(v) for v in range(4)] == [piece.notes(0), [], piece.notes(2), []]
    assert (~found.known).sum() == 2 * 32


def test_a_note_with_a_known_step_is_known_as_a_whole():
    piece = passage(GRID)
    # The middle of the alto's dotted half note, the end of the bass's half note, a rest of the
    # tenor.
    found = PartialScore.of(piece, known=mask(piece, (5, 1), (19, 3), (6, 2)))
    assert letters(found, 1) == "kkk....."
    assert letters(found, 3) == "...kk..."
    assert np.flatnonzero(found.known[:, 2]).tolist() == [6]
    assert found.chorale.notes(1) == [(0, 12, midi("G4"))]
    assert found.chorale.notes(3) == [(12, 8, midi("G2"))]
    assert not found.chorale.notes(0) + found.chorale.notes(2)


def test_the_piece_and_the_mask_that_one_gives_are_not_changed():
    piece = passage(GRID)
    known = mask(piece, (5, 1))
    found = PartialScore.of(piece, known=known)
    assert known.sum() == 1
    with pytest.raises(ValueError, match="read-only"):
        found.known[0, 0] = True


@settings(max_examples=30)
@given(chorales(), st.integers(0, 2**32 - 1))
def test_known_notes_are_whole_and_unchanged(chorale, seed):
    rng = np.random.default_rng(seed)
    known = rng.random(chorale.pitch.shape) < rng.random()
    found = PartialScore.of(chorale, known=known)
    assert (found.known | ~known).all()
    for voice in range(N_VOICES):
        for note in chorale.notes(voice):
            cells = found.known[note.step : note.step + note.duration, voice]
            assert cells.all() or not cells.any()
            assert (note in found.chorale.notes(voice)) == cells.all()
    assert (found.chorale.pitch[~found.known] == REST).all()


# Phrases


def test_phrases_end_at_fermatas_even_if_the_soprano_is_to_be_written():
    piece = passage(GRID)
    assert PartialScore.of(piece, voices=(0,)).phrases == (20,)
    by_bass = PartialScore.of(piece, voices=(3,))
    assert by_bass.phrases == (20,)
    assert by_bass.chorale.fermatas == ()


def test_given_phrases_stay_and_without_marks_there_are_none():
    piece = passage(GRID)
    assert PartialScore.of(piece, voices=(0,), phrases=(8, 24)).phrases == (8, 24)
    assert PartialScore.of(piece, voices=(0,), phrases=()).phrases == ()
    assert PartialScore.of(passage(GRID.replace("^", "")), voices=(0,)).phrases is None


# Keys


def test_the_key_is_found_in_the_known_notes():
    # The soprano alone is in C; with the bass it is A minor.
    piece = passage("S  C5 D5 E5 C5 C5\nA  E4 G#4 A4 A4 A4\nB  A2 E3 A2 E3 A2")
    assert PartialScore.of(piece, voices=(0,)).key == Key(0, "major")
    assert PartialScore.of(piece, voices=(0, 1, 3)).key == Key(0, "minor")
    assert PartialScore.of(piece, voices=(0,), key=Key(2, "minor")).key == Key(2, "minor")


def test_a_signature_decides_between_enharmonic_keys():
    flats = passage("S  Gb4 Bb4 Db5 Ab4 Gb4", "Gb major")
    assert likely_key(flats) == Key(-6, "major")
    sharps = passage("S  F#4 A#4 C#5 G#4 F#4", "F# major")
    assert likely_key(sharps) == Key(6, "major")


def test_the_key_of_silence_is_the_signatures_or_c_major():
    silence = Chorale.from_notes([], steps=16)
    assert PartialScore.of(silence).key == Key(0, "major")
    signed = Chorale.from_notes([], steps=16, key=Key(-1, "minor"))
    assert PartialScore.of(signed).key == Key(-1, "minor")


# What is refused


def sketch_of(chorale, known=None, **facts):
    known = np.ones(chorale.pitch.shape, dtype=bool) if known is None else known
    return PartialScore(chorale, known, Key(0), **facts)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (
            lambda: sketch_of(passage("S C5 D5"), np.ones((8, 3))),
            r"known has the shape \(8, 3\), the chorale \(8, 4\)",
        ),
        (
            lambda: sketch_of(passage("S C5 D5"), np.zeros((8, 4))),
            "a partial score has a note that is not known",
        ),
        (
            lambda: sketch_of(passage("S C5 D5\nB C3 E2\nA F4 D6")),
            "bar 1, beat 2: D6 is outside the alto's range F3 to D5",
        ),
        (lambda: sketch_of(passage("S C5"), rhythm="hectic"), "plain or flowing, not 'hectic'"),
        (
            lambda: sketch_of(passage("S C5"), phrases=(4,)),
            "ends of phrases must be steps of the piece",
        ),
        (
            lambda: sketch_of(passage("S C5"), phrases=(-1,)),
            "ends of phrases must be steps of the piece",
        ),
        (lambda: sketch_of(passage("S C5 D5"), phrases=(4, 0)), "in order"),
        (lambda: sketch_of(passage("S C5 D5"), phrases=(4, 4)), "in order"),
    ],
)
def test_impossible_partial_scores_are_refused_in_one_line(make, complaint):
    with pytest.raises(ChoraleError, match=complaint) as refusal:
        make()
    assert "\n" not in str(refusal.value)


def test_a_note_out_of_range_matters_only_where_it_is_known():
    piece = passage("S C5 D5\nA F4 D6")
    assert (~PartialScore.of(piece, voices=(0,)).known).sum() == 3 * 8
    with pytest.raises(ChoraleError, match="outside the alto's range"):
        PartialScore.of(piece, voices=(0, 1))
