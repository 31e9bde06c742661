"""How much a chorale is like Bach's: the grade of *Bach or Mock?*, and its chord progressions.

The grade is that of Fang, Liu, Seetharaman and Pardo, *Bach or Mock? A Grading Function for
Chorales in the Style of J.S. Bach* (2020, arXiv 2006.13329), as their published code takes it:
nine histograms of the chorale, each one's Wasserstein distance to Bach's, and their plain sum;
lower is better. Categories have no order of their own, so they stand in a row, one place apart:
Bach's from the most frequent on, then what Bach never has. Only the lengths of repeated sequences
are a scale already, in sixteenths. Notes, chords and intervals are held against those of Bach's
chorales in the same mode. The key is read from the notes, and fermatas are not looked at, so that
music is judged alike whatever its file says of it.

Where this departs from the paper, and why:

- Notes are semitones above the tonic and intervals are semitones, where the paper has their names:
  MIDI does not tell them. The first interval of each voice counts; the paper's code drops it.
- The quality of a chord is the set of its pitch classes, and what is rare in Bach is one category.
  The paper has some twenty names of music21's, and one category for what has none.
- Each parallel counts by itself. The paper takes the distance of the mix of fifths and octaves to
  Bach's mix, times how frequent they are beside Bach's, so that any number of them is free as long
  as the mix is his. Where all are of one kind, which is most often, both come to the same.
- A rest lasts until the next note: how a score divides it makes no difference.

The reference is made from the train side of the corpus and ships with the package.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musicae.core import assets
from musicae.core.chorale import Chorale
from musicae.core.errors import MusicaeError
from musicae.core.files import whole_file
from musicae.core.key import MODES
from musicae.evaluation.histograms import INTERVALS, N_CHORDS, style

REFERENCE_FILE = assets.BACH_FIGURES / "histograms.json"
"""The reference that ships with the package."""
REFERENCE_FORMAT = 1
"""The version of the file format; another number means other facts."""

BY_MODE = ("note", "harmonic_quality", *INTERVALS)
"""The features that have a reference for each mode; the others have one."""
BOTH = "both"

OTHER = "other"
RARE_SHARE = 0.005
"""Sonorities that are a smaller share of Bach's in their mode are ``OTHER``."""

SMOOTHING = 0.1
"""Added to the count of every progression. Of 0.01, 0.03, 0.1, 0.3 and 1 it makes the valid side's
chords the least surprising."""

Histogram = Mapping[str, int]
"""Category -> how often."""


class Grade(NamedTuple):
    """How far a chorale is from Bach in each feature; lower is better."""

    note: float
    rhythm: float
    parallel_errors: float
    harmonic_quality: float
    soprano_intervals: float
    alto_intervals: float
    tenor_intervals: float
    bass_intervals: float
    repeated_sequences: float

    @property
    def total(self) -> float:
        """The grade: the sum of the features, none weighing more than another."""
        return sum(self)


@dataclass(frozen=True)
class Reference:
    """Statistics of Bach's chorales with which a chorale is compared.

    Args:
        chorales: how many it was made from.
        notes: how many notes these have.
        features: for each feature of ``Grade`` and each mode, or ``"both"``, the histogram.
        progressions: for each mode and chord, how often each chord follows it; see ``Style``.
        surprise: the median ``progression_surprise`` of held-out chorales, in nats a chord.
    """

    chorales: int
    notes: int
    features: Mapping[str, Mapping[str, Histogram]]
    progressions: Mapping[str, Mapping[str, Histogram]]
    surprise: float

    @classmethod
    def of(cls, train: Sequence[Chorale], held_out: Sequence[Chorale]) -> Reference:
        """The sums of the train side's histograms, and the median surprise of held-out chorales."""
        features: dict[str, dict[str, Counter[str]]] = {
            feature: {mode: Counter() for mode in (MODES if feature in BY_MODE else (BOTH,))}
            for feature in Grade._fields
        }
        progressions: dict[str, dict[str, Counter[str]]] = {mode: {} for mode in MODES}
        notes = 0
        for chorale in train:
            its = style(chorale)
            notes += its.notes
            for feature, histogram in its.counts.items():
                features[feature][_mode(feature, its.mode)].update(histogram)
            for chord, following in its.progressions:
                progressions[its.mode].setdefault(chord, Counter())[following] += 1
        for mode, qualities in features["harmonic_quality"].items():
            usual = {name for name, n in qualities.items() if n >= RARE_SHARE * qualities.total()}
            features["harmonic_quality"][mode] = _reduced(qualities, usual)
        reference = cls(len(train), notes, features, progressions, surprise=0.0)
        median = np.median([progression_surprise(chorale, reference) for chorale in held_out])
        return replace(reference, surprise=round(float(median), 6))

    def to_json(self) -> str:
        """Equal references give equal text."""
        return (
            json.dumps({"format": REFERENCE_FORMAT} | vars(self), indent=0, sort_keys=True) + "\n"
        )

    def save(self, path: Path | str) -> None:
        """Write it for ``load``, whole or not at all. Raises ChoraleError."""
        with whole_file(Path(path)) as partial:
            partial.write_text(self.to_json(), encoding="utf-8")


@lru_cache(maxsize=4)
def load_reference(path: Path = REFERENCE_FILE) -> Reference:
    """A reference that was saved; without a path the one that ships with the package.

    Raises MusicaeError where there is none or it cannot be read.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts.pop("format") != REFERENCE_FORMAT:
            raise MusicaeError(f"{path}: was made by another version; make the reference anew")
        return Reference(**facts)
    except MusicaeError:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise MusicaeError(f"{path}: is not a reference, or is damaged ({error})") from None


def grade(chorale: Chorale, reference: Reference | None = None) -> Grade:
    """How far a chorale is from Bach; without a reference, from the one that ships.

    Raises MusicaeError where a voice is silent.
    """
    reference = reference or load_reference()
    its = style(chorale)
    counts: dict[str, Histogram] = dict(its.counts)
    bach = {name: reference.features[name][_mode(name, its.mode)] for name in Grade._fields}
    errors, repeats = (counts.pop(name) for name in ("parallel_errors", "repeated_sequences"))
    counts["harmonic_quality"] = _reduced(counts["harmonic_quality"], bach["harmonic_quality"])
    return Grade(
        parallel_errors=_excess(errors, bach["parallel_errors"]) * reference.notes / its.notes,
        repeated_sequences=distance_in_steps(repeats, bach["repeated_sequences"]),
        **{name: histogram_distance(histogram, bach[name]) for name, histogram in counts.items()},
    )


def progression_surprise(chorale: Chorale, reference: Reference | None = None) -> float:
    """How unexpected each chord is after the one before, on average, in nats.

    Expected is what follows the same chord in Bach's chorales of the same mode, ``SMOOTHING``
    added to the count of every chord. Where no two chords follow each other, it is the surprise of
    one chord among all. Raises MusicaeError where a voice is silent.
    """
    reference = reference or load_reference()
    its = style(chorale)
    bach = reference.progressions[its.mode]
    nats = []
    for chord, following in its.progressions:
        seen = bach.get(chord, {})
        share = (seen.get(following, 0) + SMOOTHING) / (sum(seen.values()) + SMOOTHING * N_CHORDS)
        nats.append(-math.log(share))
    return float(np.mean(nats)) if nats else math.log(N_CHORDS)


def progression(chorale: Chorale, reference: Reference | None = None) -> float:
    """``progression_surprise`` minus that of held-out Bach, in nats a chord.

    Below 0 the progressions are more usual than Bach's. Raises MusicaeError where a voice is
    silent.
    """
    reference = reference or load_reference()
    return progression_surprise(chorale, reference) - reference.surprise


def histogram_distance(histogram: Histogram, bach: Histogram) -> float:
    """The Wasserstein distance of categories in a row: Bach's by frequency, then the others.

    The others stand in the order of their number, so that the most frequent is the farthest. To
    have nothing, as a voice of one note has no intervals, is a category by itself.

    >>> bach = {"quarter": 6, "eighth": 3, "half": 1}
    >>> near = histogram_distance({"quarter": 5, "eighth": 5}, bach)
    >>> round(near, 9), histogram_distance({"triplet": 1}, bach)
    (0.2, 2.5)
    """
    histogram, bach = histogram or {"": 1}, bach or {"": 1}
    others = sorted((n, category) for category, n in histogram.items() if category not in bach)
    row = [
        *sorted(bach, key=lambda category: (-bach[category], category)),
        *(category for _, category in others),
    ]
    return _wasserstein(*([counts.get(name, 0) for name in row] for counts in (histogram, bach)))


def distance_in_steps(histogram: Histogram, bach: Histogram) -> float:
    """The Wasserstein distance of lengths in sixteenths; to have none is to have length 0."""
    histogram, bach = histogram or {"0": 1}, bach or {"0": 1}
    longest = max(map(int, (*histogram, *bach)))
    return _wasserstein(
        *([counts.get(str(n), 0) for n in range(longest + 1)] for counts in (histogram, bach))
    )


def _wasserstein(a: Sequence[int], b: Sequence[int]) -> float:
    """Between counts at places that are one apart: what has to be carried past each of them."""
    carried = np.cumsum(np.array(a) / sum(a) - np.array(b) / sum(b))
    return float(np.abs(carried).sum())


def _excess(errors: Histogram, bach: Histogram) -> float:
    """Errors as a share of all of Bach's, each weighed by the share of the other kind in Bach.

    That share is the Wasserstein distance of a chorale's one error to Bach's mix.
    """
    total = max(sum(bach.values()), 1)  # a few chorales may have none
    return sum(n * (1 - bach.get(kind, 0) / total) for kind, n in errors.items()) / total


def _reduced(histogram: Histogram, usual: Container[str]) -> Counter[str]:
    """The same with all that is not usual under ``OTHER``."""
    reduced: Counter[str] = Counter()
    for category, n in histogram.items():
        reduced[category if category in usual else OTHER] += n
    return reduced


def _mode(feature: str, mode: str) -> str:
    return mode if feature in BY_MODE else BOTH
