"""Many melodies in, files or packs out, in one call."""

import multiprocessing
import os
import shutil
import signal
from dataclasses import asdict

import pytest
import torch

import musicae
from musicae.api import inputs
from musicae.api.batch import harmonize_many
from musicae.api.options import HarmonizeOptions
from musicae.api.piece import Piece
from musicae.core import processes
from musicae.core.errors import CheckpointError, ChoraleError, MusicaeError
from musicae.core.files import check_new_folder
from musicae.daw import pack as packing
from musicae.daw.harmonize_files import harmonize_files, plan_packs
from musicae.daw.harmonize_one import write_pieces
from musicae.models.checkpoint import load_checkpoint
from musicae.models.torch_engine import build_model, save_model
from tests.support.midifiles import meta, save, tune


def song(path, first=60):
    notes = [(i * 480, (i + 1) * 480, first + p) for i, p in enumerate([0, 2, 4, 0])]
    path.parent.mkdir(exist_ok=True)
    return save(path, [meta(0, "time_signature", numerator=4), *tune(*notes)])


@pytest.fixture
def options(untrained):
    return HarmonizeOptions(n=2, model=str(untrained["minibach"]))


@pytest.fixture
def no_packs(monkeypatch):
    """Record the calls that write packs, because a real pack takes seconds."""
    calls = []

    def write(pieces, folder, name, program, **looks):
        calls.append((len(pieces), folder, name, program, looks))

    monkeypatch.setattr(packing, "write", write)
    return calls


def test_each_melody_is_written_and_reported(tmp_path, options):
    one, two = song(tmp_path / "one.mid"), song(tmp_path / "two.mid", 62)
    bad = tmp_path / "bad.mid"
    bad.write_bytes(b"no music")
    told = []
    outcome = harmonize_files(
        [one, bad, str(two)],
        f"{tmp_path}/out/",
        options,
        program=19,
        tell=lambda *counts: told.append(counts),
    )
    written = [(each.path.name, each.melody) for each in outcome.written]
    assert written == [
        ("one-harmonized-1.mid", one),
        ("one-harmonized-2.mid", one),
        ("two-harmonized-1.mid", two),
        ("two-harmonized-2.mid", two),
    ]
    for song_path in (one, two):
        pieces = musicae.harmonize(song_path, options=options)
        paths = [each.path for each in outcome.written if each.melody == song_path]
        for piece, path in zip(pieces, paths, strict=True):
            chorale = musicae.read(path)
            assert all(chorale.notes(v) == piece.chorale.notes(v) for v in range(4))
    first = outcome.written[0]
    assert first.lines[0].startswith(f"{first.path}  Chorale(")
    assert (first.facts["seed"], first.facts["alternative"]) == (0, 1)
    (error,) = outcome.errors
    assert str(error).startswith(f"{bad}: is not a MIDI file")
    assert (outcome.notices, outcome.pages) == ((), ())
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_notices_name_their_melody_if_there_are_several(tmp_path, untrained):
    paths = [save(tmp_path / f"{name}.mid", tune((0, 480, 60), (480, 960, 62))) for name in "ab"]
    options = HarmonizeOptions(model=str(untrained["minibach"]))
    (notice,) = harmonize_files(paths[:1], options=options).notices
    assert notice.startswith("the file states no meter")
    notices = harmonize_files(paths, options=options).notices
    assert notices == tuple(f"{path}: {notice}" for path in paths)


def test_packs_of_several_melodies_have_a_folder_each(tmp_path, options, no_packs):
    folder = tmp_path / "packs"
    songs = [song(tmp_path / "songs" / f"{name}.mid") for name in ("one", "two")]
    outcome = harmonize_files([tmp_path / "songs"], options=options, pack=folder, analysis=True)
    looks = {"analysis": True, "keep_tracks": False, "piano": False}
    assert no_packs == [(2, folder / name, name, 52, looks) for name in ("one", "two")]
    assert outcome.pages == tuple(folder / name / "report.html" for name in ("one", "two"))
    assert [each.melody for each in outcome.written[::2]] == songs
    assert outcome.written[0].path == folder / "one" / "one-1.mid"


def test_the_pack_of_one_melody_is_the_folder_itself(tmp_path, options, no_packs):
    outcome = harmonize_files([song(tmp_path / "a.mid")], options=options, pack=tmp_path / "pack")
    assert [call[1] for call in no_packs] == [tmp_path / "pack"]
    assert outcome.pages == (tmp_path / "pack" / "report.html",)


def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, options):
    one = song(tmp_path / "one.mid")
    with pytest.raises(MusicaeError, match="leave --out away"):
        harmonize_files([one], tmp_path / "out.mid", options, pack=tmp_path / "pack")
    with pytest.raises(ChoraleError, match="is the melody itself"):
        harmonize_files([one], one, HarmonizeOptions())
    with pytest.raises(CheckpointError, match="no such weights file"):
        harmonize_files([one], options=HarmonizeOptions(model="none.safetensors"))
    (tmp_path / "full").mkdir()
    song(tmp_path / "full" / "two.mid")
    with pytest.raises(ChoraleError, match="is there already"):
        plan_packs([one], tmp_path / "full")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "one.mid"]


def test_two_packs_in_one_folder_are_refused(tmp_path):
    paths = [song(tmp_path / name / "tune.mid") for name in ("a", "b")]
    with pytest.raises(ChoraleError, match="would both be written to"):
        plan_packs(paths, tmp_path / "packs")


def test_pieces_are_written_to_a_folder_that_is_made(tmp_path, untrained):
    pieces = musicae.harmonize(song(tmp_path / "a.mid"), model=str(untrained["minibach"]))
    path = tmp_path / "new" / "b.musicxml"
    write_pieces(pieces, [path], folder=path.parent)
    assert musicae.read(path).notes(0) == pieces[0].chorale.notes(0)


def folder_of(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.fixture
def songs(tmp_path):
    """A folder of four songs."""
    for i in range(4):
        song(tmp_path / "songs" / f"{i}.mid", 60 + i)
    return tmp_path / "songs"


def test_several_workers_write_what_one_writes_even_if_one_is_killed(tmp_path, songs, options):
    bad = songs / "bad.mid"
    bad.write_bytes(b"no music")
    alone = harmonize_files([songs], f"{tmp_path}/one/", options, program=19)
    killed = []

    def tell(done, _):
        if done == 1:
            killed.append(multiprocessing.active_children()[0])
            os.kill(killed[0].pid, signal.SIGKILL)

    shared = harmonize_files([songs], f"{tmp_path}/two/", options, program=19, workers=2, tell=tell)
    assert killed
    assert len(alone.written) == 8
    assert folder_of(tmp_path / "two") == folder_of(tmp_path / "one")
    assert [each.path.name for each in shared.written] == [each.path.name for each in alone.written]
    assert [each.facts for each in shared.written] == [each.facts for each in alone.written]
    assert (shared.notices, list(map(str, shared.errors))) == (
        alone.notices,
        list(map(str, alone.errors)),
    )


def test_pieces_come_in_order_from_several_workers(songs, options):
    paths = [*sorted(songs.iterdir()), songs / "missing.mid"]
    several = list(harmonize_many(paths, options, workers=2))
    assert [melody for melody, _ in several] == paths
    *pieces, error = [result for _, result in several]
    assert str(error) == f"{songs / 'missing.mid'}: no such file"
    for melody, made in zip(paths[:-1], pieces, strict=True):
        ours = musicae.harmonize(melody, options=options)
        assert [piece.chorale for piece in made] == [piece.chorale for piece in ours]


def test_a_melody_whose_processes_die_is_named(songs, options, monkeypatch):
    died = [(i, processes.Died()) for i in range(4)]
    monkeypatch.setattr(processes, "each", lambda *_: iter(died))
    errors = harmonize_files([songs], options=options).errors
    assert [str(error).split(": ")[0] for error in errors] == list(
        map(str, sorted(songs.iterdir()))
    )


def test_an_error_in_musicae_stops_no_other_melody(songs, options, monkeypatch):
    write = Piece.write

    def fail(piece, path, *arguments, **looks):
        if path.name.startswith("1"):
            raise TypeError("odd")
        return write(piece, path, *arguments, **looks)

    monkeypatch.setattr(Piece, "write", fail)
    outcome = harmonize_files([songs], options=options)
    (error,) = outcome.errors
    assert str(error) == f"{songs / '1.mid'}: a bug in musicae, not in the melody (TypeError: odd)"
    assert len(outcome.written) == 6
    with pytest.raises(TypeError, match="odd"):
        harmonize_files([songs / "1.mid"], options=options)


def made(songs, out, options, **settings):
    """The names of the melodies that are harmonized, and the outcome."""
    outcome = harmonize_files([songs], out, options, skip_existing=True, **settings)
    names = dict.fromkeys(each.melody.name for each in outcome.written)
    done = [*names, *(path.name for path in outcome.skipped)]
    assert sorted(done) == sorted(path.name for path in songs.iterdir())
    return "".join(name.removesuffix(".mid") for name in names), outcome


def test_unchanged_melodies_with_results_are_skipped(tmp_path, songs, options):
    out, phrases = f"{tmp_path}/out/", tmp_path / "ends.txt"
    assert made(songs, out, options)[0] == "0123"
    assert made(songs, out, options)[0] == ""
    (tmp_path / "out" / "2-harmonized-2.mid").unlink()
    song(songs / "3.mid", 70)
    assert made(songs, out, options)[0] == "23"
    assert made(songs, out, options, program=19)[0] == "0123"
    assert made(songs, out, options.changed(seed=1))[0] == "0123"
    phrases.write_text("1 2")
    with_phrases = options.changed(phrases=phrases)
    assert made(songs, out, with_phrases)[0] == "0123"
    phrases.write_text("1 3")
    assert made(songs, out, with_phrases)[0] == "0123"
    before = folder_of(tmp_path / "out")
    assert made(songs, out, with_phrases)[0] == ""
    assert folder_of(tmp_path / "out") == before


def test_results_of_other_weights_or_another_version_are_made_again(
    tmp_path, songs, untrained, monkeypatch
):
    weights, out = tmp_path / "own.safetensors", f"{tmp_path}/out/"
    shutil.copy(untrained["minibach"], weights)
    options = HarmonizeOptions(model=str(weights))
    assert made(songs, out, options)[0] == "0123"
    assert made(songs, out, options)[0] == ""
    torch.manual_seed(2)
    config = load_checkpoint(weights).config
    save_model(weights, "minibach", build_model("minibach", asdict(config)), {})
    assert made(songs, out, options)[0] == "0123"
    monkeypatch.setattr(inputs, "__version__", "next")
    assert made(songs, out, options)[0] == "0123"


def test_edited_and_foreign_results_stay_and_are_reported(tmp_path, songs, options):
    out = tmp_path / "out"
    made(songs, f"{out}/", options)
    edited, foreign = out / "1-harmonized-1.mid", out / "2-harmonized-2.mid"
    edited.write_bytes(edited.read_bytes() + b"more")
    song(foreign)
    before = folder_of(out)
    names, outcome = made(songs, f"{out}/", options.changed(seed=1))
    assert names == "03"
    after = folder_of(out)
    kept = {name for name in before if after[name] == before[name]}
    assert kept == {f"{i}-harmonized-{j}.mid" for i in (1, 2) for j in (1, 2)}
    first, second = outcome.notices
    assert first.startswith(f"{out / '1-harmonized-1.mid'}: was edited since musicae wrote it")
    assert "move it away to harmonize 2.mid again" in second


def test_existing_packs_are_skipped_or_reported(tmp_path, songs, options, monkeypatch):
    def write(pieces, folder, name, program, **looks):
        check_new_folder(folder, "a pack")
        folder.mkdir(parents=True)
        write_pieces(pieces, packing.midi_files(folder, name, len(pieces)), program, **looks)

    monkeypatch.setattr(packing, "write", write)
    packs = tmp_path / "packs"
    assert made(songs, None, options, pack=packs)[0] == "0123"
    assert made(songs, None, options, pack=packs)[0] == ""
    song(songs / "3.mid", 70)
    outcome = harmonize_files([songs], options=options, pack=packs, skip_existing=True)
    (error,) = outcome.errors
    assert str(error).startswith(f"{packs / '3'}: is there already")
    assert len(outcome.skipped) == 3


def test_scores_cannot_be_skipped(tmp_path, songs, options):
    with pytest.raises(MusicaeError, match=r"a\.musicxml: only a MIDI file"):
        harmonize_files(
            [songs / "0.mid"], tmp_path / "a.musicxml", options.changed(n=1), skip_existing=True
        )
