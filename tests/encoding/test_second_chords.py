"""The places inside beats where second chords can begin, and the chords that known notes allow."""

import numpy as np
import pytest

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.encoding.second_chords import second_states
from musicae.theory.harmonic_plan import PlannedChord, beats_of
from musicae.theory.plan_reading import plan_of

CHORDS = (PlannedChord(0), PlannedChord(7), PlannedChord(7, "dominant"), PlannedChord(5), None)


def possible(notes, first, key=Key(0), **facts):  # noqa: B008 - a frozen value
    tune = Chorale.from_notes([notes], **facts)
    return second_states(tune, key, beats_of(tune), CHORDS, np.array(first)).tolist()


def test_what_sounds_from_the_middle_of_a_beat_is_a_member():
    (row,) = possible([(0, 2, 67), (2, 2, 65)], [0])
    assert row == [True, False, False, True, True, True]


def test_a_second_chord_has_another_root():
    (row,) = possible([(0, 4, 67)], [1])
    assert row == [True, True, False, False, False, True]


def test_every_other_root_is_possible_if_the_melody_rests():
    rows = possible([(0, 4, 67), (8, 4, 67)], [0, 0, 0])
    assert rows[1] == [True, False, True, True, True, True]


@pytest.mark.parametrize(("meter", "beat"), [(Meter(0, 3, 16), 3), (Meter(0, 5, 16), 4)])
def test_a_beat_that_cannot_be_halved_has_one_chord(meter, beat):
    notes = [(0, meter.steps_per_bar, 67)]
    tune = Chorale.from_notes([notes], meters=(meter,))
    lengths = [one.length for one in beats_of(tune)]
    rows = possible(notes, [0] * len(lengths), meters=(meter,))
    for length, row in zip(lengths, rows, strict=True):
        assert any(row[1:]) == (length in (4, 6, 8, 12))
    assert beat in lengths


def test_the_second_chords_that_are_read_off_voices_are_possible():
    voices = [(0, 2, 72), (2, 2, 71)], [(0, 2, 67), (2, 2, 67)], [(0, 2, 64), (2, 2, 62)]
    amen = Chorale.from_notes([*voices, [(0, 2, 48), (2, 2, 55)]])
    (second,) = plan_of(amen, Key(0)).seconds
    assert (second.step, second.chord) == (2, PlannedChord(7))
    (row,) = possible([(0, 2, 72), (2, 2, 71)], [0])
    assert row[1 + CHORDS.index(second.chord)]
