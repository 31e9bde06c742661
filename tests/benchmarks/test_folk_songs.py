"""Folk songs for harmonizers: how the Essen collection is read, and which songs are chosen."""

import importlib.util
import json
import sys
from dataclasses import replace

import pytest

from musicae.core.constants import VOICE_RANGES
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.corpus.tunes import tunes_of
from tests.support.paths import ROOT


def load_script():
    spec = importlib.util.spec_from_file_location(
        "folk_songs", ROOT / "benchmarks" / "folk_songs.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


script = load_script()


def song(music, meter="4/4", unit="1/4", key="G"):
    return script.Song(
        "typed 1",
        f"X:1\nT:  A \tsong\nN: of no collection\nM: {meter}\nL: {unit}\nK: {key}\n{music}",
    )


TUNE = "G | GABc | dBGd\nedcB | A3B | GABc\nd2B2 | ABAF | G3"
"""Eight bars and an upbeat. As in the collection, no bar line stands at the end of a line."""


@pytest.fixture(scope="module")
def essen():
    return script.essen()


def test_a_song_is_read_as_it_is_written():
    melody = script.melody_of(song(TUNE))
    notes = melody.notes(0)
    assert [note.pitch for note in notes[:6]] == [67, 67, 69, 71, 72, 74]
    assert [note.step for note in notes[:6]] == [0, 4, 8, 12, 16, 20]
    assert notes[-1] == (4 * 29, 12, 67)
    assert (melody.title, melody.source, melody.key) == ("A song", "typed 1", Key(1))
    assert (melody.meters, melody.pickup, melody.bar_count) == ((Meter(0, 4, 4),), 4, 8)


@pytest.mark.parametrize(
    ("bar", "pitches"),
    [
        ("F=FFf", [66, 65, 65, 77]),  # for the rest of the bar, in every octave
        ("=FG\nAF", [65, 67, 69, 65]),  # the end of a line is no bar line
        ("=FGAF | F4", [65, 67, 69, 65, 66]),
        ("_B4- | B2B2", [70, 71]),  # over a tie, but not on the note after it
        ("F2F2- | F4 | F4", [66, 66, 66]),
        ("B,4- | z4 | B,4", [59, 59]),
    ],
)
def test_accidentals_and_ties(bar, pitches):
    notes, _, _ = script._notes(bar, script.Fraction(4), Key(1))
    assert [pitch for _, _, pitch in notes] == pitches


@pytest.mark.parametrize(
    ("music", "key"),
    [
        (TUNE, "G major"),
        (TUNE.replace("B", "_B"), "G minor"),
        (TUNE.replace("c", "^c"), "G major"),
    ],
)
def test_the_third_tells_the_mode(music, key):
    assert str(script.melody_of(song(music)).key) == key


@pytest.mark.parametrize(
    ("useless", "reason"),
    [
        (song(TUNE, meter="none"), "not one meter"),
        (song(TUNE, meter="FREI4/4"), "not one meter"),
        (song(TUNE, meter="3/4"), "bars"),
        (song(TUNE.replace("edcB", "edc")), "bars"),
        (song(TUNE, unit="1/32"), "sixteenth grid"),
        (song(TUNE, key="H"), "not a key"),
        (song(TUNE.replace("edcB", "[eg]dcB")), "alphabet"),
        (song(TUNE.replace("edcB", "(3edcB")), "alphabet"),
        (song(TUNE.replace("edcB", "ed'cB")), "compass is 20"),
        (song(TUNE.replace("GABc", "Eabc")), "no octave"),
        (song("G | GABc | dBGd\nedcB | A3"), "14 notes"),
        (song(" | ".join([TUNE.replace("G3", "G4")] * 5)), "bars"),
        (song("GABc" * 31, unit="1/16"), "124 notes"),
        (song("GABcdBGdGABcdBGd | " * 3, unit="1/8", meter="2/1"), "3 bars"),
    ],
)
def test_useless_songs_are_refused(useless, reason):
    with pytest.raises(ChoraleError, match=reason):
        script.melody_of(useless)


def test_songs_are_moved_by_octaves_only():
    low, high = VOICE_RANGES[0]
    here = script.melody_of(song(TUNE))
    for mark in ("'", ","):
        moved = "".join(c + mark if c.isalpha() else c for c in TUNE)
        there = script.melody_of(song(moved))
        assert all(low <= note.pitch <= high for note in there.notes(0))
        assert (
            len({a.pitch - b.pitch for a, b in zip(here.notes(0), there.notes(0), strict=True)})
            == 1
        )


def test_the_choice_is_repeatable_and_of_different_tunes(essen):
    chosen = script.melodies(essen, [], 8, seed=3)
    assert chosen == script.melodies(essen, [], 8, seed=3)
    assert chosen != script.melodies(essen, [], 8, seed=4)
    assert len(set(tunes_of(chosen))) == 8
    for melody in chosen:
        assert script.LEAST_NOTES <= len(melody.notes(0)) <= script.MOST_NOTES
        assert all(measure.length for measure in melody.measures)


def test_known_tunes_are_passed_over(essen):
    first, *others = script.melodies(essen, [], 4, seed=3)
    known = replace(first.transpose(-2), title="")
    chosen = script.melodies(essen, [known], 4, seed=3)
    assert first not in chosen
    assert chosen[:3] == others


def test_too_few_songs_are_an_error():
    with pytest.raises(script.MusicaeError, match="fewer than 2 songs"):
        script.melodies([song(TUNE), song(TUNE)], [], 2, seed=0)


def test_the_script_runs_from_songs_to_figures(untrained, monkeypatch, capsys, tmp_path):
    pytest.importorskip("sklearn")
    model, out = str(untrained["minibach"]), tmp_path / "pieces"
    monkeypatch.setattr(
        sys, "argv", ["evaluate_folk.py", model, "--melodies", "3", "--json", "--out", str(out)]
    )
    script.main()
    told = json.loads(capsys.readouterr().out)
    bach, folk = (row["grade"]["median"] for row in told["rows"])
    assert told["ratio"] == folk / bach
    assert len(told["songs"]) == len(list(out.iterdir())) == 3
    assert [row["pieces"] for row in told["rows"]] == [38, 3]


def test_unusable_input_is_refused_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["evaluate_folk.py", "no_such_model"])
    with pytest.raises(SystemExit) as stopped:
        script.main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
