"""Plans: chords as numerals and symbols, beats, and the rule that reads a plan off voices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.theory.harmonic_plan import (
    HarmonicPlan,
    PlannedChord,
    SecondChord,
    beats_of,
)
from musicae.theory.numerals import QUALITIES
from musicae.theory.plan_reading import plan_of

keys = st.builds(Key, st.integers(-7, 7), st.sampled_from(("major", "minor")))


@st.composite
def chords(draw: st.DrawFn) -> PlannedChord:
    quality = draw(st.sampled_from(list(QUALITIES)))
    bass = draw(st.integers(0, len(QUALITIES[quality].members) - 1))
    return PlannedChord(draw(st.integers(0, 11)), quality, bass)


@given(chords(), keys)
def test_numerals_and_symbols_name_one_chord(chord: PlannedChord, key: Key) -> None:
    assert PlannedChord.parse(chord.numeral(key), key) == chord
    assert PlannedChord.parse(chord.symbol(key), key) == chord


@given(st.lists(st.none() | chords(), min_size=1, max_size=12), keys, st.data())
def test_a_plan_reads_what_it_prints(
    found: list[PlannedChord | None], key: Key, data: st.DataObject
) -> None:
    beats = beats_of(Chorale.from_notes([[(0, 4 * len(found), 60)]]))
    seconds = tuple(
        SecondChord(beat.start + 2, data.draw(chords())) if data.draw(st.booleans()) else None
        for beat in beats
    )
    plan = HarmonicPlan(key, beats, tuple(found), seconds)
    assert HarmonicPlan.parse(str(plan), beats, key) == plan


@pytest.mark.parametrize(
    ("text", "numeral"),
    [
        ("V7", "V7"),
        ("D7/F#", "V65/V"),
        ("viio7/V", "vii°7/V"),
        ("F#ø7", "viiø7/V"),
        ("Bb", "bVII"),
        ("Am7/G", "vi42"),
        ("G+", "V+"),
    ],
)
def test_chords_are_read_in_c_major(text: str, numeral: str) -> None:
    assert PlannedChord.parse(text, Key(0)).numeral(Key(0)) == numeral


@pytest.mark.parametrize("text", ["H7", "C/D", "VIII", "", "Cxyz"])
def test_what_is_no_chord_is_refused(text: str) -> None:
    with pytest.raises(ChoraleError):
        PlannedChord.parse(text, Key(0))


def test_beats_of_a_pickup_are_the_last_of_a_bar() -> None:
    tune = Chorale.from_notes([[(0, 16, 67)]], meters=(Meter(0, 3, 4),), pickup=4)
    assert [beat.in_bar for beat in beats_of(tune)] == [2, 0, 1, 2]


def read(soprano: list, alto: list, tenor: list, bass: list, key: Key = Key(0)) -> str:  # noqa: B008
    return str(plan_of(Chorale.from_notes([soprano, alto, tenor, bass]), key))


def test_a_suspension_that_resolves_in_the_beat_belongs_to_its_resolution() -> None:
    assert read([(0, 6, 72), (6, 2, 71)], [(0, 8, 67)], [(0, 4, 65), (4, 4, 62)],
                [(0, 4, 57), (4, 4, 55)]).split()[1] == "V"  # fmt: skip


def test_a_passing_note_makes_no_chord() -> None:
    assert read([(0, 4, 72)], [(0, 4, 67)], [(0, 2, 64), (2, 2, 62)], [(0, 4, 48)]) == "I"


def test_an_inversion_is_read_from_the_lowest_voice() -> None:
    assert read([(0, 4, 72)], [(0, 4, 67)], [(0, 4, 60)], [(0, 4, 52)]) == "I6"


def test_an_open_fifth_is_the_triad_of_the_key() -> None:
    assert read([(0, 4, 69)], [(0, 4, 64)], [(0, 4, 57)], [(0, 4, 45)], Key(0, "minor")) == "i"


def test_a_clear_change_inside_a_beat_is_a_second_chord() -> None:
    found = read(
        [(0, 2, 72), (2, 2, 71)], [(0, 2, 67), (2, 2, 67)],
        [(0, 2, 64), (2, 2, 62)], [(0, 2, 48), (2, 2, 43)],
    )  # fmt: skip
    assert found == "I,2:V"


def test_silence_has_no_chord() -> None:
    assert str(plan_of(Chorale.from_notes([[(4, 4, 60)]]), Key(0))) == "- I"
