"""``harmonize --chords`` and ``chords`` on the command line."""

import json

import pytest

from tests.support.midifiles import meta, save, tune


@pytest.fixture
def melody(tmp_path):
    notes = [(i * 480, (i + 1) * 480, 60 + p) for i, p in enumerate((7, 9, 11, 7, 9, 6, 7, 7))]
    marks = [meta(0, "key_signature", key="G"), meta(0, "time_signature", numerator=4)]
    return save(tmp_path / "tune.mid", [*marks, *tune(*notes)])


def test_given_chords_are_printed_again(musicae_command, melody, tmp_path):
    out = tmp_path / "out.mid"
    done = musicae_command("harmonize", melody, "-o", out, "--chords", "G Em | D7 G", "--json")
    told = json.loads(done.out)["files"][0]
    assert told["chords"] == ["G", "G", "Em", "Em", "D7", "D7", "G", "G"]
    done = musicae_command("chords", out)
    title, bars = done.out.splitlines()[:2]
    assert title == "# tune, G major"
    first, second = bars.split(" | ")
    assert (first[:1], second[:2]) == ("G", "D7")
    assert "Em" in first


def test_the_output_of_chords_is_input_of_harmonize(musicae_command, melody, tmp_path):
    told = musicae_command("chords", melody)
    assert told.status == 0
    done = musicae_command("harmonize", melody, "-o", tmp_path / "a.mid", "--chords", told.out)
    assert done.status == 0
    sheet = tmp_path / "chords.cho"
    assert musicae_command("chords", melody, "-o", sheet).out == f"{sheet}\n"
    done = musicae_command("harmonize", melody, "-o", tmp_path / "b.mid", "--chords", sheet)
    assert done.status == 0
    as_json = json.loads(musicae_command("chords", melody, "--json").out)
    assert as_json["key"] == "G major"
    assert as_json["text"] in told.out


@pytest.mark.parametrize(
    ("chords", "complaint"),
    [
        ("G | Qx", "chords of bar 2: 'Qx' is not a chord; write it like Dm7, G7/B or V65"),
        ("G | C | D", "chords of bar 3 ('D'): the melody has bars 1 to 2"),
        ("9: G", "chords of bar 9 ('G'): the melody has bars 1 to 2"),
        ("G:3 C:3", "chords of bar 1 ('G:3 C:3'): they last 6 beats, but the bar has 4"),
        ("none.txt", "none.txt: no such file"),
    ],
)
def test_bad_chords_are_one_line(musicae_command, melody, tmp_path, chords, complaint):
    out = tmp_path / "out.mid"
    done = musicae_command("harmonize", melody, "-o", out, "--chords", chords)
    assert (done.status, done.err) == (2, f"error: {melody}: {complaint}\n")
    assert not out.exists()
