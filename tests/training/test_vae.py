"""The VAE's training data, its losses, and the statistics in its training log."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musicae.core.chorale import Chorale, transpositions
from musicae.core.constants import STYLES
from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.decoding.planner import chords_of
from musicae.encoding import forms
from musicae.encoding.batches import beat_batch
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.plan_features import STYLE
from musicae.encoding.step_features import PHRASES, SINCE_BAR, SIZES
from musicae.encoding.tokens import chorale_to_tokens
from musicae.latent.attributes import measured
from musicae.models.configs import ChoraleVAEConfig
from musicae.models.distributions import (
    Gaussian,
    Mixture,
    divergence,
    divergence_from_mixture,
    standard,
)
from musicae.models.vae import ChoraleVAE
from musicae.models.vocabulary import FIRST_PITCH, HOLD, NONE, SILENCE
from musicae.models.voice_transformer import surprise
from musicae.theory.harmonic_plan import HarmonicPlan, beats_of
from musicae.theory.key_finding import likely_key
from musicae.theory.plan_reading import plan_of
from musicae.training.chain_likelihood import negative_log_likelihood
from musicae.training.config import RECIPES
from musicae.training.passages import LONGEST_PASSAGE, Pieces
from musicae.training.task import StyledPiece
from musicae.training.tensors import tensors
from musicae.training.vae import (
    CompositionTask,
    LatentStatistics,
    latent_statistics,
    losses,
    survey,
)
from tests.support.passages import passage
from tests.support.small import WRITER

TINY = WRITER | {
    "span": 4,
    "piece": 6,
    "beat": 3,
    "prior_layers": 1,
    "lead_layers": 1,
    "dropout": 0.0,
    "components": 2,
    "planner": 8,
    "tilt": [0],
    "plan_tilt": 0,
}
CONFIG = RECIPES["vae"].config | TINY
HYMN = passage(
    """
    S  C5 D5 E5 -- .. C5 C5^ --
    A  G4 -- G4 F4 E4 -- E4  --
    T  E4 D4 C4 .. .. G3 G3  --
    B  C3 B2 C3 D3 E3 F3 C3  --
    """,
    key="C major",
)
LIVELY = passage(
    """
    S  A4 B4 C5 B4 A4 G#4 A4 B4 C5 D5 B4 A4
    A  E4 E4 E4 D4 C4 D4 E4 F4 E4 D4 E4 E4
    T  C4 B3 A3 G#3 A3 B3 C4 B3 A3 A3 G#3 C4
    B  A2 G#2 A2 B2 C3 B2 A2 D3 A2 F2 E2 A2
    """,
    key="A minor",
    column=2,
)
CHORALES = [HYMN, LIVELY, HYMN.transpose(2), LIVELY.transpose(1)]
# Twenty bars of common time after a pickup of one quarter: too long for one training example.
LONG = Chorale(
    np.vstack([HYMN.pitch[:4], *[HYMN.pitch] * 10]),
    np.vstack([HYMN.onset[:4], *[HYMN.onset] * 10]),
    pickup=4,
)


HYMNS = [StyledPiece(HYMN.transpose(n), STYLES[1 + n], Key(0).transpose(n)) for n in range(3)]
"""Pieces by other composers, each in another style."""
STYLE_COLUMN = len(SIZES) + STYLE


def pieces(chorales=CHORALES, every_key=False, others=(), **changes):
    return Pieces(chorales, every_key, ChoraleVAEConfig(**CONFIG | changes), others)


def tiny(**changes):
    torch.manual_seed(0)
    model = ChoraleVAE(ChoraleVAEConfig(**CONFIG | changes)).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(0.1 * torch.randn_like(weights))
    return model


def task(piece_nats=0.0, beat_nats=0.0):
    """By default almost no nats are free, so that every vector costs divergence."""
    return CompositionTask(max(piece_nats, 1e-9), max(beat_nats, 1e-9), probes=1)


# Examples


def test_validation_pieces_are_whole_and_not_transposed():
    (masked, beats), _ = pieces().batch([0, 1])
    for i, chorale in enumerate(CHORALES[:2]):
        steps = len(chorale)
        assert np.array_equal(masked.tokens[i, :steps], chorale_to_tokens(chorale))
        assert (masked.tokens[i, steps:] == SILENCE).all()
        assert not masked.known[i, :steps].any()
        assert masked.known[i, steps:].all()
        assert (beats[i, steps // 2 :] == NONE).all()
    assert masked.tonic.tolist() == [0, 9]


def test_validation_batches_equal_the_encoding_of_latent_points():
    """``encoding.batches.beat_batch`` makes the same arrays of a chorale as validation does."""
    found = pieces().batch([1]).piece
    key = likely_key(LIVELY)
    whole = PartialScore.of(
        LIVELY, voices=(0, 1, 2, 3), key=key, plan=plan_of(LIVELY, key), style="bach"
    )
    expected = tensors(beat_batch(whole, ChoraleVAEConfig(**CONFIG)))
    assert torch.equal(found.beats, expected.beats)
    for ours, theirs in zip(found.masked, expected.masked, strict=True):
        assert ours.dtype == theirs.dtype
        assert torch.equal(ours, theirs) or ours is found.masked.known


def test_training_pieces_come_in_any_key():
    examples = pieces(every_key=True)
    shifts = {shift: chorale_to_tokens(HYMN.transpose(shift)) for shift in transpositions(HYMN)}
    found = set()
    for seed in range(60):
        (masked, _), _ = examples.batch([0], seed)
        assert masked.tokens.shape[1] == len(HYMN)
        moved = masked.tokens[0, :32]
        (shift,) = [s for s, tokens in shifts.items() if np.array_equal(tokens, moved)]
        assert masked.tonic.item() == shift % 12
        found.add(shift)
    assert found == set(shifts)


def test_some_training_pieces_have_given_voices_and_unknown_phrases():
    examples = pieces(every_key=True)
    batches = [examples.batch([0], seed).piece.masked for seed in range(200)]
    given = [batch.known[0, :32].all(dim=0) for batch in batches]
    assert 0.02 < np.mean([voices.any() for voices in given]) < 0.25
    for batch, voices in zip(batches, given, strict=True):
        assert torch.equal(batch.known[0, :32].any(dim=0), voices)
    untold = [not batch.context[0, :32, PHRASES].any() for batch in batches]
    assert 0.05 < np.mean(untold) < 0.3


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_crops_begin_on_bar_lines(stride):
    examples = pieces([LONG], every_key=True, stride=stride)
    begins = set()
    for seed in range(40):
        ((tokens, known, context, _), beats), states = examples.batch([0], seed)
        assert tokens.shape == known.shape == (1, LONGEST_PASSAGE, 4)
        assert context[0, 0, SINCE_BAR] == 0
        assert beats[0].tolist() == [j * stride // 4 for j in range(LONGEST_PASSAGE // stride)]
        assert states.shape == (1, int(beats.max()) + 1)
        assert (tokens[0, 0] != HOLD).all()
        begins.add(tuple(context[0, :, 4].tolist()))  # the distance to the end tells them apart
    assert len(begins) > 1


def test_a_crop_without_a_late_enough_bar_line_is_the_beginning():
    steps = LONGEST_PASSAGE + 2
    piece = Chorale.from_notes([[(0, steps, 67)]], pickup=4)
    (masked, beats), _ = pieces([piece], every_key=True).batch([0], 1)
    assert masked.tokens.shape[1] == LONGEST_PASSAGE
    assert masked.tokens[0, 0, 0] >= FIRST_PITCH
    assert beats[0, 0] == 0


def test_an_example_follows_from_its_seed_whatever_its_batch():
    examples = pieces([HYMN, LONG], every_key=True)
    both, alone, nobody = (
        (*masked, beats, states)
        for (masked, beats), states in (examples.batch(i, 7, 1) for i in ([0, 1], [1], []))
    )
    for together, one in zip(both, alone, strict=True):
        assert torch.equal(together[1:], one)
    assert [len(part) for part in nobody] == [0] * 6


# Plans and styles


def chords_in(states, mode):
    every = chords_of(ChoraleVAEConfig(**CONFIG).states, mode)
    return tuple(every[state] for state in states)


@pytest.mark.parametrize("index", [0, 1])
def test_the_states_of_a_piece_are_the_chords_of_its_plan(index):
    """Chords are counted from the tonic, or, in minor, as in a planner's states."""
    key = likely_key(CHORALES[index])
    plan = plan_of(CHORALES[index], key)
    (states,) = pieces().batch([index]).states.tolist()
    assert chords_in(states, key.mode) == plan.chords
    together = pieces().batch([0, 1]).states
    assert together[1].tolist() == [*pieces().batch([1]).states[0].tolist(), 0, 0]


def test_a_plan_is_learned_from_in_any_key():
    examples = pieces([LONG], every_key=True)
    every = examples.pieces[0].states.tolist()
    for seed in range(10):
        (states,) = examples.batch([0], seed).states.tolist()
        first = next(i for i in range(len(every)) if every[i : i + len(states)] == states)
        assert first % 4 == 1 or first == 0  # with a bar line


def test_silence_keeps_the_chord_before_it():
    chord = [(0, 8), (16, 4)]
    voices = [[(start, length, pitch) for start, length in chord] for pitch in (67, 64, 60, 48)]
    rests = Chorale.from_notes(voices, steps=24, key=Key(0))
    assert plan_of(rests, Key(0)).chords[2:4] == (None, None)
    later = Chorale.from_notes([[(8, 4, pitch)] for pitch in (67, 64, 60, 48)], key=Key(0))
    for piece in (rests, later):
        (states,) = pieces([piece]).batch([0]).states.tolist()
        assert len(states) == len(beats_of(piece))
        assert len(set(states)) == 1
        assert str(chords_in(states, "major")[0].numeral(Key(0))) == "I"


def test_the_context_has_the_plan_and_the_style():
    examples = pieces(others=HYMNS)
    columns = {index: examples.batch([index]).piece.masked.context[0] for index in (0, 4, 6)}
    for index, style in ((0, "bach"), (4, HYMNS[0].style), (6, HYMNS[2].style)):
        assert set(columns[index][:32, STYLE_COLUMN].tolist()) == {1 + STYLES.index(style)}
    assert torch.equal(columns[4][:32, STYLE_COLUMN + 1 :], columns[6][:32, STYLE_COLUMN + 1 :])
    roots = columns[4][:32:4, STYLE_COLUMN + 1].tolist()
    plan = plan_of(HYMN, Key(0))
    assert isinstance(plan, HarmonicPlan)
    assert roots == [1 + chord.root for chord in plan.chords]


def test_the_style_is_left_open_in_some_training_pieces():
    examples = pieces(every_key=True, others=HYMNS)
    found = [examples.batch([4], seed, 0).piece.masked.context for seed in range(100)]
    told = [context[0, 0, STYLE_COLUMN].item() for context in found]
    assert {0} < set(told) <= {0, *(1 + STYLES.index(piece.style) for piece in HYMNS)}
    assert 5 < told.count(0) < 30


def test_few_pieces_by_others_are_all_in_each_epoch():
    examples = pieces(every_key=True, others=HYMNS)
    assert len(examples) == 4 + 3
    assert examples.describe()["chorales"] == 7
    assert len(pieces([HYMN], every_key=True, others=HYMNS)) == 1 + 2


def test_pieces_by_others_that_no_key_brings_into_the_ranges_are_left_out():
    wide = Chorale.from_notes([[(0, 4, 40), (4, 4, 90)]])
    high = HYMN.transpose(40)
    assert not transpositions(wide)
    assert transpositions(high)
    examples = pieces(others=[StyledPiece(piece, "hymn", None) for piece in (wide, high)])
    assert len(examples) == 4 + 1
    assert len(examples.pieces[4].tokens) == len(HYMN)


def test_descriptions_of_different_examples_differ():
    assert pieces().describe() == pieces().describe()
    assert pieces().describe()["chorales"] == 4
    others = [pieces(CHORALES[:3]), pieces([HYMN.transpose(1), *CHORALES[1:]])]
    assert len({e.describe()["sha256"] for e in (pieces(), *others)}) == 3


# Losses


def test_the_bound_is_reconstruction_plus_divergence_per_step():
    model, batch = tiny(), pieces().batch([0, 1, 2])
    with torch.no_grad():
        reading = model(batch.piece)
        found = losses(reading, batch)
        loss = task().loss(model, batch)
    nats = surprise(reading.logits, batch.piece.masked).sum(dim=(1, 2))
    lengths = torch.tensor([8, 6, 8])
    of_plan = negative_log_likelihood(reading.plan, batch.states, lengths)
    q, prior = reading.posterior, reading.prior
    of_piece = divergence(q.piece, standard(q.piece)).sum(dim=-1)
    of_beats = torch.stack(
        [
            divergence_from_mixture(
                Gaussian(*(part[i, :n] for part in q.beats)),
                Mixture(*(part[i, :n] for part in prior)),
            ).sum()
            for i, n in enumerate(lengths.tolist())
        ]
    )
    assert found.steps.tolist() == [32, 24, 32]
    torch.testing.assert_close(found.plan, of_plan)
    torch.testing.assert_close(found.piece, of_piece)
    torch.testing.assert_close(found.beats, of_beats)
    torch.testing.assert_close(found.beats_prior, of_beats)
    torch.testing.assert_close(loss, (nats + of_plan + of_piece + of_beats) / found.steps)
    torch.testing.assert_close(loss, found.bound)


def test_a_piece_costs_the_same_in_any_batch():
    model, examples = tiny(), pieces()
    with torch.no_grad():
        together = task().loss(model, examples.batch([0, 1, 2, 3]))
        alone = torch.cat([task().loss(model, examples.batch([i])) for i in range(4)])
    torch.testing.assert_close(together, alone)


def test_the_outline_loss_is_of_the_pitches_at_the_start_of_each_frame():
    model, batch = tiny(), pieces().batch([0])
    with torch.no_grad():
        reading = model(batch.piece)
    expected = 0.0
    for frame in range(16):
        for voice, (low, _) in enumerate(zip(model.config.lowest, range(4), strict=True)):
            pitch = int(HYMN.pitch[2 * frame, voice])
            if pitch >= 0:
                expected -= reading.skeleton[0, frame, voice, pitch - low].item()
    assert losses(reading, batch).outline.item() == pytest.approx(expected, rel=1e-5)


def gradients(piece_nats, beat_nats, progress):
    """The effect of the divergence alone on the gradients of the posterior and the prior."""
    model, batch = tiny(), pieces(every_key=True).batch([0, 1], 3)
    model.train()
    found = {}
    for name, nats in (("with", (piece_nats, beat_nats)), ("without", (1e9, 1e9))):
        torch.manual_seed(5)
        model.zero_grad()
        CompositionTask(*nats, probes=3).loss(model, batch, progress).sum().backward()
        found[name] = {key: w.grad.clone() for key, w in model.named_parameters()}
    difference = {k: (found["with"][k] - found["without"][k]).norm().item() for k in found["with"]}
    return difference, found["with"]


@pytest.mark.parametrize(
    ("piece_nats", "beat_nats", "progress"),
    [(1e9, 1e9, 1.0), (1e-9, 1e-9, 0.0), (1e-9, 1e-9, 0.19)],
)
def test_free_nats_have_no_kl_gradient(piece_nats, beat_nats, progress):
    """Neither below the free nats nor at the start of training."""
    difference, _ = gradients(piece_nats, beat_nats, progress)
    assert not any(difference.values())


def test_only_vectors_above_their_free_nats_have_a_kl_gradient():
    both, piece, beats = (
        gradients(*nats, 1.0)[0] for nats in ((0.1, 0.01), (0.1, 1e9), (1e9, 0.01))
    )
    assert both["to_piece.weight"] > 0
    assert both["to_beat.weight"] > 0
    assert piece["to_piece.weight"] > 0
    assert piece["to_beat.weight"] == 0
    assert beats["to_beat.weight"] > 0


def test_the_prior_is_trained_from_the_first_step_whatever_the_free_nats():
    for nats in ((1e9, 1e9), (1e-9, 1e-9)):
        for progress in (0.0, 1.0):
            difference, gradient = gradients(*nats, progress)
            assert gradient["prior_out.weight"].norm() > 0
            assert difference["prior_out.weight"] == pytest.approx(0, abs=1e-4)


def test_the_kl_gradient_grows_up_to_a_limit_as_free_nats_shrink():
    model, batch = tiny(), pieces().batch([0, 1])
    with torch.no_grad():
        nats = losses(model(batch.piece), batch).piece.mean().item()
    found = [
        gradients(nats * room, 1e9, 1.0)[0]["to_piece.weight"]
        for room in (1.6, 1.1, 0.9, 0.75, 0.6, 0.01, 0.001)
    ]
    assert found == sorted(found)
    assert found[0] == 0
    assert 0 < found[3] < found[4]
    assert found[-1] == pytest.approx(found[-2], rel=1e-4)


def test_free_nats_fall_during_training():
    model, batch = tiny(), pieces().batch([0, 1])
    with torch.no_grad():
        nats = losses(model(batch.piece), batch).piece.mean().item()
    early, later, late = (
        gradients(nats / 1.6, 1e9, progress)[0]["to_piece.weight"] for progress in (0.2, 0.37, 1.0)
    )
    assert early == 0
    assert 0 < later < late


def test_every_example_has_a_finite_loss_and_gradients():
    model = tiny().train()
    loss = RECIPES["vae"].task.loss(model, pieces(every_key=True).batch([0, 1, 2], 0), 0.5)
    assert loss.shape == (3,)
    assert loss.isfinite().all()
    loss.sum().backward()
    assert all(weights.grad.isfinite().all() for weights in model.parameters())


# Statistics


def test_latent_statistics_are_means_over_the_pieces():
    model, examples = tiny(), pieces()
    found = latent_statistics(model, [examples.batch([0, 1]), examples.batch([2, 3])])
    with torch.no_grad():
        batches = [examples.batch([i]) for i in range(4)]
        readings = [model(batch.piece) for batch in batches]
        each = [losses(reading, batch) for reading, batch in zip(readings, batches, strict=True)]
    for name in ("reconstruction", "plan"):
        nats = sum(getattr(e, name).item() for e in each)
        assert getattr(found, name) == pytest.approx(nats / 112, rel=1e-4)
    assert found.kl_piece == pytest.approx(np.mean([e.piece.item() for e in each]), rel=1e-4)
    assert found.kl_beats == pytest.approx(np.mean([e.beats.item() for e in each]), rel=1e-4)
    means = torch.cat([r.posterior.piece.mean for r in readings])
    assert found.active_piece == int((means.var(dim=0, correction=0) > 0.01).sum())
    assert 0 < found.active_beat <= TINY["beat"]


def test_the_statistics_of_a_collapsed_model_show_it():
    model = tiny()
    with torch.no_grad():
        for layer in (model.to_piece, model.to_beat, model.prior_out):
            layer.weight.zero_()
            layer.bias.zero_()
    found = latent_statistics(model, [pieces().batch([0, 1])])
    assert found[2:] == pytest.approx((0, 0, 0, 0), abs=1e-5)


def test_the_log_has_a_column_for_each():
    model, examples = tiny(), pieces()
    watched = task().watch(model, examples)
    assert tuple(watched) == LatentStatistics._fields
    batches = [examples.batch(range(4))]
    assert watched == pytest.approx(latent_statistics(model, batches)._asdict(), rel=1e-4)


# After training


def test_a_survey_sets_means_of_the_latents():
    model, examples = tiny(), pieces(every_key=True)
    survey(model, examples)
    with torch.no_grad():
        posteriors = [
            model.encode(piece, model.tokens_to_notes(piece.masked.tokens))
            for piece in (pieces().batch([i]).piece for i in range(4))
        ]
    means = torch.cat([posterior.piece.mean for posterior in posteriors])
    beats = torch.cat([posterior.beats.mean[0] for posterior in posteriors])
    for row in model.latent_mean:  # of all, of Bach, and of styles that have no pieces
        torch.testing.assert_close(row, means.mean(dim=0))
    torch.testing.assert_close(model.beat_mean, beats.mean(dim=0))
    uncertain = torch.stack(
        [posterior.piece.log_variance[0].exp() for posterior in posteriors]
    ).mean(dim=0)
    spread = torch.cov(means.T, correction=0) + torch.diag(uncertain)
    torch.testing.assert_close(model.latent_spread @ model.latent_spread.T, spread)
    assert torch.equal(model.latent_spread, model.latent_spread.tril())


def test_each_style_has_a_mean_of_its_own_and_all_share_the_spread_within_them():
    model, examples = tiny(), pieces(others=HYMNS)
    survey(model, examples)
    with torch.no_grad():
        wholes = [examples.whole(example).piece for example in examples.pieces]
        found = [
            model.encode(piece, model.tokens_to_notes(piece.masked.tokens)) for piece in wholes
        ]
    means = torch.cat([posterior.piece.mean for posterior in found])
    assert len(means) == 7
    assert model.latent_mean.shape == (1 + len(STYLES), TINY["piece"])
    torch.testing.assert_close(model.latent_mean[0], means.mean(dim=0))
    torch.testing.assert_close(model.latent_mean[1 + STYLES.index("bach")], means[:4].mean(dim=0))
    for piece, mean in zip(HYMNS, means[4:], strict=True):
        torch.testing.assert_close(model.latent_mean[1 + STYLES.index(piece.style)], mean)
    within = means.clone()
    within[:4] -= means[:4].mean(dim=0)
    within[4:] = 0
    uncertain = torch.cat([posterior.piece.log_variance.exp() for posterior in found]).mean(dim=0)
    spread = within.T @ within / 7 + torch.diag(uncertain)
    torch.testing.assert_close(model.latent_spread @ model.latent_spread.T, spread)


def test_a_single_piece_can_be_surveyed():
    model = tiny()
    survey(model, pieces([HYMN]))
    assert model.latent_spread.isfinite().all()


def test_examples_know_their_attributes():
    examples = pieces([HYMN, HYMN.transpose(30)]).pieces
    assert examples[0].attributes == measured(HYMN)
    nearest = min(transpositions(HYMN.transpose(30)), key=abs)
    assert examples[1].attributes == measured(HYMN.transpose(30 + nearest))


def test_a_finished_model_is_surveyed_and_calibrated(monkeypatch):
    short = forms.regular(2, Meter(0, 3, 4), Key(0))
    monkeypatch.setattr(forms, "draw_forms", lambda n, _: [short] * n)
    model = tiny().requires_grad_(False)
    valid = pieces([HYMN, LIVELY])

    def nats():
        batches = [valid.batch([i]) for i in range(2)]
        return sum(surprise(model(b.piece).logits, b.piece.masked).sum().item() for b in batches)

    before = nats()
    task().finish(model, pieces(every_key=True), valid)
    assert nats() <= before
    assert model.directions.any()


def test_odd_lengths_are_padded_to_whole_frames():
    odd = replace(HYMN, pitch=HYMN.pitch[:-1], onset=HYMN.onset[:-1])
    waltz = Chorale.from_notes([[(0, 27, 67)]], meters=(Meter(0, 3, 4),))
    for stride in (1, 2, 4):
        (masked, beats), _ = pieces([odd, waltz], stride=stride).batch([0, 1])
        assert masked.tokens.shape[1] == stride * beats.shape[1]
        assert beats.max(dim=1).values.tolist() == [7, 6]
