"""Mending a place where a rule of voice leading is broken: the best of several ways to write it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from musicae.api.check import ANY_PITCH, OF_THREE_VOICES
from musicae.core.chorale import Chorale
from musicae.core.constants import VOICE_RANGES
from musicae.theory.voice_leading.rules import STRICT_RULES, Violation, check

if TYPE_CHECKING:
    from musicae.api.live_window import Window, Written
    from musicae.core.ensembles import Ensemble

TRIES, PLANS = 3, 2
"""How many seeds are tried, and plans with each."""


def mended(
    violation: Violation, window: Window, tries: Iterable[Written], ensemble: Ensemble | None
) -> Written | None:
    """The likeliest of some ways to write a window without a violation that stands in it.

    It has fewer violations than there are now, none of this rule where this one is, and all given
    chords that sound now. None where there is none.
    """
    from musicae.decoding.given_chords import incomplete

    given = window.partial().given
    strict = violation.rule in STRICT_RULES
    since, step = violation.since - window.start, violation.step - window.start
    count = len(_violations(window.read, ensemble, strict=strict))
    missed = len(incomplete(window.read, given))
    found = []
    for each in tries:
        left = _violations(each.chorale, ensemble, strict=strict)
        again = any(
            other.rule == violation.rule and other.since <= step and since <= other.step
            for other in left
        )
        if not again and len(left) < count and len(incomplete(each.chorale, given)) <= missed:
            found.append(each)
    return min(found, key=lambda each: each.cost, default=None)


def _violations(chorale: Chorale, ensemble: Ensemble | None, *, strict: bool) -> list[Violation]:
    """The violations that the report of a piece for an ensemble counts."""
    if ensemble is None:
        return check(chorale, strict, VOICE_RANGES)
    ranges = [voice.range if voice else ANY_PITCH for voice in ensemble.voices]
    few = OF_THREE_VOICES if len(ensemble.there) < 3 else ()
    return [each for each in check(chorale, strict, ranges) if each.rule not in few]
