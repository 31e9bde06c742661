"""Phrase ends and cadences that a musician gives: none, marks in the music, text files."""

from dataclasses import replace

import pytest

from musicae.api.phrase_ends import PhraseEnds, choose
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding.phrases import phrase_ends
from musicae.io import midi_writer, musicxml_writer
from tests.support.midifiles import meta, save, tune
from tests.support.passages import passage


def sung(melody):
    """A soprano typed on several lines, one column a quarter; see ``passage``."""
    return passage(f"S {' '.join(melody.split())}")


def in_meter(chorale, numerator, denominator, pickup=0):
    return replace(chorale, meters=(Meter(0, numerator, denominator),), pickup=pickup)


ODE = sung(
    """
    E4 E4 F4 G4  G4 F4 E4 D4  C4 C4 D4 E4  E4 D4 D4 --
    E4 E4 F4 G4  G4 F4 E4 D4  C4 C4 D4 E4  D4 C4 C4 --
    """
)


def test_the_word_none_gives_no_phrases_and_infer_finds_them():
    assert choose(ODE, "none", (8,)) == PhraseEnds(None)
    assert choose(ODE, "infer", (), Key(0)) == PhraseEnds(phrase_ends(ODE, Key(0)))


def test_marks_are_preferred_to_guesses():
    # In the middle of the long note, and on the last beat before the second phrase.
    assert choose(ODE, "infer", (59, 63, 100)).steps == (56, 100, 120)
    assert choose(replace(ODE, fermatas=(24,)), "infer", ()).steps == (24, 120)


def test_a_mark_in_a_rest_is_for_the_note_before():
    song = sung(".. C4 D4 .. E4 F4")
    assert choose(song, "infer", (0, 12)).steps == (8, 20)


def test_marks_in_a_silent_piece_give_no_ends():
    assert choose(sung(".. .. .."), "infer", (4,)).steps == ()


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_text_file_gives_bars_and_beats(tmp_path):
    path = write(tmp_path / "ends.txt", "# Ode to Joy\n2 4\n\n4  # the last note of bar 4\n6 2.5\n")
    assert choose(ODE, path, (8,)).steps == (28, 56, 84, 120)
    assert choose(ODE, str(path), ()).steps == (28, 56, 84, 120)


def test_a_text_file_names_cadences(tmp_path):
    path = write(tmp_path / "ends.txt", "2 4\n4 3 half  # on D\n6 Plagal\n")
    assert choose(ODE, path, ()) == PhraseEnds((28, 56, 92, 120), ((56, "half"), (92, "plagal")))


def test_positions_are_those_of_the_chorale(tmp_path):
    for chorale in (in_meter(ODE, 3, 4, pickup=4), in_meter(ODE, 6, 8), in_meter(ODE, 4, 4)):
        places = [chorale.position(n.step) for n in chorale.notes(0)]
        text = "".join(f"{bar} {beat}\n" for bar, beat in places)
        steps = tuple(n.step for n in chorale.notes(0))
        assert choose(chorale, write(tmp_path / "all.txt", text), ()).steps == steps


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("4 3\n9 1", r"ends.txt, line 2: there is no bar 9; the piece has 1 to 8"),
        ("0", r"line 1: there is no bar 0"),
        ("4 5", r"line 1: bar 4 has no beat 5, only 1 to 4.75"),
        ("4 0.5", r"line 1: bar 4 has no beat 0.5"),
        ("bar four", r"line 1: 'bar' is not a position; write .* such as 4 3"),
        ("4 nan", r"line 1: a cadence is .*, not 'nan'"),
        ("-4", r"is not a position"),
        ("4 3 perfect", r"line 1: a cadence is authentic, half, plagal, deceptive, not 'perfect'"),
        ("half", r"line 1: 'half' is not a position"),
        ("# nothing", r"ends.txt: has no lines; write"),
    ],
)
def test_text_files_that_cannot_be_used_are_refused(tmp_path, text, complaint):
    with pytest.raises(ChoraleError, match=complaint):
        choose(ODE, write(tmp_path / "ends.txt", text), ())


def test_places_without_notes_cannot_be_marked(tmp_path):
    song = sung(".. .. .. ..  .. C4 D4 ..  .. .. .. ..  E4 F4 G4 --")
    for text, complaint in [
        ("3", "no note begins in bar 3"),
        ("2 1", "the melody has not begun there"),
    ]:
        with pytest.raises(ChoraleError, match=f"line 1: {complaint}"):
            choose(song, write(tmp_path / "ends.txt", text), ())
    assert choose(song, write(tmp_path / "ends.txt", "3 2"), ()).steps == (24, 56)


def test_a_text_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "ends.txt"
    path.write_bytes(b"4\x00")
    with pytest.raises(ChoraleError, match=r"ends.txt: is not a text file"):
        choose(ODE, path, ())


@pytest.mark.parametrize("wish", ["yes", "none.mid", ""])
def test_a_missing_phrase_file_is_refused(wish):
    with pytest.raises(ChoraleError, match=r"no such file; phrases are 'none', 'infer', or"):
        choose(ODE, wish, ())


def test_marks_in_a_midi_file_without_notes(tmp_path):
    path = save(tmp_path / "ends.mid", [meta(7 * 480, "marker", text="phrase")])
    assert choose(ODE, path, ()).steps == (28, 120)


def test_bar_lines_of_a_midi_file_are_those_of_the_chorale(tmp_path):
    song = in_meter(ODE, 4, 4, pickup=4)
    full = save(tmp_path / "full.mid", [meta(10 * 480, "marker", text="cadence")])
    short = [meta(0, "time_signature", numerator=1, denominator=4)]
    short += [meta(480, "time_signature", numerator=4, denominator=4)]
    short += [meta(7 * 480, "marker", text="cadence"), *tune((0, 480, 60))]
    assert choose(song, full, ()).steps == (28, 120)
    assert choose(song, save(tmp_path / "short.mid", short), ()).steps == (28, 120)


@pytest.mark.parametrize("suffix", [".mid", ".musicxml"])
def test_fermatas_of_a_file_that_was_written(tmp_path, suffix):
    song = replace(in_meter(ODE, 4, 4, pickup=4), fermatas=(24, 56))
    path = tmp_path / f"song{suffix}"
    (midi_writer if suffix == ".mid" else musicxml_writer).write(song, path)
    assert choose(replace(song, fermatas=()), path, ()).steps == (24, 56, 120)


def test_files_that_mark_nothing_or_places_outside_are_refused(tmp_path):
    path = tmp_path / "song.mid"
    midi_writer.write(ODE, path)
    with pytest.raises(ChoraleError, match=r"song.mid: has no markers called fermata, cadence"):
        choose(ODE, path, ())
    musicxml_writer.write(ODE, tmp_path / "song.musicxml")
    with pytest.raises(ChoraleError, match=r"song.musicxml: has no fermatas; set one"):
        choose(ODE, tmp_path / "song.musicxml", ())
    midi_writer.write(replace(ODE, fermatas=(120,)), path)
    with pytest.raises(ChoraleError, match=r"song.mid: marks a place after the piece's 4 bars"):
        choose(ODE.bars(1, 4), path, ())
