"""Training on a hymn of nine bars gives the same numbers again, also after a kill, and in two
processes."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from musicae.core.chorale import Chorale, transpositions
from musicae.core.errors import MusicaeError, TrainingError
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.corpus import load
from musicae.encoding.tokens import WINDOW, chorale_to_tokens, flatten
from musicae.latent import sliders
from musicae.models import checkpoint
from musicae.models.torch_engine import build_model, network_of
from musicae.models.vocabulary import HOLD, SILENCE
from musicae.training import run as training
from musicae.training import tensors
from musicae.training.config import RECIPES
from musicae.training.fit import TrainingProgress
from musicae.training.minibach import Windows, four_bar_starts, training_windows
from musicae.training.run import LOG, STATE, SUMMARY, faster_precision, train
from musicae.training.task import Settings
from musicae.training.vae import LatentStatistics
from tests.support.paths import ROOT
from tests.support.small import SMALL

SOPRANO = [67, 67, 69, 71, 72, 71, 69, 67, 69, 71, 72, 69, 67, 65, 64, 62, 60, 62, 64, 65]
QUICK = Settings(epochs=4, batch_size=33, learning_rate=3e-3, patience=4, seed=5)
WHOLE = ("harmonizer", "vae")
"""Models that learn from whole chorales; each epoch draws different exercises."""


def hymn(quarters=33, shift=0):
    """A hymn in quarters, after a pickup of one; eight bars by default, the last one short."""
    tops = [SOPRANO[i % len(SOPRANO)] + shift for i in range(quarters)]
    voices = [[(4 * i, 4, top - below) for i, top in enumerate(tops)] for below in (0, 4, 10, 19)]
    return Chorale.from_notes(voices, pickup=4)


@pytest.fixture(autouse=True)
def small_corpus(monkeypatch):
    monkeypatch.setattr(RECIPES["vae"].task, "probes", 1)
    # Directions are corrected in the tests of sliders; here it would take most of the time.
    monkeypatch.setattr(sliders, "corrected", lambda _model, directions, *_: directions)
    sides = {"train": [hymn()], "valid": [hymn(30, shift=-1)]}
    monkeypatch.setattr(load, "load", lambda _: SimpleNamespace(side=sides.__getitem__))
    return sides


def run(folder, name="minibach", settings=QUICK, **options):
    options = {"config": SMALL[name], "teachers": (), "accelerator": "cpu"} | options
    return train(name, None, folder, settings=settings, **options)


def log(folder):
    """The rows of a run's log without the seconds, which differ each time."""
    with (folder / LOG).open(newline="") as file:
        return [{k: float(v) for k, v in r.items() if k != "seconds"} for r in csv.DictReader(file)]


class KilledError(Exception):
    pass


def kill_in_epoch(number):
    def report(progress):
        if progress.epoch == number and progress.step % 2 == 0:
            raise KilledError

    return report


# Windows


def test_windows_begin_on_bar_lines_the_first_before_the_pickup():
    assert four_bar_starts(hymn()) == [-12, *range(4, 132, 16)]
    assert four_bar_starts(Chorale.from_notes([[(0, 70, 60)]])) == [0, 16, 32, 48, 64]


def test_windows_have_only_whole_bars_of_common_time():
    waltz = Chorale.from_notes([[(0, 96, 60)]], meters=(Meter(0, 3, 4),))
    assert four_bar_starts(waltz) == []
    # Bars at 0 and 16, cut short by one at 24, then bars as usual.
    cut = Chorale.from_notes([[(0, 104, 60)]], meters=(Meter(0, 4, 4), Meter(24, 4, 4)))
    assert four_bar_starts(cut) == [24, 40, 56, 72, 88]
    mixed = Chorale.from_notes([[(0, 128, 60)]], meters=(Meter(0, 4, 4), Meter(96, 3, 4)))
    assert four_bar_starts(mixed) == [0, 16, 32]


def test_a_window_is_silent_outside_the_piece():
    found = training_windows([hymn()], every_key=False)
    assert found.shape == (9, WINDOW, 4)
    assert (found[0, :12] == SILENCE).all()
    assert np.array_equal(found[0, 12:], chorale_to_tokens(hymn())[:52])
    assert (found[-1, 16:] == SILENCE).all()
    assert (found[-1, 1:4] == HOLD).all()


def test_every_key_is_every_transposition():
    shifts = transpositions(hymn())
    assert len(shifts) > 3
    found = training_windows([hymn()], every_key=True)
    assert len(found) == 9 * len(shifts)
    apart = np.concatenate([training_windows([hymn(shift=s)], every_key=False) for s in shifts])
    assert np.array_equal(found, apart)


def test_a_chorale_beyond_the_ranges_is_moved_just_into_them():
    high = hymn(shift=14)
    nearest = max(transpositions(high))
    assert nearest < 0
    assert np.array_equal(
        training_windows([high], every_key=False),
        training_windows([hymn(shift=14 + nearest)], every_key=False),
    )


def test_the_autoencoder_learns_from_windows_that_sound_to_the_end():
    found = RECIPES["autoencoder"].task.examples([hymn()], False, {}).tokens
    assert np.array_equal(found, training_windows([hymn()], every_key=False)[:6])
    assert len(RECIPES["minibach"].task.examples([hymn()], False, {})) == 9


# Settings


def test_the_learning_rate_rises_and_falls():
    settings = Settings(learning_rate=1.0, warmup=0.1)
    rates = [settings.learning_rate_at(step, 100) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx(0.5)
    assert 0 < rates[99] < 0.001
    assert Settings(learning_rate=1.0, warmup=0.0).learning_rate_at(0, 1) == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"patience": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"weight_decay": -1.0},
        {"warmup": 1.0},
        {"seed": -1},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(MusicaeError, match=next(iter(wrong))):
        Settings(**wrong)


# Runs


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_learns_and_leaves_weights_log_and_summary(tmp_path, name, capfd):
    told: list[TrainingProgress] = []
    done = run(tmp_path, name, report=told.append)
    assert capfd.readouterr() == ("", "")
    assert {p.name for p in tmp_path.iterdir()} == {f"{name}.safetensors", LOG, SUMMARY, STATE}

    rows = log(tmp_path)
    columns = ["epoch", "train_loss", "valid_loss", "learning_rate"]
    measured = {"vae": LatentStatistics._fields, "harmonizer": ("valid_loss_without_plan",)}
    assert list(rows[0]) == [*columns, *measured.get(name, ())]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    best = min(rows, key=lambda row: row["valid_loss"])
    # The training data differ from epoch to epoch, and so do the losses.
    watched = "valid_loss" if name in WHOLE else "train_loss"
    assert rows[-1][watched] < rows[0][watched]
    assert done[1:] == (4, best["epoch"], best["valid_loss"], True)

    summary = json.loads((tmp_path / SUMMARY).read_text())
    loaded = checkpoint.load_checkpoint(done.weights)
    assert loaded.provenance == {k: v for k, v in summary.items() if k != "checksum"}
    assert loaded.checksum == summary["checksum"]
    assert summary["settings"]["seed"] == QUICK.seed
    assert summary["config"] == RECIPES[name].config | SMALL[name]
    assert summary["valid_loss"] == done.valid_loss
    (counted,) = summary["data"]["valid"].keys() - {"sha256"}
    if name in WHOLE:
        assert summary["data"]["train"]["chorales"] == 1
    assert counted == ("chorales" if name in WHOLE else "windows")
    assert (
        summary["data"]["valid"][counted]
        == {"minibach": 9, "autoencoder": 6, "harmonizer": 1, "vae": 1}[name]
    )
    assert summary["versions"].keys() == {"python", "musicae", "torch", "lightning-fabric"}

    steps = -(-summary["data"]["train"][counted] // QUICK.batch_size)
    assert [p.step for p in told] == list(range(1, 4 * steps + 1))
    assert told[-1].steps == 4 * steps
    assert told[0].valid_loss is None
    assert told[-1].valid_loss == rows[2]["valid_loss"]
    assert told[-1].loss == pytest.approx(rows[3]["train_loss"])


def test_a_seed_decides_the_run_and_leaves_the_callers_generators(tmp_path):
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    first, again = run(tmp_path / "first"), run(tmp_path / "again")
    assert torch.equal(torch.rand(1), expected)
    assert log(tmp_path / "first") == log(tmp_path / "again")
    checksum = checkpoint.load_checkpoint(first.weights).checksum
    assert checkpoint.load_checkpoint(again.weights).checksum == checksum
    other = run(tmp_path / "other", settings=replace(QUICK, seed=6))
    assert checkpoint.load_checkpoint(other.weights).checksum != checksum


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_killed_run_resumes_to_the_same_result(tmp_path, epoch):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run(whole, "autoencoder")
    with pytest.raises(KilledError):
        run(killed, "autoencoder", report=kill_in_epoch(epoch))
    assert (killed / STATE).exists() == (epoch > 1)
    done = run(killed, "autoencoder", resume=True)
    assert log(killed) == log(whole)
    assert done.epochs == 4
    expected = checkpoint.load_checkpoint(whole / "autoencoder.safetensors")
    assert checkpoint.load_checkpoint(done.weights).checksum == expected.checksum
    states = [
        torch.load(f / STATE, weights_only=True)["optimizer"]["state"] for f in (whole, killed)
    ]
    for index, moments in states[0].items():
        for name, tensor in moments.items():
            assert torch.equal(states[1][index][name], tensor), name


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    first = run(tmp_path)
    checksum = checkpoint.load_checkpoint(first.weights).checksum
    assert run(tmp_path, resume=True, report=kill_in_epoch(1)) == first
    assert checkpoint.load_checkpoint(first.weights).checksum == checksum


def test_another_runs_state_is_refused(tmp_path, small_corpus):
    run(tmp_path)
    with pytest.raises(TrainingError, match=r"state\.pt: belongs to a run with another settings;"):
        run(tmp_path, settings=replace(QUICK, epochs=9), resume=True)
    with pytest.raises(TrainingError, match="another config"):
        run(tmp_path, config={"hidden": 9}, resume=True)
    small_corpus["train"] = [hymn(25)]
    with pytest.raises(TrainingError, match="another data"):
        run(tmp_path, resume=True)
    (tmp_path / STATE).write_bytes((tmp_path / STATE).read_bytes()[:1000])
    with pytest.raises(TrainingError, match="is damaged"):
        run(tmp_path, resume=True)


def test_an_early_stop_keeps_the_best_weights(tmp_path):
    settings = replace(QUICK, epochs=50, learning_rate=0.1, patience=2)
    done = run(tmp_path, settings=settings)
    losses = [row["valid_loss"] for row in log(tmp_path)]
    assert done.epochs == len(losses) == done.best_epoch + 2 < 50
    assert losses[done.best_epoch - 1] == min(losses) == done.valid_loss
    model = network_of(checkpoint.load_checkpoint(done.weights))
    valid = Windows(training_windows([hymn(30, shift=-1)], every_key=False))
    with torch.no_grad():
        loss = RECIPES["minibach"].task.loss(model, valid.batch(range(len(valid))))
    assert loss.mean().item() == pytest.approx(done.valid_loss, rel=1e-5)


def test_the_autoencoder_stores_mean_and_covariance_of_its_codes(tmp_path):
    model = network_of(checkpoint.load_checkpoint(run(tmp_path, "autoencoder").weights))
    tokens = RECIPES["autoencoder"].task.examples([hymn()], True, {}).tokens
    with torch.no_grad():
        codes = model.encode(torch.from_numpy(flatten(tokens)))
    assert torch.allclose(model.code_mean, codes.mean(dim=0), atol=1e-4)
    covariance = model.code_scale @ model.code_scale.T
    assert torch.allclose(covariance, torch.cov(codes.T), rtol=1e-3, atol=1e-3)


def test_bfloat16_comes_close_to_the_exact_loss(tmp_path):
    exact = run(tmp_path / "exact").valid_loss
    assert run(tmp_path / "rough", precision="bf16-mixed").valid_loss == pytest.approx(
        exact, rel=0.02
    )


@pytest.mark.parametrize(("amx", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_the_automatic_precision_is_that_of_the_processor(monkeypatch, amx, expected):
    able = {"amx_bf16": amx, "avx512_bf16": True}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert faster_precision("cpu") == expected
    assert faster_precision("mps") == "32-true"


def test_the_run_says_which_precision_it_had(tmp_path):
    run(tmp_path, precision="auto", settings=replace(QUICK, epochs=1))
    told = json.loads((tmp_path / SUMMARY).read_text())["precision"]
    assert told == faster_precision("cpu")


@pytest.mark.parametrize("name", WHOLE)
def test_pieces_by_others_are_learned_from(tmp_path, monkeypatch, name):
    piece = SimpleNamespace(chorale=hymn(20), style="hymn", key=Key(0), side="train", admitted=True)
    held = SimpleNamespace(**vars(piece) | {"side": "held"})
    monkeypatch.setattr(training, "read_four_part", lambda _: [piece, held])
    run(tmp_path, name, settings=replace(QUICK, epochs=1), four_part=tmp_path)
    summary = json.loads((tmp_path / SUMMARY).read_text())
    assert summary["data"]["train"]["chorales"] == len([hymn(), piece.chorale])


# Several processes

needs_gloo = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
    reason="this torch cannot train in several processes",
)


def assert_same_run(name, one, two):
    """Equal up to the order in which gradients are added."""
    for a, b in zip(log(one), log(two), strict=True):
        assert b == pytest.approx(a, rel=1e-5)
    expected = checkpoint.load_checkpoint(one / f"{name}.safetensors").tensors
    found = checkpoint.load_checkpoint(two / f"{name}.safetensors").tensors
    for key, tensor in expected.items():
        assert np.allclose(found[key], tensor, atol=1e-3), key


@needs_gloo
def test_two_processes_reach_the_loss_of_one(tmp_path, capfd, small_corpus):
    # The last batches have one window, so the second process gets none.
    settings = replace(QUICK, batch_size=5, epochs=2)
    small_corpus |= {"train": [hymn(), hymn(41)], "valid": [hymn(30), hymn(29)]}
    for side, every_key in (("train", True), ("valid", False)):
        examples = RECIPES["autoencoder"].task.examples(small_corpus[side], every_key, {}).tokens
        assert len(examples) % settings.batch_size == 1
    run(tmp_path / "one", "autoencoder", settings=settings)
    before = dict(os.environ)
    done = run(tmp_path / "two", "autoencoder", settings=settings, devices=2)
    assert capfd.readouterr() == ("", "")
    assert os.environ == before
    assert done.first_process
    assert json.loads((tmp_path / "two" / SUMMARY).read_text())["processes"] == 2
    assert_same_run("autoencoder", tmp_path / "one", tmp_path / "two")


@needs_gloo
def test_torchrun_brings_its_own_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "import tests.training.test_run as t\n"
        "sides = {'train': [t.hymn()], 'valid': [t.hymn(30, shift=-1)]}\n"
        "t.load.load = lambda _: t.SimpleNamespace(side=sides.__getitem__)\n"
        "run = t.run(Path(sys.argv[1]))\n"
        "print('first' if run.first_process else 'other')\n"
    )
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
    ]
    command += [str(script), str(tmp_path / "two")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    # The processes share a pipe, so their lines may be mixed.
    assert (done.stdout.count("first"), done.stdout.count("other")) == (1, 1)
    run(tmp_path / "one")
    assert_same_run("minibach", tmp_path / "one", tmp_path / "two")


# Refusals


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"config": {"hidden": 0}}, "at least one unit"),
        ({"config": {"layers": 2}}, "not settings of MiniBach"),
        ({"precision": "8-bit"}, "precision must be 32-true or bf16-mixed, not '8-bit'"),
        ({"devices": 0}, "at least one device, not 0"),
        ({"accelerator": "abacus"}, "invalid accelerator"),
    ],
)
def test_impossible_settings_are_refused_before_a_folder_is_made(tmp_path, options, reason):
    with pytest.raises(MusicaeError, match=reason):
        run(tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_missing_gpu_is_reported(tmp_path):
    with pytest.raises(
        TrainingError, match=r"cannot be set up with these options: .*not available"
    ):
        run(tmp_path, accelerator="cuda")


def test_an_unknown_model_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="no model is called 'bach'; there are minibach"):
        train("bach", None, tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="file: cannot create this folder"):
        run(tmp_path / "file")


def test_a_corpus_without_common_time_is_refused(tmp_path, small_corpus):
    small_corpus["valid"] = [Chorale.from_notes([[(0, 48, 60)]], meters=(Meter(0, 3, 4),))]
    with pytest.raises(TrainingError, match="valid side of the corpus has no examples"):
        run(tmp_path)


def test_without_fabric_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    with pytest.raises(TrainingError, match=r"pip install 'musicae\[train\]'"):
        run(tmp_path)


def test_without_onnx_the_extra_is_named_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MusicaeError, match=r"ONNX, .*: pip install 'musicae\[train\]'"):
        run(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_loss_that_is_no_number_ends_the_run(tmp_path, monkeypatch):
    def nothing(self, network, batch, _progress):
        return network(tensors.flatten(batch.long(), self.given)).sum(dim=-1) * float("nan")

    monkeypatch.setattr(type(RECIPES["minibach"].task), "loss", nothing)
    with pytest.raises(TrainingError, match="the loss of epoch 1 is not a finite number"):
        run(tmp_path)


def test_output_biases_begin_at_the_symbol_frequencies():
    examples = Windows(training_windows([hymn()], every_key=False))
    for name in ("minibach", "autoencoder"):
        recipe = RECIPES[name]
        model = build_model(name, recipe.config | SMALL[name])
        recipe.task.begin(model, examples)
        output = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)][-1]
        frequent = flatten(examples.tokens, recipe.task.answer).mean(axis=0)
        share = output.bias.detach().sigmoid()
        assert np.allclose(share, frequent.clip(1e-4, 1 - 1e-4), atol=1e-5)


def test_a_distilled_model_trains_its_teachers_first(tmp_path):
    teachers = [replace(QUICK, epochs=1, seed=seed) for seed in (1, 2)]
    run(tmp_path, "harmonizer", settings=replace(QUICK, epochs=1), teachers=teachers)
    taught = json.loads((tmp_path / SUMMARY).read_text())
    found = [
        checkpoint.load_checkpoint(tmp_path / f"teacher-{i}" / "harmonizer.safetensors")
        for i in (1, 2)
    ]
    assert taught["teachers"] == [teacher.checksum for teacher in found]
    assert [teacher.provenance["settings"]["seed"] for teacher in found] == [1, 2]
    run(tmp_path / "alone", "harmonizer", settings=replace(QUICK, epochs=1))
    alone = json.loads((tmp_path / "alone" / SUMMARY).read_text())
    assert alone["train_loss"] != taught["train_loss"]
