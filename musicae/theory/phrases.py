"""Phrases of a melody: which notes the melody is, and where in their bars they are.

Where phrases end is found by a network; see ``decoding.phrases``.
"""

from __future__ import annotations

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import N_VOICES
from musicae.core.meter import Measure

NO_PHRASES, INFER_PHRASES = "none", "infer"
"""The values of ``phrases`` that are not paths of files."""


def melody_of(chorale: Chorale) -> list[Note]:
    """The notes of the highest voice that sounds; empty where none does."""
    return next((notes for v in range(N_VOICES) if (notes := chorale.notes(v))), [])


def steps_into_bar(chorale: Chorale, bar: Measure, step: int) -> int:
    """How many steps after the beginning of its bar a step is; a pickup is the end of a bar."""
    missing = bar.meter.steps_per_bar - chorale.pickup if not bar.start and chorale.pickup else 0
    return step - bar.start + missing
