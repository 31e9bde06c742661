"""The graphs of an untrained VAE: ONNX Runtime and torch agree at all lengths and batch sizes."""

import numpy as np
import onnx
import pytest
import torch

from musicae.core.key import Key
from musicae.core.meter import Meter
from musicae.encoding import forms
from musicae.encoding.batches import beat_batch, concatenate_beats
from musicae.encoding.notes import notes_of
from musicae.encoding.partial_score import PartialScore
from musicae.encoding.tokens import ALL_VOICES
from musicae.models.checkpoint import load_checkpoint
from musicae.models.torch_engine import TorchEngine, build_model, save_model
from musicae.models.vae import MOST_BLUR
from musicae.training.config import RECIPES
from tests.support.passages import HYMN, OTHER
from tests.support.small import SMALL

CHANGES = {"span": 4, "beat_span": 3, "prior_layers": 2, "lead_layers": 2}
COMMON, WALTZ = Meter(0, 4, 4), Meter(0, 3, 4)
SHORT, LONG, LONGEST = (
    PartialScore.of(forms.regular(bars, meter, Key(0)).chorale)
    for bars, meter in ((1, WALTZ), (3, COMMON), (40, COMMON))
)
PIECES = [PartialScore.of(chorale, voices=ALL_VOICES) for chorale in (HYMN, OTHER)]


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """Both engines of one model in which initialization leaves no weight at zero."""
    torch.manual_seed(0)
    network = build_model("vae", RECIPES["vae"].config | SMALL["vae"] | CHANGES)
    for weights in network.parameters():
        weights.data.add_(0.1 * torch.randn_like(weights))
    path = tmp_path_factory.mktemp("graphs") / "vae.safetensors"
    save_model(path, "vae", network, {})
    return load_checkpoint(path), TorchEngine("vae", network.eval())


def agree(engines, graph, **inputs):
    onnx, expected = engines[0].run(graph, **inputs), engines[1].run(graph, **inputs)
    for ours, theirs in zip(onnx, expected, strict=True):
        assert ours.shape == theirs.shape
        assert ours == pytest.approx(theirs, abs=1e-4)
        assert np.isfinite(ours).all()
    return onnx


def form(config, pieces):
    batch = concatenate_beats([beat_batch(piece, config) for piece in pieces])
    return batch, {"context": batch.masked.context, "beats": batch.beats}


@pytest.mark.parametrize("pieces", [PIECES[:1], [*PIECES, PIECES[0]], [SHORT], [LONGEST, SHORT]])
def test_encodings_agree(engines, pieces):
    model = engines[0]
    batch, inputs = form(model.config, pieces)
    notes = notes_of(batch.masked.tokens, np.array(model.config.lowest))
    mean, means = agree(engines, "encode", notes=notes, tonic=batch.masked.tonic, **inputs)
    assert mean.shape == (len(pieces), model.config.piece)
    assert means.shape == (len(pieces), batch.beats.max() + 1, model.config.beat)


@pytest.mark.parametrize("pieces", [[SHORT], [LONG], [LONGEST], [LONG, SHORT, LONGEST]])
def test_forms_potentials_and_conditioning_agree(engines, pieces):
    config = engines[0].config
    batch, inputs = form(config, pieces)
    count, numbers = int(batch.beats.max()) + 1, np.random.default_rng(0)
    (found,) = agree(engines, "forms", **inputs)
    assert found.shape == (len(pieces), count, config.width)
    inputs |= {
        "whole": numbers.standard_normal((len(pieces), config.piece)).astype(np.float32),
        "vectors": numbers.standard_normal((len(pieces), count, config.beat)).astype(np.float32),
        "blur": (MOST_BLUR * numbers.random(len(pieces))).astype(np.float32),
    }
    unary, weights = agree(engines, "potentials", **inputs)
    assert unary.shape == (len(pieces), count, len(config.states))
    assert weights.shape[:2] == (len(pieces), count - 1)
    (conditioning,) = agree(engines, "condition", **inputs)
    assert conditioning.shape == (*batch.beats.shape, config.width)


@pytest.mark.parametrize("past", [0, 1, 3])
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_next_beats_agree(engines, batch, past):
    config, numbers = engines[0].config, np.random.default_rng(past)

    def normal(*shape):
        return numbers.standard_normal(shape).astype(np.float32)

    vector, kept = agree(
        engines,
        "prior",
        before=normal(batch, config.beat),
        whole=normal(batch, config.piece),
        form=normal(batch, config.width),
        chance=numbers.random(batch).astype(np.float32),
        noise=normal(batch, config.beat),
        position=np.array([past + 70]),
        past=normal(past, config.prior_layers, 2, batch, config.width),
    )
    assert vector.shape == (batch, config.beat)
    assert kept.shape == (1, config.prior_layers, 2, batch, config.width)


def test_a_graph_stores_each_constant_once(engines):
    most = 0
    for name, graph in engines[0].engine.graphs.items():
        nodes = onnx.load_from_string(graph.model).graph.node
        constants = [n.attribute[0].t.SerializeToString() for n in nodes if n.op_type == "Constant"]
        assert len(set(constants)) == len(constants), name
        most = max(most, len(constants))
    assert most > 5
