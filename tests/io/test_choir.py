"""The voices of a choir's file: by name, divided, or without names."""

import pytest

from musicae.core.errors import ChoraleError
from musicae.io.choir import lines_of, read_choir
from musicae.io.midi_notes import MidiNote
from tests.support.midifiles import meta, save, tune
from tests.support.scores import bar, note, score

Q = 480


def track(name, *notes, channel=0):
    return [meta(0, "track_name", name=name), *tune(*notes, channel=channel)]


def quarters(*pitches):
    """Notes of a quarter each, or chords of several pitches."""
    chords = [p if isinstance(p, tuple) else (p,) for p in pitches]
    return [(i * Q, (i + 1) * Q, p) for i, chord in enumerate(chords) for p in chord]


def sung(choir):
    return {s.name: [(n.start, n.end, n.pitch) for n in s.notes] for s in choir.singers}


def note_of(start, end, pitch):
    return MidiNote(start, end, pitch, 0, 1, end)


def test_parts_named_after_voices_are_the_voices_in_the_order_of_the_file(tmp_path):
    names = ("Soprano", "Alto", "Tenor 1", "Tenor 2", "Baritone", "Bass")
    tracks = [track(n, *quarters(80 - 5 * i), channel=i) for i, n in enumerate(names)]
    piano = track("Piano", *quarters((60, 64, 67)), channel=8)
    drums = track("Drums", *quarters(36), channel=9)
    choir = read_choir(save(tmp_path / "hymn.mid", *tracks, piano, drums))
    assert choir.names == names
    assert choir.notices == ("parts that are not sung are not read: 7 'Piano', 8 'Drums'",)


def test_a_part_divides_where_it_sings_chords(tmp_path):
    alto = track("Alto", *quarters(67, 65, 67, 67))
    tenor = track("Tenor", *quarters(60, (62, 57), (64, 60), 60), channel=1)
    choir = read_choir(save(tmp_path / "hymn.mid", alto, tenor))
    assert choir.names == ("Alto", "Tenor 1", "Tenor 2")
    assert sung(choir)["Tenor 1"] == quarters(60, 62, 64, 60)
    assert sung(choir)["Tenor 2"] == quarters(60, 57, 60, 60)
    assert choir.notices == ("Tenor divides: read as Tenor 1 and Tenor 2",)


def test_a_line_moves_while_the_other_holds():
    held = note_of(0, 2 * Q, 60)
    moving = [note_of(0, Q, 67), note_of(Q, 2 * Q, 65)]
    last = note_of(2 * Q, 3 * Q, 62)
    assert lines_of([held, *moving, last], Q) == [(*moving, last), (held, last)]


def test_legato_is_no_division():
    notes = tuple(note_of(i * Q, (i + 1) * Q + 60, 60 + i) for i in range(4))
    assert lines_of(notes, Q) == [notes]


@pytest.mark.parametrize("tracks", [1, 2, 4])
def test_four_lines_without_names_are_satb_from_the_top(tmp_path, tracks):
    voices = ((72, 74), (67, 67), (64, 62), (48, 55))
    size = 4 // tracks
    chords = [voices[i : i + size] for i in range(0, 4, size)]
    parts = [
        tune(*quarters(*zip(*lines, strict=True)), channel=i) for i, lines in enumerate(chords)
    ]
    choir = read_choir(save(tmp_path / "hymn.mid", *parts[::-1]))
    assert sung(choir) == {
        name: quarters(*pitches)
        for name, pitches in zip(("Soprano", "Alto", "Tenor", "Bass"), voices, strict=True)
    }


def test_the_frame_has_the_bars_the_tempo_and_the_title(tmp_path):
    conductor = [
        meta(0, "track_name", name="Amen"),
        meta(0, "time_signature", numerator=3, denominator=4),
        meta(0, "set_tempo", tempo=1_000_000),
    ]
    notes = [(2 * Q, 3 * Q, 67), (3 * Q, 6 * Q, 72)]
    low = [(start, end, pitch - 12) for start, end, pitch in notes]
    path = save(tmp_path / "hymn.mid", conductor, track("S", *notes), track("A", *low, channel=1))
    choir = read_choir(path)
    assert (choir.frame.title, choir.frame.pickup, choir.offset) == ("Amen", 4, 8)
    assert choir.frame.tempos[0].qpm == 60


def test_a_closed_score_is_four_voices_and_a_divided_part_two(tmp_path):
    def voice(number, *notes):
        return [note(n, 24, f"<voice>{number}</voice>") for n in notes]

    back = "<backup><duration>96</duration></backup>"
    upper = bar(*voice(1, "C5", "B4", "C5", "C5"), back, *voice(2, "G4", "G4", "G4", "E4"))
    lower = bar(*voice(1, "E4", "D4", "E4", "G3"), back, *voice(2, "C3", "G3", "C3", "C3"))
    path = tmp_path / "closed.musicxml"
    path.write_text(score(Upper=[upper], Lower=[lower]))
    assert [n.pitch for n in read_choir(path).singers[2].notes] == [64, 62, 64, 55]
    assert read_choir(path).names == ("Soprano", "Alto", "Tenor", "Bass")
    chord = note("E4", 48) + note("C4", 48, before="<chord/>") + note("D4", 48)
    path.write_text(score(Alto=[bar(note("G4", 96))], Tenor=[bar(chord)]))
    choir = read_choir(path)
    assert choir.names == ("Alto", "Tenor 1", "Tenor 2")
    assert [[n.pitch for n in s.notes] for s in choir.singers] == [[67], [64, 62], [60, 62]]


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        (
            [track("Soprano", (0, Q, 72))],
            "has one voice, Soprano; write the others with musicae harmonize first",
        ),
        (
            [track("Soprano", (0, Q, 72)), track("Alto", (0, Q, 67), channel=1), track("Tenor")],
            "Tenor has no notes; write the notes with musicae harmonize, or delete the track",
        ),
        ([track("Drums", (0, Q, 36), channel=9)], "has only drums"),
        (
            [track(f"Alto {i}", (0, Q, 60), (0, Q, 64), channel=i) for i in range(7)],
            "has 14 voices, at most 12 are read",
        ),
        ([track("Chords", *quarters((48, 52, 55, 60, 64)))], "has no part for a voice"),
    ],
)
def test_files_that_are_no_choirs_are_refused(tmp_path, tracks, message):
    path = save(tmp_path / "hymn.mid", *tracks)
    with pytest.raises(ChoraleError, match=message) as error:
        read_choir(path)
    assert str(error.value).startswith(f"{path}: ")
