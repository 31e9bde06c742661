"""The commands read and write ABC, kern and MEI like MIDI and MusicXML."""

import importlib.util
from fractions import Fraction

import pytest

import musicae
from musicae.io.choir import read_choir
from musicae.io.musicxml_reader import open_score
from tests.support.paths import ROOT

TUNE = """X:1
T:Test tune
M:3/4
L:1/8
K:G
D2 | {a}G2 (3ABc B2 | A>F D4 | G4 |]
w: A-gnus De-i qui tol-lis
"""
HYMN = ROOT / "data" / "results" / "old_hundredth.mid"


@pytest.fixture
def tune(tmp_path):
    path = tmp_path / "tune.abc"
    path.write_text(TUNE)
    return path


@pytest.fixture(params=[".abc", ".krn", ".mei"])
def hymn(tmp_path, request):
    """Old Hundredth in four voices, in each of the notations."""
    path = tmp_path / f"hymn{request.param}"
    musicae.write(musicae.read(HYMN), path)
    return path


def lines(path):
    """For each part: begin and length in quarters, and the MIDI pitch."""
    score = open_score(path).score
    return [
        [
            (Fraction(n.begin, score.quarter), Fraction(n.end - n.begin, score.quarter), n.pitch)
            for n in part.notes
        ]
        for part in score.parts
    ]


@pytest.mark.parametrize("suffix", [".mei", ".krn", ".abc"])
def test_a_melody_comes_back_note_for_note(musicae_command, untrained, tune, suffix):
    out = tune.with_name(f"out{suffix}")
    model = untrained["minibach"]
    done = musicae_command("harmonize", tune, "-o", out, "--model", model)
    assert done.status == 0
    (sung,), written = lines(tune), lines(out)
    third = Fraction(1, 3)
    assert sung[2:5] == [(2, third, 69), (2 + third, third, 71), (2 + 2 * third, third, 72)]
    assert len(written) == 4
    melody = open_score(out).score.parts[written.index(sung)]
    assert melody.graces == 1
    words = [n.lyric for n in melody.notes if n.lyric]
    assert words == ["A-", "gnus", "De-", "i", "qui", "tol-", "lis"]


def test_a_melody_is_written_for_lilypond(musicae_command, untrained, tune):
    out = tune.with_name("out.ly")
    done = musicae_command("harmonize", tune, "-o", out, "--model", untrained["minibach"])
    assert done.status == 0
    text = out.read_text()
    assert r"\grace { a''8 } g'4 \tuplet 3/2 { a'8 b'8 c''8 } b'4" in text
    assert text.count(r"\grace { s8 }") == 3  # the other voices wait so that bar lines coincide
    assert '"A" --' in text


def test_folders_are_read_with_all_notations(musicae_command, untrained, tune, tmp_path):
    tune.with_name("other.mei").write_text("<mei/>")
    done = musicae_command(
        "harmonize", tmp_path, "-o", tmp_path / "out", "--model", untrained["minibach"]
    )
    assert done.status == 2
    told = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert told == [
        f"error: {tmp_path / 'other.mei'}: is MEI without a score; give a file with music"
    ]
    assert [path.stem for path in (tmp_path / "out").iterdir()] == ["tune-harmonized"]


def test_check_and_chords_read_the_same_music(musicae_command, hymn):
    as_midi = musicae_command("chords", HYMN).out.splitlines()[1:3]
    assert musicae_command("chords", hymn).out.splitlines()[1:3] == as_midi
    ours = musicae_command("check", hymn)
    others = musicae_command("check", HYMN)
    assert (ours.status, ours.err) == (others.status, "")
    assert ours.out.replace(str(hymn), "") == others.out.replace(str(HYMN), "")


def test_render_draws_them(musicae_command, hymn):
    out = hymn.with_name("hymn.svg")
    assert musicae_command("render", hymn, "-o", out, "--score").status == 0
    assert out.read_text().startswith("<")


def test_a_kit_has_their_voices(hymn):
    assert read_choir(hymn).names == ("Soprano", "Alto", "Tenor", "Bass")


def test_a_missing_library_is_named(musicae_command, tune, untrained, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    out = tune.with_name("out.mei")
    done = musicae_command("harmonize", tune, "-o", out, "--model", untrained["minibach"])
    assert done.status == 2
    assert done.err.splitlines()[-1].endswith(
        "which is not installed: pip install 'musicae[studio]'"
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bad.abc", b"X:1\nK:C\n[[[((("),
        ("bad.krn", b"**kern\n4c\t4d\n*-\n"),
        ("bad.mei", b"<mei><music>"),
        ("empty.abc", b""),
        ("binary.krn", bytes(range(256)) * 20),
        ("binary.mei", bytes(range(256)) * 20),
        ("huge.abc", b"X:1\nK:C\n" + b"C" * (5 * 2**20)),
        ("huge.krn", b"**kern\n" + b"4c\n" * (2 * 2**20)),
        ("bomb.mei", b'<!DOCTYPE mei [<!ENTITY a "a"><!ENTITY b "&a;&a;">]><mei>&b;</mei>'),
    ],
)
@pytest.mark.parametrize("command", ["check", "chords"])
def test_bad_files_are_one_line(musicae_command, tmp_path, name, content, command):
    path = tmp_path / name
    path.write_bytes(content)
    done = musicae_command(command, path)
    assert done.status == 2
    (line,) = done.err.splitlines()
    assert line.startswith(f"error: {path}: ")
