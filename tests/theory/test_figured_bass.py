"""Figured bass: the notes that figures ask for, how they are written, and a chorale's figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.pitch import place_of, spelled_class
from musicae.theory.figured_bass import Figure, Figures, figures_above, figures_of
from musicae.theory.spelling import spell

C, D, E_FLAT, F_SHARP, G, B = (
    place_of("C"), place_of("D"), place_of("E", -1), place_of("F", 1), place_of("G"), place_of("B")
)  # fmt: skip

figures = st.dictionaries(
    st.integers(2, 9), st.sampled_from(["", "#", "b", "n", "+"]), max_size=4
).map(Figures.of)


@pytest.mark.parametrize(
    ("text", "bass", "fifths", "names"),
    [
        ("0", C, 0, "E G"),
        ("6", B, 0, "G D"),
        ("65", B, 0, "G F D"),
        ("6/5", B, 0, "G F D"),
        ("43", D, 0, "G F B"),
        ("2", C, 0, "D A F"),
        ("4+/2", C, 0, "F# D A"),
        ("7", G, 0, "F B D"),
        ("9", C, 0, "D E G"),
        ("4", G, 0, "C D"),
        ("#", D, 0, "F# A"),
        ("#", G, -2, "B D"),  # a sharp makes B flat natural
        ("b", F_SHARP, 2, "Ab C#"),
        ("n", C, -3, "E G"),
        ("b7", C, 0, "Bb E G"),
        ("#6", E_FLAT, -3, "C# G"),
        ("6+", F_SHARP, 2, "D# A"),
        ("6#", F_SHARP, 1, "D A#"),  # the sharp belongs to the third
        ("7/5/#", D, 1, "C A F#"),
    ],
)
def test_figures_ask_for_notes(text: str, bass: int, fifths: int, names: str) -> None:
    places = Figures.parse(text).places(bass, fifths)
    assert [spelled_class(place) for place in places] == names.split()


@given(figures)
def test_figures_read_back_as_they_are_written(some: Figures) -> None:
    assert Figures.parse(str(some)) == some


@given(figures, st.integers(-6, 8), st.integers(-4, 4))
def test_figures_written_for_the_notes_of_figures_mean_at_least_these_notes(
    some: Figures, bass: int, fifths: int
) -> None:
    asked = set(some.places(bass, fifths))
    again = figures_above(bass, asked, fifths)
    letters = {(4 * place) % 7 for place in asked}
    if len(letters) == len(asked) and (4 * bass) % 7 not in letters:  # no letter twice
        assert asked <= set(again.places(bass, fifths))


@pytest.mark.parametrize("text", ["", "x", "1", "10", "66", "6//4", "-", "6 5", "6/6"])
def test_bad_figures_are_named(text: str) -> None:
    with pytest.raises(ChoraleError, match="is no figure"):
        Figures.parse(text)


def test_a_chorale_needs_the_figures_of_its_chords() -> None:
    """I, V6, V65 and I in G, then a suspended fourth that resolves over a held bass."""
    chorale = Chorale.from_notes(
        [
            [(0, 4, 67), (4, 4, 69), (8, 4, 72), (12, 4, 71), (16, 8, 69)],
            [(0, 4, 62), (4, 4, 62), (8, 4, 69), (12, 4, 67), (16, 4, 67), (20, 4, 66)],
            [(0, 4, 59), (4, 4, 62), (8, 4, 62), (12, 4, 62), (16, 8, 62)],
            [(0, 4, 55), (4, 4, 54), (8, 4, 54), (12, 4, 55), (16, 8, 50)],
        ],
        key=Key(1),
    )
    found = figures_of(chorale, spell(chorale), 1)
    assert [(step, str(one)) for step, one in found] == [
        (0, "0"), (4, "6"), (8, "6/5"), (12, "0"), (16, "4"), (20, "0")
    ]  # fmt: skip


def test_a_raised_third_is_a_sign_alone() -> None:
    assert str(Figure(3, "#")) == "#"
    assert str(figures_above(D, [F_SHARP, place_of("A"), C], 0)) == "7/#"
