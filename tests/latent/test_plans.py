"""Plans of latent points, drawn or the likeliest: closes, phrases, and passages that return."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.constants import SOPRANO
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding.choice import LIKELIEST
from musicae.decoding.mixture_chain import MixtureChain, Tables
from musicae.encoding import forms
from musicae.encoding.batches import beat_batch
from musicae.encoding.partial_score import PartialScore
from musicae.latent.plans import IN_COMMON, BeatAgain, beats_again, chains_of, find_plans
from musicae.models import checkpoint
from musicae.models.batches import Latent
from musicae.models.torch_engine import network_of
from musicae.theory.form import EVERY_VOICE, Return, parse_letters
from musicae.theory.harmonic_plan import beats_of
from musicae.theory.plan_reading import plan_of
from musicae.training.chain_likelihood import log_partition, path_score
from musicae.training.tensors import tensors
from tests.support.passages import HYMN

COMMON, WALTZ = Meter(0, 4, 4), Meter(0, 3, 4)
EXACT, VARIED = (
    forms.of_letters(parse_letters(text), 8, COMMON, Key.parse("F")) for text in ("ABAC", "ABA'C")
)
FORMS = [
    forms.regular(2, WALTZ, Key.parse("G minor")),
    forms.regular(5, COMMON, Key.parse("D major")),
    VARIED,
]
TEMPERATURES = pytest.mark.parametrize("temperature", [LIKELIEST, 1.0, 3.0])


@pytest.fixture(scope="module")
def model(untrained):
    return checkpoint.load_checkpoint(untrained["vae"])


def latent(model, form, seed=0):
    numbers = np.random.default_rng(seed)
    count = len(beats_of(form.chorale))
    return Latent(
        (3 * numbers.standard_normal((1, model.config.piece))).astype(np.float32),
        (3 * numbers.standard_normal((1, count, model.config.beat))).astype(np.float32),
    )


def find_plan(chain, form, states, random, *, temperature):
    (plan,) = find_plans([chain], [form], states, [random], temperature=temperature)
    return plan


def chains(model, wanted, seed=0):
    return chains_of(
        model, wanted, [latent(model, form, seed) for form in wanted], [0.0] * len(wanted)
    )


def found(model, form, temperature, seed=0):
    (chain,) = chains(model, [form], seed)
    states = model.config.states
    return find_plan(chain, form, states, np.random.default_rng(seed), temperature=temperature)


def flat(form, states):
    """A chain for a form in which all paths are equally likely."""
    beats, count = len(beats_of(form.chorale)), len(states)
    return MixtureChain(
        np.zeros((beats, count)), np.ones((beats - 1, 1)), Tables(np.ones((1, count, count)))
    )


# Chains


def test_the_chain_of_a_point_is_the_models_in_any_batch(model):
    """In probabilities; training computes the same in logarithms."""
    both = chains(model, FORMS[:2])
    for chain, form in zip(both, FORMS, strict=False):
        assert len(chain) == len(beats_of(form.chorale))
        (alone,) = chains(model, [form])
        assert chain.unary == pytest.approx(alone.unary, abs=1e-4)
        path = np.random.default_rng(0).integers(len(model.config.states), size=len(chain))
        nats = chain.log_partition() - chain.score(path)
        piece = tensors(beat_batch(form, model.config))
        with torch.no_grad():
            potentials = network_of(model).potentials(tensors(latent(model, form)), piece)
        lengths, states = torch.tensor([len(chain)]), torch.from_numpy(path)[None]
        expected = log_partition(potentials, lengths) - path_score(potentials, states, lengths)
        assert nats == pytest.approx(expected.item(), rel=1e-4)


# What plans keep


@TEMPERATURES
@pytest.mark.parametrize("form", FORMS)
def test_a_plan_ends_on_the_tonic_and_has_it_in_its_first_bar(model, form, temperature):
    for seed in range(4):
        plan, nats, notices, states = found(model, form, temperature, seed)
        last = plan.chords[-1]
        assert (last.root, last.bass) == (0, 0)
        assert last.quality == "major" or form.key.mode == "minor" == last.quality
        first_bar = [
            chord for beat, chord in zip(plan.beats, plan.chords, strict=True) if beat.bar == 0
        ]
        assert any(chord.root == 0 and chord.quality in ("major", "minor") for chord in first_bar)
        assert plan.key == form.key
        assert len(plan) == len(states) == len(beats_of(form.chorale))
        assert None not in plan.chords
        assert nats < 0
        assert not notices


@TEMPERATURES
@pytest.mark.parametrize("form", FORMS)
def test_phrases_end_with_triads_in_root_position(model, form, temperature):
    for seed in range(4):
        plan = found(model, form, temperature, seed).plan
        for end in form.phrases:
            chord = plan.chord_at(end)
            assert (chord.quality in ("major", "minor"), chord.bass) == (True, 0)


def in_common(one, other):
    return len(set(one.members) & set(other.members))


@TEMPERATURES
def test_a_passage_that_returns_has_the_same_chords(model, temperature):
    """In all voices; under the soprano alone, chords that can stand for the earlier ones."""
    for seed in range(4):
        chords = found(model, EXACT, temperature, seed).plan.chords
        assert chords[16:24] == chords[:8]
        chords = found(model, VARIED, temperature, seed).plan.chords
        pairs = zip(chords[:8], chords[16:24], strict=True)
        assert all(in_common(one, other) >= IN_COMMON for one, other in pairs)


def test_passages_return_even_if_all_chords_are_equally_likely(model):
    """Only the return makes chords equal here; the other chords are drawn independently."""
    states = model.config.states
    for seed in range(3):
        plans = [
            find_plan(
                flat(form, states), form, states, np.random.default_rng(seed), temperature=1.0
            ).plan
            for form in (EXACT, VARIED)
        ]
        (exact, varied) = (plan.chords for plan in plans)
        assert exact[16:24] == exact[:8]
        assert varied[16:24] != varied[:8]
        assert min(in_common(varied[i], varied[16 + i]) for i in range(8)) >= IN_COMMON
        for chords in (exact, varied):
            assert min(in_common(chords[i], chords[8 + i]) for i in range(8)) < IN_COMMON
            assert min(in_common(chords[i], chords[24 + i]) for i in range(8)) < IN_COMMON


@pytest.mark.parametrize("voices", [EVERY_VOICE, (SOPRANO,)])
def test_a_passage_may_return_from_one_that_returned(model, voices):
    """The first passage returns in some voices, then this second one returns in all."""
    form, states = forms.regular(8, COMMON, Key(0)), model.config.states
    twice = (Return(32, 64, 0, voices), Return(64, 96, 32, EVERY_VOICE))
    form = replace(form, returns=twice)
    for seed in range(3):
        random = np.random.default_rng(seed)
        plan, _, notices, _ = find_plan(flat(form, states), form, states, random, temperature=1.0)
        first, second, third = (plan.chords[start : start + 8] for start in (0, 8, 16))
        assert third == second
        assert (second == first) == (voices == EVERY_VOICE)
        assert min(in_common(a, b) for a, b in zip(first, second, strict=True)) >= IN_COMMON
        assert not notices


def test_seeds_draw_different_plans_and_the_likeliest_is_one(model):
    form = FORMS[1]
    drawn = [found(model, form, 1.0, 1).plan.chords for _ in range(2)]
    assert drawn[0] == drawn[1]
    (chain,) = chains(model, [form], 1)
    many = {
        find_plan(chain, form, model.config.states, np.random.default_rng(seed), temperature=1.0)[3]
        for seed in range(5)
    }
    best = {
        find_plan(
            chain, form, model.config.states, np.random.default_rng(seed), temperature=LIKELIEST
        )[3]
        for seed in range(3)
    }
    assert len(many) == 5
    assert len(best) == 1
    assert chain.score(np.array(best.pop())) > max(chain.score(np.array(path)) for path in many)


def test_known_voices_are_harmonized(model):
    """Each known voice has members of the chords, and a known bass has their basses."""
    for voices in ((0,), (3,), (0, 3)):
        partial = replace(PartialScore.of(HYMN, voices=voices), key=Key(0))
        plan = found(model, partial, 1.0).plan
        for beat, chord in zip(plan.beats, plan.chords, strict=True):
            for voice in voices:
                sung = int(HYMN.pitch[beat.start, voice]) % 12
                assert sung in chord.members
                assert voice != 3 or sung == chord.bass_class


def test_a_beginning_keeps_its_chords_and_the_piece_closes_at_its_end(model):
    """The end of the beginning is no close, because the melody goes on."""
    known = np.zeros(HYMN.pitch.shape, dtype=bool)
    known[:16] = True
    partial = PartialScore.of(HYMN, known=known, key=Key(0), phrases=(12, 28))
    assert not partial.known[20:].any()
    sounding = plan_of(HYMN, Key(0)).chords[:4]
    states = model.config.states
    roots = set()
    for seed in range(4):
        random = np.random.default_rng(seed)
        plan = find_plan(flat(partial, states), partial, states, random, temperature=1.0).plan
        assert plan.chords[:4] == sounding
        assert (plan.chords[-1].root, plan.chords[-1].bass) == (0, 0)
        roots |= {chord.root for chord in plan.chords[4:7]}
    assert len(roots) > 4


# Repeated beats


def test_repeated_beats_are_those_of_the_passages():
    assert VARIED.returns == (Return(64, 96, 0, (SOPRANO,)),)
    assert list(beats_again(VARIED)) == [BeatAgain(16 + i, i, False) for i in range(8)]
    assert list(beats_again(EXACT)) == [BeatAgain(16 + i, i, True) for i in range(8)]
    assert not list(beats_again(replace(VARIED, returns=())))


def test_only_equally_long_beats_that_begin_inside_are_repeated():
    form = forms.regular(4, COMMON, Key(0))
    inside = replace(form, returns=(Return(34, 46, 2, EVERY_VOICE),))
    assert [(beat, source) for beat, source, _ in beats_again(inside)] == [(9, 1), (10, 2), (11, 3)]
    off = replace(form, returns=(Return(34, 48, 0, EVERY_VOICE),))
    assert not list(beats_again(off))
    pickup = replace(form.chorale, pickup=2)
    shifted = replace(form, chorale=pickup, returns=(Return(34, 38, 0, EVERY_VOICE),))
    assert [beats_of(pickup)[beat][:2] for beat in (0, 9)] == [(0, 2), (34, 4)]
    assert not list(beats_again(shifted))  # a half beat is no whole one


@settings(max_examples=30)
@given(st.data(), st.sampled_from([COMMON, WALTZ, Meter(0, 6, 8)]), st.integers(0, 11))
def test_repeated_beats_are_later_and_alike(data, meter, pickup):
    form = forms.regular(6, meter, Key(0))
    form = replace(form, chorale=replace(form.chorale, pickup=pickup % meter.steps_per_bar))
    steps = len(form.chorale)
    start = data.draw(st.integers(1, steps - 1))
    length = data.draw(st.integers(1, min(start, steps - start)))
    source = data.draw(st.integers(0, start - length))
    form = replace(form, returns=(Return(start, start + length, source, EVERY_VOICE),))
    beats = beats_of(form.chorale)
    for again in beats_again(form):
        later, earlier = beats[again.beat], beats[again.source]
        assert later.start - earlier.start == start - source
        assert later.length == earlier.length
        assert start <= later.start < start + length
        assert again.source < again.beat
