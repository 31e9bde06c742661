"""The commands that draw, engrave, pack and play music."""

import json

import mido
import pytest

import musicae
from musicae.core.constants import VOICES
from musicae.daw import playback
from musicae.rendering import audio
from tests.support.midifiles import save, tune
from tests.support.passages import CADENCE


@pytest.fixture
def hymn(tmp_path):
    musicae.write(CADENCE, tmp_path / "hymn.mid")
    return tmp_path / "hymn.mid"


@pytest.fixture
def song(tmp_path):
    """A melody with a piano track."""
    melody = tune(*[(480 * i, 480 * i + 480, p) for i, p in enumerate((67, 69, 71, 67))])
    piano = [(0, mido.MetaMessage("track_name", name="Piano")), *tune((0, 1920, 48), channel=1)]
    return save(tmp_path / "song.mid", melody, piano)


@pytest.mark.parametrize(
    ("out", "options", "begins"),
    [
        ("a.png", ["--analysis", "--check"], b"\x89PNG"),
        ("a.svg", [], b"<?xml"),
        ("a.svg", ["--score"], b"<"),
        ("a.png", ["--score"], b"\x89PNG"),
        ("a.svg", ["--open-score", "--analysis"], b"<"),
        ("a.pdf", ["--check"], b"%PDF"),
        ("a.wav", ["--program", "church organ"], b"RIFF"),
        ("a.ogg", [], b"OggS"),
    ],
)
def test_render_writes_the_format_of_the_suffix(musicae_command, hymn, out, options, begins):
    done = musicae_command("render", hymn, "-o", hymn.with_name(out), *options)
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [str(hymn.with_name(out))]
    assert hymn.with_name(out).read_bytes().startswith(begins)


def test_several_files_are_drawn_in_one_picture(musicae_command, hymn, tmp_path):
    musicae.write(CADENCE.transpose(2), tmp_path / "higher.mid")
    out = tmp_path / "both.svg"
    done = musicae_command("render", hymn, tmp_path / "higher.mid", "-o", out)
    assert done.status == 0
    assert out.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["render", "hymn.mid", "-o", "a.aac"], "a.aac: a piano roll is .png or .svg"),
        (["render", "none.mid", "-o", "a.png"], "none.mid: no such file"),
        (["render", "hymn.mid", "-o", "a.wav", "--program", "kazoo"], "no General MIDI sound"),
        (["render", "hymn.mid", "-o", "a.wav", "--soundfont", "a.sf2"], "no such SoundFont"),
        (["harmonize", "song.mid", "--pack", "p", "-o", "x.mid"], "leave --out away"),
        (["harmonize", "song.mid", "--keep-tracks", "-o", "x.musicxml"], "of the melody's file"),
        (["watch", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(
    musicae_command, monkeypatch, hymn, song, arguments, complaint
):
    monkeypatch.chdir(hymn.parent)
    before = sorted(hymn.parent.iterdir())
    done = musicae_command(*arguments)
    assert done.status == 2
    (line,) = [line for line in done.err.splitlines() if not line.startswith("note:")]
    assert line.startswith("error: ")
    assert complaint in line
    assert sorted(hymn.parent.iterdir()) == before
    assert song.exists()


def test_a_pack_of_several_melodies_has_a_folder_for_each(
    musicae_command, monkeypatch, song, untrained, tmp_path
):
    monkeypatch.setattr(audio, "write_stems", lambda *_: None)
    other = save(tmp_path / "other.mid", tune((0, 960, 60), (960, 1920, 62)))
    options = ["--pack", tmp_path / "packs", "-n", 2, "--model", untrained["minibach"], "--json"]
    done = musicae_command("harmonize", song, other, *options)
    assert done.status == 0
    told = [each["path"] for each in json.loads(done.out)["files"]]
    packs = tmp_path / "packs"
    assert told == [str(packs / n / f"{n}-{i}.mid") for n in ("song", "other") for i in (1, 2)]
    assert (packs / "song" / "report.html").exists()
    again = musicae_command("harmonize", song, *options)
    assert (again.status, again.out) == (2, "")
    assert "is there already" in again.err


def test_the_page_of_a_pack_is_named(musicae_command, monkeypatch, song, untrained, tmp_path):
    monkeypatch.setattr(audio, "write_stems", lambda *_: None)
    options = ["--pack", tmp_path / "pack", "--model", untrained["minibach"]]
    done = musicae_command("harmonize", song, *options)
    assert done.out.splitlines()[-1] == f"open {tmp_path / 'pack' / 'report.html'}"


def test_harmonize_analyses_and_keeps_tracks(musicae_command, song, untrained):
    out = song.with_name("out.mid")
    options = ["--analysis", "--keep-tracks", "--track", 1, "--model", untrained["harmonizer"]]
    assert musicae_command("harmonize", song, "-o", out, *options).status == 0
    tracks = mido.MidiFile(out).tracks
    assert [track.name for track in tracks[1:]] == [*VOICES, "Piano"]
    first = next(message.text for message in tracks[0] if message.type == "marker")
    assert ": " in first


def test_new_pieces_are_analysed_too(musicae_command, untrained, tmp_path):
    options = ["--bars", 1, "--analysis", "--format", "musicxml", "--model"]
    done = musicae_command("generate", "-o", tmp_path, *options, untrained["harmonizer"])
    assert done.status == 0
    (piece,) = tmp_path.glob("*.musicxml")
    assert "<harmony" in piece.read_text()


class Port:
    """A MIDI output that records the messages."""

    def __init__(self, messages):
        self.messages = messages

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def send(self, message):
        self.messages.append(message)


@pytest.fixture
def ports(monkeypatch):
    """Two ports, and the messages to the one that is opened; waiting takes no time."""
    sent = {}

    class Backend:
        @staticmethod
        def get_output_names():
            return ["Organ 1", "Choir 2"]

        @staticmethod
        def open_output(name):
            return Port(sent.setdefault(name, []))

    monkeypatch.setattr(playback, "_backend", lambda: Backend)
    whole = playback.play
    monkeypatch.setattr(
        playback, "play", lambda *a: whole(*a, clock=lambda: 0, sleep=lambda _: None)
    )
    return sent


def test_play_sends_a_file_to_a_port(musicae_command, hymn, ports):
    assert musicae_command("play", hymn, "--port", "choir").status == 0
    assert list(ports) == ["Choir 2"]
    assert sum(m.type == "note_on" for m in ports["Choir 2"]) == 12


def test_play_lists_the_ports(musicae_command, ports):
    assert musicae_command("play").out.splitlines() == ["1 Organ 1", "2 Choir 2"]
    assert ports == {}


def test_play_says_how_to_get_a_port(musicae_command, monkeypatch, hymn):
    monkeypatch.setattr(playback, "ports", list)
    for arguments in (["play", hymn], ["play"]):
        done = musicae_command(*arguments)
        assert done.status == 2
        assert "error: there is no MIDI port to play to: " in done.err
