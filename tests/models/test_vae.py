"""The untrained VAE: what its encoder reads, what plans and voices depend on, and that its prior
gives the same step by step as at once."""

import pytest
import torch
from hypothesis import given, settings

from musicae.core.key import Key
from musicae.encoding.batches import beat_batch, concatenate_beats, frame_beats
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import ALL_VOICES, VOCABULARY
from musicae.models.batches import BeatBatch, Latent
from musicae.models.configs import ChoraleVAEConfig
from musicae.models.distributions import (
    LEAST_LOG_VARIANCE,
    MOST_LOG_VARIANCE,
    divergence,
    divergence_from_mixture,
    standard,
)
from musicae.models.vae import MOST_BLUR, ChoraleVAE
from musicae.models.vocabulary import FIRST_PITCH, NONE, POOLS
from musicae.models.voice_transformer import surprise
from musicae.theory.plan_reading import plan_of
from musicae.training.config import OUTER_FIRST, RECIPES
from musicae.training.tensors import tensors
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
    "components": 3,
    "planner": 8,
}

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
    """An untrained model in which initialization leaves no weight at zero."""
    torch.manual_seed(0)
    model = ChoraleVAE(ChoraleVAEConfig(**RECIPES["vae"].config | TINY | changes))
    model = model.eval().requires_grad_(False)
    for weights in model.parameters():
        weights.add_(0.1 * torch.randn_like(weights))
    return model


MODEL = tiny()


def whole(chorale, model=MODEL):
    """A chorale as input and target: all notes are present, and none is known."""
    piece = tensors(beat_batch(PartialScore.of(chorale, voices=ALL_VOICES), model.config))
    known = piece.masked.known.clone()
    known[:, : len(chorale)] = False
    return piece._replace(masked=piece.masked._replace(known=known))


def together(*pieces):
    """One batch of all pieces."""
    return tensors(concatenate_beats([arrays(piece) for piece in pieces]))


def arrays(batch):
    """The batch with NumPy arrays instead of tensors."""
    parts = (part.numpy() if isinstance(part, torch.Tensor) else arrays(part) for part in batch)
    return type(batch)(*parts)


def a_latent(count, seed=0, model=MODEL):
    numbers = torch.Generator().manual_seed(seed)
    return Latent(
        torch.randn(1, model.config.piece, generator=numbers),
        torch.randn(1, count, model.config.beat, generator=numbers),
    )


# Conditioning


@pytest.mark.parametrize("changes", [{}, {"encoder_layers": 2, "lead_layers": 2}, {"stride": 4}])
def test_a_piece_in_a_batch_gives_the_same_outputs_as_alone(changes):
    model = tiny(**changes)
    one, other = whole(PIECE, model), whole(LONGER, model)
    both = model(together(one, other))
    for i, (piece, chorale) in enumerate(((one, PIECE), (other, LONGER))):
        alone = model(piece)
        steps, beats = len(chorale), alone.real.shape[1]
        assert both.real[i].tolist() == [True] * beats + [False] * (both.real.shape[1] - beats)
        torch.testing.assert_close(both.posterior.piece.mean[i], alone.posterior.piece.mean[0])
        for ours, theirs in (
            *zip(both.posterior.beats, alone.posterior.beats, strict=True),
            *zip(both.prior, alone.prior, strict=True),
            (both.plan.unary, alone.plan.unary),
        ):
            torch.testing.assert_close(ours[i, :beats], theirs[0])
        torch.testing.assert_close(both.plan.weights[i, : beats - 1], alone.plan.weights[0])
        torch.testing.assert_close(both.logits[i, :steps], alone.logits[0, :steps])
        frames = -(-steps // model.config.stride)
        torch.testing.assert_close(both.skeleton[i, :frames], alone.skeleton[0, :frames])


@settings(max_examples=10)
@given(chorales(max_steps=24))
def test_outputs_are_finite_distributions_and_log_probabilities(chorale):
    piece = whole(chorale)
    reading = MODEL(piece)
    beats = int(piece.beats.max()) + 1
    assert reading.logits.shape[1:] == (piece.masked.tokens.shape[1], 4, max(VOCABULARY))
    assert reading.posterior.piece.mean.shape == (1, TINY["piece"])
    assert reading.posterior.beats.mean.shape == (1, beats, TINY["beat"])
    assert reading.prior.mean.shape == (1, beats, TINY["components"], TINY["beat"])
    assert reading.plan.unary.shape == (1, beats, len(MODEL.config.states))
    for shares in (reading.prior.log_share, reading.plan.weights):
        torch.testing.assert_close(shares.exp().sum(dim=-1), torch.ones(shares.shape[:-1]))
    assert all(part.isfinite().all() for part in reading.plan)
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
    """As far as the encoder attends around the beat; others through the piece's vector."""
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


# What the writer depends on


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
def test_later_choices_change_nothing_before_them(turn):
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


def test_vectors_and_form_decide_the_plan():
    """Each beat's vector, the piece's vector, and the mode."""
    piece, latent = whole(PIECE), a_latent(8)
    usual = MODEL.potentials(latent, piece)
    for beat in range(8):
        beats = latent.beats.clone()
        beats[0, beat] += 1
        changed = MODEL.potentials(latent._replace(beats=beats), piece).unary - usual.unary
        assert changed[0, beat].abs().max() > 1e-4, beat
    changed = MODEL.potentials(latent._replace(piece=latent.piece + 1), piece).unary - usual.unary
    assert (changed.abs().amax(dim=-1) > 1e-5).all()
    context = piece.masked.context.clone()
    context[..., MODEL.config.mode] = 1
    minor = piece._replace(masked=piece.masked._replace(context=context))
    assert not torch.allclose(MODEL.potentials(latent, minor).unary, usual.unary)
    assert torch.equal(MODEL.potentials(latent, minor).tables, usual.tables)


def test_encoder_and_writer_read_the_plan_and_the_prior_does_not():
    plan = plan_of(PIECE, Key.parse("C"))
    told, untold = (
        tensors(
            beat_batch(
                PartialScore.of(PIECE, voices=ALL_VOICES, key=plan.key, plan=known), MODEL.config
            )
        )
        for known in (plan, None)
    )
    notes = MODEL.tokens_to_notes(told.masked.tokens)
    assert not torch.equal(told.masked.context, untold.masked.context)
    latent = a_latent(8)
    same = [
        (
            *MODEL.beat_prior(latent, piece),
            *MODEL.potentials(latent, piece),
            MODEL.condition(latent, piece),
        )
        for piece in (told, untold)
    ]
    for ours, theirs in zip(*same, strict=True):
        torch.testing.assert_close(ours, theirs)
    conditioning = same[0][-1]
    logits = [MODEL.decode(notes, piece.masked, conditioning) for piece in (told, untold)]
    assert not torch.allclose(logits[0][:, : len(PIECE)], logits[1][:, : len(PIECE)])
    encoded = [MODEL.encode(piece, notes).beats.mean for piece in (told, untold)]
    assert not torch.allclose(*encoded)


def test_the_blur_of_each_piece_conditions_writer_and_plan():
    """A blur of 0 equals no blur."""
    model = tiny()
    model.blurred.weight.copy_(torch.randn_like(model.blurred.weight))
    piece = together(whole(PIECE, model), whole(PIECE, model))
    latent = Latent(*(torch.cat([part, part]) for part in a_latent(8, model=model)))
    sharp, blurred = torch.zeros(2), torch.tensor([0.0, 0.7])
    for outputs in (model.condition, lambda *given: model.potentials(*given).unary):
        usual, none, found = (outputs(latent, piece, blur) for blur in (None, sharp, blurred))
        torch.testing.assert_close(none, usual)
        torch.testing.assert_close(found[0], usual[0])
        assert not torch.allclose(found[1], usual[1], atol=1e-3)


def test_in_training_vectors_are_blurred_and_the_blur_conditions_the_writer(monkeypatch):
    """More noise, further from the drawn vectors; in evaluation there is none."""
    model, piece = tiny(dropout=0.0), whole(PIECE)
    given, condition = [], model.condition

    def recorded(latent, piece, blur=None):
        given.append((latent.beats, blur))
        return condition(latent, piece, blur)

    monkeypatch.setattr(model, "condition", recorded)
    assert model(piece).drawn is None
    assert given.pop()[1] is None
    model.train()
    torch.manual_seed(1)
    blurs, offs = [], []
    for _ in range(20):
        drawn = model(piece).drawn
        beats, blur = given.pop()
        blurs.append(blur.item())
        offs.append((beats - drawn).abs().max().item())
    assert {off > 0 for off in offs} == {True, False}
    assert [off > 0 for off in offs] == [blur > 0 for blur in blurs]
    assert max(blurs) <= MOST_BLUR


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
    assert one.drawn.shape == one.posterior.beats.mean.shape
    assert not torch.equal(one.drawn, other.drawn)
    assert model.eval()(piece).drawn is None


# The prior of the beats


def test_the_beat_prior_depends_on_earlier_beats_only():
    piece, latent = whole(LONGER), a_latent(11)
    usual = MODEL.beat_prior(latent, piece).mean
    beats = latent.beats.clone()
    beats[0, 5] += 1
    changed = (
        (MODEL.beat_prior(latent._replace(beats=beats), piece).mean - usual).abs().amax((-1, -2))
    )
    assert not changed[0, :6].any()
    assert changed[0, 6] > 1e-4


# Training


def test_every_weight_gets_a_gradient():
    model = tiny().requires_grad_(True)
    model.train()
    piece = together(whole(PIECE), whole(LONGER))
    reading = model(piece)
    nats = surprise(reading.logits, piece.masked).sum() - reading.skeleton[..., 0].sum()
    nats = nats + divergence_from_mixture(reading.posterior.beats, reading.prior).sum()
    nats = nats + sum(part[..., 0].sum() for part in reading.plan)
    (nats + divergence(reading.posterior.piece, standard(reading.posterior.piece)).sum()).backward()
    for name, weights in model.named_parameters():
        assert weights.grad is not None, name
        assert weights.grad.isfinite().all(), name
        assert weights.grad.any(), name


# Configs


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"piece": 0}, "all sizes must be at least 1"),
        ({"beat": 0}, "all sizes must be at least 1"),
        ({"beat_span": 0}, "all sizes must be at least 1"),
        ({"components": 0}, "all sizes must be at least 1"),
        ({"planner": 0}, "all sizes must be at least 1"),
        ({"styles": 0}, "all sizes must be at least 1"),
        ({"chords": ()}, "chords must not be empty"),
        ({"width": 20, "heads": 2}, f"width must be a multiple of {POOLS}, not 20"),
        ({"order": (0, 1, 2)}, "one entry for each voice"),
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


def test_the_states_of_a_plan_are_all_chords_and_one_for_others():
    states, qualities = MODEL.config.states, MODEL.config.chords
    assert len(set(states)) == len(states) == 12 * sum(map(len, qualities)) + 1
    assert states[-1] == (0, len(qualities), 0, 0)
    for root, quality, place, bass in states[:-1]:
        assert bass == (root + qualities[quality][place]) % 12
    assert MODEL.plan.config.states == states


def test_a_model_without_sliders_has_no_directions():
    model = tiny(sliders=())
    assert model.directions.shape == (0, TINY["beat"] + model.config.levers)


def test_after_the_end_there_are_no_beats():
    piece = tensors(beat_batch(PartialScore.of(PIECE), MODEL.config))
    frames = len(PIECE) // MODEL.config.stride
    assert piece.beats[0, :frames].tolist() == [j // 2 for j in range(frames)]
    assert (piece.beats[0, frames:] == NONE).all()
    assert isinstance(piece, BeatBatch)
    assert frame_beats(PIECE, 2).tolist() == piece.beats[0, :frames].tolist()
