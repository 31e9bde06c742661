"""``check`` of SAB, SSA, TTBB and two-part pieces, under the names that files give their parts."""

import mido
import pytest

import musicae
from musicae.core.errors import ChoraleError
from musicae.io import midi_writer
from tests.support.midifiles import save, tune
from tests.support.passages import midi
from tests.support.scores import bar, note, score

# Each part in quarters; the first and the last move from a fifth to a fifth at the second chord.
PIECES = {
    "SAB": {
        "Soprano": ["G4", "A4", "G4", "C5"],
        "Alto": ["E4", "F4", "D4", "E4"],
        "Baritone": ["C3", "D3", "G2", "C3"],
    },
    "SSA": {
        "Soprano 1": ["G5", "A5", "G5", "G5"],
        "Soprano 2": ["E5", "F5", "D5", "E5"],
        "Alto": ["C4", "D4", "B3", "C4"],
    },
    "TTBB": {
        "Tenor 1": ["G4", "A4", "G4", "G4"],
        "Tenor 2": ["E4", "F4", "D4", "E4"],
        "Bass 1": ["C4", "C4", "B3", "C4"],
        "Bass 2": ["C3", "D3", "G2", "C3"],
    },
    "two": {"Descant": ["G5", "A5", "G5", "E5"], "Tune": ["C5", "D5", "E5", "C5"]},
}


def write(path, parts):
    """The parts as a score or a MIDI file, by the suffix."""
    if path.suffix == ".mid":
        tracks = []
        for channel, (name, pitches) in enumerate(parts.items()):
            line = tune(
                *((480 * i, 480 * i + 480, midi(p)) for i, p in enumerate(pitches)),
                channel=channel,
            )
            tracks.append([(0, mido.MetaMessage("track_name", name=name)), *line])
        return save(path, *tracks)
    listed = {
        name.replace(" ", "_"): [bar(*(note(p, 24) for p in pitches))]
        for name, pitches in parts.items()
    }
    path.write_text(score(**listed))
    return path


@pytest.mark.parametrize("suffix", [".mid", ".musicxml"])
@pytest.mark.parametrize("kind", PIECES)
def test_parallels_of_an_ensemble_are_reported_with_its_part_names(tmp_path, kind, suffix):
    names = list(PIECES[kind])
    report = musicae.check(write(tmp_path / f"piece{suffix}", PIECES[kind]))
    assert list(report.parts) == names
    fifths = [v for v in report.violations if v.rule == "parallel fifths"]
    first = [v for v in fifths if v.voices == (0, 3)]
    assert first[0].beat == 2
    text = report.as_text()
    assert f"parallel fifths, {names[0]}" in text
    assert names[-1] in text.split("parallel fifths, ")[1].splitlines()[0]
    assert f"read as voices, from the highest to the lowest: {', '.join(names)}" in text
    told = report.as_dict()
    assert told["parts"] == names
    assert [names[0], names[-1]] in [v["names"] for v in told["violations"]]


@pytest.mark.parametrize("kind", ["SAB", "SSA", "two"])
def test_fewer_voices_are_not_compared_with_bach(tmp_path, kind):
    report = musicae.check(write(tmp_path / "piece.musicxml", PIECES[kind]))
    assert not report.in_four_voices
    assert report.beyond_bach == []
    assert report.as_text().endswith("not compared with Bach: his rates are for four voices")
    assert all(comparison.bach is None for comparison in report.rules.values())


def test_a_range_is_that_of_the_voice_in_the_parts_name(tmp_path):
    low = {"Soprano": ["C4", "C4"], "Solo": ["C2", "C2"]}
    report = musicae.check(write(tmp_path / "piece.musicxml", low))
    assert not [v for v in report.violations if v.rule == "out of range"]
    assert "no range is checked for Solo: not named after a voice" in report.notices
    deep = {"Soprano": ["C3", "C3"], "Solo": ["C2", "C2"]}
    report = musicae.check(write(tmp_path / "piece.musicxml", deep))
    assert {v.voices for v in report.violations if v.rule == "out of range"} == {(0,)}


def test_two_voices_break_no_rule_of_chords(tmp_path):
    report = musicae.check(write(tmp_path / "piece.musicxml", PIECES["two"]), strict=True)
    assert "spacing" not in report.rules
    assert "missing third" not in report.strict
    assert not [v for v in report.violations if v.rule == "missing third"]


def test_an_ensemble_with_chords_is_refused_in_a_line(tmp_path):
    path = tmp_path / "piece.musicxml"
    chord = note("G4", 24) + note("E4", 24, before="<chord/>")
    path.write_text(score(High=[bar(chord, note("G4", 72))], Low=[bar(note("C4", 96))]))
    with pytest.raises(ChoraleError, match=r"High, bar 1: sings two notes at once"):
        musicae.check(path)


def test_marks_are_written_for_the_parts_of_the_piece(tmp_path):
    report = musicae.check(write(tmp_path / "piece.musicxml", PIECES["SAB"]))
    report.annotate(tmp_path / "marked.mid")
    names = [
        message.name
        for track in mido.MidiFile(tmp_path / "marked.mid").tracks[1:]
        for message in track
        if message.type == "track_name"
    ]
    assert names == list(PIECES["SAB"])


def test_a_chorale_is_checked_as_before(tmp_path):
    path = tmp_path / "chorale.mid"
    four = [[(0, 4, p), (4, 4, p)] for p in (72, 67, 64, 48)]
    midi_writer.write(musicae.Chorale.from_notes(four), path)
    report = musicae.check(path)
    assert report.in_four_voices
    assert list(report.parts) == ["Soprano", "Alto", "Tenor", "Bass"]
    assert not any("read as voices" in notice for notice in report.notices)
