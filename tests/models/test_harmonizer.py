"""The untrained harmonizer: its inputs, its order of choice, and that its outputs are
probabilities."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.constants import VOICE_RANGES
from musicae.decoding.conditioning import Conditioning
from musicae.decoding.voices import Notes as ChosenNotes
from musicae.decoding.voices import VoiceDecoder
from musicae.encoding.batches import masked_batch
from musicae.encoding.notes import notes_after, notes_of
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import VOCABULARY, chorale_to_tokens
from musicae.models.batches import MaskedBatch
from musicae.models.chords import ChordMembers, Chords
from musicae.models.configs import HarmonizerConfig
from musicae.models.harmonizer import Harmonizer
from musicae.models.layers import FeatureSum
from musicae.models.notes import Notes
from musicae.models.torch_engine import live
from musicae.models.vocabulary import (
    BEGUN,
    COLUMNS,
    FIRST_PITCH,
    HELD,
    HOLD,
    NONE,
    PLACES,
    SILENCE,
    SILENT,
    WIDEST_LEAP,
)
from musicae.models.voice_transformer import surprise
from musicae.theory.plan_reading import plan_of
from musicae.training.config import OUTER_FIRST, RECIPES, TRANSFORMER
from musicae.training.plan_hiding import showing
from musicae.training.tensors import tensors
from tests.support.passages import passage
from tests.support.small import TINY
from tests.support.strategies import chorales

SEEDS = st.integers(0, 2**32 - 1)
S, A, T, B = range(4)

PIECE = passage(
    """
    S  C5 D5 E5 -- .. C5 C5^ --
    A  G4 -- G4 F4 E4 -- E4  --
    T  E4 D4 C4 .. .. G3 G3  --
    B  C3 B2 C3 D3 E3 F3 C3  --
    """,
    key="C major",
)


def tiny(**changes):
    """An untrained model in which initialization leaves no weight at zero."""
    torch.manual_seed(0)
    config = RECIPES["harmonizer"].config | TINY | changes
    model = Harmonizer(HarmonizerConfig(**config)).eval().requires_grad_(False)
    for weights in model.parameters():
        weights.add_(0.1 * torch.randn_like(weights))
    for layer in model.modules():
        if isinstance(layer, FeatureSum):
            layer.weight[-1] = 0.0  # of absent features; training leaves it so
    return model


MODEL = tiny()


def batch_of(chorale, known, stride=2, config=None):
    """A whole chorale. Some cells, and the notes they are in, are known; every third chord of the
    plan is hidden."""
    partial = PartialScore.of(chorale, known=known, style="hymn")
    plan = plan_of(chorale, partial.key)
    partial = replace(partial, plan=showing(plan, np.arange(len(plan)) % 3 != 1))
    found = masked_batch(partial, config or replace(MODEL.config, stride=stride))
    found.tokens[0, : len(chorale)] = chorale_to_tokens(chorale)
    return tensors(found)


def some_cells(chorale, seed):
    """Any cells: few or many, single or in passages, sometimes whole voices."""
    rng = np.random.default_rng(seed)
    known = rng.random(chorale.pitch.shape) < rng.choice([0, 0.05, 0.3])
    for voice in range(known.shape[1]):
        first, stop = sorted(rng.integers(len(known) + 1, size=2))
        known[first:stop, voice] |= rng.random() < 0.5
        known[:, voice] |= rng.random() < 0.2
    return known


def noise(tokens, seed):
    """Any symbols of each voice, without holds of silence."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(VOCABULARY, size=tuple(tokens.shape)))


class Recital:
    """Scores candidates whose symbols are given; unknown cells may hold anything."""

    def __init__(self, model, given, count):
        checkpoint = live("harmonizer", model)
        batch = MaskedBatch(*(part.numpy() for part in given))
        self.everyone, self.stride = np.arange(count), model.config.stride
        self.decoder = VoiceDecoder(
            checkpoint, batch, Conditioning(checkpoint, batch), np.arange(count) % len(batch.tokens)
        )
        self.notes = ChosenNotes(batch, count, model.config.lowest)

    def begin(self, step):
        """Prepare to score the step; all symbols before it are chosen."""
        self.notes.go_on(self.everyone, 0, step)
        if step % self.stride == 0:
            self.decoder.begin(self.everyone, step // self.stride, self.notes)

    def scores(self, step, voices):
        """``(N, U, S)`` the log-probabilities of voices, given the symbols chosen at this step."""
        self.notes.go_on(self.everyone, step, step + 1)
        known = self.notes.known[step]
        seen = (known | self.decoder.sees)[voices] & (np.arange(len(known)) != np.c_[voices])
        n = len(self.everyone)
        found = self.decoder.nats(
            self.everyone, np.full(n, step), voices, self.notes, np.stack([seen] * n)
        )
        return torch.from_numpy(-found)

    def choose(self, step, voice, symbols):
        self.notes.tokens[:, step, voice] = symbols


def recited(model, given, tokens):
    """The log-probabilities ``(N, T, V, S)`` of ``tokens`` by step-by-step decoding of ``given``; 0
    in known cells, a large negative number instead of ``-inf``."""
    recital = Recital(model, given, len(tokens))
    found = torch.zeros(*tokens.shape, max(model.config.symbols))
    for step in range(tokens.shape[1]):
        recital.begin(step)
        for voice in model.config.order:
            if not given.known[0, step, voice]:
                found[:, step, voice] = recital.scores(step, [voice])[:, 0]
                recital.choose(step, voice, tokens[:, step, voice])
    return found.nan_to_num(neginf=-1e9)


def at_once(model, whole):
    """The same by ``forward``."""
    found = model(whole).log_softmax(dim=-1).nan_to_num(neginf=-1e9)
    return found.masked_fill(whole.known[..., None], 0.0)


# Notes


def test_tokens_become_pitch_kind_age_and_leap():
    tokens = torch.from_numpy(chorale_to_tokens(passage("S C5 -- D5 D5 .. .. G5", column=1)))
    notes = MODEL.tokens_to_notes(tokens[None])
    found = Notes(*(part[0, :, S].tolist() for part in notes))
    assert found.pitch == [72, 72, 74, 74, NONE, NONE, 79]
    assert found.kind == [BEGUN, HELD, BEGUN, BEGUN, SILENT, SILENT, BEGUN]
    assert found.age == [0, 1, 0, 0, 0, 1, 0]
    up, repeated = WIDEST_LEAP + 2, WIDEST_LEAP
    assert found.leap == [NONE, NONE, up, repeated, NONE, NONE, NONE]


def test_leaps_beyond_the_widest_share_a_class():
    tokens = torch.from_numpy(chorale_to_tokens(passage("B E2 A3 E4 E2", column=1)))
    leaps = MODEL.tokens_to_notes(tokens[None]).leap[0, :, B].tolist()
    assert leaps == [NONE, 2 * WIDEST_LEAP, WIDEST_LEAP + 7, 0]


@settings(max_examples=25)
@given(chorales())
def test_notes_of_arrays_and_step_by_step_equal_those_of_tensors(chorale):
    tokens, lowest = chorale_to_tokens(chorale)[None], np.array(MODEL.config.lowest)
    together = torch.stack(MODEL.tokens_to_notes(torch.from_numpy(tokens)), dim=-1)
    assert np.array_equal(notes_of(tokens, lowest), together)
    now = np.full((4, 1, tokens.shape[-1]), NONE)
    for step in range(tokens.shape[1]):
        now = notes_after(now, tokens[:, step], lowest)
        assert np.array_equal(now, together[:, step].movedim(-1, 0)), step


# The order of choice


@settings(max_examples=12)
@given(chorales(max_steps=24), SEEDS)
def test_incremental_decoding_gives_the_probabilities_of_forward(chorale, seed):
    """Two candidates that differ; unknown cells may hold anything."""
    whole = batch_of(chorale, some_cells(chorale, seed))
    silent = torch.where(whole.known, whole.tokens, SILENCE)
    tokens = torch.cat([whole.tokens, silent])
    both = MaskedBatch(tokens, *(torch.cat([part, part]) for part in whole[1:]))
    given_tokens = torch.where(whole.known, whole.tokens, noise(whole.tokens, seed))
    found = recited(MODEL, whole._replace(tokens=given_tokens), tokens)
    torch.testing.assert_close(found, at_once(MODEL, both), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"stride": 1},
        {"stride": 4},
        {"order": (3, 0, 1, 2)},
        {"span": 1, "decoder_layers": 1},
        {"head_layers": 0, "encoder_layers": 0},
        {"chords": (), "context": TRANSFORMER["context"]},
    ],
)
def test_incremental_decoding_gives_the_probabilities_of_forward_in_any_configuration(changes):
    model = tiny(**changes)
    whole = batch_of(PIECE, some_cells(PIECE, seed=5), config=model.config)
    found = recited(model, whole, whole.tokens)
    torch.testing.assert_close(found, at_once(model, whole), atol=1e-4, rtol=1e-4)


def test_voices_scored_at_once_are_scored_as_if_those_before_them_held():
    whole = batch_of(PIECE, np.zeros(PIECE.pitch.shape, dtype=bool))
    recital = Recital(MODEL, whole, count=1)
    for step in range(4):
        recital.begin(step)
        for voice in OUTER_FIRST if step < 3 else ():
            recital.choose(step, voice, whole.tokens[:, step, voice])
    foreseen = recital.scores(3, list(OUTER_FIRST))
    for turn, voice in enumerate(OUTER_FIRST):
        found = recital.scores(3, [voice])[:, 0]
        torch.testing.assert_close(found, foreseen[:, turn], atol=1e-5, rtol=1e-5)
        recital.choose(3, voice, HOLD)
    recital.choose(3, S, FIRST_PITCH + 8)
    assert not torch.allclose(recital.scores(3, [B])[:, 0], foreseen[:, 1])


@settings(max_examples=12)
@given(chorales(max_steps=24), SEEDS, st.data())
def test_later_choices_change_nothing_before_them(chorale, seed, data):
    whole = batch_of(chorale, some_cells(chorale, seed))
    turns = [(step, voice) for step in range(whole.tokens.shape[1]) for voice in OUTER_FIRST]
    turn = data.draw(st.integers(0, len(turns) - 1))
    later = torch.zeros_like(whole.known)
    for step, voice in turns[turn:]:
        later[0, step, voice] = True
    tokens = torch.where(later & ~whole.known, noise(whole.tokens, seed), whole.tokens)
    expected, found = MODEL(whole), MODEL(whole._replace(tokens=tokens))
    before = ~later
    before[0, *turns[turn]] = True
    torch.testing.assert_close(found[before], expected[before])


def changed_by(cell, known=()):
    """The cells ``(step, voice)`` whose logits change if a cell gets another symbol."""
    mask = np.zeros(PIECE.pitch.shape, dtype=bool)
    mask[:, list(known)] = True
    whole = batch_of(PIECE, mask)
    tokens = whole.tokens.clone()
    tokens[0, *cell] = FIRST_PITCH + (tokens[0, *cell] + 3) % 20
    here, there = (MODEL(p).nan_to_num() for p in (whole, whole._replace(tokens=tokens)))
    changed = (here - there).abs().amax(dim=-1)[0] > 1e-6
    return set(map(tuple, changed.nonzero().tolist()))


@pytest.mark.parametrize("turn", range(4))
def test_each_symbol_changes_the_logits_of_those_that_follow(turn):
    step, voice = 9, OUTER_FIRST[turn]
    changed = changed_by((step, voice))
    here = {v for t, v in changed if t == step}
    assert here == set(OUTER_FIRST[turn + 1 :])
    assert {(step + 1, v) for v in range(4)} <= changed
    assert min(changed)[0] >= step


@pytest.mark.parametrize("voice", [S, B])
def test_a_known_note_changes_earlier_logits_within_the_encoder_span(voice):
    begins, sees = 24, TINY["span"] * MODEL.config.stride
    assert min(changed_by((begins, voice)))[0] == begins
    affected = changed_by((begins, voice), known=[voice])
    assert {(begins - sees, other) for other in range(4)} <= affected
    assert min(affected)[0] == begins - sees


def test_pieces_of_a_batch_do_not_affect_each_other():
    one, other = (batch_of(PIECE, some_cells(PIECE, seed)) for seed in (1, 2))
    both = MODEL(MaskedBatch(*map(torch.cat, zip(one, other, strict=True))))
    torch.testing.assert_close(both, torch.cat([MODEL(one), MODEL(other)]))


# A plan


@settings(max_examples=10)
@given(chorales(max_steps=24), SEEDS)
def test_the_logits_of_unknown_symbols_alone_are_those_of_all(chorale, seed):
    whole = batch_of(chorale, some_cells(chorale, seed))
    found = MODEL(whole, unknown_only=True)
    assert not found[whole.known].any()
    expected = MODEL(whole).masked_fill(whole.known[..., None], 0.0)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def with_chord(column, value, step):
    """The logits of the piece when a column of its chords is changed at a step."""
    whole = batch_of(PIECE, np.zeros(PIECE.pitch.shape, dtype=bool))
    context = whole.context.clone()
    context[0, step, len(context[0, step]) - len(COLUMNS) + COLUMNS.index(column)] = value
    return MODEL(whole._replace(context=context)).nan_to_num()


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_of_a_plan_changes_the_logits_of_its_step(column):
    changed = (with_chord(column, 1, 8) - with_chord(column, 2, 8)).abs().amax(dim=-1)[0]
    assert (changed[8] > 1e-6).all()


def test_chord_members_follow_from_the_quality():
    members = ChordMembers([(0, 4, 7), (0, 3, 7, 10)])
    dominant, degrees = 1 + 7, torch.tensor([7, 11, 10, 2, 5, NONE])
    for quality, expected in ((1, [0, 1, 7, 2, 14, NONE]), (2, [0, 8, 1, 2, 3, NONE])):
        found = members(degrees, torch.tensor(dominant), torch.tensor(quality))
        assert found.tolist() == expected
    assert (members(degrees, torch.tensor(0), torch.tensor(0)) == NONE).all()


def test_pitches_have_relations_to_a_chord_its_bass_and_the_next_chord():
    members = ChordMembers([(0, 4, 7), (0, 3, 7)])
    # A dominant over its third, then the tonic triad in minor; then no known chord.
    told = Chords(*(torch.tensor(x) for x in ([8, 0], [1, 0], [12, 0], [1, 0], [2, 0])))
    found = members.relations(torch.tensor([[11, 0], [11, 0]]), told)
    assert found[0].tolist() == [[1, 9], [0, 1], [15, 0]]
    assert found[1].tolist() == [[PLACES] * 2, [12] * 2, [PLACES] * 2]


# Likelihood


def probability(model, whole, cells):
    """The sum over all symbols of the open cells ``(step, voice)``, all other cells being known."""
    symbols = [range(model.config.symbols[voice]) for _, voice in cells]
    combinations = torch.tensor(list(itertools.product(*symbols)))  # (N, cells)
    n = len(combinations)
    tokens, known = whole.tokens.repeat(n, 1, 1), torch.ones_like(whole.known).repeat(n, 1, 1)
    for (step, voice), column in zip(cells, combinations.T, strict=True):
        tokens[:, step, voice], known[:, step, voice] = column, False
    pieces = MaskedBatch(tokens, known, whole.context.repeat(n, 1, 1), whole.tonic.repeat(n))
    nats = surprise(model(pieces), pieces)
    assert not nats[known].any()
    return torch.exp(-nats.sum(dim=(1, 2)).double()).sum().item()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    "cells",
    [
        [(0, 0), (1, 0)],
        [(1, 0), (2, 0)],  # in two frames, after a note that may be held
        [(2, 1), (3, 1)],  # after a rest, which may not
        [(4, 0), (5, 0), (5, 1)],
        [(0, 0), (0, 1), (1, 0), (1, 1)],
    ],
)
def test_the_probabilities_of_all_continuations_sum_to_1(order, cells):
    build = {"lowest": (60, 48), "symbols": (5, 4), "order": order, "context": (2,), "chords": ()}
    model = tiny(**build)
    rows = [[2, 2], [1, 1], [4, 1], [3, 2], [2, 3], [0, 0]]  # two voices over six steps
    # A known cell after an open one begins a note.
    whole = MaskedBatch(
        torch.tensor([rows]),
        torch.ones(1, 6, 2, dtype=torch.bool),
        torch.tensor([[[0], [1]] * 3]),
        torch.tensor([7]),
    )
    assert probability(model, whole, cells) == pytest.approx(1, abs=1e-5)


def test_a_hold_without_a_note_and_symbols_out_of_range_are_impossible():
    whole = batch_of(PIECE, np.zeros(PIECE.pitch.shape, dtype=bool))
    logits = MODEL(whole)[:, : len(PIECE)]
    assert logits.shape == (1, len(PIECE), 4, max(VOCABULARY))
    before = np.vstack([np.full((1, 4), -1), PIECE.pitch[:-1]])
    assert np.array_equal(logits[0, :, :, HOLD].isneginf(), before < 0)
    for voice, size in enumerate(VOCABULARY):
        assert logits[0, :, voice, SILENCE:size].isfinite().all()
        assert logits[0, :, voice, size:].isneginf().all()


@settings(max_examples=10)
@given(chorales(max_steps=24), SEEDS)
def test_known_cells_have_zero_nats_and_open_ones_more(chorale, seed):
    whole = batch_of(chorale, some_cells(chorale, seed))
    nats = surprise(MODEL(whole), whole)
    assert not nats[whole.known].any()
    assert (nats[~whole.known] > 0).all()
    assert nats.isfinite().all()


def test_every_weight_gets_a_gradient():
    model = tiny().requires_grad_(True)
    whole = batch_of(PIECE, some_cells(PIECE, seed=1))
    surprise(model(whole), whole).sum().backward()
    for name, weights in model.named_parameters():
        assert weights.grad.isfinite().all(), name
        assert weights.grad.any(), name


# Keys


def without_heights(model):
    """The model without weights of absolute pitch, only of degrees and intervals."""
    for layer, frames in ((model.known, 2), (model.past, 2), (model.before, 1), (model.now, 1)):
        features = len(layer.first) // frames
        for place in range(len(layer.first)):
            kind, height = divmod(place % features, 5)
            if kind < 4 and height == 1:
                first, stop = layer.first[place], layer.first[place + 1]
                layer.weight[first:stop] = 0
    model.intervals[:, 0] = 0
    return model


@pytest.mark.parametrize("shift", [-3, 2])
def test_without_height_features_transposing_changes_nothing(shift):
    known = some_cells(PIECE, seed=3)
    here = batch_of(PIECE, known)
    there = batch_of(PIECE.transpose(shift), known)
    assert (here.tonic + shift) % 12 == there.tonic

    def differ(model):
        """The largest difference between logits of corresponding symbols in the two keys."""
        worst = 0.0
        for voice, size in enumerate(VOCABULARY):
            a, b = (model(p)[0, :, voice, :size] for p in (here, there))
            lower, higher = (x[:, FIRST_PITCH:] for x in ((a, b) if shift > 0 else (b, a)))
            pitches = lower[:, : -abs(shift)] - higher[:, abs(shift) :]
            others = a[:, :FIRST_PITCH].nan_to_num() - b[:, :FIRST_PITCH].nan_to_num()
            worst = max(worst, pitches.abs().max().item(), others.abs().max().item())
        return worst

    assert differ(without_heights(tiny())) < 1e-4
    assert differ(MODEL) > 1e-2


# Configs


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"lowest": (57, 53, 48)}, "one entry for each voice"),
        ({"symbols": (27, 24)}, "one entry for each voice"),
        ({"order": (0, 1, 2)}, "one entry for each voice"),
        ({"order": (0, 3, 2, 2)}, "order must have each voice once"),
        ({"order": (1, 2, 3, 4)}, "order must have each voice once"),
        ({"width": 18, "heads": 4}, "a multiple of twice the 4 heads, not 18"),
        ({"width": 12, "heads": 4}, "4 heads"),  # three numbers cannot be rotated in pairs
        ({"context": (5, 24)}, "the context of a model that follows a plan"),
        ({"dropout": 1.0}, "between 0 and 0.9"),
        ({"dropout": -0.1}, "between 0 and 0.9"),
    ],
)
def test_contradictory_configs_are_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        HarmonizerConfig(**RECIPES["harmonizer"].config | TINY | changes)


def test_a_config_survives_json():
    config = MODEL.config
    lists = {name: list(getattr(config, name)) for name in ("lowest", "symbols", "order")}
    same = HarmonizerConfig(**RECIPES["harmonizer"].config | TINY | lists)
    assert same == config
    assert hash(same) == hash(config)


def test_the_recipes_config_has_the_voices_ranges():
    config = HarmonizerConfig(**RECIPES["harmonizer"].config)
    for voice, (low, high) in enumerate(VOICE_RANGES):
        assert config.lowest[voice] == low
        assert config.lowest[voice] + config.symbols[voice] - FIRST_PITCH - 1 == high
