"""Mending a place where a rule of voice leading is broken: the best of several ways to write it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from musicae.api.check import ANY_PITCH, OF_THREE_VOICES
from musicae.core.chorale import Chorale
from musicae.core.constants import VOICE_RANGES
from musicae.theory.voice_leading.rules import STRICT_RULES, Violation, check

if TYPE_CHECKING:
    from musicae.api.live_music import ChangedBars, LiveMusic
    from musicae.api.live_window import Window, Written
    from musicae.core.ensembles import Ensemble

TRIES, PLANS = 3, 2
"""How many seeds are tried, and plans with each."""


def mended(
    violation: Violation,
    music: LiveMusic,
    window: Window,
    tries: Iterable[tuple[Written, ChangedBars]],
    ensemble: Ensemble | None,
) -> ChangedBars | None:
    """The likeliest of some ways to write a window without a violation that stands in it.

    The piece has fewer violations than now, none of this rule where this one is, and all given
    chords that sound now. None where there is no such way. ``tries`` are the ways with their open
    bars.
    """
    from musicae.decoding.given_chords import incomplete

    given = window.partial().given
    strict = violation.rule in STRICT_RULES
    missed = len(incomplete(window.read, given))
    before: int | None = None
    for written, changed in sorted(tries, key=lambda each: each[0].cost):
        # The bars alone are looked at first, for that is quick.
        if _is_broken(violation, _violations(written.chorale, ensemble, strict), window.start):
            continue
        if len(incomplete(written.chorale, given)) > missed:
            continue
        if before is None:
            before = len(_violations(music.chorale, ensemble, strict))
        left = _violations(music.chorale_with(changed), ensemble, strict)
        if len(left) < before and not _is_broken(violation, left, 0):
            return changed
    return None


def _is_broken(violation: Violation, found: Iterable[Violation], start: int) -> bool:
    """Whether a rule is broken where a violation stands, if the steps found count from a start."""
    since, step = violation.since - start, violation.step - start
    return any(
        other.rule == violation.rule and other.since <= step and since <= other.step
        for other in found
    )


def _violations(chorale: Chorale, ensemble: Ensemble | None, strict: bool) -> list[Violation]:
    """The violations that the report of a piece for an ensemble counts."""
    if ensemble is None:
        return check(chorale, strict, VOICE_RANGES)
    ranges = [voice.range if voice else ANY_PITCH for voice in ensemble.voices]
    few = OF_THREE_VOICES if len(ensemble.there) < 3 else ()
    return [each for each in check(chorale, strict, ranges) if each.rule not in few]
