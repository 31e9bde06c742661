"""Encoding a piece by windows gives the encoding of the whole piece."""

import numpy as np
import pytest

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.decoding import conditioning
from musicae.decoding.conditioning import Conditioning
from musicae.encoding.batches import concatenate, masked_batch
from musicae.encoding.notes import notes_of
from musicae.encoding.partial_score import PartialScore
from musicae.models.checkpoint import load_model

PEDAL = [[(0, 640, 43)]]
"""A bass note that is held for forty bars."""


@pytest.fixture(scope="module")
def batch():
    tune = [(4 * i, 4, 67 + i * i % 7) for i in range(160)]
    inner = [(64 * i + 5, 50, 62) for i in range(10)]
    scores = [
        PartialScore.of(Chorale.from_notes([tune, *others]), (0, 3), key=Key(1), phrases=(60, 636))
        for others in ([[], [], *PEDAL], [inner, [], [(0, 300, 43), (310, 330, 50)]])
    ]
    # An alto that is known in part, so that some leaps start from unknown notes.
    known = np.zeros((640, 4), dtype=np.bool_)
    known[100:300, 1] = True
    some = Chorale.from_notes([tune, inner, [], *PEDAL])
    scores.append(PartialScore.of(some, (0,), known=known, key=Key(1)))
    return concatenate([masked_batch(score, load_model("harmonizer").config) for score in scores])


@pytest.mark.parametrize("at_once", [1, 2048])
def test_windows_give_the_encoding_of_the_whole(batch, monkeypatch, at_once):
    model = load_model("harmonizer")
    (whole,) = model.run(
        "known",
        notes=notes_of(batch.tokens, np.array(model.config.lowest)),
        known=batch.known,
        context=batch.context,
        tonic=batch.tonic,
    )
    monkeypatch.setattr(conditioning, "WINDOW", 90)
    monkeypatch.setattr(conditioning, "AT_ONCE", at_once)
    read = Conditioning(model, batch)
    assert read.shape == whole.shape
    assert np.abs(read[:, :] - whole).max() < 1e-4
    assert np.abs(read[:, 80:200] - whole[:, 80:200]).max() < 1e-4
    for frame in (0, 89, 90, 351, 10):
        assert np.abs(read[np.array([2, 0]), frame] - whole[[2, 0], frame]).max() < 1e-4
