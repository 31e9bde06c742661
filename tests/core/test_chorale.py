"""Chorale: what it refuses, how it counts bars, and what transposing and slicing keep."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.chorale import Chorale, Note, nearest_transposition, transpositions
from musicae.core.constants import N_VOICES, REST
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter, Tempo
from tests.support.strategies import chorales, differences

AMEN = Chorale.from_notes(
    [
        [(0, 8, 67), (8, 8, 67)],
        [(0, 8, 64), (8, 8, 64)],
        [(0, 8, 60), (8, 4, 62), (12, 4, 60)],
        [(0, 8, 53), (8, 8, 48)],
    ],
    key=Key(0, "major"),
    fermatas=(8,),
    tempos=(Tempo(0, 72),),
    title="Amen",
)


def test_repeated_notes_and_held_notes_stay_apart():
    assert AMEN.notes(0) == [Note(0, 8, 67), Note(8, 8, 67)]
    held = Chorale.from_notes([[(0, 16, 67)], *([n] for n in [(0, 16, 64)])])
    assert held.notes(0) == [Note(0, 16, 67)]
    assert np.array_equal(held.pitch[:, 0], AMEN.pitch[:, 0])
    assert held != AMEN


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        AMEN.pitch[0, 0] = 60


def test_equal_chorales_hash_alike():
    again = Chorale.from_notes(
        [AMEN.notes(v) for v in range(4)],
        key=Key(0),
        fermatas=[8],
        tempos=[Tempo(0, 72.001)],
        title="Amen",
    )
    assert again == AMEN
    assert len({again, AMEN}) == 1
    assert again.transpose(2) != AMEN


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"pitch": [[67, 64, 60]]}, r"\(T, 4\)"),
        ({"pitch": [[130, 64, 60, 48]]}, "Soprano, step 0: a pitch is 0 to 127"),
        ({"pitch": [[REST, 64, 60, 48]]}, "Soprano, step 0: a note begins while the voice rests"),
        ({"onset": [[1, 1, 0, 1]]}, "Tenor, step 0: a pitch sounds without an onset"),
        ({"pitch": [[67.5, 64, 60, 48]]}, "float64 does not hold int16"),
        ({"meters": ()}, "first meter begins at step 0"),
        ({"meters": (Meter(0, 4, 4), Meter(9, 3, 4))}, "meters lie outside"),
        ({"pickup": 16}, "does not fit before a bar of 4/4"),
        ({"fermatas": (3,)}, "fermatas lie outside"),
        ({"title": "two\nlines"}, "not one line"),
    ],
)
def test_contradictory_fields_are_refused(change, complaint):
    fields = {"pitch": [[67, 64, 60, 48]], "onset": [[1, 1, 1, 1]]}
    with pytest.raises(ChoraleError, match=complaint):
        Chorale(**(fields | change))


def test_a_fermata_stands_on_a_soprano_note():
    with pytest.raises(ChoraleError, match="no soprano note begins under the fermata at step 4"):
        Chorale.from_notes([[(0, 16, 67)]], fermatas=(4,))


def test_bars_are_counted_as_musicians_do():
    tune = Chorale.from_notes([[(0, 4, 60), (4, 16, 64), (20, 12, 62)]], pickup=4)
    assert [m.start for m in tune.measures] == [0, 4, 20]
    assert tune.bar_count == 2
    assert tune.position(0) == (0, 4.0)
    assert tune.position(4) == (1, 1.0)
    assert tune.position(30) == (2, 3.5)


def test_compound_beats_are_dotted():
    jig = Chorale.from_notes([[(0, 12, 60)]], meters=(Meter(0, 6, 8),))
    assert jig.position(6) == (1, 2.0)


def test_equal_bar_lines_are_equal_chorales():
    tune = [[(0, 36, 60)]]
    as_pickup = Chorale.from_notes(tune, pickup=4)
    as_short_meter = Chorale.from_notes(tune, meters=(Meter(0, 1, 4), Meter(4, 4, 4)))
    restated = Chorale.from_notes(tune, meters=(Meter(0, 4, 4), Meter(20, 4, 4)), pickup=4)
    assert as_pickup == as_short_meter == restated


def test_a_split_bar_is_one_bar():
    split = (Meter(0, 4, 4), Meter(28, 4, 4), Meter(32, 4, 4))
    chorale = Chorale.from_notes([[(0, 48, 60)]], meters=split)
    assert chorale.meters == (Meter(0, 4, 4),)
    assert [m.length for m in chorale.measures] == [16, 16, 16]


def test_a_bar_can_be_cut_short():
    chorale = Chorale.from_notes([[(0, 48, 60)]], meters=(Meter(0, 4, 4), Meter(28, 4, 4)))
    assert [m.length for m in chorale.measures] == [16, 12, 16, 4]


def test_slicing_by_bars_begins_held_notes_again():
    tune = Chorale.from_notes(
        [[(0, 4, 60), (4, 24, 64), (28, 8, 62)]], pickup=4, fermatas=(4,), tempos=(Tempo(0, 80),)
    )
    second = tune.bars(2, 2)
    assert second.notes(0) == [Note(0, 8, 64), Note(8, 8, 62)]
    assert second.fermatas == (0,)
    assert second.tempos == (Tempo(0, 80),)
    assert second.pickup == 0
    assert tune.bars(0, 2) == tune
    with pytest.raises(ChoraleError, match="2 bars and a pickup"):
        tune.bars(1, 3)


@given(chorales())
def test_all_bars_are_the_whole_piece(chorale):
    first = 0 if chorale.pickup else 1
    whole = chorale.bars(first, first + len(chorale.measures) - 1)
    assert not differences(chorale, whole)


@given(chorales(), st.integers(-12, 12))
def test_transposing_there_and_back_keeps_the_music(chorale, semitones):
    there = chorale.transpose(semitones)
    assert np.array_equal(there.onset, chorale.onset)
    assert np.array_equal(there.transpose(-semitones).pitch, chorale.pitch)
    if chorale.key:
        assert there.key.tonic == (chorale.key.tonic + semitones) % 12


def test_transposing_out_of_midi_is_refused():
    with pytest.raises(ChoraleError, match="leave MIDI's range"):
        AMEN.transpose(-60)


def test_a_measure_has_its_meter_from_its_first_step():
    piece = Chorale.from_notes([[(0, 40, 60)]], meters=(Meter(0, 4, 4), Meter(16, 6, 8)))
    assert [measure.meter for measure in piece.measures] == [
        Meter(0, 4, 4),
        Meter(16, 6, 8),
        Meter(28, 6, 8),
    ]


@given(chorales())
def test_each_step_is_in_the_measure_of_its_index(chorale):
    for step in range(len(chorale)):
        measure = chorale.measures[chorale.measure_index(step)]
        assert measure.start <= step < measure.start + measure.length


@given(chorales())
def test_note_starts_are_where_the_sounding_notes_began(chorale):
    starts = chorale.note_starts
    for voice in range(N_VOICES):
        for note in chorale.notes(voice):
            assert (starts[note.step : note.step + note.duration, voice] == note.step).all()


def test_the_nearest_transposition_moves_least():
    assert nearest_transposition(AMEN) == 0
    assert nearest_transposition(AMEN.transpose(-24)) == min(
        transpositions(AMEN.transpose(-24)), key=abs
    )
    with pytest.raises(ChoraleError, match="every key"):
        nearest_transposition(Chorale.from_notes([[(0, 4, 10), (4, 4, 120)]]))


def test_repr_reads_well():
    assert repr(AMEN) == "Chorale('Amen', C major, 4/4, 1 bar, 16 steps, SATB)"
    assert repr(Chorale.from_notes([[(0, 20, 60)]], pickup=4)) == (
        "Chorale(4/4, 1 bar, pickup of 4, 20 steps, S)"
    )


def test_show_draws_a_piano_roll():
    out = io.StringIO()
    Chorale.from_notes([[(0, 2, 62), (2, 2, 62)], [(0, 4, 60)]], meters=(Meter(0, 1, 4),)).show(
        80, file=out
    )
    assert out.getvalue().splitlines()[2:] == [
        "     |1",
        "D4   |S=S=",
        "C#4  |",
        "C4   |A===",
    ]


def test_show_breaks_long_pieces_into_systems():
    out = io.StringIO()
    Chorale.from_notes([[(0, 64, 62)]]).show(40, file=out)
    headers = [line for line in out.getvalue().splitlines() if line.startswith("     |")]
    assert [h.split("|")[1].strip() for h in headers] == ["1", "3"]
    assert all(len(line) <= 40 for line in out.getvalue().splitlines()[2:])
