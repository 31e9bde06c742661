"""Which members of a chord four voices sing: the fifth is left out first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.errors import ChoraleError
from musicae.theory.chord_symbols import read_symbol
from musicae.theory.given_chords import GivenChord, fitted

C, D, E, F, G, A, BB = 0, 2, 4, 5, 7, 9, 10


@pytest.mark.parametrize(
    ("symbol", "sung", "upper", "left_out"),
    [
        ("C", {G}, 2, []),
        ("C7", {G}, 2, []),
        ("C7", {C}, 2, [5]),
        ("C9", {E}, 2, [5]),
        ("C9/E", {G}, 2, [1]),
        ("C9/E", {C}, 2, [5]),
        ("C9/E", {A}, 2, [5, 1]),
        ("Cm11", {C}, 2, [5, 9, 11]),
        ("C13", {A}, 2, [5, 9]),
        ("C13", {C}, 2, [5, 9, 13]),
        ("C7(9,#11)", {C}, 2, [5, 11, 9]),
        ("C/D", {E}, 2, []),
        ("C7/D", {E}, 2, [5]),
        ("Cdim7", {D}, 2, [5]),
    ],
)
def test_the_order_in_which_members_are_left_out(
    symbol: str, sung: set[int], upper: int, left_out: list[int]
) -> None:
    chord = read_symbol(symbol)
    needed, lost = fitted(chord, sung, upper, chord.bass)
    assert [member.degree for member in lost] == left_out
    assert chord.bass in needed


@given(
    symbol=st.sampled_from(["C", "Dm7", "G9", "F/G", "Am11/E", "Eb13", "Bdim7", "C7(b9,#11)"]),
    sung=st.sets(st.integers(0, 11), max_size=3),
    upper=st.integers(0, 3),
    has_bass=st.booleans(),
)
def test_the_needed_members_fit_the_voices(
    symbol: str, sung: set[int], upper: int, has_bass: bool
) -> None:
    chord = read_symbol(symbol)
    bass = chord.bass if has_bass else None
    needed, lost = fitted(chord, sung, upper, bass)
    left = {(chord.root + member.above) % 12 for member in lost}
    assert {*needed} | left == {*chord.classes} | ({bass} if has_bass else set())
    assert not {*needed} & left
    assert len({*needed} - sung - {bass}) <= upper
    assert not left & (sung | {bass})
    if lost:  # no voice is idle
        assert len({*needed} - sung - {bass}) == upper


def test_a_chord_needs_nothing_that_no_voice_may_sing() -> None:
    with pytest.raises(ChoraleError, match="Csus4: no voice may sing"):
        GivenChord(0, 4, (C, F, G), (C, E), bass=C, name="Csus4")
