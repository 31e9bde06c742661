"""Returns of passages in short sopranos."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.evaluation.returns import Return, likeness, return_share, returns
from tests.support.passages import passage

PHRASE = "C5 D5 E5 F5 G5 F5 E5 D5"
OTHER = "B4 C5 A4 G4 A4 A4 C5 E5"


def tune(*phrases):
    return passage(f"S {' '.join(phrases)}", key="C major")


def test_a_phrase_returns_after_another_one():
    assert returns(tune(PHRASE, OTHER, PHRASE)) == [Return(0, 64, 32, 0)]


def test_a_tune_of_other_phrases_has_no_return():
    assert returns(tune(PHRASE, OTHER)) == []
    assert returns(Chorale.from_notes([[], [(0, 4, 60)]])) == []


def test_a_return_may_be_higher_and_its_last_note_longer():
    higher = "D5 E5 F#5 G5 A5 G5 F#5 E5 --"
    assert returns(tune(PHRASE, OTHER, higher)) == [Return(0, 64, 32, 2)]


def test_a_note_of_another_length_before_the_last_one_is_no_return():
    assert returns(tune(PHRASE, OTHER, PHRASE.replace("E5 F5", "E5 -- F5"))) == []


def test_a_rest_counts_with_the_note_before_it():
    assert returns(tune(PHRASE, OTHER, PHRASE.replace("E5 F5", "E5 .. F5"))) == []


def test_seven_notes_are_too_few_and_eight_are_enough():
    seven = " ".join(PHRASE.split()[:7])
    assert returns(tune(PHRASE, OTHER, seven, "A5")) == []
    assert returns(tune(PHRASE, OTHER, seven, "D5")) != []
    assert returns(tune(PHRASE, OTHER, seven, "A5"), intervals=6) == [Return(0, 64, 28, 0)]


def test_passages_do_not_overlap():
    ten = tune("C5 " * 10)
    assert returns(ten) == []  # ten equal notes are not twice eight
    assert returns(tune("C5 " * 20)) == [Return(0, 32, 32, 0)]


def test_a_phrase_that_comes_three_times_returns_twice_and_goes_on_as_long_as_it_is_alike():
    assert returns(tune(PHRASE, "B4", PHRASE, "A4", PHRASE, "A4 C5")) == [
        Return(0, 36, 32, 0),
        Return(0, 72, 32, 0),
    ]
    assert returns(tune(PHRASE, OTHER, PHRASE, OTHER)) == [Return(0, 64, 64, 0)]


def test_the_share_of_tunes_with_a_return():
    assert return_share([tune(PHRASE, PHRASE), tune(PHRASE)]) == 0.5
    assert return_share([]) == 0.0


def test_likeness_counts_the_steps_on_which_voices_are_as_before():
    soprano = f"S {PHRASE} {PHRASE}"
    alto = f"A {'G4 ' * 8} {'G4 ' * 4} {'A4 ' * 4}"
    bass = f"B {'C3 ' * 8} {'C3 ' * 6} {'.. ' * 2}"
    found = likeness([passage("\n".join((soprano, alto, bass)))])
    assert found.voices == (1.0, 0.5, 1.0, 0.75)
    assert found.all_voices == 0.5


def test_likeness_is_measured_in_the_key_of_the_return():
    higher = passage(
        "S C5 D5 E5 F5 G5 F5 E5 D5 D5 E5 F#5 G5 A5 G5 F#5 E5\n"
        "B C3 -- -- -- -- -- -- -- D3 -- -- -- -- -- -- --"
    )
    assert likeness([higher]).all_voices == 1.0


def test_without_a_return_there_is_no_likeness():
    assert likeness([tune(PHRASE, OTHER)]) is None


@given(st.lists(st.tuples(st.sampled_from([60, 60, 60, 62]), st.just(1)), min_size=2, max_size=40))
def test_a_return_is_alike_and_later(notes):
    pitches, lengths = zip(*notes, strict=True)
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    chorale = Chorale.from_notes([list(zip(starts, lengths, pitches, strict=True))])
    found = returns(chorale, intervals=2)
    for place in found:
        assert place.first + place.steps <= place.again
        assert place.again + place.steps <= len(chorale)
        one, other = (
            [
                (n.step - begin, n.pitch)
                for n in chorale.notes(0)
                if begin <= n.step < begin + place.steps
            ]
            for begin in (place.first, place.again)
        )
        assert [(step, pitch + place.semitones) for step, pitch in one] == other
        assert len(one) > 2
    assert all(a.again + a.steps <= b.again for a, b in pairwise(found))


@pytest.mark.parametrize("semitones", [-3, 5])
def test_transposition_makes_no_difference(semitones):
    chorale = replace(tune(PHRASE, OTHER, PHRASE), key=None)
    assert returns(chorale.transpose(semitones)) == returns(chorale)
