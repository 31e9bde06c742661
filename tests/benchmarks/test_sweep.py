"""The sweep over a folder of files reports the outcome of each file."""

import importlib
import sys

import pytest

from musicae.io import formats, midi_reader
from tests.support import paths
from tests.support.midifiles import save, tune


@pytest.fixture
def sweep(monkeypatch):
    monkeypatch.syspath_prepend(paths.ROOT / "benchmarks")
    return importlib.import_module("sweep")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "files" / "deep"
    folder.mkdir(parents=True)
    for number in (1, 2):
        (folder / f"broken{number}.mid").write_bytes(b"no music")
    path = save(folder / "tune.mid", tune(*[(480 * i, 480 * i + 470, 67) for i in range(8)]))
    formats.write(midi_reader.read(path), folder / "tune.musicxml")
    return folder.parent


@pytest.mark.parametrize("read_only", [True, False])
def test_totals(folder, sweep, untrained, monkeypatch, capsys, read_only):
    options = ["--read-only"] if read_only else ["--model", str(untrained["minibach"])]
    monkeypatch.setattr(sys, "argv", ["sweep.py", str(folder), *options])
    sweep.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "4 files, 2 used, 2 refused"
    assert ("melody exact: 2 of 2" in lines) == (not read_only)
    assert "2 refused: is not a MIDI file: deep/broken1.mid, deep/broken2.mid" in lines
    assert lines[-2].startswith("slowest: ")
    assert "MiB" in lines[-1]


def test_a_melody_that_was_changed_is_not_exact(folder, sweep, untrained, monkeypatch):
    arrange = sweep.Piece.arrange

    def without_a_note(piece, *arguments, **options):
        made = arrange(piece, *arguments, **options)
        tracks = [list(track) for track in made.tracks]
        at = next(i for i, e in enumerate(tracks[1]) if e.message.type == "note_on")
        del tracks[1][at]
        return made._replace(tracks=tracks)

    path = folder / "deep" / "tune.mid"
    assert sweep.use(path, str(untrained["minibach"])).exact
    monkeypatch.setattr(sweep.Piece, "arrange", without_a_note)
    assert sweep.use(path, str(untrained["minibach"])).exact is False


def test_messages_are_alike_but_for_names_and_numbers(sweep):
    one = sweep.kind_of(
        "no track has the number or name 'Oboe'; the tracks with notes are 1 'A', 2 'B'"
    )
    assert one == sweep.kind_of(
        "no track has the number or name 'Horn'; the tracks with notes are 1, 2, 3"
    )
    assert sweep.kind_of("lasts about 6300 bars") == sweep.kind_of("lasts about 99000 bars")
