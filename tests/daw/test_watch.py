"""A watched folder: files that are saved at once or in pieces, good or bad, and their results."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import musicae
from musicae.api import harmonize as api
from musicae.api.options import HarmonizeOptions
from musicae.api.piece import Piece
from musicae.cli import watch as command
from musicae.core.errors import CheckpointError, ChoraleError, MusicaeError
from musicae.daw import watch as watching
from musicae.daw.watch import Began, Failed, Made, watch
from musicae.io import formats
from tests.support.midifiles import meta, save, tune

SLOWEST = 30
"""Timeout in seconds for every event, long enough for a busy machine."""


def song(path, first=60):
    """Put a tune into the folder by renaming a hidden file, so that it is never there in part."""
    notes = [(i * 480, (i + 1) * 480, first + p) for i, p in enumerate([0, 2, 4, 0])]
    hidden = save(path.with_name(".hidden"), [meta(0, "time_signature"), *tune(*notes)])
    return hidden.replace(path)


def first_pitch(path):
    return musicae.read(path).notes(0)[0].pitch


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def until(condition):
    end = time.monotonic() + SLOWEST
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


class Watched:
    """A watch in a thread, its news, and the melodies that it tried to harmonize."""

    def __init__(self, folder):
        self.folder = folder
        self.tried = []
        self.error = None
        self.news = queue.Queue()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.options = {}

    def start(self, **options):
        self.options = options
        self.thread.start()
        return self.next(Began)

    def next(self, kind):
        news = self.news.get(timeout=SLOWEST)
        assert isinstance(news, kind), news
        return news

    def end(self):
        """Stop the watch. The test fails if there is news that ``next`` has not taken."""
        self.stop.set()
        self.thread.join(SLOWEST)
        assert not self.thread.is_alive()
        assert self.news.empty()

    def _run(self):
        try:
            watch(self.folder, tell=self.news.put, stop=self.stop, **self.options)
        except MusicaeError as error:
            self.error = error


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "songs"
    path.mkdir()
    return path


@pytest.fixture
def watched(folder, monkeypatch):
    """A watch with short delays that copies melodies instead of harmonizing them."""
    it = Watched(folder)

    def harmonize(melody, *, options):
        it.tried.append(melody.name)
        if melody.name.startswith("bug"):
            raise KeyError("a bug")
        return [Piece(musicae.read(melody), {})] * options.n

    monkeypatch.setattr(api, "harmonize", harmonize)
    monkeypatch.setattr(api, "load_for", lambda _: None)
    monkeypatch.setattr(watching, "SETTLED", 0.05)
    monkeypatch.setattr(watching, "PATIENCE", 0.15)
    yield it
    it.stop.set()
    if it.thread.ident:
        it.thread.join(SLOWEST)


def test_melodies_without_a_newer_result_are_harmonized_first(folder, watched):
    for name in ("done", "new", "changed"):
        song(folder / f"{name}.mid")
    for name in ("done", "changed"):
        song(folder / f"{name}-harmonized.mid", 72)
    os.utime(folder / "changed.mid", (2e9, 2e9))
    began = watched.start()
    assert began == Began(folder, folder, (folder / "changed.mid", folder / "new.mid"))
    assert watched.next(Made).melody.name == "changed.mid"
    assert watched.next(Made).outputs == (folder / "new-harmonized.mid",)
    watched.end()
    assert watched.tried == ["changed.mid", "new.mid"]
    assert first_pitch(folder / "done-harmonized.mid") == 72


def test_scores_in_other_notations_are_melodies(folder, watched):
    watched.start()
    hidden = folder / ".hidden"
    hidden.write_text("X:1\nM:4/4\nL:1/4\nK:C\nCDEC|]\n")
    hidden.replace(folder / "tune.abc")
    assert watched.next(Made).melody == folder / "tune.abc"
    watched.end()


def test_each_save_is_harmonized_once_and_results_are_no_melodies(folder, watched):
    watched.start()
    for name in ("one.mid", "two.mid", "one.mid", "three.mid"):
        song(folder / name)
        made = watched.next(Made)
        assert made.melody == folder / name
        assert made.seconds < SLOWEST
    watched.end()
    assert watched.tried == ["one.mid", "two.mid", "one.mid", "three.mid"]


def test_a_melody_saved_again_replaces_its_result(folder, watched):
    watched.start()
    for first in (60, 62):
        song(folder / "tune.mid", first)
        watched.next(Made)
        assert first_pitch(folder / "tune-harmonized.mid") == first
    watched.end()


def test_scores_are_melodies_too(folder, watched):
    watched.start()
    chorale = musicae.read(song(folder / ".tune.mid"))
    musicae.write(chorale, folder / "score.musicxml")
    assert watched.next(Made).outputs == (folder / "score-harmonized.mid",)
    watched.end()


def test_a_file_that_grows_is_read_when_it_is_whole(folder, watched, monkeypatch):
    monkeypatch.setattr(watching, "PATIENCE", SLOWEST)
    watched.start()
    data = song(folder / "tune.tmp").read_bytes()
    (folder / "tune.tmp").unlink()
    with (folder / "slow.mid").open("wb") as file:
        for start in range(0, len(data), 20):
            file.write(data[start : start + 20])
            file.flush()
            tries = len(watched.tried)
            if start == 40:  # the writer is so slow that the watch tries the half
                until(lambda tries=tries: len(watched.tried) > tries)
    watched.next(Made)
    watched.end()
    assert names(folder) == ["slow-harmonized.mid", "slow.mid"]


def test_a_file_is_left_alone_until_it_is_settled(folder, watched, monkeypatch):
    class Clock:
        now, asked = 0.0, 0

        def monotonic(self):
            self.asked += 1
            return self.now

    clock = Clock()
    monkeypatch.setattr(watching, "time", clock)
    song(folder / "tune.mid")
    watched.start()
    for _ in range(2):
        asked = clock.asked
        until(lambda asked=asked: clock.asked > asked + 10)
        assert not watched.tried
        clock.now += 0.9 * watching.SETTLED
    watched.next(Made)
    watched.end()


def test_a_file_renamed_into_place_is_harmonized(folder, watched):
    watched.start()
    song(folder / "tune.tmp").rename(folder / "tune.mid")
    watched.next(Made)
    watched.end()
    assert watched.tried == ["tune.mid"]


def test_folders_in_it_hidden_files_and_other_files_are_left_alone(folder, watched):
    watched.start()
    (folder / "deeper").mkdir()
    song(folder / "deeper" / "one.mid")
    song(folder / ".tune.mid")
    song(folder / "old-harmonized-2.mid")
    (folder / "notes.txt").write_text("no music")
    song(folder / "tune.mid")
    watched.next(Made)
    watched.end()
    assert watched.tried == ["tune.mid"]


def test_an_error_file_stays_until_its_melody_is_repaired(folder, watched):
    data = song(folder / "tune.mid").read_bytes()
    (folder / "tune.mid").write_bytes(data[:-9])
    watched.start()
    failed = watched.next(Failed)
    assert failed.melody == folder / "tune.mid"
    assert str(failed.error).endswith("is cut off before its end; export or copy it again")
    text = (folder / "tune-error.txt").read_text()
    assert text.startswith("musicae could not harmonize tune.mid\n")
    assert str(failed.error) in text
    assert not (folder / "tune-harmonized.mid").exists()
    song(folder / "tune.mid")
    watched.next(Made)
    watched.end()
    assert names(folder) == ["tune-harmonized.mid", "tune.mid"]


def test_an_error_file_is_removed_with_its_melody(folder, watched):
    (folder / "tune.mid").touch()
    watched.start()
    assert "is empty" in str(watched.next(Failed).error)
    assert names(folder) == ["tune-error.txt", "tune.mid"]
    (folder / "tune.mid").unlink()
    until(lambda: not names(folder))
    watched.end()


def test_a_text_of_the_user_is_neither_replaced_nor_removed(folder, watched):
    (folder / "tune-error.txt").write_text("My own notes")
    (folder / "tune.mid").touch()
    watched.start()
    assert "tune-error.txt: is not musicae's" in str(watched.next(Failed).error)
    assert "is empty" in str(watched.next(Failed).error)
    song(folder / "tune.mid")
    watched.next(Made)
    watched.end()
    assert (folder / "tune-error.txt").read_text() == "My own notes"


def test_an_error_in_musicae_does_not_end_the_watch(folder, watched):
    watched.start()
    song(folder / "bug.mid")
    assert "bug.mid: a bug in musicae" in str(watched.next(Failed).error)
    text = (folder / "bug-error.txt").read_text()
    assert "(KeyError: 'a bug')" in text
    assert "Please report it" in text
    assert "Traceback" in text
    song(folder / "tune.mid")
    watched.next(Made)
    watched.end()


def test_a_result_that_cannot_be_written_does_not_end_the_watch(folder, watched):
    watched.start()
    (folder / "one-harmonized.mid").mkdir()
    song(folder / "one.mid")
    assert "is a folder" in str(watched.next(Failed).error)
    song(folder / "two.mid")
    watched.next(Made)
    watched.end()


def test_two_melodies_with_one_name_wait_for_another_name(folder, watched):
    song(folder / "tune.mid")
    musicae.write(musicae.read(folder / "tune.mid"), folder / "tune.musicxml")
    watched.start()
    message = str(watched.next(Failed).error)
    assert "tune.mid and" in message
    assert "tune.musicxml would both be written to" in message
    assert names(folder) == ["tune-error.txt", "tune.mid", "tune.musicxml"]
    (folder / "tune.musicxml").rename(folder / "other.musicxml")
    assert {watched.next(Made).melody.name for _ in range(2)} == {"tune.mid", "other.musicxml"}
    watched.end()
    assert "tune-error.txt" not in names(folder)


def test_the_folder_of_results_is_made_again_if_it_is_gone(folder, watched):
    out = folder / "new" / "results"
    assert watched.start(out=out, options=HarmonizeOptions(n=2)).out == out
    for _ in range(2):
        song(folder / "tune.mid")
        watched.next(Made)
        assert names(out) == ["tune-harmonized-1.mid", "tune-harmonized-2.mid"]
        shutil.rmtree(out)
    watched.end()


def test_the_melody_saved_last_is_harmonized_first(folder, watched, monkeypatch):
    at_work, go_on = threading.Event(), threading.Event()
    harmonize = api.harmonize

    def slowly(melody, *, options):
        at_work.set()
        assert go_on.wait(SLOWEST)
        time.sleep(2 * watching.SETTLED)  # the watch now sees the new file
        return harmonize(melody, options=options)

    monkeypatch.setattr(api, "harmonize", slowly)
    for name in "abc":
        song(folder / f"{name}.mid")
    watched.start()
    assert at_work.wait(SLOWEST)
    song(folder / "latest.mid")
    go_on.set()
    made = [watched.next(Made).melody.stem for _ in range(4)]
    watched.end()
    assert made.index("latest") < made.index("c")


def test_a_folder_without_change_events_is_still_checked(folder, watched, monkeypatch):
    class Deaf:
        @staticmethod
        def watch(*_, stop_event, **__):
            while not stop_event.wait(0.01):
                yield set()

    monkeypatch.setattr(watching, "load_watchfiles", lambda: Deaf)
    monkeypatch.setattr(watching, "LOOK", 0.1)
    watched.start()
    song(folder / "tune.mid")
    watched.next(Made)
    watched.end()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are Unicode")
def test_names_that_are_not_utf_8_are_melodies_too(folder, watched):
    watched.start()
    for name in (b"gr\xfcn", b"bl\xe4u", b"tune"):
        melody = folder / os.fsdecode(name + b".mid")
        song(melody)
        made = watched.next(Made)
        assert (made.melody, made.outputs) == (
            melody,
            (folder / os.fsdecode(name + b"-harmonized.mid"),),
        )
    watched.end()


@pytest.mark.parametrize("suffix", [".kar", ".rmi", ".smf"])
def test_other_suffixes_of_midi_files_count(folder, watched, suffix):
    watched.start()
    song(folder / f"tune{suffix}")
    assert watched.next(Made).outputs == (folder / "tune-harmonized.mid",)
    watched.end()


def test_the_watch_ends_if_the_folder_is_removed(folder, watched):
    watched.start()
    folder.rename(folder.with_name("elsewhere"))
    watched.thread.join(SLOWEST)
    assert str(watched.error) == f"{folder}: is gone, so there is nothing more to watch"


@pytest.mark.usefixtures("watched")
def test_what_cannot_be_watched_is_refused(folder, monkeypatch):
    with pytest.raises(MusicaeError, match="no such folder"):
        watch(folder / "nowhere")
    file = song(folder / "tune.mid")
    with pytest.raises(MusicaeError, match="is a file"):
        watch(file)
    with pytest.raises(ChoraleError, match="cannot be made"):
        watch(folder, file)

    class Full:
        @staticmethod
        def watch(*_, **__):
            raise OSError("OS file watch limit reached")
            yield

    with monkeypatch.context() as patch:
        patch.setattr(watching, "load_watchfiles", lambda: Full)
        with pytest.raises(MusicaeError, match="WATCHFILES_FORCE_POLLING"):
            watch(folder)
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(MusicaeError, match=r"pip install 'musicae\[studio\]'"):
        watch(folder)


def test_the_model_is_loaded_before_the_watch_begins(folder):
    stop = threading.Event()
    stop.set()
    with pytest.raises(CheckpointError, match="no such weights file"):
        watch(folder, stop=stop, options=HarmonizeOptions(model="none.safetensors"))


def test_the_command_prints_what_happens(folder, monkeypatch):
    seen = {}

    def play(*arguments, tell, **options):
        seen.update(options, arguments=arguments)
        melody, result = folder / "tune.mid", folder / "tune-harmonized.mid"
        piece = Piece(musicae.read(song(melody)), {}, ("4/4 is assumed",))
        report = musicae.check("data/results/old_hundredth.mid")
        tell(Began(folder, folder, (melody,)))
        tell(Made(melody, (result,), (piece,), (report,), 1.234))
        tell(Made(melody, (result,), (piece,), (None,), 1))
        tell(Failed(melody, MusicaeError("tune.mid: is\nempty")))
        raise KeyboardInterrupt

    monkeypatch.setattr(watching, "watch", play)
    app = typer.Typer()
    app.command()(command.watch)
    options = ["-n", "2", "--rules", "strict", "--program", "church organ", "--key", "G"]
    done = CliRunner().invoke(app, [str(folder), "-o", "results", *options])
    assert done.exit_code == 0
    first, second, made, unchecked, last = done.stdout.splitlines()
    assert first.startswith(f"watching {folder}: ")
    assert first.endswith("Ctrl-C ends it")
    assert second == "first, 1 melody without a newer result"
    place = f"tune.mid -> {folder / 'tune-harmonized.mid'}"
    assert made.startswith(f"{place}  1.2 s; ")
    assert made.endswith("of voice leading, beyond Bach: nothing")
    assert unchecked.startswith(f"{place}  1.0 s; voice leading not checked")
    assert last == "stopped watching"
    assert "note: tune.mid: 4/4 is assumed" in done.stderr
    assert "error: tune.mid: is empty" in done.stderr
    asked = HarmonizeOptions(n=2, rules="strict", key="G")
    assert seen == {
        "arguments": (folder, Path("results"), asked),
        "program": 19,
        "analysis": False,
        "keep_tracks": False,
    }


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_from_a_saved_melody_to_its_chorale_until_ctrl_c(folder):
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # as in a shell
        "from musicae.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "watch", str(folder), "--seed", "1"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    guard = threading.Timer(2 * SLOWEST, process.kill)
    guard.start()
    try:
        assert process.stdout.readline().startswith("watching ")
        shutil.copy("data/melodies/old_hundredth.mid", folder / "žalm.mid")
        assert process.stdout.readline().startswith(r"\u017ealm.mid -> ")
        process.send_signal(signal.SIGINT)
        assert process.communicate()[0] == "stopped watching\n"
        assert process.returncode == 0
    finally:
        guard.cancel()
        process.kill()
    harmonized = folder / "žalm-harmonized.mid"
    melody = musicae.read("data/melodies/old_hundredth.mid")
    chorale = musicae.read(harmonized)
    assert [n.pitch for n in chorale.notes(0)] == [n.pitch for n in melody.notes(0)]
    assert all(chorale.notes(voice) for voice in range(4))
    assert formats.read_provenance(harmonized)["seed"] == 1
