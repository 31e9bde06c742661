"""The layers that models share, each compared with its plain definition."""

import io
import warnings

import onnxruntime
import pytest
import torch

from musicae.models.layers import FEW_ROWS, Attention, Block, Dropout, FeatureSum
from musicae.models.vocabulary import NONE

WIDTH, HEADS, SPAN = 16, 2, 4


def attention(causal, span=SPAN):
    torch.manual_seed(0)
    return Attention(WIDTH, HEADS, span, causal).eval()


def full_attention(layer, x):
    """The layer by its definition, with one mask over the whole piece; ``x`` is ``(B, J, W)``."""
    parts = layer.inputs(x).view(*x.shape[:2], 3, layer.heads, -1)
    q, k, v = (part.transpose(1, 2) for part in parts.unbind(dim=2))  # (B, H, J, D)
    scores = turned(q) @ turned(k).mT / q.shape[-1] ** 0.5
    frames = torch.arange(x.shape[1])
    ahead = frames - frames[:, None]
    near = (ahead >= -layer.span) & (ahead <= (0 if layer.causal else layer.span))
    y = scores.masked_fill(~near, -torch.inf).softmax(dim=-1) @ v
    return layer.output(y.transpose(1, 2).flatten(2))


def turned(x):
    """Each frame's numbers ``(..., J, D)`` as D / 2 complex numbers, rotated by its position."""
    half = x.shape[-1] // 2
    frequencies = 10_000.0 ** (-torch.arange(half) / half)
    angles = torch.arange(x.shape[-2])[:, None] * frequencies
    z = torch.complex(x[..., :half], x[..., half:])
    z = z * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([z.real, z.imag], dim=-1)


# Attention


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("length", [1, 3, 4, 5, 8, 9, 23])
def test_blockwise_attention_equals_attention_with_one_mask(length, causal):
    layer, x = attention(causal), torch.randn(3, length, WIDTH)
    torch.testing.assert_close(layer(x), full_attention(layer, x))


@pytest.mark.parametrize(("causal", "seen"), [(False, range(6, 15)), (True, range(10, 15))])
def test_attention_reaches_span_frames_and_no_further(causal, seen):
    layer, x = attention(causal), torch.randn(1, 20, WIDTH)
    changed = x.clone()
    changed[0, 10] += 1
    affected = (layer(changed) - layer(x)).abs().amax(dim=-1)[0] > 1e-6
    assert affected.nonzero().flatten().tolist() == list(seen)


def extended(layer, x, first=0):
    """The outputs for frames ``(B, J, W)`` one by one, each with the ``SPAN`` frames before it as
    past."""
    past, found = torch.zeros(0, 2, len(x), WIDTH), []
    for j, frame in enumerate(x.unbind(dim=1), start=first):
        y, own = layer.extend(frame, past[-SPAN:], torch.tensor([j]))
        past = torch.cat([past, own])
        found.append(y)
    return torch.stack(found, dim=1)


@pytest.mark.parametrize("length", [1, SPAN, 6 * SPAN])
def test_attention_frame_by_frame_equals_attention_at_once(length):
    layer, x = attention(causal=True), torch.randn(2, length, WIDTH)
    torch.testing.assert_close(extended(layer, x), layer(x))


def test_only_distances_count_not_where_a_piece_begins():
    layer, x = attention(causal=True), torch.randn(1, 10, WIDTH)
    torch.testing.assert_close(extended(layer, x, 500), layer(x), atol=1e-4, rtol=1e-4)


def test_a_block_frame_by_frame_equals_the_block_at_once():
    torch.manual_seed(0)
    block = Block(WIDTH, HEADS, SPAN, dropout=0.5, causal=True).eval()
    x = torch.randn(2, 30, WIDTH)
    torch.testing.assert_close(extended(block, x), block(x))


# Sums of features


@pytest.mark.parametrize("length", [7, FEW_ROWS])
def test_embedded_features_are_sums_of_rows(length):
    sizes = (3, 1, 5)
    torch.manual_seed(0)
    layer = FeatureSum(sizes, WIDTH)
    rows = layer.weight[:-1].split(sizes)
    features = torch.stack([torch.randint(NONE, size, (2, length)) for size in sizes], dim=-1)
    found = layer(features)
    for place in torch.cartesian_prod(torch.arange(2), torch.arange(length)).tolist():
        values = features[tuple(place)].tolist()
        expected = sum(
            (part[value] for part, value in zip(rows, values, strict=True) if value != NONE),
            start=torch.zeros(WIDTH),
        )
        torch.testing.assert_close(found[tuple(place)], expected)


def test_absent_features_add_nothing():
    layer = FeatureSum((4, 4), WIDTH)
    assert not layer(torch.full((2, 3, 2), NONE)).any()


def test_features_are_summed_in_the_type_that_autocast_asks_for():
    layer = FeatureSum((4, 4), WIDTH)
    features = torch.randint(4, (2, FEW_ROWS, 2))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = layer(features)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), layer(features), atol=0.02, rtol=0.02)


# Dropout


def test_dropout_does_nothing_in_evaluation():
    x = torch.randn(2, 5, WIDTH)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0).train()(x) is x


def test_dropout_leaves_out_its_share_and_keeps_the_mean():
    torch.manual_seed(0)
    y = Dropout(0.3).train()(torch.ones(16, 50, 64))
    assert y.unique().tolist() == pytest.approx([0, 1 / 0.7], rel=0.01)
    assert (y == 0).float().mean().item() == pytest.approx(0.3, abs=0.05)
    assert y.mean().item() == pytest.approx(1, abs=0.07)


# Traces


def traced(layer, example, *others):
    """The graph of a layer, run by ONNX Runtime on other inputs than its example."""
    buffer = io.BytesIO()
    axes = {name: {0: "B", 1: "J"} for name in ("x", "y")}
    with warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            layer,
            (example,),
            buffer,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes=axes,
            opset_version=18,
            dynamo=False,
        )
    session = onnxruntime.InferenceSession(buffer.getvalue(), providers=["CPUExecutionProvider"])
    return [torch.from_numpy(session.run(None, {"x": each.numpy()})[0]) for each in others]


@pytest.mark.parametrize("causal", [False, True])
def test_a_trace_of_attention_holds_for_every_length(causal):
    layer = attention(causal).requires_grad_(False)
    others = [torch.randn(b, j, WIDTH) for b, j in ((1, 1), (2, 3), (3, 4), (1, 5), (2, 61))]
    for x, found in zip(others, traced(layer, torch.randn(2, 9, WIDTH), *others), strict=True):
        torch.testing.assert_close(found, layer(x), atol=1e-5, rtol=1e-5)


def test_a_trace_of_summed_features_holds_for_every_number_of_rows():
    layer = FeatureSum((3, 1, 5), WIDTH).requires_grad_(False)
    others = [torch.randint(NONE, 1, (b, j, 3)) for b, j in ((1, 1), (2, 3), (3, FEW_ROWS))]
    example = torch.zeros(2, 5, 3, dtype=torch.int64)
    for x, found in zip(others, traced(layer, example, *others), strict=True):
        torch.testing.assert_close(found, layer(x))
