"""``--piano``: the voices as a piano track, as two staves below, and in engraved scores."""

from xml.etree import ElementTree as ET

import mido
import pytest

import musicae
from musicae.core.chorale import Chorale
from musicae.core.errors import MusicaeError
from musicae.io import formats
from tests.support.midifiles import meta, save, tune
from tests.support.scores import bar, note, score

CHORDS = [(67, 62, 59, 43), (66, 62, 57, 50), (67, 64, 60, 48), (67, 62, 59, 43)]
HYMN = Chorale.from_notes(
    [[(8 * k, 8, chord[v]) for k, chord in enumerate(CHORDS)] for v in range(4)], title="Amen"
)


@pytest.fixture
def model(untrained):
    return str(untrained["harmonizer"])


def part_names(path):
    return [e.text for e in ET.parse(path).iter("part-name")]


def test_midi_has_a_piano_track_and_reads_back_as_the_same_voices(tmp_path, musicae_command, model):
    melody = save(tmp_path / "tune.mid", tune((0, 960, 67), (960, 1920, 69)))
    for name, extra in (("plain", ()), ("piano", ("--piano",))):
        out = tmp_path / f"{name}.mid"
        assert musicae_command("harmonize", melody, "-o", out, "--model", model, *extra).status == 0
    file = mido.MidiFile(tmp_path / "piano.mid")
    assert [t.name for t in file.tracks][-1] == "Piano"
    piano = file.tracks[-1]
    assert [m.program for m in piano if m.type == "program_change"] == [0]
    assert {m.channel for m in piano if m.type == "note_on"} == {4}
    plain = formats.read(tmp_path / "plain.mid")
    assert formats.read(tmp_path / "piano.mid") == plain
    struck = {m.note for m in piano if m.type == "note_on"}
    assert struck == {int(p) for p in plain.pitch.ravel() if p >= 0}


def test_the_piano_follows_the_tracks_that_are_kept(tmp_path, model):
    melody = save(
        tmp_path / "tune.mid",
        [meta(0, "track_name", name="Melody"), *tune((0, 1920, 67))],
        [meta(0, "track_name", name="Flute"), *tune((0, 1920, 79), channel=4)],
    )
    (piece,) = musicae.harmonize(melody, model=model, track="Melody")
    piece.write(tmp_path / "out.mid", keep_tracks=True, piano=True)
    tracks = mido.MidiFile(tmp_path / "out.mid").tracks
    assert [t.name for t in tracks][-2:] == ["Flute", "Piano"]
    assert {m.channel for m in tracks[-1] if hasattr(m, "channel")} == {5}


def test_musicxml_has_two_staves_below_the_voices(tmp_path, model):
    (piece,) = musicae.harmonize(HYMN, model=model)
    piece.write(tmp_path / "out.musicxml", piano=True)
    assert part_names(tmp_path / "out.musicxml")[-1] == "Piano"
    assert formats.read(tmp_path / "out.musicxml") == piece.chorale


def test_a_score_keeps_its_own_part_and_the_piano_has_its_bars(tmp_path, model):
    triplet = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes>"
    triplet += "</time-modification>"
    first = bar(note("G4", 72), note("A4", 8, triplet) * 3, meter="4/4")
    text = score(Melody=[first, note("B4", 96), note("G4", 96)])
    (tmp_path / "tune.musicxml").write_text(text)
    (piece,) = musicae.harmonize(tmp_path / "tune.musicxml", model=model)
    piece.write(tmp_path / "out.musicxml", piano=True)
    root = ET.parse(tmp_path / "out.musicxml").getroot()
    assert part_names(tmp_path / "out.musicxml")[-1] == "Piano"
    assert [len(part.findall("measure")) for part in root.findall("part")] == [3] * 5
    assert root.find("part").find("measure/note/time-modification") is not None


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_an_engraved_score_has_the_piano_below_four_staves(tmp_path, musicae_command, suffix):
    formats.write(HYMN, tmp_path / "hymn.mid")
    out = tmp_path / f"hymn.{suffix}"
    assert musicae_command("render", tmp_path / "hymn.mid", "-o", out, "--piano").status == 0
    if suffix == "svg":
        assert out.read_text().count('class="staff"') == 6 * 2
        assert out.read_text().count('class="tempo"') <= 1


def test_sound_has_no_piano_reduction(tmp_path):
    with pytest.raises(MusicaeError, match="sound takes one piece, and no score"):
        musicae.render(HYMN, tmp_path / "hymn.wav", piano=True)
