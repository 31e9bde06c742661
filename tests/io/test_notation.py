"""Notation: spelling by key and context, values that show the beat, ties and beams."""

import pytest
from hypothesis import given

from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.core.pitch import spelled_parts
from musicae.io.notation import DOTTED, PLAIN, bars_of_symbols
from musicae.theory.spelling import spell
from tests.support.strategies import chorales

SHARPS = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}


def names(chorale, voice=0):
    """The notes of a voice as they are spelled: ``"Ab4 G4"``."""
    places = spell(chorale)
    spelled = [spelled_parts(n.pitch, int(places[n.step, voice])) for n in chorale.notes(voice)]
    return " ".join(f"{letter}{SHARPS[sharps]}{octave}" for letter, sharps, octave in spelled)


def tune(*pitches, length=4, **facts):
    return Chorale.from_notes(
        [[(length * i, length, p) for i, p in enumerate(pitches) if p != REST]], **facts
    )


@pytest.mark.parametrize(
    ("key", "pitches", "expected"),
    [
        ("Eb major", (63, 68, 67, 70), "Eb4 Ab4 G4 Bb4"),
        ("F minor", (65, 64, 65, 68), "F4 E4 F4 Ab4"),
        ("A minor", (69, 68, 69, 66, 68, 69), "A4 G#4 A4 F#4 G#4 A4"),
        ("C minor", (72, 71, 69, 71, 72), "C5 B4 A4 B4 C5"),
        ("G# minor", (68, 67, 68), "G#4 F##4 G#4"),
        ("Cb major", (59, 61, 63, 64), "Cb4 Db4 Eb4 Fb4"),
        ("B major", (71, 70, 60), "B4 A#4 B#3"),
        ("C major", (60, 66, 67, 70, 69), "C4 F#4 G4 Bb4 A4"),
    ],
)
def test_notes_are_spelled_in_their_key(key, pitches, expected):
    assert names(tune(*pitches, key=Key.parse(key))) == expected


def test_a_passing_modulation_is_spelled_in_its_own_key():
    # In C major E-flat belongs to C minor, and D-sharp leads to E.
    to_c_minor = [[(0, 4, 75)], [(0, 4, 68)], [(0, 4, 60)], [(0, 4, 53)]]
    to_e_minor = [[(0, 4, 75)], [(0, 4, 66)], [(0, 4, 59)], [(0, 4, 47)]]
    assert names(Chorale.from_notes(to_c_minor, key=Key(0))) == "Eb5"
    assert names(Chorale.from_notes(to_e_minor, key=Key(0))) == "D#5"


@pytest.mark.parametrize(
    ("pitches", "expected"),
    [
        ((69, 71, 72, 74, 76, 68, 69), "A4 B4 C5 D5 E5 G#4 A4"),
        ((65, 68, 70, 72, 73), "F4 Ab4 Bb4 C5 Db5"),
        ((64, 66, 68, 69, 71, 73, 75), "E4 F#4 G#4 A4 B4 C#5 D#5"),
    ],
)
def test_without_a_key_the_scale_that_fits_spells(pitches, expected):
    assert names(tune(*pitches)) == expected


def test_the_lowest_octaves_have_names():
    assert spelled_parts(0, 0) == ("C", 0, -1)
    assert spelled_parts(0, 12) == ("B", 1, -2)


def lengths(notes, meter="4/4", pickup=0):
    """The lengths of a soprano's symbols bar by bar; rests are negative, a whole bar's too."""
    numerator, denominator = (int(n) for n in meter.split("/"))
    chorale = Chorale.from_notes([notes], meters=(Meter(0, numerator, denominator),), pickup=pickup)
    return [
        [s.length if s.pitch != REST else -s.length for s in bar]
        for bar in bars_of_symbols(chorale, 0)
    ]


@pytest.mark.parametrize(
    ("meter", "note", "expected"),
    [
        ("4/4", (0, 16, 60), [16]),
        ("4/4", (0, 10, 60), [8, 2, -2, -4]),
        ("4/4", (2, 10, 60), [-2, 6, 4, -4]),
        ("4/4", (2, 4, 60), [-2, 4, -2, -8]),
        ("4/4", (4, 8, 60), [-4, 8, -4]),
        ("4/4", (4, 12, 60), [-4, 12]),
        ("3/4", (0, 12, 60), [12]),
        ("3/4", (4, 8, 60), [-4, 8]),
        ("6/8", (0, 12, 60), [12]),
        ("6/8", (4, 4, 60), [-4, 2, 2, -2, -2]),
        ("6/8", (0, 6, 60), [6, -6]),
        ("12/8", (0, 24, 60), [24]),
        ("5/4", (0, 20, 60), [16, 4]),
        ("7/8", (0, 5, 60), [4, 1, -1, -2, -4, -2]),
    ],
)
def test_note_values_show_the_beat(meter, note, expected):
    step, duration, _ = note
    bar = Meter(0, *(int(n) for n in meter.split("/"))).steps_per_bar
    notes = [note, (bar, 4, 62)]  # so that the bar is whole
    assert lengths(notes, meter)[0] == expected
    assert step + duration <= bar


def test_the_beats_of_a_pickup_lie_where_they_would_in_a_whole_bar():
    assert lengths([(0, 8, 60), (10, 16, 62)], pickup=10) == [[2, 6, -2], [16]]


def test_a_voice_that_rests_has_whole_bar_rests():
    chorale = Chorale.from_notes([[(0, 36, 60)]], pickup=4)
    bars = bars_of_symbols(chorale, 3)
    assert [[s.whole_bar for s in bar] for bar in bars] == [[False], [True], [True]]


def test_a_note_over_a_bar_line_is_tied():
    before, after = bars_of_symbols(tune(60, length=24), 0)
    assert [(s.tied_before, s.tied_after) for s in before + after] == [(False, True), (True, False)]
    assert {s.note_step for s in before + after} == {0}


def beams(meter, *durations):
    steps = [sum(durations[:i]) for i in range(len(durations))]
    notes = [(s, d, 60) for s, d in zip(steps, durations, strict=True)]
    numerator, denominator = (int(n) for n in meter.split("/"))
    chorale = Chorale.from_notes([notes], meters=(Meter(0, numerator, denominator),))
    return [" ".join(symbol.beams) for symbol in bars_of_symbols(chorale, 0)[0]]


def test_eighths_of_a_beat_are_beamed():
    assert beams("4/4", 2, 2, 2, 2, 4, 4) == ["start", "stop", "start", "stop", "", ""]
    assert beams("6/8", 2, 2, 2, 4, 2) == ["start", "continue", "stop", "", ""]
    assert beams("3/8", 2, 2, 2) == ["start", "continue", "stop"]


def test_sixteenths_have_a_second_beam_or_a_hook():
    assert beams("2/4", 2, 1, 1, 1, 2, 1) == [
        "start",
        "continue start",
        "stop stop",
        "start hook right",
        "continue",
        "stop hook left",
    ]


@given(chorales())
def test_symbols_fill_every_bar(chorale):
    for voice in range(4):
        bars = bars_of_symbols(chorale, voice)
        for measure, symbols in zip(chorale.measures, bars, strict=True):
            assert [s.step for s in symbols] == [
                measure.start + sum(s.length for s in symbols[:i]) for i in range(len(symbols))
            ]
            assert sum(s.length for s in symbols) == measure.length
            assert all(s.whole_bar or s.length in PLAIN + DOTTED for s in symbols)
