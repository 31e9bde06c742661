"""The VAE untrained: what it hears of whole pieces, what leads its writer, and that its prior says
step by step what it says at once."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from musicae.encoding.batches import beat_batch, concatenate_beats, frame_beats
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import ALL_VOICES, VOCABULARY
from musicae.models.layers import NONE
from musicae.models.vae import (
    LEAST_LOG_VARIANCE,
    MOST_LOG_VARIANCE,
    POOLS,
    BeatBatch,
    ChoraleVAE,
    ChoraleVAEConfig,
    Gaussian,
    Latent,
    divergence,
    standard,
)
from musicae.models.vocabulary import FIRST_PITCH
from musicae.models.voice_transformer import surprise
from musicae.training.config import OUTER_FIRST, RECIPES
from tests.support.passages import passage
from tests.support.small import WRITER
from tests.support.strategies import chorales

TINY = WRITER | {
    "span": 4,
    "piece": 6,
    "beat": 3,
    "prior_layers": 2,
    "lead_layers": 1,
    "beat_span": 3,
}
SEEDS = st.integers(0, 2**32 - 1)

PIECE = passage(
    """
    S  C5 D5 E5 -- .. C5 C5^ --
    A  G4 -- G4 F4 E4 -- E4  --
    T  E4 D4 C4 .. .. G3 G3  --
    B  C3 B2 C3 D3 E3 F3 C3  --
    """,
    key="C major",
)
LONGER = passage(
    """
    S  G4 A4 B4 G4 A4 -- B4 C5 B4 A4 G4^
    A  D4 D4 D4 D4 F#4 -- G4 G4 G4 F#4 D4
    T  B3 A3 G3 B3 D4 -- D4 E4 D4 C4 B3
    B  G3 F#3 G3 G2 D3 -- G3 C3 D3 D3 G2
    """,
    key="G major",
)


def tiny(**changes):
    """An untrained model in which nothing is zero by chance of how weights begin."""
    torch.manual_seed(0)
    model = ChoraleVAE(ChoraleVAEConfig(**RECIPES["vae"].config | TINY | changes))
    model = model.eval().requires_grad_(False)
    for weights in model.parameters():
        weights.add_(0.1 * torch.randn_like(weights))
    return model


MODEL = tiny()


def whole(chorale, model=MODEL):
    """A chorale to hear and write again: all notes are there, and within it none is known."""
    piece = beat_batch(PartialScore.of(chorale, voices=ALL_VOICES), model.config)
    known = piece.masked.known.clone()
    known[:, : len(chorale)] = False
    return piece._replace(masked=piece.masked._replace(known=known))


def a_latent(count, seed=0, model=MODEL):
    numbers = torch.Generator().manual_seed(seed)
    return Latent(
        torch.randn(1, model.config.piece, generator=numbers),
        torch.randn(1, count, model.config.beat, generator=numbers),
    )


# What is conditioning


@pytest.mark.parametrize("changes", [{}, {"encoder_layers": 2, "lead_layers": 2}, {"stride": 4}])
def test_a_piece_in_a_batch_gives_the_same_outputs_as_alone(changes):
    model = tiny(**changes)
    one, other = whole(PIECE, model), whole(LONGER, model)
    both = model(concatenate_beats([one, other]))
    for i, (piece, chorale) in enumerate(((one, PIECE), (other, LONGER))):
        alone = model(piece)
        steps, beats = len(chorale), alone.real.shape[1]
        assert both.real[i].tolist() == [True] * beats + [False] * (both.real.shape[1] - beats)
        torch.testing.assert_close(both.posterior.piece.mean[i], alone.posterior.piece.mean[0])
        for ours, theirs in (
            (both.posterior.beats, alone.posterior.beats),
            (both.prior, alone.prior),
        ):
            torch.testing.assert_close(ours.mean[i, :beats], theirs.mean[0])
            torch.testing.assert_close(ours.log_variance[i, :beats], theirs.log_variance[0])
        torch.testing.assert_close(both.logits[i, :steps], alone.logits[0, :steps])
        frames = -(-steps // model.config.stride)
        torch.testing.assert_close(both.skeleton[i, :frames], alone.skeleton[0, :frames])


@settings(max_examples=10)
@given(chorales(max_steps=24))
def test_outputs_are_finite_gaussians_and_log_probabilities(chorale):
    piece = whole(chorale)
    reading = MODEL(piece)
    beats = int(piece.beats.max()) + 1
    assert reading.logits.shape[1:] == (piece.masked.tokens.shape[1], 4, max(VOCABULARY))
    assert reading.posterior.piece.mean.shape == (1, TINY["piece"])
    assert reading.posterior.beats.mean.shape == reading.prior.mean.shape
    assert reading.prior.mean.shape == (1, beats, TINY["beat"])
    for gaussian in (*reading.posterior, reading.prior):
        assert gaussian.mean.isfinite().all()
        assert (gaussian.log_variance >= LEAST_LOG_VARIANCE).all()
        assert (gaussian.log_variance <= MOST_LOG_VARIANCE).all()
    torch.testing.assert_close(
        reading.skeleton.exp().sum(dim=-1), torch.ones(reading.skeleton.shape[:-1])
    )
    nats = surprise(reading.logits, piece.masked)
    assert nats.isfinite().all()
    assert (nats[:, : len(chorale)] > 0).all()
    assert not nats[:, len(chorale) :].any()


def test_encoding_does_not_depend_on_the_known_mask():
    piece = whole(PIECE)
    known = piece._replace(masked=piece.masked._replace(known=torch.ones_like(piece.masked.known)))
    notes = MODEL.tokens_to_notes(piece.masked.tokens)
    torch.testing.assert_close(MODEL.encode(piece, notes), MODEL.encode(known, notes))


@pytest.mark.parametrize("beat", [0, 3, 7])
def test_a_changed_note_changes_its_beats_and_the_pieces_posterior(beat):
    """As far as the encoder listens around the beat; others hear it through the piece's vector."""
    piece = whole(PIECE)
    tokens = piece.masked.tokens.clone()
    voice = 3
    (began,) = [n.step for n in PIECE.notes(voice) if n.step <= 4 * beat < n.step + n.duration]
    tokens[0, began, voice] += 1
    changed = piece._replace(masked=piece.masked._replace(tokens=tokens))
    here, there = (
        MODEL.encode(p, MODEL.tokens_to_notes(p.masked.tokens)) for p in (piece, changed)
    )
    assert (here.piece.mean - there.piece.mean).abs().max() > 1e-4
    assert (here.beats.mean - there.beats.mean)[0, beat].abs().max() > 1e-4


# What leads the writer


def test_each_beats_vector_changes_the_logits_of_its_beat():
    piece = whole(PIECE)
    notes = MODEL.tokens_to_notes(piece.masked.tokens)
    latent = a_latent(8)

    def logits(latent):
        found = MODEL.decode(notes, piece.masked, MODEL.condition(latent, piece))
        return found.nan_to_num(neginf=-1e9)

    usual = logits(latent)
    for beat in range(8):
        beats = latent.beats.clone()
        beats[0, beat] += 1
        changed = (logits(latent._replace(beats=beats)) - usual).abs().amax(dim=(-1, -2))[0]
        assert changed[4 * beat : 4 * beat + 4].max() > 1e-4, beat
    changed = (logits(latent._replace(piece=latent.piece + 1)) - usual).abs().amax(dim=(-1, -2))
    assert (changed[0, : len(PIECE)] > 1e-5).all()


@pytest.mark.parametrize("turn", [0, 5, 30, 75, 127])
def test_what_is_chosen_later_changes_nothing_before_it(turn):
    piece = whole(PIECE)
    conditioning = MODEL.condition(a_latent(8), piece)
    tokens = piece.masked.tokens.clone()
    later = torch.zeros_like(piece.masked.known)
    turns = [(step, voice) for step in range(len(PIECE)) for voice in OUTER_FIRST]
    for step, voice in turns[turn:]:
        later[0, step, voice] = True
    tokens[later] = torch.where(tokens >= FIRST_PITCH, FIRST_PITCH + (tokens + 3) % 15, 1)[later]

    def logits(tokens):
        masked = piece.masked._replace(tokens=tokens)
        return MODEL.decode(MODEL.tokens_to_notes(tokens), masked, conditioning)

    expected, found = logits(piece.masked.tokens), logits(tokens)
    before = ~later
    before[0, *turns[turn]] = True
    before[:, len(PIECE) :] = False
    torch.testing.assert_close(found[before], expected[before])


def test_forgotten_frames_affect_only_the_next_step():
    piece = whole(PIECE)
    notes = MODEL.tokens_to_notes(piece.masked.tokens)
    conditioning = MODEL.condition(a_latent(8), piece)
    frames = piece.beats.shape[1]
    everything = torch.ones(1, frames, dtype=torch.bool)
    other = piece.masked.tokens.clone()
    other[0, 0] += 1
    found = [
        MODEL.decode(MODEL.tokens_to_notes(tokens), piece.masked, conditioning, everything)
        for tokens in (piece.masked.tokens, other)
    ]
    torch.testing.assert_close(found[0][:, 20:], found[1][:, 20:])
    nothing = torch.zeros_like(everything)
    torch.testing.assert_close(
        MODEL.decode(notes, piece.masked, conditioning, nothing),
        MODEL.decode(notes, piece.masked, conditioning),
    )


def test_in_training_it_writes_from_draws_and_in_evaluation_from_means():
    model, piece = tiny(dropout=0.0), whole(PIECE)
    torch.testing.assert_close(model(piece).logits, model(piece).logits)
    model.train()
    torch.manual_seed(1)
    one, other = model(piece), model(piece)
    assert not torch.equal(one.logits, other.logits)
    torch.testing.assert_close(one.posterior, other.posterior)


# The prior of the beats


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_sampled_beats_follow_the_beat_prior(noise):
    """Longer than the prior remembers; each beat is as its noise says within what is foreseen."""
    piece = concatenate_beats([whole(PIECE), whole(LONGER)])
    numbers = torch.Generator().manual_seed(3)
    vector = torch.randn(2, TINY["piece"], generator=numbers)
    drawn = noise * torch.randn(2, 11, TINY["beat"], generator=numbers)
    latent = MODEL.sample_beats(vector, drawn, piece)
    assert torch.equal(latent.piece, vector)
    mean, log_variance = MODEL.beat_prior(latent, piece)
    expected = mean + drawn * (0.5 * log_variance).exp()
    torch.testing.assert_close(latent.beats, expected, atol=1e-5, rtol=1e-4)


def test_the_beat_prior_depends_on_earlier_beats_only():
    piece, latent = whole(LONGER), a_latent(11)
    usual = MODEL.beat_prior(latent, piece).mean
    beats = latent.beats.clone()
    beats[0, 5] += 1
    changed = (
        (MODEL.beat_prior(latent._replace(beats=beats), piece).mean - usual).abs().amax(dim=-1)
    )
    assert not changed[0, :6].any()
    assert changed[0, 6] > 1e-4


# Divergence


@settings(max_examples=25)
@given(SEEDS)
def test_divergence_equals_torchs_kl(seed):
    numbers = torch.Generator().manual_seed(seed)
    q, p = (
        Gaussian(
            torch.randn(2, 3, generator=numbers), torch.randn(2, 3, generator=numbers).clamp(-3, 3)
        )
        for _ in range(2)
    )

    def normal(g):
        return torch.distributions.Normal(g.mean, (0.5 * g.log_variance).exp())

    expected = torch.distributions.kl_divergence(normal(q), normal(p))
    torch.testing.assert_close(divergence(q, p), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(divergence(q, q), torch.zeros(2, 3), atol=1e-6, rtol=0)
    unit = torch.distributions.Normal(torch.zeros(2, 3), torch.ones(2, 3))
    expected = torch.distributions.kl_divergence(normal(q), unit)
    torch.testing.assert_close(divergence(q, standard(q)), expected, atol=1e-4, rtol=1e-4)


def test_draws_have_the_mean_and_the_variance():
    torch.manual_seed(0)
    gaussian = Gaussian(torch.full((20_000,), 2.0), torch.full((20_000,), -1.0))
    drawn = gaussian.draw()
    assert drawn.mean().item() == pytest.approx(2, abs=0.02)
    assert drawn.var().item() == pytest.approx(np.exp(-1), rel=0.05)


# Learning


def test_every_weight_gets_a_gradient():
    model = tiny().requires_grad_(True)
    model.train()
    piece = concatenate_beats([whole(PIECE), whole(LONGER)])
    reading = model(piece)
    nats = surprise(reading.logits, piece.masked).sum() - reading.skeleton[..., 0].sum()
    nats = nats + divergence(reading.posterior.beats, reading.prior).sum()
    (nats + divergence(reading.posterior.piece, standard(reading.posterior.piece)).sum()).backward()
    for name, weights in model.named_parameters():
        assert weights.grad is not None, name
        assert weights.grad.isfinite().all(), name
        assert weights.grad.any(), name


# Configs


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"piece": 0}, "all sizes are at least 1"),
        ({"beat": 0}, "all sizes are at least 1"),
        ({"beat_span": 0}, "all sizes are at least 1"),
        ({"width": 20, "heads": 2}, f"a width is a multiple of {POOLS}, not 20"),
        ({"order": (0, 1, 2)}, "the same voices"),
    ],
)
def test_contradictory_configs_are_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        ChoraleVAEConfig(**RECIPES["vae"].config | TINY | changes)


def test_a_config_survives_json():
    lists = {"sliders": list(MODEL.config.sliders), "lowest": list(MODEL.config.lowest)}
    same = ChoraleVAEConfig(**RECIPES["vae"].config | TINY | lists)
    assert same == MODEL.config
    assert hash(same) == hash(MODEL.config)


def test_a_model_without_sliders_has_no_directions():
    assert tiny(sliders=()).directions.shape == (0, TINY["beat"])


def test_after_the_end_there_are_no_beats():
    piece = beat_batch(PartialScore.of(PIECE), MODEL.config)
    frames = len(PIECE) // MODEL.config.stride
    assert piece.beats[0, :frames].tolist() == [j // 2 for j in range(frames)]
    assert (piece.beats[0, frames:] == NONE).all()
    assert isinstance(piece, BeatBatch)
    assert torch.equal(frame_beats(PIECE, 2), piece.beats[0, :frames])
