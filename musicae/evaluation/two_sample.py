"""A classifier two-sample test: can a classifier tell the chorales of two sets apart?

The classifier's features are shares of notes, lengths, intervals and sonorities, which need no
rules of harmony, and the distances of ``bach_likeness`` to Bach. It is tested on chorales that it
was not trained on. An AUC of 0.5 means that it cannot tell the sets apart by these features. A
better classifier or other features may still be able to.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST, STEPS_PER_QUARTER, VOICES
from musicae.core.errors import MusicaeError
from musicae.evaluation.bach_likeness import Reference, grade, load_reference
from musicae.evaluation.histograms import INTERVALS, style
from musicae.evaluation.statistics import RESAMPLES, TAILS

Traits = Mapping[str, float]

FOLDS = 5
REPEATS = 10
"""The number of random divisions into folds."""
REGULARIZATION = 0.1
"""scikit-learn's ``C``; small, because there are about as many traits as chorales."""
WIDENING = math.sqrt((2 * FOLDS - 1) / (FOLDS - 1))
"""The bootstrap's interval is widened by this factor. The bootstrap assumes independent folds, but
their classifiers were trained on the same chorales (Nadeau and Bengio, *Inference for the
Generalization Error*, 2003). For random sets of 38 and 76 chorales of the train side the interval
contained 0.5 in 97 of 100 cases with this factor, and in 87 without."""
TELLING = 5
"""The number of features in ``Apart.telling``."""

LENGTHS = (1, 2, 4, 6, 8)
"""The lengths of most of Bach's notes, in sixteenths."""
_SONORITIES = ("0 4 7", "0 3 7", "0 3 6", "0 3 6 8", "0 3 5 8", "0 1 5 8", "0 2 5 8", "0 2 7")
"""Bach's most frequent sonorities: major, minor and diminished triads, dominant, minor, major and
half-diminished sevenths, and the suspended fourth."""


class Apart(NamedTuple):
    """How well a classifier tells two sets apart."""

    auc: float
    """The share of pairs, one chorale from each set, that the classifier puts in the right order:
    0.5 is chance."""
    interval: tuple[float, float]
    """The 95% confidence interval of the AUC, by the bootstrap over groups and ``WIDENING``."""
    telling: tuple[str, ...]
    """The features with the largest weights, each with ``more`` or ``less``: whether the first set
    has more or less of it."""


def traits(chorale: Chorale, reference: Reference | None = None) -> dict[str, float]:
    """The classifier's features of a chorale.

    They do not include length and key, nor ``bach_likeness.progression_surprise``, which separates
    the train side from all other chorales. Raises MusicaeError if a voice is silent.
    """
    its = style(chorale)
    counts = its.counts
    distances = grade(chorale, reference or load_reference())._asdict()
    found = {f"{name} distance": value for name, value in distances.items()}
    found["minor"] = float(its.mode == "minor")
    for degree in range(12):
        found[f"degree {degree}"] = _share(counts["note"], str(degree))
    for length in LENGTHS:
        found[f"notes of {length}"] = _share(counts["rhythm"], str(length))
    for chord in _SONORITIES:
        found[f"sonority {chord}"] = _share(counts["harmonic_quality"], chord)
    for voice, name in zip(VOICES, INTERVALS, strict=True):
        sizes = np.array([int(size) for size in counts[name].elements()] or [0])
        found[f"{voice} repeats"] = float((sizes == 0).mean())
        found[f"{voice} steps"] = float(np.isin(np.abs(sizes), (1, 2)).mean())
        found[f"{voice} thirds"] = float(np.isin(np.abs(sizes), (3, 4)).mean())
        found[f"{voice} falls"] = float((sizes < 0).mean())
    return found | _texture(chorale)


def tell_apart(
    first: Sequence[Traits],
    second: Sequence[Traits],
    groups: tuple[Sequence[Hashable], Sequence[Hashable]] | None = None,
    seed: int = 0,
) -> Apart:
    """Cross-validate a logistic regression on the standardized traits of two sets.

    ``groups`` names the group of each chorale of both sets, such as its tune or the melody that it
    harmonizes. The classifier is never trained on one chorale of a group and tested on another: in
    the same set that would be too easy, in the other set too hard. Without ``groups`` each chorale
    is its own group. The same seed gives the same result. Raises MusicaeError if scikit-learn is
    missing, or if a set has fewer groups than ``FOLDS``.
    """
    names = list(first[0]) if first else []
    table = np.array([[chorale[name] for name in names] for chorale in (*first, *second)])
    is_first = np.repeat([True, False], [len(first), len(second)])
    belongs = _numbers([*groups[0], *groups[1]]) if groups else np.arange(len(table))
    for side in (belongs[is_first], belongs[~is_first]):
        if len(np.unique(side)) < FOLDS:
            raise MusicaeError(
                f"the two-sample test needs at least {FOLDS} chorales or melodies in each set"
            )
    right, compared, slopes = _cross_validate(table, is_first, belongs, seed)
    auc = right.sum() / compared.sum()
    weights = _draws(belongs, seed)
    a, b = weights[:, is_first], weights[:, ~is_first]
    correct, all_pairs = (((a @ pairs) * b).sum(axis=1) for pairs in (right, compared))
    both = all_pairs > 0  # with few groups, a draw may have groups of one set only
    drawn = correct[both] / all_pairs[both]
    low, high = np.clip(auc + WIDENING * (np.quantile(drawn, TAILS) - auc), 0, 1)
    strongest = np.argsort(-np.abs(slopes), kind="stable")[:TELLING]
    telling = tuple(f"{'more' if slopes[i] > 0 else 'less'} {names[i]}" for i in strongest)
    return Apart(float(auc), (float(low), float(high)), telling)


def _cross_validate(
    table: NDArray[np.float64], is_first: NDArray[np.bool_], belongs: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Cross-validated comparisons of each chorale of the first set with each of the second.

    The classifiers of a comparison were trained on neither of the two chorales. Returns the number
    of right comparisons ``(n, m)``, the number of all comparisons ``(n, m)``, and the coefficients
    ``(F,)`` of a classifier that was trained on all chorales.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedGroupKFold
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise MusicaeError(
            "the two-sample test needs scikit-learn: pip install 'musicae[evaluate]'"
        ) from None
    classifier = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=REGULARIZATION, class_weight="balanced", max_iter=1000),
    )
    places = np.where(is_first, np.cumsum(is_first), np.cumsum(~is_first)) - 1
    right = np.zeros((is_first.sum(), (~is_first).sum()))
    compared = np.zeros_like(right)
    with threadpool_limits(1):  # more threads are slower: the tables are small
        for repeat in range(REPEATS):
            folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed + repeat)
            for learnt, judged in folds.split(table, is_first, belongs):
                classifier.fit(table[learnt], is_first[learnt])
                scores = classifier.decision_function(table[judged])
                a, b = is_first[judged], ~is_first[judged]
                pairs = np.ix_(places[judged[a]], places[judged[b]])
                compared[pairs] += 1
                right[pairs] += (1 + np.sign(scores[a][:, None] - scores[b])) / 2
        slopes = classifier.fit(table, is_first)[-1].coef_[0]
    return right, compared, slopes


def _numbers(groups: Sequence[Hashable]) -> NDArray[np.int64]:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups])


def _draws(belongs: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """``(RESAMPLES, n)`` the number of times that each chorale is in each bootstrap sample of the
    groups."""
    groups = int(belongs.max()) + 1
    shares = np.full(groups, 1 / groups)
    drawn = np.random.default_rng(seed).multinomial(groups, shares, size=RESAMPLES)
    return drawn[:, belongs].astype(np.float64)


def _share(counts: Mapping[str, int], name: str) -> float:
    return counts.get(name, 0) / max(sum(counts.values()), 1)


def _texture(chorale: Chorale) -> dict[str, float]:
    """Features of texture: density, ranges, distances and independence of the voices."""
    pitch, onset = chorale.pitch.astype(np.int64), chorale.onset
    sounding = pitch != REST
    into_beat = (np.arange(len(onset)) - chorale.pickup) % STEPS_PER_QUARTER
    found = {
        "voices that begin together": onset[onset.any(axis=1)].mean(),
        "notes on half beats": onset[into_beat == STEPS_PER_QUARTER // 2].sum() / onset.sum(),
        "notes on other sixteenths": onset[into_beat % 2 == 1].sum() / onset.sum(),
    }
    for voice, name in enumerate(VOICES):
        sung = pitch[sounding[:, voice], voice]
        found[f"{name} notes a sixteenth"] = onset[:, voice].mean()
        found[f"{name} range"] = np.ptp(sung)
    for upper, lower in pairwise(range(N_VOICES)):
        gap = (pitch[:, upper] - pitch[:, lower])[sounding[:, upper] & sounding[:, lower]]
        name = f"{VOICES[upper]} above {VOICES[lower]}"
        found[f"{name}, mean"] = gap.mean() if gap.size else 0.0
        found[f"{name}, deviation"] = gap.std() if gap.size else 0.0
    return {name: float(value) for name, value in found.items()}
