"""Mending a broken rule of voice leading: the best of several drafts of these bars."""

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
"""The number of seeds, and of plans with each seed."""


def mended(
    violation: Violation,
    music: LiveMusic,
    window: Window,
    tries: Iterable[tuple[Written, ChangedBars]],
    ensemble: Ensemble | None,
) -> ChangedBars | None:
    """The likeliest draft of a window that mends a violation; None if no draft does.

    With such a draft, the piece has fewer violations than now, none of this rule at this place, and
    all given chords that sound now. ``tries`` are the drafts with their rewritten bars.
    """
    from musicae.decoding.given_chords import incomplete

    given = window.partial().given
    strict = violation.rule in STRICT_RULES
    missed = len(incomplete(window.read, given))
    before: int | None = None
    for written, changed in sorted(tries, key=lambda each: each[0].cost):
        # Checking the window alone is quick.
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
    """Whether ``found``, whose steps count from ``start``, has the same violation at its place."""
    since, step = violation.since - start, violation.step - start
    return any(
        other.rule == violation.rule and other.since <= step and since <= other.step
        for other in found
    )


def _violations(chorale: Chorale, ensemble: Ensemble | None, strict: bool) -> list[Violation]:
    """The violations as in the report of a piece for this ensemble."""
    if ensemble is None:
        return check(chorale, strict, VOICE_RANGES)
    ranges = [voice.range if voice else ANY_PITCH for voice in ensemble.voices]
    few = OF_THREE_VOICES if len(ensemble.there) < 3 else ()
    return [each for each in check(chorale, strict, ranges) if each.rule not in few]
