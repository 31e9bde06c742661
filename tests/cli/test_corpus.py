"""From a folder of one's own chorales to a corpus, a trained model and its accuracies."""

import json
import random
import sys

import pytest

import musicae
from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.io import midi_writer

SCALE = [0, 2, 4, 5, 7, 9, 11]


def hymn(seed):
    """Eight bars of quarters: a random walk over the scale, different for each seed."""
    rng = random.Random(seed)
    voices = []
    for low in (64, 57, 52, 43):
        degree, notes = rng.randrange(5), []
        for beat in range(32):
            degree = min(8, max(0, degree + rng.choice([-2, -1, 0, 1, 2])))
            pitch = low + SCALE[degree % 7] + 12 * (degree // 7)
            notes.append((4 * beat, 4, pitch))
        voices.append(notes)
    return Chorale.from_notes(voices, key=Key(0), title=f"Hymn {seed}")


def test_bach_s_files_need_music21(tmp_path, musicae_command, monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    done = musicae_command("corpus", "build", "-o", tmp_path / "bach.npz")
    assert done.status == 2
    message = "error: Bach's files come with music21: pip install 'musicae[corpus]'"
    assert done.err.strip().splitlines()[-1] == message
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve hymns, one of them twice, a duet, and a file that is no music."""
    folder = tmp_path_factory.mktemp("hymns")
    for seed in range(12):
        musicae.write(hymn(seed), folder / f"hymn{seed:02}.mid")
    midi_writer.write(hymn(3).transpose(2), folder / "hymn03-higher.mid")
    musicae.write(Chorale.from_notes([[(0, 16, 60)], [(0, 16, 55)]]), folder / "duet.musicxml")
    (folder / "broken.mid").write_bytes(b"not music")
    return folder


@pytest.fixture(scope="module")
def built(folder, tmp_path_factory):
    from musicae.corpus import build

    path = tmp_path_factory.mktemp("corpus") / "hymns.npz"
    build.build_from_folder(folder, workers=1).save(path)
    return path


def test_build_says_why_files_are_left_out(musicae_command, folder, tmp_path):
    out = tmp_path / "hymns.npz"
    done = musicae_command("corpus", "build", "--from", folder, "-o", out, "--workers", 1)
    assert done.status == 0
    lines = done.out.splitlines()
    assert any("broken.mid" in line and "not a MIDI file" in line for line in lines)
    assert any("duet.musicxml" in line and "never sing" in line for line in lines)
    assert any(line.startswith("duplicate hymn03") for line in lines)
    assert lines[-1] == f"{out}  12 chorales, 12 tunes"


def test_info_shows_and_draws_the_corpus(musicae_command, built, tmp_path):
    picture = tmp_path / "corpus.png"
    done = musicae_command("corpus", "info", "--data", built, "-o", picture)
    assert "chorales: 12" in done.out
    assert picture.read_bytes().startswith(b"\x89PNG")
    told = json.loads(musicae_command("corpus", "info", "--data", built, "--json").out)
    assert told["meters"] == {"4/4": 12}
    assert sum(side["chorales"] for side in told["sides"].values()) == 12


def test_train_evaluate_and_use_a_model(musicae_command, built, tmp_path):
    run = tmp_path / "run"
    done = musicae_command("train", "minibach", "--data", built, "-o", run, "--epochs", 2)
    assert done.status == 0
    weights = run / "minibach.safetensors"
    assert str(weights) in done.out
    assert (run / "log.csv").read_text().startswith("epoch,train_loss,valid_loss")
    table = json.loads(
        musicae_command("accuracy", weights, "--data", built, "--json", "--side", "valid").out
    )
    assert set(table) == {"Alto", "Tenor", "Bass"}
    assert table["Alto"]["always hold"]["onsets"] == 0
    again = musicae_command(
        "train", "minibach", "--data", built, "-o", run, "--epochs", 2, "--resume"
    )
    assert again.out == done.out
    assert musicae_command("accuracy", weights, "--data", built).out.startswith("| voice |")
    (piece,) = musicae.harmonize(hymn(40), model=str(weights))
    assert len(piece.chorale) == 128


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["corpus", "build", "--from", "no/folder"], "no/folder: no such folder"),
        (["corpus", "info", "--data", "none.npz"], "none.npz: no such corpus"),
        (["train", "deepbach"], "no model is called 'deepbach'"),
        (["train", "minibach", "--data", "none.npz"], "none.npz: no such corpus"),
        (["train", "minibach", "--devices", "0"], "at least one device"),
        (["train", "minibach", "--precision", "8"], "precision must be"),
        (["train", "minibach", "--epochs", "0"], "at least 1"),
        (["evaluate", "minibach", "--data", "none.npz"], "none.npz: no such corpus"),
        (["accuracy", "minibach", "--data", "none.npz"], "none.npz: no such corpus"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(
    musicae_command, tmp_path, monkeypatch, arguments, complaint
):
    monkeypatch.chdir(tmp_path)
    done = musicae_command(*arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert complaint in done.err
    assert not list(tmp_path.iterdir())
