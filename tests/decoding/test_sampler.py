"""Sampling with an untrained model: known symbols stay, and symbols are as frequent as the model,
the temperature and the rules say."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.decoding.choice import LIKELIEST, SamplingOptions
from musicae.decoding.constraints import PRESETS, RuleCosts, RuleTable
from musicae.decoding.sampler import decode_latents, sample
from musicae.encoding.batches import beat_batch, masked_batch
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import VOCABULARY, chorale_to_tokens, tokens_to_chorale
from musicae.models.batches import Latent
from musicae.models.configs import ChoraleVAEConfig, HarmonizerConfig
from musicae.models.harmonizer import Harmonizer
from musicae.models.torch_engine import live, network_of
from musicae.models.vae import ChoraleVAE
from musicae.models.vocabulary import HOLD, SILENCE
from musicae.models.voice_transformer import surprise
from musicae.theory.form import EVERY_VOICE, Return
from musicae.theory.sonorities import sonorities
from musicae.theory.voice_leading.rules import RULES
from musicae.training.config import RECIPES
from musicae.training.tensors import tensors
from tests.support.passages import midi, passage
from tests.support.small import TINY
from tests.support.strategies import chorales

S, A, T, B = range(4)
SEEDS = st.integers(0, 2**32 - 1)
NEVER_BROKEN = [
    *(name for name in RULES if name.startswith(("parallel", "contrary", "direct", "leap"))),
    "voice overlap",
]
"""Rules that silence keeps too, so that a choice that breaks none is always possible."""


def tiny(held=2.0, **changes):
    """A harmonizer in memory, whose holds are as frequent as in music and whose rests are rare."""
    torch.manual_seed(0)
    config = RECIPES["harmonizer"].config | TINY | changes
    network = Harmonizer(HarmonizerConfig(**config)).requires_grad_(False)
    network.hold_or_rest.bias += torch.tensor([held, -1.0] * len(VOCABULARY))
    return live("harmonizer", network)


MODEL = tiny()
TUNE = passage("S  C5 D5 G5 -- .. D5 E5^ --")
SOPRANO_ONLY = PartialScore.of(TUNE, voices=(S,))


def drawn(partial, n=3, *, temperature=1.0, top_p=1.0, rules="off", seed=0, model=MODEL):
    return sample(model, [partial] * n, SamplingOptions(temperature, seed, top_p, rules))


def logits_of(partial, tokens, model=MODEL):
    """The network's logits for each symbol of a completed score, given all symbols before it."""
    batch = masked_batch(partial, model.config)
    batch.tokens[0, : len(tokens)] = tokens
    batch = tensors(batch)
    with torch.inference_mode():
        return network_of(model)(batch), batch


def nats_of(partial, tokens, model=MODEL):
    """``(T, V)`` the negative log-likelihood of each open symbol."""
    return surprise(*logits_of(partial, tokens, model))[0, : len(tokens)].double().numpy()


def some_of(chorale, seed):
    """A partial score with any passages of any voices known."""
    rng = np.random.default_rng(seed)
    known = rng.random(chorale.pitch.shape) < rng.choice([0, 0.1])
    for voice in range(known.shape[1]):
        first, stop = sorted(rng.integers(len(known) + 1, size=2))
        known[first:stop, voice] |= rng.random() < 0.5
    return PartialScore.of(chorale, known=known)


# Results


@settings(max_examples=6)
@given(chorales(max_steps=24), SEEDS)
def test_known_cells_stay_and_open_cells_are_within_the_ranges(chorale, seed):
    partial = some_of(chorale, seed)
    found = drawn(partial, n=2, seed=seed, temperature=2.0)
    assert found.tokens.shape == (2, len(chorale), 4)
    tokens, expected = found.tokens, chorale_to_tokens(chorale)
    assert (tokens[:, partial.known] == expected[partial.known]).all()
    assert ((tokens >= 0) & (tokens < VOCABULARY)).all()
    # A hold follows a note of the same voice; the piece begins after silence.
    for piece in tokens:
        sounds = np.zeros(4, dtype=bool)
        for row in piece:
            assert sounds[row == HOLD].all()
            sounds = row != SILENCE


@settings(max_examples=4)
@given(chorales(max_steps=24), SEEDS, st.sampled_from(["off", "strict"]))
def test_the_nats_of_a_draw_are_those_of_the_model(chorale, seed, rules):
    partial = some_of(chorale, seed)
    found = drawn(partial, n=2, seed=seed, rules=rules, temperature=1.5)
    for tokens, total in zip(found.tokens, found.nats, strict=True):
        nats = nats_of(partial, tokens)
        assert not nats[partial.known].any()
        assert nats.sum() == pytest.approx(total, abs=1e-3, rel=1e-4)


def test_a_score_that_is_all_known_comes_back_at_zero_nats():
    found = drawn(PartialScore.of(TUNE, voices=(S, A, T, B)), n=2)
    assert (found.tokens == chorale_to_tokens(TUNE)).all()
    assert not found.nats.any()


def test_a_known_note_is_held_no_longer_than_it_was():
    holding = tiny(held=52.0)
    piece = passage("S  C5 D5 E5 F5\nB  C3 B2 C3 D3")
    known = np.zeros(piece.pitch.shape, dtype=bool)
    known[:, S] = known[:8, B] = True
    partial = PartialScore.of(piece, known=known)
    (tokens,) = drawn(partial, n=1, model=holding).tokens
    notes = tokens_to_chorale(tokens, partial.chorale).notes(B)
    assert notes[:2] == [(0, 4, midi("C3")), (4, 4, midi("B2"))]


def test_a_piece_far_longer_than_the_attention_span_can_be_drawn():
    # Twenty bars have 160 frames; attention reaches four frames back.
    tune = Chorale.from_notes([[(4 * i, 4, 67 + 5 * (i % 3)) for i in range(80)]])
    partial = PartialScore.of(tune, voices=(S,))
    found = drawn(partial, n=1)
    nats = nats_of(partial, found.tokens[0])
    assert nats.sum() == pytest.approx(found.nats[0], rel=1e-4)


# Chance


def test_the_same_seed_draws_the_same_and_another_does_not():
    one, again, other = (drawn(SOPRANO_ONLY, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.tokens, again.tokens)
    assert np.array_equal(one.nats, again.nats)
    assert not np.array_equal(one.tokens, other.tokens)
    assert not np.array_equal(one.tokens[0], one.tokens[1])


def test_without_temperature_each_symbol_is_the_likeliest_whatever_the_seed():
    found = drawn(SOPRANO_ONLY, temperature=LIKELIEST, seed=1)
    assert (found.tokens == found.tokens[0]).all()
    assert np.array_equal(found.tokens, drawn(SOPRANO_ONLY, temperature=LIKELIEST, seed=2).tokens)
    logits, batch = logits_of(SOPRANO_ONLY, found.tokens[0])
    chosen = logits.gather(-1, batch.tokens[..., None])[..., 0]
    best = logits.amax(dim=-1)
    assert ((chosen >= best - 1e-4) | batch.known).all()


def test_a_tiny_top_p_draws_only_the_likeliest_symbol():
    likeliest = drawn(SOPRANO_ONLY, temperature=LIKELIEST)
    assert np.array_equal(drawn(SOPRANO_ONLY, top_p=1e-9).tokens, likeliest.tokens)
    assert np.array_equal(drawn(SOPRANO_ONLY, temperature=1e-4).tokens, likeliest.tokens)


ONE_CELL = passage("S  C5 D5\nA  G4 F4\nT  E3 D3\nB  .. C3", column=1)


def expected_shares(partial, cell, temperature, top_p, rules):
    """How often each symbol should be drawn for the one open cell of a partial score."""
    step, voice = cell
    cost = []
    for symbol in range(VOCABULARY[voice]):
        tokens = chorale_to_tokens(partial.chorale)
        tokens[step, voice] = symbol
        cost.append(nats_of(partial, tokens)[cell])
    before, now = partial.chorale.pitch[[step - 1, step]].astype(int)
    cost = np.array(cost) + RuleTable(PRESETS[rules]).costs(voice, before[None], now[None])[0]
    share = np.exp(-cost / temperature)
    share /= share.sum()
    order = np.argsort(-share)
    above = share[order].cumsum() - share[order]
    share[order[above >= top_p]] = 0
    return share / share.sum()


@pytest.mark.parametrize(
    ("temperature", "top_p", "rules"),
    [
        (1.0, 1.0, "off"),
        (0.5, 1.0, "off"),
        (3.0, 1.0, "off"),
        (1.0, 0.6, "off"),
        (1.0, 1.0, "uncrossed"),
        (2.0, 0.8, "strict"),
    ],
)
def test_symbols_are_drawn_as_often_as_they_are_likely(monkeypatch, temperature, top_p, rules):
    monkeypatch.setitem(PRESETS, "uncrossed", RuleCosts(crossing=2.0))
    known = np.ones(ONE_CELL.pitch.shape, dtype=bool)
    known[1, B] = False
    partial = PartialScore.of(ONE_CELL, known=known)
    tokens = drawn(partial, 4000, temperature=temperature, top_p=top_p, rules=rules).tokens
    found = np.bincount(tokens[:, 1, B], minlength=VOCABULARY[B]) / 4000
    expected = expected_shares(partial, (1, B), temperature, top_p, rules)
    assert (expected > 0).sum() > 1
    assert not found[expected == 0].any()
    assert found == pytest.approx(expected, abs=0.03)


# Rules


@pytest.mark.parametrize("seed", [0, 1])
def test_strict_rules_are_kept_wherever_a_choice_keeps_them(seed):
    free = drawn(SOPRANO_ONLY, n=4, seed=seed, temperature=1.5)
    ruled = drawn(SOPRANO_ONLY, n=4, seed=seed, temperature=1.5, rules="strict")

    def broken(found):
        """Violations, except those of the melody alone and those across short rests, which sampling
        ignores."""
        pieces = [tokens_to_chorale(tokens, TUNE) for tokens in found.tokens]
        violations = [
            v
            for piece in pieces
            for name in NEVER_BROKEN
            for v in RULES[name].find(sonorities(piece))
        ]
        return [str(v) for v in violations if v.voices != (S,)]

    assert broken(free)
    assert not broken(ruled)


# Batches


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("steps", [1, 7, 8])
def test_a_masked_batch_is_padded_to_whole_frames_with_known_silence(steps, stride):
    tune = Chorale.from_notes([[(0, steps, 67)]])
    config = replace(MODEL.config, stride=stride)
    batch = masked_batch(PartialScore.of(tune, voices=(S,)), config)
    length = batch.tokens.shape[1]
    assert length % stride == 0
    # The encoder has learned from silence after the end; as many frames as it attends to are added.
    assert steps <= length - stride * config.span < steps + stride
    assert batch.known.shape == batch.tokens.shape == (1, length, 4)
    assert batch.context.shape[:2] == (1, length)
    assert np.array_equal(batch.tokens[0, :steps], chorale_to_tokens(tune))
    assert batch.known[0, :steps].any(axis=0).tolist() == [True, False, False, False]
    assert batch.known[0, steps:].all()
    assert (batch.tokens[0, steps:] == SILENCE).all()


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_any_length_can_be_drawn(stride):
    model = tiny(stride=stride)
    for steps in (1, 5):
        partial = PartialScore.of(Chorale.from_notes([[(0, steps, 67)]]), voices=(S,))
        assert drawn(partial, model=model).tokens.shape == (3, steps, 4)


# Passages that sound again


VAE = {"piece": 6, "beat": 3, "prior_layers": 1, "lead_layers": 1, "components": 2, "planner": 8}
QUIET = Chorale.from_notes([], steps=48)
EXACT, VARIED = (Return(8, 16, 0, EVERY_VOICE), Return(16, 32, 0, (S,)))
"""Half a bar that returns in all voices, and a bar that returns in the soprano; then the close."""


@pytest.fixture(scope="module")
def vae():
    torch.manual_seed(0)
    config = RECIPES["vae"].config | TINY | VAE
    network = ChoraleVAE(ChoraleVAEConfig(**config)).requires_grad_(False)
    network.hold_or_rest.bias += torch.tensor([2.0, -1.0] * len(VOCABULARY))
    return live("vae", network)


def a_latent(vae, beats=12, seed=0):
    numbers = np.random.default_rng(seed)
    return Latent(
        numbers.standard_normal((1, vae.config.piece), dtype=np.float32),
        numbers.standard_normal((1, beats, vae.config.beat), dtype=np.float32),
    )


def decoded(vae, partials, latents, options, seeds):
    """Decode latent vectors without blur."""
    numbers = [(seed,) for seed in seeds]
    return decode_latents(vae, partials, latents, options, seeds=numbers, blurs=[0.0] * len(seeds))


def again(tokens, passage, voice):
    """Whether the symbols of a voice in a passage are those of the earlier passage."""
    start, stop, source, _ = passage
    return np.array_equal(tokens[start:stop, voice], tokens[source : source + stop - start, voice])


@pytest.mark.parametrize("temperature", [LIKELIEST, 1.0, 2.0])
@pytest.mark.parametrize("rules", ["off", "bach"])
def test_a_passage_sounds_again_note_for_note(vae, temperature, rules):
    """In all voices, or in those that return; the other voices are written independently."""
    partials = [PartialScore.of(QUIET, key=Key(0), returns=(EXACT, VARIED))] * 2
    latents = [a_latent(vae, seed=seed) for seed in range(2)]
    options = SamplingOptions(temperature, 3, rules=rules, rhythm_temperature=1.3)
    if temperature == LIKELIEST:
        options = options._replace(rhythm_temperature=None)
    found = decoded(vae, partials, latents, options, [0, 1])
    for tokens in found.tokens:
        assert all(again(tokens, EXACT, voice) for voice in range(4))
        assert again(tokens, VARIED, S)
        assert not all(again(tokens, VARIED, voice) for voice in (A, T, B))
        assert len(np.unique(tokens[:16, S])) > 1
    free = decoded(vae, [PartialScore.of(QUIET, key=Key(0))] * 2, latents, options, [0, 1])
    assert np.array_equal(free.tokens[:, :8], found.tokens[:, :8])
    assert not any(again(tokens, EXACT, S) for tokens in free.tokens)


def test_returning_symbols_are_as_likely_as_the_model_says(vae):
    """Forcing a symbol does not change the reported negative log-likelihood."""
    partial = PartialScore.of(QUIET, key=Key(0), returns=(EXACT, VARIED))
    options = SamplingOptions(1.0, 0, rules="off")
    latent = a_latent(vae)
    found = decoded(vae, [partial], [latent], options, [0])
    piece = beat_batch(partial, vae.config)
    piece.masked.tokens[0, :48] = found.tokens[0]
    piece, network = tensors(piece), network_of(vae)
    notes = network.tokens_to_notes(piece.masked.tokens)
    logits = network.decode(notes, piece.masked, network.condition(tensors(latent), piece))
    expected = surprise(logits, piece.masked).sum().item()
    assert found.nats[0] == pytest.approx(expected, rel=1e-4)


def test_pieces_with_and_without_returns_are_decoded_together(vae):
    """Each piece is decoded as it would be alone, although one is shorter."""
    longer = PartialScore.of(QUIET, key=Key(0), returns=(EXACT,))
    shorter = PartialScore.of(Chorale.from_notes([], steps=32), key=Key(0))
    latents = [a_latent(vae, 12, 1), a_latent(vae, 8, 2)]
    options = SamplingOptions(1.0, 0)
    both = decoded(vae, [longer, shorter], latents, options, [4, 5])
    for i, partial in enumerate((longer, shorter)):
        (tokens,) = decoded(vae, [partial], latents[i : i + 1], options, [4 + i]).tokens
        assert np.array_equal(tokens, both.tokens[i, : len(tokens)])
    assert all(again(both.tokens[0], EXACT, voice) for voice in range(4))
    assert not all(again(both.tokens[1], EXACT, voice) for voice in range(4))


def test_notes_that_are_known_stay_where_a_passage_returns(vae):
    """A known bass differs from the earlier passage; the other voices return wherever they can."""
    bass = passage("B C3 D3 E3 F3 G3 A3 B3 C4 C3 C3 C3 C3")
    partial = PartialScore.of(bass, voices=(B,), key=Key(0), returns=(EXACT,))
    (tokens,) = decoded(vae, [partial], [a_latent(vae)], SamplingOptions(1.0), [0]).tokens
    assert tokens_to_chorale(tokens).notes(B) == bass.notes(B)
    assert all(again(tokens, EXACT, voice) for voice in (S, A, T))
