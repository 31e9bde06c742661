"""Of several drafts one is kept: those far behind end early, which does not change the others."""

import numpy as np
import pytest

from musicae.decoding import compiled, drafts
from musicae.decoding.choice import SamplingOptions
from musicae.decoding.drafts import REACH, SLACK, hopeless
from musicae.decoding.sampler import sample
from musicae.encoding.partial_score import PartialScore
from musicae.models.checkpoint import load_model
from tests.support.passages import passage

TUNE = passage("S  C5 D5 G5 -- .. D5 E5 -- C5 D5 E5 D5 C5 -- -- --")
GROUPS = np.array([0, 0, 0, 1, 1])


def drawn(groups):
    partials = [PartialScore.of(TUNE, voices=(0,))] * len(GROUPS)
    return sample(load_model("harmonizer"), partials, SamplingOptions(1.0, 3), groups=groups)


def test_drafts_far_behind_the_best_of_their_group_are_hopeless():
    nats = np.array([100.0, 100 + SLACK + 4 * REACH - 1, 100 + SLACK + 4 * REACH + 1, 900, 901])
    assert hopeless(nats, GROUPS, 16).tolist() == [False, False, True, False, False]
    assert not hopeless(nats, GROUPS, 100).any()


@pytest.mark.parametrize("by_numpy", [False, True])
def test_kept_drafts_do_not_change_and_the_others_have_infinite_nats(monkeypatch, by_numpy):
    if by_numpy:
        monkeypatch.setattr(compiled, "can_write", lambda _: False)
    whole = drawn(None)
    assert np.isfinite(whole.nats).all()
    assert np.array_equal(drawn(GROUPS).tokens[[0, 3]], whole.tokens[[0, 3]])
    # With these settings, each draft that is behind after the first bar ends there.
    monkeypatch.setattr(drafts, "SLACK", 0.0)
    monkeypatch.setattr(drafts, "REACH", 0.0)
    found = drawn(GROUPS)
    kept = np.flatnonzero(np.isfinite(found.nats))
    assert GROUPS[kept].tolist() == [0, 1]
    assert np.array_equal(found.tokens[kept], whole.tokens[kept])
    assert found.nats[kept] == pytest.approx(whole.nats[kept], rel=1e-6)


def test_groups_stay_together_on_any_number_of_cores(monkeypatch):
    monkeypatch.setattr(drafts, "SLACK", 0.0)
    monkeypatch.setattr(drafts, "REACH", 0.0)
    found = []
    for cores in (1, 2, 3):
        monkeypatch.setattr(compiled, "own_cores", lambda cores=cores: cores)
        found.append(drawn(GROUPS))
    for other in found[1:]:
        assert np.array_equal(other.tokens, found[0].tokens)
        assert np.array_equal(other.nats, found[0].nats)
