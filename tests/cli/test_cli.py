"""The command line: what it writes, prints and refuses; failures leave no files."""

import json

import mido
import pytest

import musicae
from musicae.cli.commands import HOMES
from musicae.io.midi_reader import read_provenance
from tests.support.midifiles import meta, save, tune


@pytest.fixture
def melody(tmp_path):
    notes = [(i * 480, (i + 1) * 480, 60 + p) for i, p in enumerate([0, 2, 4, 5, 7, 5, 4, 2, 0])]
    return save(tmp_path / "tune.mid", [meta(0, "key_signature", key="C"), *tune(*notes)])


@pytest.mark.parametrize("name", HOMES)
def test_every_command_has_help(musicae_command, name):
    done = musicae_command(name, "--help")
    assert done.status == 0
    assert f"musicae {name}" in done.out
    assert name in musicae_command("--help").out.split()


def test_harmonize_writes_beside_the_melody(musicae_command, melody, untrained):
    done = musicae_command("harmonize", melody, "--model", untrained["minibach"], "--seed", 3)
    assert done.status == 0
    written = melody.with_name("tune-harmonized.mid")
    assert str(written) in done.out
    assert "seed 3" in done.out
    assert "harmonized in C major (choose another with --key)" in done.out
    facts = read_provenance(written)
    assert (facts["seed"], facts["model"], facts["key"]) == (3, "minibach", "C major")
    assert facts["version"] == musicae.__version__
    assert len(facts["checksum"]) == 64
    chorale = musicae.read(written)
    assert [n.pitch for n in chorale.notes(0)] == [60, 62, 64, 65, 67, 65, 64, 62, 60]


def test_alternatives_are_numbered_and_printed_as_json(
    musicae_command, melody, untrained, tmp_path
):
    out = tmp_path / "out.mid"
    done = musicae_command(
        "harmonize", melody, "-o", out, "-n", 3, "--model", untrained["minibach"], "--json"
    )
    told = json.loads(done.out)
    assert [f["path"] for f in told["files"]] == [str(tmp_path / f"out-{i}.mid") for i in (1, 2, 3)]
    assert told["notices"] == ["the file states no meter; 4/4 is assumed (choose with --meter)"]
    assert [read_provenance(f["path"])["alternative"] for f in told["files"]] == [1, 2, 3]


def test_notices_are_printed_to_stderr(musicae_command, melody, untrained):
    done = musicae_command("harmonize", melody, "--model", untrained["minibach"])
    assert done.err == "note: the file states no meter; 4/4 is assumed (choose with --meter)\n"


@pytest.mark.parametrize(("program", "number"), [("church organ", 19), ("1", 0), ("128", 127)])
def test_programs_by_name_or_number(musicae_command, melody, untrained, tmp_path, program, number):
    out = tmp_path / "out.mid"
    options = ["--program", program, "--model", untrained["minibach"]]
    assert musicae_command("harmonize", melody, "-o", out, *options).status == 0
    tracks = mido.MidiFile(out).tracks[1:]
    assert {m.program for t in tracks for m in t if m.type == "program_change"} == {number}


def test_musicxml_can_be_written(musicae_command, melody, untrained, tmp_path):
    out = tmp_path / "out.musicxml"
    assert (
        musicae_command("harmonize", melody, "-o", out, "--model", untrained["minibach"]).status
        == 0
    )
    assert len(musicae.read(out).notes(0)) == 9


def test_generate_writes_four_bars_each(musicae_command, untrained, tmp_path):
    folder = tmp_path / "new" / "pieces"
    options = ["-n", 2, "-o", folder, "--seed", 4, "--model", untrained["autoencoder"]]
    assert musicae_command("generate", *options).status == 0
    paths = sorted(folder.iterdir())
    assert [p.name for p in paths] == ["chorale-4-1.mid", "chorale-4-2.mid"]
    first = [p.read_bytes() for p in paths]
    assert musicae_command("generate", *options).status == 0
    assert [p.read_bytes() for p in paths] == first
    assert first[0] != first[1]
    assert read_provenance(paths[1])["number"] == 2


def refused(done, complaint):
    assert done.status == 2
    assert done.out == ""
    lines = done.err.splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("error: ")
    assert complaint in lines[0]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--tempo", "3"], "No such option: --tempo"),
        (
            ["--model", "bach"],
            "no model is called 'bach'; there are minibach, autoencoder, harmonizer",
        ),
        (["--model", "none.safetensors"], "none.safetensors: no such weights file"),
        (["--model", "autoencoder"], "autoencoder does not harmonize"),
        (["--key", "H major"], "'H major' is not a key"),
        (["--track", "7"], "no track has the number or name '7'"),
        (["--voice", "bass"], "minibach can only harmonize a whole soprano"),
        (["--voice", "lead"], "no voice is called 'lead'; there are soprano, alto, tenor, bass"),
        (["--lock", "lead"], "no voice is called 'lead'"),
        (["--lock", "bass"], "tune.mid: no track is named Bass; the tracks with notes are 1"),
        (["--lock", "none"], "--lock none goes with --bars"),
        (["--bars", "two"], "bars are written like 5-8 or 5, not 'two'"),
        (["--bars", "3-4"], "tune.mid: bars 3 to 4 are not all in the piece, which has 3 bars"),
        (["--voice", "alto", "--bars", "1"], "--voice keeps one part"),
        (["--phrases", "none.txt"], "none.txt: no such file"),
        (["--rhythm", "swing"], "a rhythm is plain or flowing, not 'swing'"),
        (["--rules", "loose"], "rules are strict, bach, off, not 'loose'"),
        (["--rules", "strict"], "minibach knows neither rules nor top-p; use harmonizer"),
        (["--top-p", "0"], "top-p is a share above 0 and up to 1, not 0"),
        (["--top-p", "0.5"], "minibach knows neither rules nor top-p"),
        (["-n", "0"], "at least one piece"),
        (["-n", "many"], "valid int"),
        (["--temperature", "-1"], "a temperature is 0 to 10"),
        (["--program", "kazoo"], "no General MIDI sound is 'kazoo'"),
        (["--program", "129"], "no General MIDI sound is '129'"),
        (["-o", "no/such/folder/out.mid"], "there is no folder no/such/folder"),
        (["-o", "out.wav"], "out.wav: its name should end in one of .mid"),
        (["-o", "tune.mid"], "is the melody itself"),
    ],
)
def test_harmonize_refuses_bad_arguments_in_one_line(
    musicae_command, melody, untrained, monkeypatch, options, complaint
):
    monkeypatch.chdir(melody.parent)
    if "--model" not in options:
        options = [*options, "--model", untrained["minibach"]]
    elif options[1] == "autoencoder":
        options = ["--model", untrained["autoencoder"]]
    before = melody.read_bytes()
    refused(musicae_command("harmonize", melody, *options), complaint)
    assert [p.name for p in melody.parent.iterdir()] == ["tune.mid"]
    assert melody.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"no music", "is not a MIDI file"),
        (b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\x40\0\x90", "is cut off"),
        (b"MThd\0\0\0\6\0\1\0\0\0\0", "ticks are not parts of a quarter"),
        (b"MThd\0\0\0\6\0\1\0\0\1\xe0", "has no notes"),
    ],
)
def test_melodies_that_cannot_be_used_are_refused_in_one_line(
    musicae_command, untrained, tmp_path, content, complaint
):
    path = tmp_path / "tune.mid"
    path.write_bytes(content)
    options = ["-o", tmp_path / "out.mid", "--model", untrained["minibach"]]
    refused(musicae_command("harmonize", path, *options), complaint)
    assert list(tmp_path.iterdir()) == [path]


def test_empty_folders_missing_files_and_drums_are_refused(musicae_command, untrained, tmp_path):
    refused(musicae_command("harmonize", tmp_path), "is a folder without MIDI files or scores")
    model = ["--model", untrained["minibach"]]
    refused(musicae_command("harmonize", tmp_path / "none.mid", *model), "no such file")
    drums = save(tmp_path / "drums.mid", tune((0, 480, 38), channel=9))
    refused(musicae_command("harmonize", drums, *model), "has only drums (channel 10)")


def test_a_folder_that_cannot_be_written_to_is_named(musicae_command, melody, untrained, tmp_path):
    out = tmp_path / "a file" / "out.mid"
    out.parent.write_text("not a folder")
    refused(
        musicae_command("harmonize", melody, "-o", out, "--model", untrained["minibach"]),
        "there is no folder",
    )
    refused(
        musicae_command("generate", "-o", out, "--model", untrained["autoencoder"]),
        "cannot be made",
    )


def test_unknown_commands_and_missing_arguments_are_refused(musicae_command):
    refused(musicae_command("harmonise"), "No such command 'harmonise'")
    refused(musicae_command("harmonize"), "Missing argument")


def test_version_and_help_are_printed(musicae_command):
    assert musicae_command("--version").out == f"musicae {musicae.__version__}\n"
    assert "harmonize" in musicae_command("--help").out
