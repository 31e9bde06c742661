"""How much a chorale is like Bach's: the grade of *Bach or Mock?*, and its chord progressions.

The grade is that of Fang, Liu, Seetharaman and Pardo, *Bach or Mock? A Grading Function for
Chorales in the Style of J.S. Bach* (2020, arXiv 2006.13329), computed as in their published code:
for each of nine histograms of the chorale, the Wasserstein distance to Bach's histogram. The grade
is the sum of the nine distances; lower is better. The categories have no natural order, so they are
put in a row, one unit apart: Bach's categories from the most frequent to the rarest, then those
that Bach never has. Only the lengths of repeated sequences have a scale of their own, in
sixteenths. Notes, chords and intervals are compared with those of Bach's chorales in the same mode.
The key is found from the notes, and fermatas are ignored, so the grade does not depend on what a
file states about key and phrases.

Differences from the paper, and their reasons:

- Notes are semitones above the tonic and intervals are semitones; the paper uses their names, which
  MIDI files do not have. The first interval of each voice counts; the paper's code drops it.
- The quality of a chord is its set of pitch classes; sets that are rare in Bach are one category.
  The paper uses about twenty names of music21, and one category for chords without a name.
- Each parallel counts. The paper multiplies two numbers: the distance between the chorale's mix of
  fifths and octaves and Bach's mix, and the frequency of parallels relative to Bach's. So any
  number of parallels costs nothing if the mix is Bach's. If all parallels are of one kind, which is
  the most frequent case, both methods give the same value.
- A rest lasts until the next note: it does not matter how a score divides it.

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
"""The version of the file format; files with another number are refused."""

BY_MODE = ("note", "harmonic_quality", *INTERVALS)
"""The features with one reference histogram for each mode; the others have one for both."""
BOTH = "both"

OTHER = "other"
RARE_SHARE = 0.005
"""Sonorities with a smaller share among Bach's in their mode are in the category ``OTHER``."""

SMOOTHING = 0.1
"""Added to the count of every progression. Of 0.01, 0.03, 0.1, 0.3 and 1 it gives the lowest
surprise of the validation side's chords."""

Histogram = Mapping[str, int]
"""Category -> count."""


class Grade(NamedTuple):
    """The distance of a chorale from Bach in each feature; lower is better."""

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
        """The grade: the unweighted sum of the features."""
        return sum(self)


@dataclass(frozen=True)
class Reference:
    """Statistics of Bach's chorales with which a chorale is compared.

    Args:
        chorales: the number of chorales.
        notes: the number of their notes.
        features: for each feature of ``Grade`` and each mode, or ``"both"``, the histogram.
        progressions: for each mode and chord, the counts of the chords that follow it; see
            ``Style``.
        surprise: the median ``progression_surprise`` of held-out chorales, in nats per chord.
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
        """The reference as JSON text; equal references give equal text."""
        return (
            json.dumps({"format": REFERENCE_FORMAT} | vars(self), indent=0, sort_keys=True) + "\n"
        )

    def save(self, path: Path | str) -> None:
        """Write it for ``load_reference``, completely or not at all. Raises ChoraleError."""
        with whole_file(Path(path)) as partial:
            partial.write_text(self.to_json(), encoding="utf-8")


@lru_cache(maxsize=4)
def load_reference(path: Path = REFERENCE_FILE) -> Reference:
    """Read a saved reference; by default the one that ships with the package.

    Raises MusicaeError if the file does not exist or is no reference of this version.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts.pop("format") != REFERENCE_FORMAT:
            raise MusicaeError(
                f"{path}: this reference was made by another version of musicae; make it again"
            )
        return Reference(**facts)
    except MusicaeError:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise MusicaeError(f"{path}: is not a reference, or is damaged ({error})") from None


def grade(chorale: Chorale, reference: Reference | None = None) -> Grade:
    """The grade of a chorale; the default reference is the one that ships.

    Raises MusicaeError if a voice is silent.
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
    """The mean negative log-probability of each chord given the chord before, in nats per chord.

    The probabilities are the shares of the chords that follow the same chord in Bach's chorales of
    the same mode; ``SMOOTHING`` is added to each count. A chorale without progressions has the
    value of a uniform distribution over all chords. Raises MusicaeError if a voice is silent.
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
    """``progression_surprise`` minus the median of held-out Bach, in nats per chord.

    Below 0 the progressions are more common than Bach's. Raises MusicaeError if a voice is silent.
    """
    reference = reference or load_reference()
    return progression_surprise(chorale, reference) - reference.surprise


def histogram_distance(histogram: Histogram, bach: Histogram) -> float:
    """The Wasserstein distance of two histograms with their categories in a row, one unit apart.

    Bach's categories come first, the most frequent one at the beginning. The others follow, the
    most frequent one at the end. An empty histogram, such as the intervals of a voice with one
    note, counts as one category of its own.

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
    """The Wasserstein distance of lengths in sixteenths; an empty histogram counts as length 0."""
    histogram, bach = histogram or {"0": 1}, bach or {"0": 1}
    longest = max(map(int, (*histogram, *bach)))
    return _wasserstein(
        *([counts.get(str(n), 0) for n in range(longest + 1)] for counts in (histogram, bach))
    )


def _wasserstein(a: Sequence[int], b: Sequence[int]) -> float:
    """The Wasserstein distance between counts at places that are one unit apart."""
    moved = np.cumsum(np.array(a) / sum(a) - np.array(b) / sum(b))  # mass moved past each place
    return float(np.abs(moved).sum())


def _excess(errors: Histogram, bach: Histogram) -> float:
    """The weighted number of errors, divided by the number of Bach's errors.

    The weight of an error is the share of the other kind among Bach's errors. This is the
    Wasserstein distance between a chorale with this one error and Bach's mix.
    """
    total = max(sum(bach.values()), 1)  # a few chorales may have none
    return sum(n * (1 - bach.get(kind, 0) / total) for kind, n in errors.items()) / total


def _reduced(histogram: Histogram, usual: Container[str]) -> Counter[str]:
    """The histogram with all categories that are not ``usual`` moved to ``OTHER``."""
    reduced: Counter[str] = Counter()
    for category, n in histogram.items():
        reduced[category if category in usual else OTHER] += n
    return reduced


def _mode(feature: str, mode: str) -> str:
    return mode if feature in BY_MODE else BOTH
