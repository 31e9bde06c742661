"""Many melodies at once: files and folders, the places of results, and unusable melodies."""

import json
import shutil

import pytest

import musicae
from musicae.api.batch import melodies_in, plan
from tests.support.midifiles import meta, save, tune


@pytest.fixture
def model(untrained):
    return ["--model", untrained["minibach"]]


def song(path, first=60):
    notes = [(i * 480, (i + 1) * 480, first + p) for i, p in enumerate([0, 2, 4, 0])]
    path.parent.mkdir(exist_ok=True)
    return save(path, [meta(0, "time_signature", numerator=4), *tune(*notes)])


@pytest.fixture
def folder(tmp_path):
    """A folder with two songs, one of them in MusicXML, and files that are not to be harmonized."""
    songs = tmp_path / "songs"
    song(songs / "one.mid")
    musicae.write(musicae.read(songs / "one.mid"), songs / "two.musicxml")
    song(songs / "one-harmonized.mid")
    song(songs / "one-harmonized-2.mid")
    song(songs / ".hidden.mid")
    song(songs / "deeper" / "three.mid")
    (songs / "notes.txt").write_text("no music")
    return songs


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_stands_for_its_melodies(folder):
    assert names(folder)[0] == ".hidden.mid"
    found = [folder / "one.mid", folder / "two.musicxml"]
    assert melodies_in([folder]) == found
    assert melodies_in([folder / "two.musicxml", folder]) == found[::-1]
    assert melodies_in([folder / "one-harmonized.mid"]) == [folder / "one-harmonized.mid"]


def test_results_go_beside_their_melodies_or_into_a_folder(musicae_command, model, folder):
    (folder / "one-harmonized.mid").unlink()
    done = musicae_command("harmonize", folder, *model)
    assert (done.status, done.err) == (0, "")
    assert (folder / "one-harmonized.mid").exists()
    assert (folder / "two-harmonized.mid").exists()
    out = folder.parent / "a" / "new"
    before = names(folder)
    done = musicae_command("harmonize", folder, "-o", out, "-n", 2, *model)
    assert (done.status, done.err) == (0, "")
    made = [f"{name}-harmonized-{i}.mid" for name in ("one", "two") for i in (1, 2)]
    assert names(out) == made
    assert names(folder) == before
    *lines, totals = done.out.splitlines()
    headings = [line for line in lines if not line.startswith(" ")]
    assert [line.split("  ")[0] for line in headings] == [str(out / name) for name in made]
    assert totals.startswith("2 harmonized, 0 skipped, 0 failed in ")


def test_one_melody_goes_into_a_folder_that_is_there_or_ends_in_a_slash(
    musicae_command, model, folder, tmp_path
):
    (tmp_path / "there").mkdir()
    for out in (tmp_path / "there", f"{tmp_path}/made/"):
        assert musicae_command("harmonize", folder / "one.mid", "-o", out, *model).status == 0
    assert names(tmp_path / "there") == names(tmp_path / "made") == ["one-harmonized.mid"]


def test_a_melody_that_cannot_be_used_does_not_stop_the_others(
    musicae_command, model, folder, tmp_path
):
    bad = folder / "bad.mid"
    bad.write_bytes(b"no music")
    missing, out = folder / "missing.mid", tmp_path / "out"
    files = [bad, missing, folder / "one.mid"]
    done = musicae_command("harmonize", *files, "-o", out, *model)
    assert done.status == 2
    assert names(out) == ["one-harmonized.mid"]
    assert str(out / "one-harmonized.mid") in done.out
    first, second = done.err.splitlines()
    assert first.startswith(f"error: {bad}: is not a MIDI file")
    assert second.startswith(f"error: {missing}: no such file")
    done = musicae_command("harmonize", *files, "-o", out, "--json", *model)
    told = json.loads(done.out)
    assert done.status == 2
    assert [file["melody"] for file in told["files"]] == [str(folder / "one.mid")]
    assert [error.split(": ")[0] for error in told["errors"]] == [str(bad), str(missing)]


def test_workers_print_and_write_what_one_process_does(musicae_command, model, folder, tmp_path):
    (folder / "bad.mid").write_bytes(b"no music")
    told, files = [], []
    for workers in (1, 2):
        out = tmp_path / "out"
        done = musicae_command("harmonize", folder, "-o", out, "--workers", workers, *model)
        *lines, totals = done.out.splitlines()
        assert totals.startswith("2 harmonized, 0 skipped, 1 failed in ")
        told.append((done.status, lines, done.err))
        files.append({path.name: path.read_bytes() for path in out.iterdir()})
        shutil.rmtree(out)
    assert told[0] == told[1]
    assert files[0] == files[1]
    assert list(files[0]) != []


def test_melodies_that_are_done_are_skipped_and_counted(musicae_command, model, folder, tmp_path):
    arguments = ["harmonize", folder, "-o", tmp_path / "out", "--skip-existing", *model]
    assert musicae_command(*arguments).out.splitlines()[-1].startswith("2 harmonized, 0 skipped")
    song(folder / "one.mid", 65)
    done = musicae_command(*arguments)
    assert done.out.splitlines()[-1].startswith("1 harmonized, 1 skipped, 0 failed in ")
    told = json.loads(musicae_command(*arguments, "--json").out)
    assert (told["files"], told["errors"]) == ([], [])
    assert told["skipped"] == [str(folder / "one.mid"), str(folder / "two.musicxml")]


def test_no_folder_is_made_if_nothing_can_be_used(musicae_command, model, tmp_path):
    out = tmp_path / "out"
    done = musicae_command("harmonize", tmp_path / "a.mid", tmp_path / "b.mid", "-o", out, *model)
    assert (done.status, len(done.err.splitlines())) == (2, 2)
    assert done.out.startswith("0 harmonized, 0 skipped, 2 failed")
    assert not out.exists()


def test_errors_and_notices_name_their_melody(musicae_command, untrained, tmp_path):
    paths = []
    for name in ("a", "b"):
        notes = tune((0, 480, 60), (480, 960, 62))
        paths.append(save(tmp_path / f"{name}.mid", notes))
    done = musicae_command("harmonize", *paths, "--model", untrained["minibach"])
    said = [
        f"note: {path}: the file states no meter; 4/4 is assumed (choose with --meter)"
        for path in paths
    ]
    assert done.err.splitlines() == said
    done = musicae_command("harmonize", *paths, "--model", untrained["autoencoder"])
    said = [f"error: {path}: autoencoder does not harmonize" for path in paths]
    assert [line.split(";")[0] for line in done.err.splitlines()] == said


@pytest.mark.parametrize(
    ("paths", "options", "complaint"),
    [
        (["one.mid", "other/one.mid"], ["-o", "out"], "would both be written to"),
        (["one.mid", "one.musicxml"], [], "would both be written to"),
        (["one.mid", "one-harmonized.mid"], [], "one-harmonized.mid: is a melody too"),
        (["one.mid", "two.mid"], ["-o", "out.mid"], "out.mid: is the name of one file"),
        (["one.mid", "two.mid"], ["-o", "one.mid"], "one.mid: is the name of one file"),
        (["other", "one.mid"], ["-o", "out.mid"], "out.mid: is the name of one file"),
        (["one.mid", "empty"], [], "empty: is a folder without MIDI files or scores"),
        (["one.mid", "two.mid"], ["--key", "H"], "'H' is not a key"),
        (["one.mid", "two.mid"], ["--rhythm", "swing"], "a rhythm is plain or flowing"),
        (["one.mid", "two.mid"], ["-n", "0"], "at least one piece"),
        (["one.mid", "two.mid"], ["--workers", "0"], "0 is not in the range x>=1"),
        (["one.mid", "two.mid"], ["--workers", "2", "--scheduler", "a:1"], "give one"),
        (["one.mid", "two.mid"], ["--model", "none.safetensors"], "no such weights file"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_done(
    musicae_command, model, tmp_path, monkeypatch, paths, options, complaint
):
    monkeypatch.chdir(tmp_path)
    for name in ("one.mid", "two.mid", "one-harmonized.mid", "other/one.mid"):
        song(tmp_path / name)
    musicae.write(musicae.read("one.mid"), "one.musicxml")
    (tmp_path / "empty").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    if "--model" not in options:
        options = [*options, *model]
    done = musicae_command("harmonize", *paths, *options)
    assert (done.status, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith("error: ")
    assert complaint in line
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_planning_reads_and_writes_nothing(tmp_path):
    (job,) = plan([tmp_path / "tune.mid"], 2, tmp_path / "out.musicxml")
    assert job.outputs == (tmp_path / "out-1.musicxml", tmp_path / "out-2.musicxml")
    assert job.folder is None
    (job,) = plan([tmp_path / "tune.mid"], 1, f"{tmp_path}/new/")
    assert (job.outputs, job.folder) == (
        (tmp_path / "new" / "tune-harmonized.mid",),
        tmp_path / "new",
    )
    assert not list(tmp_path.iterdir())
