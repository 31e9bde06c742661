"""Continuing a beginning, by the API and the command line; other voices along a kept plan."""

import json

import numpy as np
import pytest

import musicae
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import CheckpointError, ChoraleError
from musicae.core.key import Key
from musicae.io.formats import read_provenance
from musicae.theory.plan_reading import plan_of
from tests.support.passages import HYMN


@pytest.fixture
def model(untrained):
    return str(untrained["vae"])


@pytest.fixture
def hymn(tmp_path):
    musicae.write(HYMN, tmp_path / "hymn.mid")
    return tmp_path / "hymn.mid"


def begins_with(piece, beginning):
    steps = len(beginning)
    return np.array_equal(piece.pitch[:steps], beginning.pitch) and np.array_equal(
        piece.onset[:steps], beginning.onset
    )


def refused(done, complaint):
    assert (done.status, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith("error: ")
    assert complaint in line


# Continuing


def test_a_notice_tells_what_of_a_file_is_not_kept(model, hymn):
    (of_file,) = musicae.extend(hymn, 1, model=model)
    assert of_file.notices[0].startswith("hymn.mid: its notes are kept")
    (of_notes,) = musicae.extend(HYMN, 1, model=model)
    assert not any("are kept" in notice for notice in of_notes.notices)


@pytest.mark.parametrize("temperature", [None, 0])
def test_pieces_begin_with_the_beginning_and_continue_it(model, temperature):
    pieces = musicae.extend(HYMN, 3, 2, style="hymn", temperature=temperature, model=model)
    for number, piece in enumerate(pieces, start=1):
        chorale = piece.chorale
        assert begins_with(chorale, HYMN)
        assert chorale.bar_count == 5
        assert (chorale.pitch[len(HYMN) :] != REST).any(axis=0).all()
        assert chorale.fermatas[:2] == (12, 28)
        assert chorale.fermatas[2:] == tuple(
            step for step in (44, 60, 76) if chorale.onset[step, 0]
        )
        last = piece.plan.chords[-1]
        assert (last.root, last.quality, last.bass) == (0, "major", 0)
        assert chorale.title == f"Untitled, continued, seed 0, number {number}"
        facts = piece.provenance
        assert (facts["begun"], facts["bars"], facts["style"]) == (2, 5, "hymn")
        assert facts["latent"]["form"]["style"] == "hymn"
        assert facts["plan"] == str(piece.plan)
        assert json.loads(json.dumps(facts)) == facts
        assert piece.nats > 0


def test_the_beginnings_chords_are_those_that_sound(model):
    (piece,) = musicae.extend(HYMN, 2, model=model)
    assert piece.plan.chords[:8] == plan_of(HYMN, Key(0)).chords


def test_seeds_differ_and_the_first_pieces_do_not_depend_on_how_many(model):
    few, many, other = (
        [piece.chorale for piece in musicae.extend(HYMN, 2, n, seed=seed, model=model)]
        for n, seed in ((1, 4), (2, 4), (1, 5))
    )
    assert few[0] == many[0]
    assert len({*many, *other}) == 3


@pytest.mark.parametrize(("form", "voices"), [("AAB", (0, 1, 2, 3)), ("AA'B", (0,))])
def test_phrases_return_as_letters_ask(model, form, voices):
    one = Chorale(HYMN.pitch, HYMN.onset, key=Key(0), fermatas=(28,))
    (piece,) = musicae.extend(one, 4, form=form, model=model)
    chorale = piece.chorale
    for voice in range(4):
        again = np.array_equal(chorale.pitch[32:64, voice], one.pitch[:, voice])
        assert again == (voice in voices)
    assert chorale.fermatas[:2] == (28, 60)


def test_the_other_voices_of_a_melody_are_written_first(model):
    """The harmonizer writes them; they and the melody stay."""
    tune = Chorale.from_notes([HYMN.notes(0)], key=Key(0))
    (piece,) = musicae.extend(tune, 1, model=model)
    (first,) = musicae.harmonize(tune, 1)
    assert begins_with(piece.chorale, first.chorale)
    assert piece.chorale.notes(0)[:8] == HYMN.notes(0)
    assert piece.chorale.bar_count == 3
    assert piece.notices[: len(first.notices)] == first.notices


def test_silence_after_the_last_note_is_left_out(model):
    longer = Chorale.from_notes([HYMN.notes(voice) for voice in range(4)], steps=48)
    (piece,) = musicae.extend(longer, 1, model=model)
    assert piece.chorale.bar_count == 3
    assert (piece.chorale.pitch[32:] != REST).any()


@pytest.mark.parametrize(
    ("pickup", "steps", "begins"),
    [
        (0, 24, 32),  # the last note ends in the middle of a bar
        (0, 32, 32),
        (4, 24, 32),  # a quarter follows the last note in its bar, then two before the pickup
        (4, 32, 32),
        (4, 34, 48),
    ],
)
def test_new_phrases_begin_at_the_place_in_the_bar_at_which_the_piece_begins(
    model, pickup, steps, begins
):
    voices = [[(0, 16, pitch), (16, steps - 16, pitch)] for pitch in (67, 64, 60, 48)]
    for silence in (0, 20):
        begun = Chorale.from_notes(voices, steps=steps + silence, pickup=pickup, key=Key(0))
        (piece,) = musicae.extend(begun, 1, model=model)
        chorale = piece.chorale
        assert len(chorale) == begins + 16
        assert (chorale.pitch[steps:begins] == REST).all()
        assert np.array_equal(chorale.pitch[:steps], begun.pitch[:steps])
        assert (chorale.pitch[begins:] != REST).any()
        assert chorale.pickup == pickup


REFUSED = [
    ({"bars": 0}, "1 to 1000 bars can be added, not 0"),
    ({"bars": 1001}, "1 to 1000 bars can be added, not 1001"),
    ({"n": 0}, "at least one piece"),
    ({"n": 1001}, "at most 1000 pieces"),
    ({"style": "polka"}, "a style is one of bach, chorale, hymn"),
    ({"form": "AB"}, "it has 2 phrases in all, the beginning has 2, and 8 bars"),
    ({"form": "?"}, "'?' is not a form"),
    ({"temperature": 11}, "a temperature is 0 to 10"),
    ({"seed": -1}, "a seed is 0 or more, not -1"),
]


@pytest.mark.parametrize(("wishes", "complaint"), REFUSED)
def test_what_cannot_be_continued_is_refused(
    musicae_command, model, hymn, tmp_path, wishes, complaint
):
    with pytest.raises(ChoraleError) as refusal:
        musicae.extend(HYMN, **wishes, model=model)
    assert complaint in str(refusal.value)
    words = [
        word
        for name, wish in wishes.items()
        for word in ("-n" if name == "n" else f"--{name}", wish)
    ]
    out = tmp_path / "new"
    refused(musicae_command("continue", hymn, *words, "-o", out, "--model", model), complaint)
    assert not out.exists()


def test_only_a_vae_continues_and_only_music_in_the_ranges(untrained, model):
    with pytest.raises(CheckpointError, match="harmonizer has no latent space; use vae"):
        musicae.extend(HYMN, model=str(untrained["harmonizer"]))
    with pytest.raises(ChoraleError, match="outside the soprano's range"):
        musicae.extend(HYMN.transpose(24), model=model)


# The command


def test_the_command_writes_the_continuation(musicae_command, hymn, model, tmp_path):
    words = ["--bars", 2, "-n", 2, "--seed", 3, "--style", "bach", "--format", "mid,musicxml"]
    out = tmp_path / "new"
    done = musicae_command("continue", hymn, *words, "-o", out, "--model", model)
    assert done.status == 0
    assert done.err.startswith("note: hymn.mid: its notes are kept")
    names = {f"hymn-continued-3-{i}.{suffix}" for i in (1, 2) for suffix in ("mid", "musicxml")}
    assert {path.name for path in out.iterdir()} == names
    assert all(name in done.out for name in names)
    expected = musicae.extend(hymn, 2, 2, seed=3, model=model)
    for i, piece in enumerate(expected, start=1):
        for suffix in ("mid", "musicxml"):
            path = out / f"hymn-continued-3-{i}.{suffix}"
            written = musicae.read(path)
            assert np.array_equal(written.pitch, piece.chorale.pitch)
            assert begins_with(written, HYMN)
            assert read_provenance(path)["begun"] == 2
        assert written.title == f"hymn, continued, seed 3, number {i}"


def test_the_command_takes_a_form(musicae_command, hymn, model, tmp_path):
    words = ["--form", "ABAC", "--bars", 4, "--json", "-o", tmp_path, "--model", model]
    (file,) = json.loads(musicae_command("continue", hymn, *words).out)["files"]
    assert [passage[:3] for passage in file["latent"]["form"]["returns"]] == [[32, 48, 0]]
    assert file["bars"] == 6


# Along a kept plan


@pytest.mark.parametrize("keep", ["plan", "plan,bass", ["Plan", "soprano"]])
def test_a_kept_plan_is_the_plan_of_all_variations(model, keep):
    pieces = musicae.vary(HYMN, 2, amount=0.9, keep=keep, seed=1, model=model)
    told = set((keep if isinstance(keep, str) else ",".join(keep)).lower().split(","))
    for piece in pieces:
        assert piece.plan.chords == plan_of(HYMN, Key(0)).chords
        assert set(piece.provenance["keep"]) == told
        for voice, name in ((0, "soprano"), (3, "bass")):
            assert (piece.chorale.notes(voice) == HYMN.notes(voice)) == (name in told)
    assert pieces[0].chorale != pieces[1].chorale


def test_without_a_kept_plan_variations_have_plans_of_their_own(model):
    pieces = musicae.vary(HYMN, 2, amount=0.9, seed=1, model=model)
    assert len({piece.plan.chords for piece in pieces}) == 2
    assert "keep" not in pieces[0].provenance


def test_all_voices_and_the_plan_leave_nothing_to_vary(model):
    for keep in ("soprano,alto,tenor,bass", ["soprano", "alto", "tenor", "bass", "plan"]):
        with pytest.raises(ChoraleError, match="nothing is left to vary"):
            musicae.vary(HYMN, keep=keep, model=model)
    with pytest.raises(ChoraleError, match="a latent point has no notes to keep"):
        musicae.vary(musicae.encode(HYMN, model=model), keep="plan", model=model)


def test_the_command_keeps_the_plan(musicae_command, hymn, model, tmp_path):
    words = ["--keep", "plan,tenor", "--amount", 0.8, "--json", "-o", tmp_path, "--model", model]
    (file,) = json.loads(musicae_command("vary", hymn, *words).out)["files"]
    assert file["keep"] == ["tenor", "plan"]
    assert musicae.read(tmp_path / "hymn-varied-0-1.mid").notes(2) == HYMN.notes(2)
