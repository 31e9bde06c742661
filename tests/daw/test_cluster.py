"""Melodies harmonized by a Dask cluster whose workers may die."""

import os
import signal
import sys

import pytest

from musicae.api.batch import Job, plan
from musicae.api.inputs import program_facts
from musicae.api.options import HarmonizeOptions
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.daw import cluster
from musicae.daw import pack as packing
from musicae.daw.harmonize_files import harmonize_files
from musicae.daw.harmonize_one import Task
from tests.support.midifiles import meta, save, tune


@pytest.fixture
def songs(tmp_path):
    """A folder of six songs and a file that is no song."""
    (tmp_path / "songs").mkdir()
    for i in range(6):
        notes = [(j * 480, (j + 1) * 480, 60 + i + p) for j, p in enumerate([0, 2, 4, 0])]
        save(
            tmp_path / "songs" / f"{i}.mid", [meta(0, "time_signature", numerator=4), *tune(*notes)]
        )
    (tmp_path / "songs" / "bad.mid").write_bytes(b"no music")
    return tmp_path / "songs"


@pytest.fixture
def workers(tmp_path):
    """A cluster of two processes with a working folder of its own."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=":0",
        local_directory=str(tmp_path / "dask"),
    ) as made:
        yield made


def folder_of(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_all_files_arrive_when_a_worker_is_killed(tmp_path, songs, untrained, workers):
    (tmp_path / "ends.txt").write_text("1 2")
    options = HarmonizeOptions(
        n=2, model=str(untrained["minibach"]), phrases=str(tmp_path / "ends.txt")
    )
    paths, killed = [songs, songs / "missing.mid"], []
    alone = harmonize_files(paths, f"{tmp_path}/one/", options, program=19)

    def tell(done, _):
        if done == 2 and not killed:
            killed.append(next(iter(workers.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    address = workers.scheduler_address
    shared = harmonize_files(
        paths, f"{tmp_path}/two/", options, program=19, scheduler=address, tell=tell
    )
    assert killed
    assert len(shared.written) == 12
    assert folder_of(tmp_path / "two") == folder_of(tmp_path / "one")
    for ours, theirs in zip(alone.written, shared.written, strict=True):
        assert (ours.melody, ours.facts) == (theirs.melody, theirs.facts)
        assert [line.replace("/one/", "/two/") for line in ours.lines] == list(theirs.lines)
        assert theirs.path == tmp_path / "two" / ours.path.name
    assert shared.notices == alone.notices
    assert list(map(str, shared.errors)) == list(map(str, alone.errors))
    again = harmonize_files(
        paths, f"{tmp_path}/two/", options, program=19, scheduler=address, skip_existing=True
    )
    assert (len(again.written), len(again.skipped), len(again.errors)) == (0, 6, 2)


def test_a_worker_with_another_version_is_named(songs, untrained):
    options = HarmonizeOptions(model=str(untrained["minibach"]))
    melody = songs / "0.mid"
    task = Task(plan([melody])[0], options)
    parcel = cluster.Parcel(task, melody.read_bytes(), {"version": "another"})
    error = cluster.harmonize_parcel(parcel, ()).done.error
    assert str(error).startswith(f"{melody}: the worker on ")
    assert "has another version of musicae or other weights" in str(error)


def test_packs_come_back_whole(tmp_path, songs, untrained, monkeypatch):
    options = HarmonizeOptions(model=str(untrained["minibach"]))
    melody = songs / "0.mid"
    job = Job(melody, (tmp_path / "packs" / "0" / "0-1.mid",))
    task = Task(job, options, packed=True)

    def write(pieces, folder, name, program):
        (folder / "stems").mkdir(parents=True)
        pieces[0].write(folder / f"{name}-1.mid", program)
        (folder / "stems" / "bass.flac").write_bytes(b"sound")

    monkeypatch.setattr(packing, "write", write)
    parcel = cluster.Parcel(task, melody.read_bytes(), program_facts(options))
    returned = cluster.harmonize_parcel(parcel, ())
    done = cluster.written(task, returned)
    assert done.page == tmp_path / "packs" / "0" / "report.html"
    assert (tmp_path / "packs" / "0" / "stems" / "bass.flac").read_bytes() == b"sound"
    assert str(cluster.written(task, returned).error).endswith(
        "is there already; name another folder, or remove it"
    )


def test_without_dask_an_error_says_how_to_get_it(songs, untrained, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    options = HarmonizeOptions(model=str(untrained["minibach"]))
    with pytest.raises(MusicaeError, match=r"pip install 'musicae\[cluster\]'"):
        harmonize_files([songs], options=options, scheduler="tcp://127.0.0.1:8786")


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:9"])
def test_an_address_that_does_not_answer_is_refused(songs, untrained, monkeypatch, address):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "TIMEOUT", 0.2)
    options = HarmonizeOptions(model=str(untrained["minibach"]))
    with pytest.raises(ChoraleError, match=f"^{address}: no Dask scheduler answers there; start"):
        harmonize_files([songs], options=options, scheduler=address)


def test_a_scheduler_without_workers_is_refused(songs, untrained, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "TIMEOUT", 1.0)
    options = HarmonizeOptions(model=str(untrained["minibach"]))
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", protocol="tcp://") as empty,
        pytest.raises(ChoraleError, match="has no workers; start one with 'dask worker"),
    ):
        harmonize_files([songs], options=options, scheduler=empty.scheduler_address)
