"""An audition pack has all its files, they agree, and it is written whole or not at all."""

import json
import re
from dataclasses import replace
from urllib.parse import unquote

import mido
import pytest

import musicae
from musicae.api import render
from musicae.core.constants import VOICES
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.key import Key
from musicae.daw import pack, reaper
from musicae.rendering import audio
from musicae.theory.harmonic_analysis import analyse, labels_of, texts
from tests.support.midifiles import save, tune

MELODY = tune(*[(480 * i, 480 * i + 480, p) for i, p in enumerate((67, 69, 71, 67) * 2)])


@pytest.fixture
def pieces(tmp_path, untrained):
    melody = save(tmp_path / "my tune.mid", MELODY, tune((0, 480, 40), channel=3))
    return musicae.harmonize(melody, 2, model=str(untrained["harmonizer"]), track="1")


@pytest.fixture
def silent(monkeypatch):
    """Write empty sound files: a second for each voice is too long for most tests."""
    monkeypatch.setattr(audio, "write_stems", lambda _, paths: [path.touch() for path in paths])


def data_of(page):
    """The JSON that the page's scripts read."""
    found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.S)
    return json.loads(found[1])


def test_a_pack_holds_every_file(tmp_path, pieces):
    paths = pack.write(pieces, tmp_path / "deep" / "pack", "my tune")
    folder = tmp_path / "deep" / "pack"
    assert paths == [folder / "my tune-1.mid", folder / "my tune-2.mid"]
    voices = [voice.lower() for voice in VOICES]
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        *(f"my tune-{i}.{suffix}" for i in (1, 2) for suffix in ("mid", "musicxml", "txt")),
        *(f"stems/my tune-{i}-{voice}.mid" for i in (1, 2) for voice in voices),
        *(f"stems/my tune-1-{voice}.flac" for voice in voices),
        *("my tune-1.png", "my tune-1.pdf"),
        *("audition.mid", "audition.rpp", "report.html", "report.json"),
    }
    assert [path.name for path in folder.parent.iterdir()] == ["pack"], "nothing else is left"
    links = re.findall(r'"href":"./([^"]+)"', (folder / "report.html").read_text())
    assert [unquote(link) for link in links] == [
        *(f"my tune-1.{suffix}" for suffix in ("mid", "musicxml", "pdf", "png")),
        *(f"my tune-2.{suffix}" for suffix in ("mid", "musicxml")),
    ]


@pytest.mark.usefixtures("silent")
def test_the_files_of_an_alternative_are_the_same_music(tmp_path, pieces):
    paths = pack.write(pieces, tmp_path / "pack", "tune")
    reports = json.loads((tmp_path / "pack" / "report.json").read_text())["alternatives"]
    for number, (path, piece) in enumerate(zip(paths, pieces, strict=True), start=1):
        for file in (path, path.with_suffix(".musicxml")):
            read = musicae.read(file)
            assert [read.notes(v) for v in range(4)] == [piece.chorale.notes(v) for v in range(4)]
        told = path.with_suffix(".txt").read_text()
        assert told == piece.report().as_text() + "\n"
        assert reports[number - 1]["report"] == json.loads(json.dumps(piece.report().as_dict()))


@pytest.mark.usefixtures("silent")
def test_the_audition_has_a_marker_at_each_alternative(tmp_path, pieces):
    pack.write(pieces, tmp_path / "pack", "tune")
    song = mido.MidiFile(tmp_path / "pack" / "audition.mid")
    markers = [message.text for message in song.tracks[0] if message.type == "marker"]
    assert markers == ["Alternative 1", "Alternative 2"]
    assert "Alternative 2" in (tmp_path / "pack" / "audition.rpp").read_text()


@pytest.mark.usefixtures("silent")
def test_analysis_and_other_tracks_go_into_the_files(tmp_path, pieces):
    pack.write(pieces, tmp_path / "pack", "tune", analysis=True, keep_tracks=True)
    first = mido.MidiFile(tmp_path / "pack" / "tune-1.mid")
    assert any(": " in message.text for message in first.tracks[0] if message.type == "marker")
    assert len(first.tracks) == 1 + len(VOICES) + 1
    assert "<harmony" in (tmp_path / "pack" / "tune-2.musicxml").read_text()
    assert len(mido.MidiFile(tmp_path / "pack" / "audition.mid").tracks) == 1 + len(VOICES) + 1


@pytest.mark.usefixtures("silent")
def test_the_page_and_the_report_show_the_plans_of_the_pieces(tmp_path, pieces):
    planned = [
        replace(piece, plan=replace(piece.plan, local=(Key(1),) * 4 + (piece.plan.key,) * 4))
        for piece in pieces
    ]
    pack.write(planned, tmp_path / "pack", "tune")
    page = data_of(tmp_path / "pack" / "report.html")
    reports = json.loads((tmp_path / "pack" / "report.json").read_text())["alternatives"]
    for piece, shown, told in zip(planned, page["alternatives"], reports, strict=True):
        assert shown["labels"] == [list(label) for label in texts(labels_of(piece.plan))]
        assert told["numerals"] == list(piece.plan.numerals())
    assert page["facts"]["numerals"] == "the plan of the chords"


@pytest.mark.usefixtures("silent")
def test_the_page_shows_an_analysis_of_pieces_without_a_plan(tmp_path, pieces):
    pack.write([replace(pieces[0], plan=None)], tmp_path / "pack", "tune")
    page = data_of(tmp_path / "pack" / "report.html")
    shown = page["alternatives"][0]["labels"]
    assert shown == [list(label) for label in texts(analyse(pieces[0].chorale))]
    assert page["facts"]["numerals"] == "an analysis of the voices"


@pytest.mark.usefixtures("silent")
def test_a_pack_needs_a_folder_of_its_own(tmp_path, pieces):
    (tmp_path / "mine").mkdir()
    pack.write(pieces, tmp_path / "mine", "tune")
    before = sorted((tmp_path / "mine").rglob("*"))
    with pytest.raises(ChoraleError, match="mine: is there already; name another folder"):
        pack.write(pieces, tmp_path / "mine", "tune")
    assert sorted((tmp_path / "mine").rglob("*")) == before
    (tmp_path / "file").touch()
    with pytest.raises(ChoraleError, match="file: is there already"):
        pack.check(tmp_path / "file")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MusicaeError("no")])
def test_a_failed_pack_leaves_nothing(tmp_path, monkeypatch, pieces, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(reaper, "write", fail)
    with pytest.raises(MusicaeError):
        pack.write(pieces, tmp_path / "pack", "tune")
    assert [path.name for path in tmp_path.iterdir()] == ["my tune.mid"]


def test_a_missing_library_is_reported_before_anything_is_written(tmp_path, monkeypatch, pieces):
    monkeypatch.setattr(pack, "NEEDS", ("numpy", "no_such_library"))
    with pytest.raises(
        MusicaeError, match=r"needs no_such_library: pip install 'musicae\[studio\]'"
    ):
        pack.write(pieces, tmp_path / "pack", "tune")
    assert not (tmp_path / "pack").exists()


def test_the_picture_shows_labels_violations_and_what_was_given(tmp_path, monkeypatch, pieces):
    shown = []
    monkeypatch.setattr(render, "render", lambda *what, **how: shown.append((what, how)))
    monkeypatch.setattr(audio, "write_stems", lambda *_: None)
    pack.write(pieces, tmp_path / "pack", "tune")
    (picture, score) = shown
    assert picture[0][0] is pieces[0]
    assert picture[1] == {"analysis": True, "violations": True}
    assert score[1] == {"analysis": False, "piano": False}
