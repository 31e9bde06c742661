"""Chords in bars on the steps of a melody; bad texts are refused with the bar."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.core.meter import Meter
from musicae.io.chord_text import PlacedChord, chord_text, in_order, placed_chords
from tests.support.strategies import chorales


def bars(count: int, meter: tuple[int, int] = (4, 4), pickup: int = 0) -> Chorale:
    """A whole note in each bar, or a note of the bar's length in other meters."""
    length = Meter(0, *meter).steps_per_bar
    notes = [(0, pickup, 67)] if pickup else []
    notes += [(pickup + length * i, length, 67) for i in range(count)]
    return Chorale.from_notes([notes], meters=(Meter(0, *meter),), pickup=pickup)


def read(text: str, chorale: Chorale) -> str:
    return " ".join(f"{c.start}+{c.length}:{c.text}" for c in placed_chords(text, chorale))


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("G | C D7", "0+16:G 16+8:C 24+8:D7"),
        ("| G | C D7 |", "0+16:G 16+8:C 24+8:D7"),
        ("G\nC D7", "0+16:G 16+8:C 24+8:D7"),
        ("# a comment\nG |\n| C D7 |]", "0+16:G 16+8:C 24+8:D7"),
        ("G:3 D:1 | G:1 D", "0+12:G 12+4:D 16+4:G 20+12:D"),
        ("G C D", "0+8:G 8+4:C 12+4:D"),
        ("G C D G Em", "0+4:G 4+4:C 8+4:D 12+2:G 14+2:Em"),
        ("G:0.25 C", "0+1:G 1+15:C"),
        ("G % . D | % D", "0+12:G 12+12:D 24+8:D"),
        ("C D | %", "0+8:C 8+8:D 16+8:C 24+8:D"),
        ("? | n.c. G", "0+16:? 16+8:N.C. 24+8:G"),
        ("2: D7 G", "16+8:D7 24+8:G"),
        ("2: D7 | 1: G", "16+16:D7 0+16:G"),
        ("V65/V V7 | I", "0+8:V65/V 8+8:V7 16+16:I"),
    ],
)
def test_chords_in_two_bars_of_four_quarters(text: str, placed: str) -> None:
    assert read(text, bars(2)) == placed


@pytest.mark.parametrize(
    ("text", "meter", "placed"),
    [
        ("G D", (3, 4), "0+8:G 8+4:D"),
        ("G D", (6, 8), "0+6:G 6+6:D"),
        ("G D C", (6, 8), "0+4:G 4+4:D 8+4:C"),
        ("G:1.5 D:0.5", (6, 8), "0+9:G 9+3:D"),
        ("G D", (2, 2), "0+8:G 8+8:D"),
        ("G D C", (5, 4), "0+8:G 8+8:D 16+4:C"),
    ],
)
def test_chords_share_the_beats_of_other_meters(
    text: str, meter: tuple[int, int], placed: str
) -> None:
    assert read(text, bars(1, meter)) == placed


def test_a_text_begins_with_the_first_whole_bar() -> None:
    music = bars(2, pickup=4)
    assert read("G | D", music) == "4+16:G 20+16:D"
    assert read("0: D7 | G", music) == "0+4:D7 4+16:G"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("G | C | D A", "chords of bar 3 ('D A'): the melody has bars 1 to 2"),
        ("7: G", "chords of bar 7 ('G'): the melody has bars 1 to 2"),
        ("0: G", "chords of bar 0 ('G'): the melody has bars 1 to 2"),
        ("2: G | 2: C", "chords of bar 2 ('C'): the bar has chords already; write it once"),
        ("G | C:3 D:2", "chords of bar 2 ('C:3 D:2'): they last 5 beats, but the bar has 4"),
        ("G:3", "chords of bar 1 ('G:3'): they last 3 beats, but the bar has 4"),
        ("G:0.1 C", "chords of bar 1 ('G:0.1 C'): G:0.1 does not last whole sixteenths"),
        ("G | | C", "chords of bar 2: the bar is empty; write ? to leave it free"),
        ("% | G", "chords of bar 1: % repeats the bar before it, but this is the first bar"),
        (
            ". G",
            "chords of bar 1 ('. G'): . holds the chord before it, but no chord comes before it",
        ),
        ("|: G :|", "'|: G :|' has a repeat sign"),
        ("C " * 17, "the bar has no time for all of them"),
        ("", "there are no chords"),
        ("# only a comment", "there are no chords"),
    ],
)
def test_what_cannot_be_placed_is_refused_with_its_bar(text: str, complaint: str) -> None:
    with pytest.raises(ChoraleError, match=re.escape(complaint)):
        placed_chords(text, bars(2))


def test_more_chords_than_bars_after_a_pickup_say_how_it_is_written() -> None:
    with pytest.raises(ChoraleError, match="the pickup is bar 0: write 0: before its chords"):
        placed_chords("D | G | D", bars(2, pickup=4))


@given(chorale=chorales(), data=st.data())
def test_a_text_of_chords_is_read_back(chorale: Chorale, data: st.DataObject) -> None:
    steps = data.draw(st.sets(st.integers(0, len(chorale) - 1), max_size=8))
    names = ("G", "D7/F#", "N.C.", "?", "Esus4")
    marks = [(step, data.draw(st.sampled_from(names))) for step in {0, *steps}]
    chords = in_order(marks, len(chorale))
    at_bars = [
        PlacedChord(max(c.start, m.start), 0, c.text)
        for m in chorale.measures
        for c in chords
        if c.start < m.start + m.length and c.stop > m.start
    ]
    found = placed_chords(chord_text(chords, chorale), chorale)
    assert [(c.start, c.text) for c in found] == [(c.start, c.text) for c in at_bars]
