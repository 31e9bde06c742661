"""Plans: chords as numerals and symbols, beats, and the rule that reads a plan from voices."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.theory.harmonic_analysis import is_marker, labels_of, markers, texts
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


@st.composite
def plans(draw: st.DrawFn) -> HarmonicPlan:
    """Any plans of several bars, with second chords and any local keys."""
    found = draw(st.lists(st.none() | chords(), min_size=1, max_size=12))
    beats = beats_of(Chorale.from_notes([[(0, 4 * len(found), 60)]]))
    seconds = tuple(
        SecondChord(beat.start + 2, draw(chords())) if draw(st.booleans()) else None
        for beat in beats
    )
    few = draw(st.lists(keys, min_size=1, max_size=2))
    local = tuple(draw(st.sampled_from(few)) for _ in beats)
    key = draw(st.sampled_from(few) | keys)
    return HarmonicPlan(key, beats, tuple(found), seconds, draw(st.sampled_from([local, ()])))


@given(plans())
def test_a_plan_reads_what_it_prints(plan: HarmonicPlan) -> None:
    assert HarmonicPlan.parse(str(plan), plan.beats, plan.key) == plan
    assert HarmonicPlan.parse(" ".join(plan.numerals()), plan.beats, plan.key) == plan


@given(plans())
def test_the_symbols_of_a_plan_are_read_as_its_chords(plan: HarmonicPlan) -> None:
    read = HarmonicPlan.parse(" ".join(plan.symbols()), plan.beats, plan.key)
    assert (read.chords, read.seconds) == (plan.chords, plan.seconds)
    assert read.local == (plan.key,) * len(plan)


TWELVE = beats_of(Chorale.from_notes([[(0, 48, 60)]]))


def test_numerals_stand_in_their_local_key_which_is_named_where_it_changes() -> None:
    text = "I . V7 I | G: IV V7 e: V65,2:V7 i | C: IV IV V I"
    plan = HarmonicPlan.parse(text, TWELVE, Key(0))
    assert str(plan) == text.replace("IV IV", "IV .")
    assert plan.numerals()[3:9] == ("I", "G: IV", "V7", "e: V65,2:V7", "i", "C: IV")
    assert plan.symbols()[3:9] == ("C", "C", "D7", "B7/D#,2:B7", "Em", "F")
    assert plan.local == (Key(0),) * 4 + (Key(1),) * 2 + (Key(1, "minor"),) * 2 + (Key(0),) * 4
    assert plan.chord_at(24) == PlannedChord(11, "dominant", 1)
    labels = labels_of(plan)
    assert [text for _, text in texts(labels)] == [
        *("C: I", "V7", "I", "G: IV", "V7", "e: V65", "V7", "i", "C: IV", "V", "I")
    ]
    assert [label.step for label in labels] == [0, 8, 12, 16, 20, 24, 26, 28, 32, 40, 44]
    assert [label.chord for label in labels][3:7] == ["C", "D7", "B7/D#", "B7"]


def test_symbols_and_old_plans_are_read_in_the_home_key() -> None:
    plan = HarmonicPlan.parse("C G/B Am7 F | I V6 vi7 IV | - . C7 F", TWELVE, Key(0))
    assert str(plan) == "I V6 vi7 IV | I V6 vi7 IV | - - V7/IV IV"
    assert plan.local == (Key(0),) * 12


@given(plans())
def test_the_labels_of_a_plan_are_markers_at_its_changes(plan: HarmonicPlan) -> None:
    labels = labels_of(plan)
    assert all(is_marker(text) for _, text in markers(labels))
    steps = [label.step for label in labels]
    assert {step for step, _ in plan.changes()} <= set(steps)
    assert steps == sorted(set(steps))
    for label in labels:
        chord = PlannedChord.parse(label.numeral, label.key).rebased(label.key, plan.key)
        planned = plan.chord_at(label.step)
        assert chord == PlannedChord.parse(label.chord, plan.key)
        assert (set(chord.members), chord.bass_class) == (set(planned.members), planned.bass_class)


def test_a_diminished_seventh_is_labelled_as_in_its_key_and_printed_as_it_is() -> None:
    plan = HarmonicPlan.parse(
        "i Ddim7 Fdim7 Bdim7 | Ddim7 Gdim7 . F#dim7 | i . . .", TWELVE, Key(-3, "minor")
    )
    assert [label.numeral for label in labels_of(plan)][1:4] == ["vii°65", "vii°43", "vii°7"]
    assert HarmonicPlan.parse(str(plan), TWELVE, plan.key) == plan


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("I V", "there are 2 chords for 12 beats; write one per beat"),
        ("I V G: " * 4, "there are 8 chords for 12 beats; write one per beat"),
        ("I V I IV G: " + "I " * 8 + "C:", "no chord follows the key C:"),
        ("I V I IV " + "Fb: I " * 8, "bar 2: 'Fb' needs more than 7 sharps or flats"),
        ("I " * 11 + "X", "bar 3: 'X' is not a chord"),
    ],
)
def test_a_plan_that_cannot_be_read_is_refused_with_its_bar(text: str, complaint: str) -> None:
    with pytest.raises(ChoraleError, match=re.escape(complaint)):
        HarmonicPlan.parse(text, TWELVE, Key(0))


def test_the_lists_of_a_plan_are_of_one_length() -> None:
    with pytest.raises(ChoraleError, match="12 beats has 12 chords, 12 second chords and 1 local"):
        HarmonicPlan(Key(0), TWELVE, (None,) * 12, (), (Key(0),))


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
        ("Db/F", "N6"),
        ("bII6", "N6"),
        ("N6", "N6"),
        ("Ab", "bVI"),
        ("H7", "V7/iii"),
    ],
)
def test_chords_are_read_in_c_major(text: str, numeral: str) -> None:
    assert PlannedChord.parse(text, Key(0)).numeral(Key(0)) == numeral


@pytest.mark.parametrize("text", ["X7", "C/D", "C9", "VIII", "", "Cxyz"])
def test_bad_chords_are_refused(text: str) -> None:
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
