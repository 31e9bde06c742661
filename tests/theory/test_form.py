"""The form of a piece: phrases that return, and the form as letters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import ChoraleError
from musicae.core.meter import Meter
from musicae.corpus import load
from musicae.theory.form import (
    FormPhrase,
    Return,
    letters,
    parse_letters,
    phrases_of,
    returns_of,
)
from tests.support.passages import passage
from tests.support.strategies import chorales

ALL = (0, 1, 2, 3)
A = {"S": "C5 D5 E5 F5 G5 -- E5^ --", "A": "G4 G4 G4 A4 B4 -- C5 --",
     "T": "E4 D4 C4 C4 D4 -- E4 --", "B": "C3 B2 C3 F3 G3 -- C3 --"}  # fmt: skip
B = {"S": "A5 G5 F5 E5 D5 -- C5^ --", "A": "C5 C5 B4 C5 B4 -- G4 --",
     "T": "F4 E4 D4 C4 D4 -- E4 --", "B": "F3 C3 D3 A3 G3 -- C3 --"}  # fmt: skip
STEPS = 32
"""The length of a phrase."""


def piece(*phrases, **facts):
    """Phrases of two bars, one after the other."""
    rows = [" ".join([voice, *(phrase[voice] for phrase in phrases)]) for voice in "SATB"]
    return passage("\n".join(rows), **facts)


def form(chorale):
    return letters(phrases_of(chorale.fermatas, returns_of(chorale, chorale.fermatas)))


def false_of(chorale, passage_again):
    """Differences between a return and what it should repeat, in words."""
    start, stop, source, voices = passage_again
    lines = []
    if not 0 <= source < source + stop - start <= start < stop <= len(chorale):
        lines.append(f"{passage_again} is not in the piece, after its source")
    for voice in range(4):
        same = all(
            np.array_equal(field[start:stop, voice], field[source : source + stop - start, voice])
            for field in (chorale.pitch, chorale.onset)
        )
        if same != (voice in voices):
            lines.append(f"{passage_again}: voice {voice} is {'' if same else 'not '}the same")
    return lines


# Returns


def test_the_second_stollen_of_a_bar_form_is_the_first():
    chorale = piece(A, A, B)
    assert returns_of(chorale, chorale.fermatas) == (Return(32, 64, 0, ALL),)
    assert form(chorale) == "AAB"


def test_a_stollen_of_two_phrases_returns_phrase_by_phrase():
    chorale = piece(A, B, A, B)
    expected = (Return(64, 96, 0, ALL), Return(96, 128, 32, ALL))
    assert returns_of(chorale, chorale.fermatas) == expected
    assert form(chorale) == "ABAB"


def test_a_phrase_with_another_cadence_returns_until_it():
    chorale = piece(A, B, A | {"S": "C5 D5 E5 F5 D5 -- C5^ --"})
    assert returns_of(chorale, chorale.fermatas) == (Return(64, 80, 0, ALL),)
    assert form(chorale) == "ABA'"


def test_a_phrase_with_other_voices_returns_in_those_that_are_the_same():
    other = {"A": "E4 F4 G4 A4 D5 -- G4 --", "T": "G4 B3 C4 C4 B3 -- C4 --"}
    chorale = piece(A, B, A | other)
    assert returns_of(chorale, chorale.fermatas) == (Return(64, 96, 0, (0, 3)),)
    assert form(chorale) == "ABA'"


def test_a_phrase_whose_lower_voices_differ_at_the_cadence_returns_in_parts():
    chorale = piece(A, B, A | {"T": "E4 D4 C4 C4 D4 -- C4 --", "B": "C3 B2 C3 F3 G3 -- A2 --"})
    assert returns_of(chorale, chorale.fermatas) == (
        Return(64, 88, 0, ALL),
        Return(88, 96, 24, (0, 1)),
    )
    assert form(chorale) == "ABA'"


def test_no_part_begins_inside_a_note_of_the_soprano():
    chorale = piece(A, B, A | {"T": "E4 D4 C4 C4 D4 -- E4 F4"})
    assert returns_of(chorale, chorale.fermatas) == (
        Return(64, 88, 0, ALL),
        Return(88, 96, 24, (0, 1, 3)),
    )


def test_the_source_is_the_phrase_that_agrees_in_most_voices():
    varied = A | {"A": "E4 F4 G4 A4 D5 -- G4 --"}
    chorale = piece(A, varied, B, varied, A)
    assert [passage[2:] for passage in returns_of(chorale, chorale.fermatas)] == [
        (0, (0, 2, 3)),
        (32, ALL),
        (0, ALL),
    ]
    assert form(chorale) == "AA'BAA"


def test_an_upbeat_belongs_to_its_phrase():
    again = passage("S E5 C5 D5 E5 F5 G5 F5 E5^ E5 C5 D5 E5 F5 G5 F5 E5^ --\nB C3 " + "C3 " * 16)
    chorale = Chorale(again.pitch, again.onset, pickup=4, fermatas=again.fermatas)
    assert returns_of(chorale, chorale.fermatas) == (Return(32, 64, 0, (0, 1, 2, 3)),)


def test_another_upbeat_does_not_hide_a_return():
    plain = passage("S C5 D5 E5 F5 G5 -- E5^ D5 C5 D5 E5 F5 G5 -- E5^ --\nB " + "C3 " * 16)
    assert returns_of(plain, plain.fermatas) == (Return(32, 60, 0, ALL),)
    assert form(plain) == "AA"


@pytest.mark.parametrize(
    "other",
    [
        {"S": "D5 E5 F5 G5 A5 -- F5^ --"},  # transposed
        {"S": "C5 D5 E5 G5 F5 -- D5^ --"},  # less than half
        {"S": "C5 -- -- -- -- -- E5^ --"},
    ],
)
def test_another_melody_is_no_return(other):
    chorale = piece(A, A | other)
    assert returns_of(chorale, chorale.fermatas) == ()
    assert form(chorale) == "AB"


def test_another_place_in_the_bar_is_no_return():
    again = piece(A, A)
    shifted = Chorale.from_notes(
        [
            [(n.step + 4 * (n.step >= STEPS), n.duration, n.pitch) for n in again.notes(voice)]
            for voice in range(4)
        ]
    )
    assert returns_of(shifted, (24, 60)) == ()
    waltz = (Meter(0, 4, 4), Meter(STEPS, 3, 4))
    assert returns_of(Chorale(again.pitch, again.onset, meters=waltz), (24, 56)) == ()


def test_a_note_that_is_longer_the_second_time_is_no_part_of_the_return():
    shorter = piece(A, A | {"S": "C5 D5 E5 F5 G5 E5 C5^ --"})
    assert returns_of(shorter, shorter.fermatas) == (Return(32, 48, 0, ALL),)
    longer = piece(A, A | {"S": "C5 D5 E5 F5 -- -- E5^ --"})
    assert returns_of(longer, longer.fermatas) == ()


def test_without_phrases_there_are_no_returns():
    assert returns_of(piece(A, A), ()) == ()
    assert letters(phrases_of((), ())) == ""


def test_notes_after_the_last_end_are_no_phrase():
    chorale = piece(A, B, A)
    assert returns_of(chorale, chorale.fermatas[:2]) == ()


@settings(max_examples=60)
@given(chorales(), st.data())
def test_every_return_holds_literally(chorale, data):
    ends = sorted(data.draw(st.sets(st.integers(0, len(chorale) - 1), max_size=5)))
    twice = Chorale(
        np.vstack([chorale.pitch] * 2),
        np.vstack([chorale.onset | _first(chorale), chorale.onset | _first(chorale)]),
    )
    ends += [len(chorale) + end for end in ends]
    found = returns_of(twice, ends)
    assert [line for each in found for line in false_of(twice, each)] == []
    assert [each.start for each in found] == sorted({each.start for each in found})
    assert all(twice.onset[each.start, 0] or twice.pitch[each.start, 0] == REST for each in found)
    text = letters(phrases_of(ends, found))
    assert letters(parse_letters(text)) == text if ends else text == ""


def _first(chorale):
    """``(T, V)`` True at step 0, for the voices that sound there."""
    mask = np.zeros(chorale.onset.shape, dtype=np.bool_)
    mask[0] = chorale.pitch[0] != REST
    return mask


@settings(max_examples=30)
@given(chorales())
def test_two_copies_of_a_phrase_are_found(chorale):
    notes = chorale.notes(0)
    bars = -(-len(chorale) // 16)
    copies = [
        [(n.step + copy * 16 * bars, n.duration, n.pitch) for copy in (0, 1) for n in
         chorale.notes(voice)]
        for voice in range(4)
    ]  # fmt: skip
    twice = Chorale.from_notes(copies or [[]], steps=32 * bars)
    found = returns_of(
        twice, [notes[-1].step + 16 * bars * copy for copy in (0, 1)] if notes else []
    )
    if len(notes) >= 3:
        assert [each[1:] for each in found] == [
            (16 * bars + notes[-1].step + notes[-1].duration, notes[0].step, ALL)
        ]
    else:
        assert found == ()


def test_bach_repeats_some_of_his_phrases():
    pieces = [chorale for chorale in load.load().side("train") if chorale.fermatas]
    found = [returns_of(chorale, chorale.fermatas) for chorale in pieces]
    lies = [
        line
        for chorale, each in zip(pieces, found, strict=True)
        for passage_again in each
        for line in false_of(chorale, passage_again)
    ]
    assert lies == []
    assert 0.4 < np.mean([bool(each) for each in found]) < 0.5


# Letters


@pytest.mark.parametrize(
    ("text", "sources", "varied"),
    [
        ("AABA", [None, 0, None, 0], []),
        ("AA'BA", [None, 0, None, 0], [1]),
        ("aba\u2019", [None, None, 0], [2]),
        ("A B A''-B", [None, None, 0, 1], [2]),
        ("VRVR", [None, None, 0, 1], []),
        ("AA2A2", [None, None, 1], []),
    ],
)
def test_letters_say_which_phrase_returns(text, sources, varied):
    expected = [FormPhrase(source, i in varied) for i, source in enumerate(sources)]
    assert list(parse_letters(text)) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is not a form; write one letter per phrase, such as AABA"),
        ("12", "'12' is not a form; write one letter per phrase, such as AABA"),
        ("A+B", "is not a form"),
        ("'A", "is not a form"),
        ("A'BA", "\"A'BA\": A' comes before any A"),
        ("AB" * 17, "a form has up to 32 phrases, not 34"),
    ],
)
def test_bad_forms_are_refused(text, complaint):
    with pytest.raises(ChoraleError) as refusal:
        parse_letters(text)
    assert complaint in str(refusal.value)


def form_of_numbers(drawn):
    """For each phrase, the number of an earlier phrase that returns, or one that is too high."""
    phrases = []
    for number, varied in drawn:
        if number < len(phrases):
            source = phrases[number].source
            phrases.append(FormPhrase(number if source is None else source, varied))
        else:
            phrases.append(FormPhrase(None, False))
    return tuple(phrases)


FORMS = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=32).map(
    form_of_numbers
)


@given(FORMS)
def test_letters_are_read_as_they_were_written(phrases):
    assert parse_letters(letters(phrases)) == phrases


def test_after_z_come_numbered_letters():
    assert letters([FormPhrase(None, False)] * 28 + [FormPhrase(26, True)])[24:] == "YZA2B2A2'"
