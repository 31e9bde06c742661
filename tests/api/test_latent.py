"""New pieces and interpolations in an untrained latent space, by the API and the command line."""

import json

import numpy as np
import pytest

import musicae
from musicae.core.chorale import Chorale
from musicae.core.errors import CheckpointError, ChoraleError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.encoding import forms
from musicae.io.formats import read_provenance
from musicae.latent import compose
from musicae.latent.attributes import ATTRIBUTES
from musicae.latent.space import LatentPoint
from tests.support.passages import HYMN, OTHER

SHORT = {"bars": 2, "meter": "3/4", "key": "G minor"}


@pytest.fixture
def model(untrained):
    return str(untrained["vae"])


@pytest.fixture
def option(model):
    return ["--model", model]


@pytest.fixture(params=["mid", "musicxml"])
def files(request, tmp_path):
    """Two chorales that musicae did not write."""
    paths = tmp_path / f"hymn.{request.param}", tmp_path / f"other.{request.param}"
    for piece, path in zip((HYMN, OTHER), paths, strict=True):
        musicae.write(piece, path)
    return paths


@pytest.fixture
def hymn(tmp_path):
    musicae.write(HYMN, tmp_path / "hymn.mid")
    return tmp_path / "hymn.mid"


def same_notes(one, other):
    return np.array_equal(one.pitch, other.pitch) and np.array_equal(one.onset, other.onset)


def refused(done, complaint):
    assert (done.status, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith("error: ")
    assert complaint in line


# New pieces


def test_new_pieces_have_the_form_that_was_asked_for(model):
    pieces = musicae.generate(2, seed=5, model=model, **SHORT)
    for i, piece in enumerate(pieces, start=1):
        chorale = piece.chorale
        assert len(chorale) == 24
        assert (chorale.bar_count, str(chorale.key)) == (2, "G minor")
        assert chorale.meters == (Meter(0, 3, 4),)
        assert chorale.title == f"Chorale in G minor, seed 5, number {i}"
        assert chorale.source == "musicae vae"
        assert chorale.tempos
        assert piece.nats > 0
        facts = piece.provenance
        assert (facts["number"], facts["seed"], facts["model"]) == (i, 5, "vae")
        assert (facts["bars"], facts["key"], facts["prior"]) == (2, "G minor", "fitted")
        assert facts["temperature"] == compose.USUAL_TEMPERATURE
        assert facts["plan"] == str(piece.plan)
        assert [beat.start for beat in piece.plan.beats] == list(range(0, 24, 4))
        assert json.loads(json.dumps(facts)) == facts


def test_the_first_pieces_do_not_depend_on_how_many(model):
    few, many = (musicae.generate(n, seed=2, model=model, **SHORT) for n in (1, 3))
    assert few[0].chorale == many[0].chorale
    assert len({piece.chorale for piece in many}) == 3


def test_the_form_is_bachs_by_default(model, monkeypatch):
    shortest = sorted(forms.of_style("bach"), key=lambda form: len(form.chorale))[:3]
    monkeypatch.setattr(forms, "of_style", lambda _: tuple(shortest))
    (piece,) = musicae.generate(seed=1, model=model, key="D minor", temperature=0)
    assert len(piece.chorale) in {len(form.chorale) for form in shortest}
    assert piece.chorale.key == Key.parse("D minor")


def test_a_piece_records_its_style_and_its_form(model, tmp_path):
    wishes = {"style": "hymn", "form": "AAB", "meter": "6/8", "bars": 6, "temperature": 0}
    (piece,) = musicae.generate(model=model, **wishes)
    facts = piece.provenance
    assert (facts["style"], facts["form"], facts["bars"]) == ("hymn", "AAB", 6)
    piece.write(tmp_path / "new.mid")
    point = musicae.encode(tmp_path / "new.mid", model=model)
    assert point.form.style == "hymn"
    assert [passage[:3] for passage in point.form.returns] == [(24, 48, 0)]
    (usual,) = musicae.generate(model=model, **SHORT)
    assert usual.provenance["style"] == "bach"


@pytest.mark.parametrize(
    ("suffix", "temperature"), [("mid", None), ("mid", 0), ("mid", 1.2), ("musicxml", None)]
)
def test_a_file_is_decoded_to_the_same_notes(model, tmp_path, suffix, temperature):
    pieces = musicae.generate(2, seed=4, model=model, temperature=temperature, **SHORT)
    path = tmp_path / f"new.{suffix}"
    for piece in pieces:
        piece.write(path)
        again = musicae.decode(path, model=model)
        assert same_notes(again.chorale, piece.chorale)
        assert same_notes(again.chorale, musicae.read(path))
        assert again.chorale.key == piece.chorale.key
        assert again.provenance["latent"] == piece.provenance["latent"]


def test_a_decoded_piece_is_decoded_again(model, tmp_path):
    (_, second) = musicae.generate(2, seed=4, model=model, **SHORT)
    second.write(tmp_path / "one.mid")
    musicae.decode(tmp_path / "one.mid", model=model).write(tmp_path / "two.mid")
    again = musicae.decode(tmp_path / "two.mid", model=model)
    assert same_notes(again.chorale, second.chorale)


def test_a_file_keeps_its_point_until_its_notes_change(model, tmp_path):
    (piece,) = musicae.generate(1, seed=3, model=model, **SHORT)
    path = tmp_path / "new.musicxml"
    piece.write(path)
    told = musicae.encode(path, model=model)
    assert told.as_dict() == piece.provenance["latent"]
    assert read_provenance(path)["latent"] == piece.provenance["latent"]
    pitch = piece.chorale.pitch.copy()
    pitch[-1] = pitch[-2]
    onset = piece.chorale.onset.copy()
    onset[-1] = False
    changed = Chorale(pitch, onset, piece.chorale.meters, key=piece.chorale.key)
    if same_notes(changed, piece.chorale):
        changed = changed.transpose(1)
    musicae.write(changed, path, provenance=piece.provenance)
    heard = musicae.encode(path, model=model)
    assert heard.as_dict() == musicae.encode(musicae.read(path), model=model).as_dict()
    assert heard.as_dict() != told.as_dict()


def test_another_models_file_is_encoded_again(model, untrained, tmp_path):
    (piece,) = musicae.generate(1, model=str(untrained["harmonizer"]), **SHORT)
    path = tmp_path / "new.mid"
    whole = HYMN
    musicae.write(whole, path, provenance=piece.provenance | {"latent": {"piece": "?"}})
    assert musicae.encode(path, model=model).form.key == Key.parse("C")
    with pytest.raises(ChoraleError, match=r"states no latent point .*use musicae\.encode"):
        musicae.decode(path, model=model)


def test_variations_move_along_sliders():
    calm, still, lively = (
        musicae.vary(HYMN, 1, amount=0, slide=slide, temperature=0)[0]
        for slide in ("activity=-3", None, {"activity": 3})
    )
    assert lively.provenance["slide"] == {"activity": 3.0}
    onsets = [piece.chorale.onset.sum() for piece in (calm, still, lively)]
    assert onsets == sorted(onsets)
    assert onsets[0] < onsets[2]
    with pytest.raises(ChoraleError, match="vary keeps the mode of the piece"):
        musicae.vary(HYMN, 1, slide="mode=minor")


@pytest.mark.parametrize(
    "slide", ["activity=+1, chromaticism=-0.5", {"activity": 1, "register": "-2"}]
)
def test_sliders_are_recorded_in_the_file(model, slide):
    (piece,) = musicae.generate(1, model=model, slide=slide, **SHORT)
    expected = (
        {"activity": 1.0, "chromaticism": -0.5}
        if isinstance(slide, str)
        else {"activity": 1.0, "register": -2.0}
    )
    assert piece.provenance["slide"] == expected


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_the_mode_is_a_slider(model, mode):
    wishes = {"bars": 2, "meter": "3/4"}
    (piece,) = musicae.generate(1, model=model, slide={"mode": mode}, **wishes)
    assert piece.chorale.key.mode == mode
    assert "slide" not in piece.provenance


@pytest.mark.parametrize(
    ("wishes", "complaint"),
    [
        ({"n": 0}, "at least one piece"),
        ({"n": 1001}, "at most 1000 pieces"),
        ({"prior": "flat"}, "a prior is normal or fitted, not 'flat'"),
        ({"slide": "speed=1"}, "no slider is called 'speed'; there are activity, chromaticism"),
        ({"slide": "activity"}, "activity changes by a number such as +1, not ''"),
        ({"slide": "activity=much"}, "activity changes by a number such as +1, not 'much'"),
        ({"slide": "activity=5"}, "activity changes by -4 to 4, not 5"),
        ({"slide": "activity=nan"}, "activity changes by -4 to 4"),
        ({"slide": "mode=dorian"}, "a mode is major or minor, not 'dorian'"),
        ({"slide": "mode=minor", "key": "C"}, "C major and mode=minor contradict each other"),
        ({"bars": 0}, "a new piece has 1 to 1000 bars, not 0"),
        ({"meter": "waltz"}, "'waltz' is not a meter"),
        ({"key": "H"}, "'H' is not a key"),
        ({"temperature": 11}, "a temperature is 0 to 10"),
        ({"seed": -1}, "a seed is 0 or more, not -1"),
        ({"style": "polka"}, "a style is one of bach, chorale, hymn"),
        ({"form": "12"}, "'12' is not a form; write one letter per phrase, such as AABA"),
        ({"form": "A'B"}, "A' comes before any A"),
        ({"form": "AABA", "bars": 7}, "ask for 8 bars or more, not 7"),
    ],
)
def test_generate_refuses_impossible_requests(
    musicae_command, model, option, tmp_path, wishes, complaint
):
    with pytest.raises(ChoraleError) as refusal:
        musicae.generate(**{"n": 1} | wishes, model=model)
    assert complaint in str(refusal.value)
    words = [
        word
        for name, wish in wishes.items()
        for word in ("-n" if name == "n" else f"--{name}", wish)
    ]
    refused(musicae_command("generate", *words, "-o", tmp_path / "new", *option), complaint)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["autoencoder", "harmonizer"])
@pytest.mark.parametrize("wish", [{"prior": "normal"}, {"slide": "activity=1"}])
def test_other_models_have_no_sliders(untrained, name, wish):
    with pytest.raises(ChoraleError, match=f"{name} has no prior and no sliders; use vae"):
        musicae.generate(model=str(untrained[name]), **wish)


@pytest.mark.parametrize("name", ["autoencoder", "harmonizer"])
def test_other_models_compose_in_no_form(untrained, name):
    with pytest.raises(ChoraleError, match=f"{name} cannot follow a form such as AABA; use vae"):
        musicae.generate(model=str(untrained[name]), form="AABA")


def test_a_harmonizer_has_styles_and_the_autoencoder_has_none(untrained):
    (piece,) = musicae.generate(model=str(untrained["harmonizer"]), style="psalm", **SHORT)
    assert piece.provenance["style"] == "psalm"
    with pytest.raises(ChoraleError, match="autoencoder has no styles; use vae or harmonizer"):
        musicae.generate(model=str(untrained["autoencoder"]), style="psalm")


# From one piece to another


@pytest.mark.parametrize("of_files", [True, False])
def test_an_interpolation_begins_and_ends_with_the_reconstructed_ends(model, files, of_files):
    one, other = files if of_files else (HYMN, OTHER)
    pieces = musicae.interpolate(one, other, 3, model=model)
    assert len(pieces) == 3
    for piece, end in ((pieces[0], one), (pieces[-1], other)):
        own = musicae.decode(musicae.encode(end, model=model), model=model, temperature=0)
        assert same_notes(piece.chorale, own.chorale)
    assert [len(piece.chorale) for piece in (pieces[0], pieces[-1])] == [len(HYMN), len(OTHER)]
    assert [piece.provenance["number"] for piece in pieces] == [1, 2, 3]
    assert {piece.provenance["temperature"] for piece in pieces} == {0}


def test_each_step_of_an_interpolation_can_be_decoded_again(model, tmp_path):
    for piece in musicae.interpolate(HYMN, OTHER, 3, model=model):
        piece.write(tmp_path / "step.mid")
        assert same_notes(musicae.decode(tmp_path / "step.mid", model=model).chorale, piece.chorale)


def test_the_command_writes_every_step_of_an_interpolation(
    musicae_command, option, files, tmp_path
):
    out = tmp_path / "walk"
    words = ["-n", 3, "-o", out, "--format", "mid,mxl"]
    done = musicae_command("interpolate", *files, *words, *option)
    assert (done.status, done.err) == (0, "")
    names = {f"hymn-to-other-{i}.{suffix}" for i in (1, 2, 3) for suffix in ("mid", "mxl")}
    assert {path.name for path in out.iterdir()} == names
    for i in (1, 2, 3):
        midi, score = (musicae.read(out / f"hymn-to-other-{i}.{s}") for s in ("mid", "mxl"))
        assert same_notes(midi, score)
        assert midi.title == f"Step {i} of 3, hymn to other"
        facts = read_provenance(out / f"hymn-to-other-{i}.mxl")
        assert facts == read_provenance(out / f"hymn-to-other-{i}.mid")
        assert {"piece", "beats", "form"} <= facts["latent"].keys()


def test_a_file_of_any_name_can_be_interpolated(model, tmp_path):
    odd = tmp_path / "my  old\thymn .mid"
    musicae.write(HYMN, odd)
    first, *_ = musicae.interpolate(odd, HYMN, 3, model=model)
    assert first.chorale.title == "Step 1 of 3, my old hymn to untitled"
    (piece,) = musicae.vary(odd, model=model, temperature=0)
    assert piece.chorale.title.startswith("my old hymn, varied")


def test_points_can_be_interpolated(model):
    one, other = (musicae.encode(piece, model=model) for piece in (HYMN, OTHER))
    assert isinstance(one, LatentPoint)
    pieces = musicae.interpolate(one, other, 3, model=model)
    assert pieces[0].chorale.title == "Step 1 of 3, a place in C major to a place in G major"
    assert musicae.encode(one, model=model) is one
    with pytest.raises(ChoraleError, match="a latent point has no notes to keep"):
        musicae.vary(one, keep="soprano", model=model)


@pytest.mark.parametrize(
    ("n", "complaint"),
    [(2, "needs n >= 3 (both ends count), not 2"), (0, "at least one"), (1001, "at most")],
)
def test_interpolations_of_too_few_or_too_many_steps_are_refused(
    musicae_command, option, hymn, n, complaint
):
    refused(musicae_command("interpolate", hymn, hymn, "-n", n, *option), complaint)


# Around a piece


@pytest.mark.parametrize("keep", ["soprano", "bass", "tenor,Alto"])
def test_kept_parts_of_a_variation_stay_exactly(musicae_command, option, files, tmp_path, keep):
    out = tmp_path / "varied"
    words = ["-n", 2, "--amount", 0.9, "--keep", keep, "--format", "mid,musicxml", "-o", out]
    done = musicae_command("vary", files[0], *words, *option)
    assert (done.status, done.err) == (0, "")
    voices = [["soprano", "alto", "tenor", "bass"].index(name.lower()) for name in keep.split(",")]
    for i in (1, 2):
        for suffix in ("mid", "musicxml"):
            piece = musicae.read(out / f"hymn-varied-0-{i}.{suffix}")
            assert len(piece) == len(HYMN)
            for voice in range(4):
                kept = piece.notes(voice) == HYMN.notes(voice)
                assert kept == (voice in voices), (i, suffix, voice)
        assert read_provenance(out / f"hymn-varied-0-{i}.mid")["amount"] == 0.9


def test_variations_at_distance_0_are_the_reconstruction(model):
    own = musicae.decode(musicae.encode(HYMN, model=model), model=model, temperature=0)
    near = musicae.vary(HYMN, 2, amount=0.0, temperature=0, model=model)
    assert all(same_notes(piece.chorale, own.chorale) for piece in near)
    far = musicae.vary(HYMN, 2, amount=1.0, temperature=0, model=model)
    assert not same_notes(far[0].chorale, far[1].chorale)


@pytest.mark.parametrize("options", [{}, {"temperature": 0}, {"keep": ["soprano", "bass"]}])
def test_variations_repeat_and_the_first_do_not_depend_on_how_many(model, options):
    few, many = (musicae.vary(HYMN, n, seed=3, model=model, **options) for n in (1, 2))
    assert few[0].chorale == many[0].chorale
    assert few[0].provenance == many[0].provenance


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--amount", 1.5], "an amount is 0 to 1, not 1.5"),
        (["--amount", -0.1], "an amount is 0 to 1, not -0.1"),
        (["--amount", "nan"], "an amount is 0 to 1"),
        (["-n", 0], "at least one piece"),
        (["--keep", "lead"], "no voice is called 'lead'"),
        (["--keep", "soprano,alto,tenor,bass"], "nothing is left to vary; keep fewer"),
        (["--format", "wav"], "--format takes mid, musicxml, mxl, not 'wav'"),
    ],
)
def test_vary_refuses_impossible_requests(
    musicae_command, option, hymn, tmp_path, words, complaint
):
    refused(musicae_command("vary", hymn, *words, "-o", tmp_path / "new", *option), complaint)
    assert not (tmp_path / "new").exists()


# What cannot be used


@pytest.mark.parametrize("command", ["vary", "interpolate"])
def test_files_that_are_no_chorale_are_refused_by_name(musicae_command, option, hymn, command):
    trio, wide, none = (hymn.with_name(f"{name}.mid") for name in ("trio", "wide", "none"))
    three = [HYMN.notes(voice) for voice in range(3)]
    musicae.write(Chorale.from_notes(three), trio)
    musicae.write(HYMN.transpose(24), wide)
    for path, complaint in (
        (trio, "trio.mid: has fewer than four voices; musicae harmonize adds"),
        (wide, "wide.mid: bar 1, beat 1: "),
        (none, "none.mid: no such file"),
    ):
        words = [path] if command == "vary" else [hymn, path]
        refused(musicae_command(command, *words, *option), complaint)


@pytest.mark.parametrize("name", ["minibach", "harmonizer"])
def test_models_without_a_latent_space_are_refused(musicae_command, untrained, hymn, name):
    option = ["--model", untrained[name]]
    for words in (["vary", hymn], ["interpolate", hymn, hymn]):
        refused(musicae_command(*words, *option), f"{name} has no latent space; use vae")
    with pytest.raises(CheckpointError, match="no latent space"):
        musicae.encode(HYMN, model=str(untrained[name]))


@pytest.mark.parametrize(
    "change",
    [{"latent": "?"}, {"latent": {}}, {"latent": None}, {"latent": {"form": 3}}],
)
def test_a_damaged_point_is_refused_with_the_files_name(model, tmp_path, change):
    (piece,) = musicae.generate(1, seed=3, model=model, temperature=0, **SHORT)
    path = tmp_path / "new.mid"
    musicae.write(piece.chorale, path, provenance=piece.provenance | change)
    for use in (musicae.encode, musicae.decode):
        with pytest.raises(ChoraleError, match=r"new\.mid: .*not a latent point"):
            use(path, model=model)


@pytest.mark.parametrize(
    "change", [{"seed": "x"}, {"temperature": "hot"}, {"draw": -1}, {"seed": -5}]
)
def test_damaged_settings_are_refused_with_the_files_name(model, tmp_path, change):
    (piece,) = musicae.generate(1, seed=3, model=model, temperature=0, **SHORT)
    path = tmp_path / "new.mid"
    musicae.write(piece.chorale, path, provenance=piece.provenance | change)
    with pytest.raises(ChoraleError, match=r"new\.mid: "):
        musicae.decode(path, model=model)


# What is printed


def test_the_command_prints_what_it_writes(musicae_command, option, tmp_path):
    words = ["-n", 2, "--bars", 2, "--meter", "3/4", "--seed", 6, "-o", tmp_path]
    done = musicae_command("generate", *words, *option)
    assert (done.status, done.err) == (0, "")
    for i in (1, 2):
        assert f"chorale-6-{i}.mid  Chorale('Chorale in " in done.out
    assert done.out.count("nats a step") == 2
    told = json.loads(musicae_command("generate", *words, "--json", *option).out)
    assert [file["number"] for file in told["files"]] == [1, 2]
    assert all(file["nats_per_step"] > 0 for file in told["files"])
    assert all(file["latent"]["form"]["steps"] == 24 for file in told["files"])


def test_the_command_takes_a_style_and_a_form(musicae_command, option, tmp_path):
    words = ["--style", "hymn", "--form", "aa'b", "--meter", "6/8", "--bars", 6]
    done = musicae_command("generate", *words, "--json", "-o", tmp_path, *option)
    (file,) = json.loads(done.out)["files"]
    assert (file["style"], file["form"], file["bars"]) == ("hymn", "AA'B", 6)
    assert musicae.read(tmp_path / "chorale-0-1.mid").meters == (Meter(0, 6, 8),)


def test_every_slider_has_a_name(musicae_command, option, tmp_path):
    slide = ",".join(f"{name}=+0.5" for name in ATTRIBUTES)
    words = ["--bars", 1, "--meter", "3/4", "--slide", slide, "-o", tmp_path]
    assert musicae_command("generate", *words, *option).status == 0
