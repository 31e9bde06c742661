"""The two-sample test, on sets whose difference is known."""

import sys

import numpy as np
import pytest

from musicae.core.chorale import Chorale
from musicae.core.errors import MusicaeError
from musicae.corpus import load
from musicae.evaluation.two_sample import tell_apart, traits
from tests.support.wrecks import with_noise, with_voice_shifted


def draw(n, shift=0.0, seed=0, traits_each=4):
    """Made-up chorales whose first trait is shifted."""
    values = np.random.default_rng(seed).normal(size=(n, traits_each))
    values[:, 0] += shift
    return [{f"trait {i}": value for i, value in enumerate(row)} for row in values]


def test_different_sets_are_distinguished_by_the_named_trait():
    found = tell_apart(draw(40, shift=10), draw(60, seed=1))
    assert found.auc == 1
    assert found.interval == (1, 1)
    assert found.telling[0] == "more trait 0"


def test_the_auc_is_that_of_the_best_classifier():
    # Two normal distributions 1.5 deviations apart: Phi(1.5 / sqrt(2)) = 0.856.
    found = tell_apart(draw(200, shift=1.5), draw(200, seed=1))
    assert found.auc == pytest.approx(0.856, abs=0.03)
    assert found.interval[0] < 0.856 < found.interval[1]


def test_equal_sets_are_not_distinguished():
    within = 0
    for seed in range(10):
        low, high = tell_apart(draw(40, seed=seed), draw(40, seed=seed + 50)).interval
        within += low <= 0.5 <= high
    assert within >= 9


def test_chorales_of_one_group_do_not_help_to_judge_each_other():
    """Each chorale occurs five times: a classifier could learn one copy from the other four."""
    first, second = draw(10, traits_each=40), draw(10, seed=1, traits_each=40)
    sets = first * 5, second * 5
    groups = [f"first {i}" for i in range(10)] * 5, [f"second {i}" for i in range(10)] * 5
    assert tell_apart(*sets).auc > 0.99
    grouped = tell_apart(*sets, groups)
    assert grouped.interval[0] < 0.5 < grouped.interval[1]


def test_versions_of_one_melody_stay_in_one_fold():
    """Each melody has a version in both sets. If one is in training, its traits predict the wrong
    set for the other."""
    melodies = draw(40, traits_each=40)
    groups = range(40), range(40)
    assert tell_apart(melodies, melodies).auc < 0.2
    assert tell_apart(melodies, melodies, groups).auc == pytest.approx(0.5)


def test_the_same_seed_gives_the_same():
    sets = draw(20, shift=1), draw(20, seed=1)
    assert tell_apart(*sets, seed=3) == tell_apart(*sets, seed=3)
    assert tell_apart(*sets, seed=3) != tell_apart(*sets, seed=4)


@pytest.mark.parametrize(("first", "second"), [([], draw(9)), (draw(9), draw(4))])
def test_too_few_chorales_are_refused(first, second):
    with pytest.raises(MusicaeError, match="at least 5"):
        tell_apart(first, second)


def test_the_fewest_chorales_give_a_wide_interval():
    low, high = tell_apart(draw(5), draw(5, seed=1)).interval
    assert high - low > 0.5


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MusicaeError, match=r"pip install 'musicae\[evaluate\]'"):
        tell_apart(draw(9), draw(9))


def test_neither_length_nor_key_is_a_trait():
    once = [[(0, 4, p), (4, 4, p + 2), (8, 8, p)] for p in (72, 67, 64, 48)]
    twice = [[*voice, *((16 + b, n, p) for b, n, p in voice)] for voice in once]
    higher = [[(b, n, p + 3) for b, n, p in voice] for voice in once]
    short, long, transposed = (traits(Chorale.from_notes(v)) for v in (once, twice, higher))
    assert transposed == short
    # Only the intervals from the end back to the beginning are new, and the traits that use them.
    changed = {name for name in short if long[name] != pytest.approx(short[name])}
    intervals = ("distance", "repeats", "steps", "thirds", "falls")
    assert all(name.endswith(intervals) for name in changed)


class Side:
    """A side of the corpus: the traits of its chorales and their tunes."""

    def __init__(self, name):
        everything = load.load()
        self.chorales = everything.side(name)
        sides = zip(everything.tunes, everything.sides, strict=True)
        self.tunes = [tune for tune, side in sides if side == name]
        self.traits = [traits(chorale) for chorale in self.chorales]


@pytest.fixture(scope="module")
def valid():
    return Side("valid")


def test_held_out_bach_cannot_be_distinguished_from_the_train_side(valid):
    train = Side("train")
    found = tell_apart(valid.traits, train.traits, (valid.tunes, train.tunes))
    assert found.auc == pytest.approx(0.548, abs=0.02)
    assert found.interval[0] < 0.5 < found.interval[1]


@pytest.mark.parametrize(
    "wreck", [lambda c: with_voice_shifted(c, 1, 1), lambda c: with_noise(c, 1)]
)
def test_damaged_bach_is_distinguished_from_bach(valid, wreck):
    damaged = [traits(wreck(chorale)) for chorale in valid.chorales]
    assert tell_apart(damaged, valid.traits, (valid.tunes, valid.tunes)).auc > 0.99
