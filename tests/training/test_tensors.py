"""Tensors made from encodings; functions give the same for tensors as for arrays."""

import numpy as np
import torch
from hypothesis import given

from musicae.encoding import tokens as encoding
from musicae.encoding.tokens import ACCOMPANIMENT, chorale_to_tokens
from musicae.models.batches import BeatBatch, MaskedBatch
from musicae.training import tensors
from tests.support.strategies import chorales


def test_nested_batches_keep_their_types_and_share_no_memory():
    known = np.ones((1, 2, 4), dtype=np.bool_)
    known.flags.writeable = False
    masked = MaskedBatch(np.zeros((1, 2, 4), np.int64), known, np.ones((1, 2, 3)), np.array([7]))
    found = tensors.tensors(BeatBatch(masked, np.array([[0]])))
    assert isinstance(found, BeatBatch)
    assert isinstance(found.masked, MaskedBatch)
    assert [part.dtype for part in (*found.masked, found.beats)] == [
        torch.int64,
        torch.bool,
        torch.float64,
        torch.int64,
        torch.int64,
    ]
    found.masked.tokens.add_(1)
    assert not masked.tokens.any()
    assert found.masked.known.all()


@given(chorales())
def test_tensors_are_flattened_as_arrays_are(chorale):
    tokens = chorale_to_tokens(chorale)[None]
    flat = tensors.flatten(torch.from_numpy(tokens), ACCOMPANIMENT)
    assert flat.dtype == torch.float32
    assert np.array_equal(flat, encoding.flatten(tokens, ACCOMPANIMENT))
    starts = tensors.symbol_starts(torch.from_numpy(tokens))
    assert np.array_equal(starts, encoding.symbol_starts(tokens))
