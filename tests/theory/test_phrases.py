"""Where phrases end: in tunes that everybody sings, in the corpus, and where a musician says so."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.api.phrase_ends import choose
from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.core.meter import Meter
from musicae.corpus import load
from musicae.io import midi_writer, musicxml_writer
from musicae.theory.phrases import infer
from tests.support.midifiles import meta, save, tune
from tests.support.passages import EIGHTH, QUARTER, passage
from tests.support.strategies import chorales


def sung(melody, numerator=4, denominator=4, pickup=0, column=QUARTER):
    """A soprano typed on several lines, one column a note value; see ``passage``."""
    return in_meter(
        passage(f"S {' '.join(melody.split())}", column=column), numerator, denominator, pickup
    )


def in_meter(chorale, numerator, denominator, pickup=0):
    return replace(chorale, meters=(Meter(0, numerator, denominator),), pickup=pickup)


ODE = sung(
    """
    E4 E4 F4 G4  G4 F4 E4 D4  C4 C4 D4 E4  E4 D4 D4 --
    E4 E4 F4 G4  G4 F4 E4 D4  C4 C4 D4 E4  D4 C4 C4 --
    """
)


def bars_and_beats(chorale):
    return [chorale.position(step) for step in infer(chorale)]


def quarters(*pitches):
    return Chorale.from_notes([[(4 * i, 4, pitch) for i, pitch in enumerate(pitches)]])


def test_long_notes_end_phrases():
    assert bars_and_beats(ODE) == [(4, 3), (8, 3)]


def test_detached_notes_are_no_ends():
    detached = [(n.step, n.duration // 2, n.pitch) for n in ODE.notes(0)]
    assert infer(Chorale.from_notes([detached])) == infer(ODE)


def test_equal_notes_are_divided_by_the_bars():
    old_hundredth = """
    G4  G4 F#4 E4 D4  G4 A4 B4
    B4  B4 B4 A4 G4  C5 B4 A4
    G4  A4 B4 A4 G4  E4 F#4 G4
    D5  B4 G4 A4 C5  B4 A4 G4
    """
    hymn = sung(old_hundredth, pickup=4)
    assert bars_and_beats(hymn) == [(2, 3), (4, 3), (6, 3), (8, 3)]


def test_phrases_in_triple_time_with_a_pickup():
    amazing_grace = """
    D4 --  G4 -- -- -- B4 G4  B4 -- -- -- A4 --  G4 -- -- -- E4 --  D4 -- -- --
    D4 --  G4 -- -- -- B4 G4  B4 -- -- -- A4 --  D5 -- -- -- -- --  -- -- -- --
    """
    song = sung(amazing_grace, 3, 4, pickup=4, column=EIGHTH)
    assert bars_and_beats(song) == [(4, 1), (7, 1)]


def test_phrases_in_compound_time():
    silent_night = """
    G4 A4 G4 E4 -- --  G4 A4 G4 E4 -- --  D5 -- D5 B4 -- --  C5 -- C5 G4 -- --
    A4 -- A4 C5 B4 A4  G4 A4 G4 E4 -- --  A4 -- A4 C5 B4 A4  G4 A4 G4 E4 -- --
    """
    assert bars_and_beats(sung(silent_night, 6, 8, column=EIGHTH)) == [(4, 2), (8, 2)]


def test_phrases_in_five_four():
    song = """
    C4 D4 E4 F4 --  G4 E4 D4 C4 --
    C4 D4 E4 F4 --  G4 E4 D4 C4 --
    """
    assert bars_and_beats(sung(song, 5, 4)) == [(2, 4), (4, 4)]


def test_a_note_before_bars_of_rest_ends_a_phrase():
    verse = ODE.notes(0)[:15]
    later = [(n.step + 64 + 5 * 16, n.duration, n.pitch) for n in verse]
    assert infer(Chorale.from_notes([[*verse, *later]])) == (56, 56 + 64 + 80)


def test_without_long_notes_few_ends_are_guessed():
    scale = [60, 62, 64, 65, 67, 65, 64, 62]
    song = quarters(*scale * 16)
    ends = infer(song)
    assert len(ends) <= song.bar_count // 2
    assert ends[-1] == song.notes(0)[-1].step


def test_one_note_is_one_phrase_and_silence_none():
    assert infer(quarters(60)) == (0,)
    assert infer(sung(".. .. C4 ..")) == (8,)
    assert infer(sung(".. ..")) == ()


def test_phrases_are_inferred_from_the_highest_sounding_voice():
    def lowered(chorale):
        moved = replace(chorale, fermatas=())
        pitch, onset = moved.pitch[:, [1, 2, 3, 0]], moved.onset[:, [1, 2, 3, 0]]
        return replace(moved, pitch=pitch, onset=onset)

    assert infer(lowered(ODE)) == infer(ODE)


@given(chorale=chorales())
def test_ends_are_notes_of_the_melody_in_order(chorale):
    notes = next((notes for v in range(4) if (notes := chorale.notes(v))), [])
    ends = infer(chorale)
    assert list(ends) == sorted(set(ends))
    assert set(ends) <= {note.step for note in notes}
    assert ends[-1:] == tuple(note.step for note in notes[-1:])


@given(chorale=chorales(), semitones=st.integers(-12, 12))
def test_another_key_has_the_same_ends(chorale, semitones):
    assert infer(chorale.transpose(semitones)) == infer(chorale)


@given(chorale=chorales(), before=st.integers(1, 3), after=st.integers(0, 40))
def test_silence_around_the_melody_changes_nothing(chorale, before, after):
    chorale = in_meter(replace(chorale, fermatas=(), tempos=()), 3, 4)
    voices = [
        [(n.step + 12 * before, n.duration, n.pitch) for n in chorale.notes(v)] for v in range(4)
    ]
    steps = len(chorale) + 12 * before + after
    later = Chorale.from_notes(voices, steps=steps, meters=(Meter(0, 3, 4),))
    assert infer(later) == tuple(step + 12 * before for step in infer(chorale))


def test_most_ends_in_bach_are_found_and_few_are_false():
    found = right = marked = 0
    for chorale in load.load().side("valid"):
        ends, fermatas = set(infer(chorale)), set(chorale.fermatas)
        found, right, marked = (
            found + len(ends),
            right + len(ends & fermatas),
            marked + len(fermatas),
        )
    assert right / found > 0.85
    assert right / marked > 0.7


@pytest.mark.parametrize("numerator", [4, 255])
def test_inference_time_is_linear_in_the_number_of_notes(numerator):
    def seconds(times):
        song = in_meter(quarters(*[60, 62, 64, 62] * times), numerator, 4)
        began = time.process_time()
        infer(song)
        return time.process_time() - began

    assert min(seconds(1000) for _ in range(3)) < 20 * min(seconds(100) for _ in range(3))


# What the musician wishes


def test_none_gives_no_phrases_and_infer_finds_them():
    assert choose(ODE, "none", (8,)) is None
    assert choose(ODE, "infer", ()) == infer(ODE)


def test_marks_are_preferred_to_guesses():
    # In the middle of the long note, and on the last beat before the second phrase.
    assert choose(ODE, "infer", (59, 63, 100)) == (56, 100, 120)
    assert choose(replace(ODE, fermatas=(24,)), "infer", ()) == (24, 120)


def test_a_mark_in_a_rest_is_for_the_note_before():
    song = sung(".. C4 D4 .. E4 F4")
    assert choose(song, "infer", (0, 12)) == (8, 20)


def test_marks_in_a_silent_piece_give_no_ends():
    assert choose(sung(".. .. .."), "infer", (4,)) == ()


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_text_file_gives_bars_and_beats(tmp_path):
    path = write(tmp_path / "ends.txt", "# Ode to Joy\n2 4\n\n4  # the last note of bar 4\n6 2.5\n")
    assert choose(ODE, path, (8,)) == (28, 56, 84, 120)
    assert choose(ODE, str(path), ()) == (28, 56, 84, 120)


def test_positions_are_those_of_the_chorale(tmp_path):
    for chorale in (in_meter(ODE, 3, 4, pickup=4), in_meter(ODE, 6, 8), in_meter(ODE, 4, 4)):
        places = [chorale.position(n.step) for n in chorale.notes(0)]
        text = "".join(f"{bar} {beat}\n" for bar, beat in places)
        steps = tuple(n.step for n in chorale.notes(0))
        assert choose(chorale, write(tmp_path / "all.txt", text), ()) == steps


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("4 3\n9 1", r"ends.txt, line 2: there is no bar 9; the piece has 1 to 8"),
        ("0", r"line 1: there is no bar 0"),
        ("4 5", r"line 1: bar 4 has no beat 5, only 1 to 4.75"),
        ("4 0.5", r"line 1: bar 4 has no beat 0.5"),
        ("bar four", r"line 1: 'bar four' is no position; write .* such as 4 3"),
        ("4 nan", r"is no position"),
        ("-4", r"is no position"),
        ("# nothing", r"ends.txt: marks nothing; write"),
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
    assert choose(song, write(tmp_path / "ends.txt", "3 2"), ()) == (24, 56)


def test_a_text_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "ends.txt"
    path.write_bytes(b"\xff\xfe4\x00")
    with pytest.raises(ChoraleError, match=r"ends.txt: cannot be read as text"):
        choose(ODE, path, ())


@pytest.mark.parametrize("wish", ["yes", "none.mid", ""])
def test_a_missing_phrase_file_is_refused(wish):
    with pytest.raises(ChoraleError, match=r"no such file; phrases are 'none', 'infer', or"):
        choose(ODE, wish, ())


def test_marks_in_a_midi_file_without_notes(tmp_path):
    path = save(tmp_path / "ends.mid", [meta(7 * 480, "marker", text="phrase")])
    assert choose(ODE, path, ()) == (28, 120)


def test_bar_lines_of_a_midi_file_are_those_of_the_chorale(tmp_path):
    song = in_meter(ODE, 4, 4, pickup=4)
    full = save(tmp_path / "full.mid", [meta(10 * 480, "marker", text="cadence")])
    short = [meta(0, "time_signature", numerator=1, denominator=4)]
    short += [meta(480, "time_signature", numerator=4, denominator=4)]
    short += [meta(7 * 480, "marker", text="cadence"), *tune((0, 480, 60))]
    assert choose(song, full, ()) == (28, 120)
    assert choose(song, save(tmp_path / "short.mid", short), ()) == (28, 120)


@pytest.mark.parametrize("suffix", [".mid", ".musicxml"])
def test_fermatas_of_a_file_that_was_written(tmp_path, suffix):
    song = replace(in_meter(ODE, 4, 4, pickup=4), fermatas=(24, 56))
    path = tmp_path / f"song{suffix}"
    (midi_writer if suffix == ".mid" else musicxml_writer).write(song, path)
    assert choose(replace(song, fermatas=()), path, ()) == (24, 56, 120)


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
