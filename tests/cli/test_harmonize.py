"""The command line with a harmonizer: its options, locks end to end, composing and scoring."""

import json
import random

import numpy as np
import pytest

import musicae
from musicae.core.chorale import Chorale, Note
from musicae.core.constants import N_VOICES, VOICES
from musicae.core.key import Key
from musicae.corpus import corpus, load
from musicae.io.midi_reader import read_provenance
from tests.support.filling import play, played_notes
from tests.support.midifiles import meta, save, tune

HYMN = Chorale.from_notes(
    [
        [(0, 4, 72), (4, 4, 71), (8, 8, 72)],
        [(0, 4, 67), (4, 4, 67), (8, 8, 67)],
        [(0, 4, 64), (4, 4, 62), (8, 8, 64)],
        [(0, 4, 48), (4, 4, 55), (8, 8, 48)],
    ],
    key=Key(0),
    title="Amen",
)


@pytest.fixture
def model(untrained):
    return ["--model", untrained["harmonizer"]]


@pytest.fixture
def melody(tmp_path):
    notes = [(i * 480, (i + 1) * 480, 60 + p) for i, p in enumerate([0, 2, 4, 0])]
    facts = [meta(0, "key_signature", key="C"), meta(0, "time_signature", numerator=4)]
    return save(tmp_path / "tune.mid", [*facts, *tune(*notes)])


@pytest.fixture(autouse=True)
def no_corpus(monkeypatch, tmp_path):
    """The corpus is missing, as in an installed package."""
    monkeypatch.setattr(load, "DEFAULT", tmp_path / "no corpus.npz")


def refused(done, complaint):
    assert (done.status, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith("error: ")
    assert complaint in line


@pytest.mark.parametrize(
    ("content", "options", "complaint"),
    [
        (b"one two three four five", [], "none are left from 'five' on"),
        (b"glo_-ri-a_ now", [], "verse 1 has 4 syllables and needs 6 notes"),
        (b"", [], "has no words"),
        (b"a\0b", [], "is not a text file"),
        (None, [], "no such file; give all, soprano, none or a text file of words"),
        (b"amen", ["--language", "xx"], "cannot be split in the language 'xx'"),
    ],
)
def test_words_that_cannot_be_sung_are_one_line(
    musicae_command, model, melody, tmp_path, content, options, complaint
):
    words, out = tmp_path / "words.txt", tmp_path / "out.mid"
    if content is not None:
        words.write_bytes(content)
    done = musicae_command("harmonize", melody, "-o", out, "--words", words, *options, *model)
    refused(done, complaint)
    assert not out.exists()


def test_every_setting_is_recorded_in_the_file(musicae_command, model, melody, tmp_path):
    out = tmp_path / "out.mid"
    wishes = {"seed": 3, "temperature": 0.5, "top_p": 0.9, "rules": "strict", "voice": "alto"}
    wishes |= {"phrases": "none", "rhythm": "flowing", "key": "A minor"}
    options = [
        word for name, wish in wishes.items() for word in (f"--{name}".replace("_", "-"), wish)
    ]
    done = musicae_command("harmonize", melody, "-o", out, *options, *model)
    assert (done.status, done.err) == (0, "")
    facts = read_provenance(out)
    assert {name: facts[name] for name in wishes} == wishes
    assert facts["model"] == "harmonizer"
    assert [n.pitch for n in musicae.read(out).notes(1)] == [60, 62, 64, 60]
    first, second, third, fourth, *places = done.out.splitlines()
    assert first.startswith(f"{out}  Chorale(")
    assert second == "  harmonized in A minor (choose another with --key)"
    assert "seed 3, temperature 0.5, rules strict, musicae" in third
    assert "nats a step" in fourth
    assert "beyond Bach: " in fourth
    assert all(place.startswith(("    bar ", "    ... and ")) for place in places)
    assert len(places) <= 6


def test_alternatives_come_best_first_with_their_reports(musicae_command, model, melody):
    done = musicae_command("harmonize", melody, "-n", 2, "--json", *model)
    told = json.loads(done.out)
    assert (told["notices"], told["errors"]) == ([], [])
    assert [file["alternative"] for file in told["files"]] == [1, 2]
    for file in told["files"]:
        assert file["melody"] == str(melody)
        assert file["nats_per_step"] > 0
        assert file["bar_count"] == 1
        assert len(file["chords"]) == len(file["numerals"]) == 4
        assert file["plan"].split()[0] == file["numerals"][0]
        report = musicae.check(musicae.read(file["path"]))
        assert file["report"]["beyond_bach"] == report.beyond_bach
        assert len(file["report"]["violations"]) == len(report.violations)
    assert musicae_command("harmonize", melody, "-n", 2, "--json", *model).out == done.out


@pytest.mark.parametrize("seed", range(4))
def test_locked_voices_come_back_exactly(musicae_command, model, tmp_path, seed):
    rng = random.Random(seed)
    locked = sorted(rng.sample(range(N_VOICES), rng.randint(1, 3)))
    given, out = tmp_path / f"hymn.{rng.choice(['mid', 'musicxml'])}", tmp_path / "out.mid"
    musicae.write(HYMN, given)
    if given.suffix == ".mid":
        play(given, rng)
    lock = ",".join(VOICES[voice].lower() for voice in locked)
    done = musicae_command("harmonize", given, "--lock", lock, "-o", out, "--seed", seed, *model)
    assert done.status == 0, done.err
    written = musicae.read(out)
    for voice in locked:
        assert written.notes(voice) == HYMN.notes(voice)
        if given.suffix == ".mid":
            assert played_notes(out)[VOICES[voice]] == played_notes(given)[VOICES[voice]]
    assert read_provenance(out)["lock"] == lock.split(",")


@pytest.mark.parametrize("lock", ["none", "bass"])
def test_only_the_requested_bars_are_written_again(musicae_command, model, tmp_path, lock):
    twice = Chorale(np.tile(HYMN.pitch, (2, 1)), np.tile(HYMN.onset, (2, 1)), key=Key(0))
    given, out = tmp_path / "hymn.mid", tmp_path / "again.mid"
    musicae.write(twice, given)
    done = musicae_command("harmonize", given, "--bars", 2, "--lock", lock, "-o", out, *model)
    assert done.status == 0, done.err
    again = musicae.read(out)
    for voice in range(N_VOICES):
        assert again.notes(voice)[:3] == twice.notes(voice)[:3]
    assert again.notes(3) == twice.notes(3) or lock == "none"
    assert again.notes(0) != twice.notes(0)


def test_new_pieces_of_any_length_key_and_meter(musicae_command, model, tmp_path):
    options = ["--bars", 1, "--key", "G minor", "--meter", "3/4", "-o", tmp_path / "new"]
    done = musicae_command("generate", "--seed", 5, *options, *model)
    assert done.status == 0, done.err
    path = tmp_path / "new" / "chorale-5-1.mid"
    piece = musicae.read(path)
    assert (len(piece), str(piece.meters[0]), str(piece.key)) == (12, "3/4", "G minor")
    assert piece.title == "1 bar in G minor, seed 5, number 1"
    facts = read_provenance(path)
    assert (facts["bars"], facts["key"], facts["meter"]) == (1, "G minor", "3/4")
    assert facts["rules"] == "bach"
    assert "harmonized in" not in done.out
    assert "nats a step" in done.out


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--bars", "0"], "a new piece has 1 to 1000 bars, not 0"),
        (["--meter", "waltz"], "'waltz' is not a meter; write it like 3/4"),
        (["--meter", "3/7"], "3/7 is not a meter"),
        (["--key", "H"], "'H' is not a key"),
        (["--temperature", "11"], "a temperature is 0 to 10"),
    ],
)
def test_generate_refuses_bad_arguments_in_one_line(
    musicae_command, model, tmp_path, options, complaint
):
    refused(musicae_command("generate", "-o", tmp_path / "new", *options, *model), complaint)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("option", [["--bars", "4"], ["--key", "C"], ["--meter", "4/4"]])
def test_an_autoencoder_composes_four_bars(musicae_command, untrained, tmp_path, option):
    options = ["--model", untrained["autoencoder"], "-o", tmp_path / "new", *option]
    refused(musicae_command("generate", *options), "autoencoder composes four bars of 4/4")


def test_a_chorale_is_scored_voice_by_voice(musicae_command, model, tmp_path):
    hymn, higher = tmp_path / "hymn.mid", tmp_path / "higher.musicxml"
    musicae.write(HYMN, hymn)
    musicae.write(HYMN.transpose(24), higher)
    done = musicae_command("evaluate", hymn, higher, *model)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"{hymn}  alto, tenor and bass to the soprano, in C major"
    assert [line.split()[0] for line in lines[2:6]] == ["alto", "tenor", "bass", "together"]
    assert "Bach" not in done.out
    told = json.loads(musicae_command("evaluate", hymn, higher, "--json", *model).out)
    assert (told["model"], told["bach"]) == ("harmonizer", None)
    for file in told["files"]:
        voices = file["voices"]
        together = voices.pop("together")
        assert together["nats"] == pytest.approx(sum(v["nats"] for v in voices.values()))
        assert (together["steps"], together["notes"]) == (16, 9)
        assert voices["Alto"]["nats_per_note"] == pytest.approx(voices["Alto"]["nats"] / 3)
        assert len(file["most_surprising"]) == 3
        assert {place["bar"] for place in file["most_surprising"]} == {1}
    # Places are named with the pitches of the chorale itself, which may be out of the ranges.
    names = {"hymn.mid": {"G4", "E4", "D4", "C3", "G3"}, "higher.musicxml": {"G6", "E6", "D6"}}
    sung = {place["sung"].split()[-1] for place in told["files"][0]["most_surprising"]}
    assert sung <= names["hymn.mid"]


def test_held_out_bach_stands_beside_a_score(musicae_command, model, tmp_path):
    hymn, data = tmp_path / "hymn.mid", tmp_path / "bach.npz"
    musicae.write(HYMN, hymn)
    three = (HYMN, HYMN.transpose(2), HYMN.transpose(24))
    corpus.Corpus(three, ("a", "b", "c"), (0, 1, 2), ("test", "test", "valid"), (0, 0, 0)).save(
        data
    )
    done = musicae_command("evaluate", hymn, "--data", data, *model)
    assert "Bach (test): lowest, median, highest" in done.out
    told = json.loads(musicae_command("evaluate", hymn, "--data", data, "--json", *model).out)
    bach, own = told["bach"]["Tenor"], told["files"][0]["voices"]["Tenor"]
    assert set(bach) == {"nats_per_step", "nats_per_note"}
    bounds = bach["nats_per_step"]
    assert bounds["lowest"] <= own["nats_per_step"] <= bounds["highest"]
    assert bounds["lowest"] <= bounds["median"] <= bounds["highest"]


def test_what_cannot_be_scored_is_refused(musicae_command, model, untrained, tmp_path):
    hymn, duo, wide = (tmp_path / f"{name}.mid" for name in ("hymn", "duo", "wide"))
    musicae.write(HYMN, hymn)
    musicae.write(Chorale.from_notes([[Note(0, 16, 67)], [], [], [Note(0, 16, 48)]]), duo)
    voices = [HYMN.notes(voice) for voice in range(N_VOICES)]
    musicae.write(Chorale.from_notes([[(0, 8, 50), (8, 8, 90)], *voices[1:]]), wide)
    refused(musicae_command("evaluate", duo, *model), "these have no notes: alto, tenor")
    refused(
        musicae_command("evaluate", wide, *model),
        "wide.mid: the chorale fits the voices' ranges in no key",
    )
    refused(musicae_command("evaluate", tmp_path / "no.mid", *model), "no.mid: no such file")
    minibach = ["--model", untrained["minibach"]]
    refused(musicae_command("evaluate", hymn, *minibach), "minibach gives no likelihood")
    refused(musicae_command("evaluate", hymn, "--csv", "x.csv", *model), "go with a comparison")
    refused(musicae_command("evaluate", tmp_path, *model), "--model goes with chorale files")
