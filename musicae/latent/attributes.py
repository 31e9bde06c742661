"""Attributes of a chorale as numbers, which sliders change."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER
from musicae.core.key import SCALES
from musicae.theory.key_finding import likely_key
from musicae.theory.plan_reading import plan_of
from musicae.theory.sonorities import sonorities

_AT_REST = ("major", "minor", "open")


def activity(chorale: Chorale) -> float:
    """Notes per quarter and voice."""
    return float(STEPS_PER_QUARTER * chorale.onset.mean())


def chromaticism(chorale: Chorale) -> float:
    """The share of notes, 0 to 1, outside the scale of the likeliest key."""
    key = likely_key(chorale)
    degrees = (chorale.pitch[chorale.onset] - key.tonic) % 12
    return float((~np.isin(degrees, SCALES[key.mode])).mean()) if degrees.size else 0.0


def register(chorale: Chorale) -> float:
    """The mean pitch over steps and voices, as a MIDI number."""
    sounding = chorale.pitch[chorale.pitch != REST]
    return float(sounding.mean()) if sounding.size else 0.0


def dissonance(chorale: Chorale) -> float:
    """The share of time, 0 to 1, without a major triad, minor triad or open fifth."""
    chords = sonorities(chorale)
    lengths = np.diff([*chords.steps.tolist(), len(chorale)])
    rests = [harmony is not None and harmony.quality in _AT_REST for harmony in chords.harmonies]
    return float(lengths[~np.array(rests, dtype=bool)].sum() / max(1, lengths.sum()))


def harmonic_rhythm(chorale: Chorale) -> float:
    """Changes of chord per quarter, counted from beat to beat."""
    chords = [chord for chord in plan_of(chorale, likely_key(chorale)).chords if chord]
    changes = sum(now != before for before, now in pairwise(chords))
    return STEPS_PER_QUARTER * changes / len(chorale)


ATTRIBUTES = {
    "activity": activity,
    "chromaticism": chromaticism,
    "register": register,
    "dissonance": dissonance,
    "harmonic rhythm": harmonic_rhythm,
}
"""The functions by name, in the order of ``measured``."""


def measured(chorale: Chorale) -> tuple[float, ...]:
    """The values of all ``ATTRIBUTES``."""
    return tuple(measure(chorale) for measure in ATTRIBUTES.values())
