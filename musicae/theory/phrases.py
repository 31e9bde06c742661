"""The melody of a piece, and the position of its notes in their bars.

A network finds the ends of phrases; see ``decoding.phrases``.
"""

from __future__ import annotations

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import N_VOICES
from musicae.core.meter import Measure

NO_PHRASES, INFER_PHRASES = "none", "infer"
"""The values of the option ``phrases`` that are not paths of files."""


def melody_of(chorale: Chorale) -> list[Note]:
    """The notes of the highest voice that has any; empty if none has."""
    return next((notes for v in range(N_VOICES) if (notes := chorale.notes(v))), [])


def steps_into_bar(chorale: Chorale, bar: Measure, step: int) -> int:
    """The steps from the beginning of a bar to ``step``. A pickup is the end of a whole bar."""
    missing = bar.meter.steps_per_bar - chorale.pickup if not bar.start and chorale.pickup else 0
    return step - bar.start + missing
