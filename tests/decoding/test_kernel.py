"""The compiled program and ``Writing`` give the same costs, symbols and nats."""

import importlib.util
import re
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST
from musicae.core.key import Key
from musicae.decoding import compiled, sampler
from musicae.decoding.choice import LIKELIEST, SamplingOptions, Tilts
from musicae.decoding.compiled import Compiled, can_write
from musicae.decoding.constraints import PITCHES, PRESETS, RuleCosts
from musicae.decoding.ensemble_costs import EnsembleCosts
from musicae.decoding.given_chords import GivenCosts
from musicae.decoding.kernel import program
from musicae.decoding.levers import LEVERS, Levers
from musicae.decoding.motion_tilt import SHAPE as MOTION_SHAPE
from musicae.decoding.motion_tilt import MotionTilt
from musicae.decoding.plan_costs import LAST, USUAL, PlanCosts, PlanWeights
from musicae.decoding.repeats import NONE, Repeats
from musicae.decoding.sampler import decode_latents, sample
from musicae.decoding.sonority_tilt import SHAPE as SONORITY_SHAPE
from musicae.decoding.sonority_tilt import SonorityTilt
from musicae.decoding.step_costs import Rows, StepCosts
from musicae.decoding.writing import Writing
from musicae.encoding.partial_score import Limits, PartialScore
from musicae.encoding.step_features import SIZES
from musicae.encoding.tokens import VOCABULARY
from musicae.models.batches import Latent
from musicae.models.configs import ChoraleVAEConfig, HarmonizerConfig
from musicae.models.harmonizer import Harmonizer
from musicae.models.onnx_engine import OnnxEngine
from musicae.models.torch_engine import export, live
from musicae.models.vae import ChoraleVAE
from musicae.theory.given_chords import GivenChord
from musicae.training.config import RECIPES
from tests.support.by_torch import by_torch
from tests.support.passages import passage
from tests.support.paths import ROOT
from tests.support.small import TINY
from tests.support.strategies import chorales

VAE = {"piece": 6, "beat": 3, "prior_layers": 1, "lead_layers": 1, "components": 2, "planner": 8}
SEEDS = st.integers(0, 2**32 - 1)
TUNE = passage("S  C5 D5 G5 -- .. D5 E5^ -- C5 D5 E5 C5")
SOPRANO_ONLY = PartialScore.of(TUNE, voices=(0,))
KERNEL = ROOT / "musicae" / "decoding" / "kernel"


def tiny(**changes):
    torch.manual_seed(0)
    config = RECIPES["harmonizer"].config | TINY | changes
    network = Harmonizer(HarmonizerConfig(**config)).eval().requires_grad_(False)
    network.hold_or_rest.bias += torch.tensor([2.0, -1.0] * len(VOCABULARY))
    return network


@pytest.fixture(scope="module")
def network():
    return tiny()


def both(monkeypatch, run):
    """The results of ``run()`` with the compiled program, and with ``Writing``."""
    used = []

    def write(writing):
        used.append(can_write(writing))
        return compiled.write(writing)

    monkeypatch.setattr(sampler, "write", write)
    found = run()
    assert used == [True]
    monkeypatch.setattr(sampler, "write", Writing.write)
    return found, run()


def assert_same(found, expected):
    assert found.tokens.tolist() == expected.tokens.tolist()
    assert found.nats == pytest.approx(expected.nats, rel=1e-5, abs=1e-4)


def options_of(rng):
    return SamplingOptions(
        float(rng.choice([LIKELIEST, 0.8, 2.0])),
        int(rng.integers(1000)),
        float(rng.choice([1.0, 0.7])),
        str(rng.choice([*PRESETS])),
        rng.choice([None, 1.4]),
    )


# Symbols


@settings(max_examples=8, deadline=None)
@given(chorales(max_steps=24), SEEDS)
def test_the_same_symbols_are_written(network, chorale, seed):
    """For any known cells and any sampling options."""
    rng = np.random.default_rng(seed)
    known = rng.random(chorale.pitch.shape) < rng.choice([0, 0.1])
    known[:, 0] |= bool(rng.random() < 0.5)
    partial = PartialScore.of(chorale, known=known)
    with pytest.MonkeyPatch.context() as patch:
        model, options = by_torch("harmonizer", network), options_of(rng)
        assert_same(*both(patch, lambda: sample(model, [partial] * 3, options)))


@pytest.mark.parametrize("changes", [{"stride": 1}, {"stride": 4}, {"chords": (), "depth": 12}])
def test_other_models_write_the_same(monkeypatch, changes):
    if "chords" in changes:
        changes = changes | {"context": SIZES}
    model = by_torch("harmonizer", tiny(**changes))
    options = SamplingOptions(1.0, 3)
    assert_same(*both(monkeypatch, lambda: sample(model, [SOPRANO_ONLY] * 2, options)))


def test_a_piece_longer_than_the_attention_span(monkeypatch, network):
    tune = Chorale.from_notes([[(4 * i, 4, 67 + 5 * (i % 3)) for i in range(30)]])
    model, partial = by_torch("harmonizer", network), PartialScore.of(tune, voices=(0,))
    assert_same(*both(monkeypatch, lambda: sample(model, [partial], SamplingOptions(1.0, 1))))


def test_a_rhythm_is_reinforced_alike(monkeypatch, network):
    """Two decoders; one of them does not get the requested rhythm."""
    model = by_torch("harmonizer", network)
    partial = replace(SOPRANO_ONLY, rhythm="flowing")
    options = SamplingOptions(1.0, 5)
    assert_same(*both(monkeypatch, lambda: sample(model, [partial] * 2, options)))


def test_cores_do_not_change_the_notes(monkeypatch, network):
    model, found = by_torch("harmonizer", network), []
    for cores in (1, 2, 3):
        monkeypatch.setattr(compiled, "own_cores", lambda cores=cores: cores)
        found.append(sample(model, [SOPRANO_ONLY] * 5, SamplingOptions(1.0, 2)))
    for other in found[1:]:
        assert other.tokens.tolist() == found[0].tokens.tolist()
        assert other.nats == pytest.approx(found[0].nats, rel=1e-6)


def test_pieces_of_latent_vectors_are_the_same(monkeypatch):
    """With tilts, levers, passages that return, and pieces of different lengths."""
    torch.manual_seed(0)
    shapes = {"tilt": MOTION_SHAPE, "sonority_tilt": SONORITY_SHAPE}
    network = ChoraleVAE(ChoraleVAEConfig(**(RECIPES["vae"].config | TINY | VAE | shapes)))
    network.eval().requires_grad_(False)
    network.hold_or_rest.bias += torch.tensor([2.0, -1.0] * len(VOCABULARY))
    network.tilt.normal_()
    network.sonority_tilt.normal_()
    model, rng = by_torch("vae", network), np.random.default_rng(0)
    keys = [Key(2), Key(-3, "minor")]
    partials = [
        PartialScore.of(Chorale.from_notes([], steps=steps), key=key)
        for steps, key in zip((32, 24), keys, strict=True)
    ]
    latents = [
        Latent(
            rng.standard_normal((1, 6), dtype=np.float32),
            rng.standard_normal((1, steps // 4, 3), dtype=np.float32),
        )
        for steps in (32, 24)
    ]
    levers = Levers(rng.standard_normal((2, len(LEVERS))), keys)

    def run():
        return decode_latents(
            model,
            partials,
            latents,
            SamplingOptions(1.0, 4, rhythm_temperature=1.2),
            seeds=[[1], [2]],
            blurs=[0.0, 0.1],
            levers=levers,
        )

    assert_same(*both(monkeypatch, run))


def test_onnx_runtime_multiplies_as_torch_does(network):
    """The graphs are those of weights files; products are written where the program reads them."""
    torch_runs = by_torch("harmonizer", network)
    engine = OnnxEngine(export("harmonizer", network), torch_runs.tensors)
    model = replace(torch_runs, engine=engine)
    options = SamplingOptions(1.0, 6)
    found, expected = (sample(each, [SOPRANO_ONLY] * 3, options) for each in (model, torch_runs))
    assert_same(found, expected)


def test_torch_does_not_use_the_program(network):
    found = []

    def write(writing):
        found.append(can_write(writing))
        return compiled.write(writing)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler, "write", write)
        sample(live("harmonizer", network), [SOPRANO_ONLY], SamplingOptions(1.0))
    assert found == [False]


# Costs


N, STEPS = 3, 12


def eighths(rng, count):
    """Costs that can be added in any order, so that equal sums are equal."""
    return (rng.integers(1, 24, size=count) / 8).tolist()


def any_plan(rng):
    """Plan costs of any chords, also of chords that no plan has."""
    plan = PlanCosts.__new__(PlanCosts)
    plan.weights = PlanWeights(*eighths(rng, len(astuple(USUAL))))
    plan.closing = rng.integers(STEPS, size=N)
    plan.firm = rng.choice([1.0, 20.0], size=(STEPS, N))
    plan.member = rng.random((STEPS, N, 12)) < 0.4
    plan.numbers = rng.integers(-1, 12, size=(STEPS, N, 6))
    plan.numbers[..., -1] = rng.integers(LAST + 1, size=(STEPS, N))
    plan.begun = plan.numbers[..., -1] > 0
    return plan


def any_limits(rng):
    ranges = [(low + int(rng.integers(4)), high) for low, high in ((57, 81), (53, 74), (48, 69))]
    bounds = (*ranges, (36, 64))
    if rng.random() < 0.5:
        bounds = (bounds[0], None, *bounds[2:])
    within = tuple(each and (each[0] + 3, each[1] - 4) for each in bounds)
    return Limits(bounds, within, rng.choice([None, 9]))


def any_given(rng):
    """Given chords at half of the steps."""
    chords = []
    for step in np.flatnonzero(rng.random(STEPS) < 0.5).tolist():
        members = tuple(rng.choice(12, size=rng.integers(2, 5), replace=False).tolist())
        bass = rng.choice([None, *members])
        needed = members[: rng.integers(len(members) + 1)]
        chords.append(GivenChord(step, 1, members, needed, bass))
    return GivenCosts(chords)


def any_writing(rng, network):
    """A writing with random costs of every kind."""
    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler, "write", made.append)
        known = rng.random((STEPS, N_VOICES)) < 0.3
        quiet = PartialScore.of(Chorale.from_notes([], steps=STEPS), known=known)
        sample(by_torch("harmonizer", network), [quiet] * N, SamplingOptions(1.0))
    (writing,) = made
    few = rng.random(7) < 0.5
    writing.weighed = StepCosts(
        RuleCosts(*eighths(rng, 8)),
        rng.integers(-7, 8, size=N),
        writing.order,
        any_plan(rng) if few[0] else None,
        any_given(rng) if few[6] else None,
        EnsembleCosts(any_limits(rng)) if few[1] else None,
    )
    places = rng.integers(3, size=(N, STEPS))
    keys = [Key(int(fifths)) for fifths in rng.integers(-7, 8, size=N)]
    writing.tilts = Tilts(
        MotionTilt(rng.standard_normal(MOTION_SHAPE), places) if few[2] else None,
        SonorityTilt(rng.standard_normal(SONORITY_SHAPE), places) if few[3] else None,
        Levers(rng.standard_normal((N, len(LEVERS))), keys) if few[4] else None,
    )
    writing.notes.tokens[...] = rng.integers(24, size=writing.notes.tokens.shape)
    if few[5]:
        repeats = Repeats.__new__(Repeats)
        repeats.source = rng.integers(NONE, STEPS, size=(N, STEPS, N_VOICES))
        repeats.any, repeats.some = (repeats.source != NONE).any(axis=0), True
        writing.repeats = repeats
    return writing


@settings(max_examples=12, deadline=None)
@given(SEEDS)
def test_the_program_weighs_symbols_as_the_rules_plans_and_tilts_do(network, seed):
    rng = np.random.default_rng(seed)
    writing = any_writing(rng, network)
    made = Compiled(writing, slice(N)).program
    turn, cost, weigh = made.arrays["turn"], made.arrays["cost"], made.function("weigh")
    for _ in range(60):
        voice, step, candidate = (int(rng.integers(n)) for n in (N_VOICES, STEPS, N))
        was, now = (
            np.array([rng.choice([REST, *pitches]) for pitches in PITCHES]) for _ in range(2)
        )
        now = np.where(rng.random(N_VOICES) < 0.3, was, now)
        now = np.where(writing.seen[step, voice], now, REST)
        last = bool(rng.integers(2)) if writing.weighed.given is None else writing.last[step, voice]
        nats = rng.random(VOCABULARY[voice]) * 9
        rows = Rows(
            *(np.array([each]) for each in (candidate, step, was, now, last)),
        )
        expected = nats[None].copy()
        writing._weigh(voice, rows, expected)
        turn[:10].view(np.int32)[:] = candidate, step, voice, 0, last
        turn[10:14], turn[14:] = was, now
        cost[: len(nats)] = nats
        weigh()
        assert cost[: len(nats)] == pytest.approx(expected[0], abs=1e-5, rel=1e-6)


# The program itself


def test_python_and_c_name_the_same_fields():
    header = (KERNEL / "writer.h").read_text()
    body = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    body = body[body.rindex("typedef struct {") : body.index("} Job;")]
    names = []
    for declaration in re.findall(r"(?:const )?(?:struct )?\w+ ([^;{]+);", body):
        for name in declaration.split(","):
            names.append(re.sub(r"\[VOICES\]", ":4", name.strip(" *")))
    assert tuple(names) == program.FIELDS


@pytest.mark.parametrize("name", ["RING", "MOST_SYMBOLS", "MOST_SPAN", "MOST_FEATURES", "GRAPHS"])
def test_python_and_c_have_the_same_bounds(name):
    source = (KERNEL / "writer.h").read_text() + (KERNEL / "writer.c").read_text()
    assert re.findall(rf"\b{name} = (\d+)", source) == [str(getattr(program, name))]


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="no C compiler")
def test_the_shipped_program_is_built_from_its_source(tmp_path):
    spec = importlib.util.spec_from_file_location("build", ROOT / "scripts" / "build_kernel.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    build.build(tmp_path / "writer.wasm")
    assert Path(tmp_path / "writer.wasm").read_bytes() == (KERNEL / "writer.wasm").read_bytes()
