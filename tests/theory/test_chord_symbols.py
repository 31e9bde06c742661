"""Chord symbols are read as the notes that musicians mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.theory.chord_names import read_chord
from musicae.theory.chord_symbols import read_symbol

NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
NOTES = {name: number for number, name in enumerate(NAMES)}
ENDINGS = {
    ("", "M", "maj", "major"): "C E G",
    ("m", "min", "mi", "-"): "C Eb G",
    ("dim", "°", "o"): "C Eb F#",
    ("aug", "+"): "C E Ab",
    ("6",): "C E G A",
    ("m6", "-6"): "C Eb G A",
    ("7",): "C E G Bb",
    ("maj7", "M7", "Maj7", "△", "△7", "ma7"): "C E G B",
    ("m7", "min7", "-7", "mi7"): "C Eb G Bb",
    ("m7b5", "ø", "ø7", "-7b5", "m7(b5)"): "C Eb F# Bb",
    ("dim7", "°7", "o7"): "C Eb F# A",
    ("m(maj7)", "mM7", "-△"): "C Eb G B",
    ("9",): "C E G Bb D",
    ("m9",): "C Eb G Bb D",
    ("maj9",): "C E G B D",
    ("11",): "C G Bb D F",
    ("m11",): "C Eb G Bb D F",
    ("13",): "C E G Bb D A",
    ("7(13)",): "C E G Bb A",
    ("sus2",): "C D G",
    ("sus4", "sus"): "C F G",
    ("7sus4", "7sus"): "C F G Bb",
    ("9sus4",): "C F G Bb D",
    ("add9", "add2", "2", "(add9)"): "C E G D",
    ("madd9",): "C Eb G D",
    ("6/9", "69"): "C E G A D",
    ("7b9", "7(b9)", "7-9"): "C E G Bb Db",
    ("7#9", "7(#9)", "7+9"): "C E G Bb Eb",
    ("7#11",): "C E G Bb F#",
    ("7#5", "7+5", "aug7", "+7"): "C E Ab Bb",
    ("7b5",): "C E F# Bb",
    ("7(b9,#5)",): "C E Ab Bb Db",
    ("maj7#11",): "C E G B F#",
    ("5", "no3"): "C G",
}
SPELLED = [(ending, notes) for endings, notes in ENDINGS.items() for ending in endings]


@pytest.mark.parametrize(("ending", "notes"), SPELLED, ids=[ending for ending, _ in SPELLED])
def test_the_endings_of_symbols(ending: str, notes: str) -> None:
    chord = read_symbol(f"C{ending}")
    assert list(chord.classes) == [NOTES[note] for note in notes.split()]
    assert chord.bass == 0
    over_e = read_symbol(f"C{ending}/E")
    assert (over_e.bass, over_e.classes, over_e.has_bass) == (4, chord.classes, True)


@given(
    ending=st.sampled_from([ending for ending, _ in SPELLED if not ending[:1].isdigit()]),
    root=st.sampled_from([*NOTES, "Cb", "E#", "F##", "C♯", "B♭"]),
)
def test_a_symbol_means_the_same_on_every_root(ending: str, root: str) -> None:
    on_c, chord = read_symbol(f"C{ending}"), read_symbol(f"{root}{ending}")
    assert chord.members == on_c.members
    assert {(each - chord.root) % 12 for each in chord.classes} == set(on_c.classes)


@pytest.mark.parametrize(
    ("german", "english"),
    [("H", "B"), ("Hm7/Fis", "Bm7/F#"), ("Fism", "F#m"), ("Es", "Eb"), ("As7", "Ab7"), ("B", "Bb")],
)
def test_german_names(german: str, english: str) -> None:
    chord, other = read_symbol(german, b_is_flat=True), read_symbol(english)
    assert (chord.classes, chord.bass) == (other.classes, other.bass)


def test_english_names_go_before_german_ones() -> None:
    assert read_symbol("Esus4").classes == (4, 9, 11)
    assert read_symbol("Asus2").classes == (9, 11, 4)
    assert read_symbol("B").root == 11
    assert read_symbol("Bb", b_is_flat=True).root == 10


@pytest.mark.parametrize(
    "text", ["", "X", "c", "Cfoo", "G/", "/G", "C7+", "Amazing", "Bach", "N.C."]
)
def test_bad_chords_are_refused(text: str) -> None:
    with pytest.raises(ChoraleError, match="is not a chord"):
        read_symbol(text)


@pytest.mark.parametrize(
    ("numeral", "symbol"),
    [
        ("V65/V", "A7/C#"),
        ("ii", "Am"),
        ("viio7", "F#dim7"),
        ("V7sus4", "D7sus4"),
        ("IVadd9", "Cadd9"),
        ("vi9", "Em9"),
        ("I64", "G/D"),
        ("D9/F#", "D9/F#"),
    ],
)
def test_numerals_are_read_in_the_key(numeral: str, symbol: str) -> None:
    chord, other = read_chord(numeral, Key(1)), read_symbol(symbol)
    assert (set(chord.classes), chord.bass) == (set(other.classes), other.bass)
