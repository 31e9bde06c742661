"""Chords above and among words."""

import re

import pytest

from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.io.chord_sheet import Syllable, chordpro, sheet_chords
from musicae.io.chord_text import in_order

# A quarter each: A-ma-zing grace, how sweet the | sound.
TUNE = Chorale.from_notes([[*((4 * i, 4, 67) for i in range(8)), (32, 16, 67)]])
WORDS = ("A-", "ma-", "zing", "grace", "how", "sweet", "the", "sound")
SUNG = [Syllable(4 * i, text) for i, text in enumerate(WORDS)]


def read(text: str, syllables: list[Syllable] = SUNG) -> str:
    return " ".join(f"{c.start}:{c.text}" for c in sheet_chords(text, TUNE, syllables))


def test_lines_with_bars_are_chords_and_the_others_words() -> None:
    sheet = "{title: Grace}\n# in G\nG   | C  D7\nA - ma - zing grace\nG |\nhow sweet"
    assert read(sheet) == "0:G 16:C 24:D7 32:G"


def test_without_bar_lines_every_line_is_a_bar() -> None:
    assert read("G\nC D7\nG") == "0:G 16:C 24:D7 32:G"


@pytest.mark.parametrize(
    ("sheet", "placed"),
    [
        ("[G]Amazing [C]grace, how [D7]sweet the [G]sound", "0:G 12:C 20:D7 28:G"),
        ("{key: G}\nAma[G]zing grace\n[C]How sweet the sound[G]", "8:G 16:C 32:G"),
        ("[G]Amazing grace[C] how sweet", "0:G 16:C"),
        ("[G] [C]\n[G]Amazing grace", "0:G"),
        ("[G]Amazing grace how sweet the sound\n[C]that saved", "0:G"),
        ("[*slowly][G]Amazing [N.C.]grace", "0:G 12:N.C."),
    ],
)
def test_chords_among_words_begin_with_their_syllables(sheet: str, placed: str) -> None:
    assert read(sheet) == placed


@pytest.mark.parametrize(
    ("sheet", "syllables", "complaint"),
    [
        ("[G]Amazing", [], "the melody has no words to place them by"),
        ("[G]Amazing [C]race", SUNG, "the words differ from the melody's in bar 1, at 'grace'"),
    ],
)
def test_words_that_are_not_the_melodys_are_refused(
    sheet: str, syllables: list[Syllable], complaint: str
) -> None:
    with pytest.raises(ChoraleError, match=re.escape(complaint)):
        read(sheet, syllables)


def test_chordpro_is_written_and_read_back() -> None:
    chords = in_order([(0, "G"), (8, "C"), (20, "Am"), (28, "D7"), (32, "G")], 48)
    text = chordpro(chords, TUNE, SUNG, (12, 28), "G major")
    assert text.splitlines() == [
        "{key: G major}",
        "[G]Ama[C]zing grace",
        "how [Am]sweet the [D7]sound[G]",
    ]
    assert read(text) == "0:G 8:C 20:Am 28:D7 32:G"


def test_without_words_chordpro_has_bars() -> None:
    chords = in_order([(0, "G"), (16, "D7"), (24, "G")], 48)
    text = chordpro(chords, TUNE, [], (), "G major")
    assert text.splitlines()[1:] == ["{start_of_grid}", "| G | D7 G | G |", "{end_of_grid}"]
    assert read(text, []) == "0:G 16:D7 24:G 32:G"
