"""Tonal function: ends, cadences, notes outside the key, chords, agreement with a reference.

These are the qualities that listeners notice first: whether a harmonization ends in its key,
whether its phrases end with cadences, whether its sonorities are chords, and whether its chords are
those of a setting by a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple, get_args

import numpy as np

from musicae.core.chorale import Chorale
from musicae.core.constants import STEPS_PER_WHOLE
from musicae.core.key import Key
from musicae.theory.cadences import CadenceKind
from musicae.theory.function import (
    DOMINANT,
    cadence_kinds,
    foreign_notes,
    full_beats,
    last_chord,
    tertian_beats,
)
from musicae.theory.harmonic_plan import HarmonicPlan
from musicae.theory.plan_reading import plan_of
from musicae.theory.voice_leading.rules import rates

TONIC = 0
_DOUBLED, _SEVENTHS = "doubled leading tone", "unresolved seventh"
"""Rules of ``theory.voice_leading`` that concern tonal function."""
_NO_CADENCE = "other"


class Function(NamedTuple):
    """The measurements of one chorale in its key. Shares are 0 to 1."""

    may_close: bool
    """Whether the soprano's last note belongs to the tonic triad."""
    closes: bool
    """Whether the last chord is the tonic triad in root position; in minor, also the major triad.
    """
    clean: bool
    """Whether the last chord is a triad without other notes."""
    opens: bool
    """Whether the first chord is a tonic or a dominant."""
    foreign: float
    """The share of notes outside the key's scales."""
    tertian: float
    """The share of beats on which a triad or seventh chord sounds."""
    full: float
    """The share of beats on which at least three pitch classes sound."""
    changes: float
    """Changes of chord per whole note of time."""
    phrases: int
    """The number of phrases."""
    cadences: float
    """The share of phrases that end in a cadence."""
    kinds: dict[str, int]
    """The number of phrases that end in each kind of ``cadences.CadenceKind``; ``other`` is no
    cadence."""
    doubled_leading_tones: float
    """Violations per 100 chords."""
    unresolved_sevenths: float
    """Violations per 100 chords."""
    roots: float | None = None
    """The share of beats with the reference's root; None without a reference."""
    chords: float | None = None
    """The share of beats with the reference's root, quality and bass."""


def function_of(
    chorale: Chorale,
    key: Key,
    reference: HarmonicPlan | None = None,
    phrase_ends: Sequence[int] | None = None,
) -> Function:
    """Measure a chorale in four voices in a key, and compare it with the plan of a reference.

    ``reference`` is a plan of the same length. ``phrase_ends`` are the steps at which the last
    notes of phrases begin; by default the chorale's fermatas. The soprano's last note always ends a
    phrase.

    >>> outer = [(0, 4, 71), (4, 4, 72)], [(0, 4, 55), (4, 4, 48)]
    >>> inner = [(0, 4, 67), (4, 4, 67)], [(0, 4, 65), (4, 4, 64)]
    >>> amen = Chorale.from_notes([outer[0], *inner, outer[1]])
    >>> measured = function_of(amen, Key(0))
    >>> measured.closes, measured.kinds, measured.foreign
    (True, {'perfect authentic': 1}, 0.0)
    """
    plan = plan_of(chorale, key)
    first = next((chord for chord in plan.chords if chord), None)
    final = last_chord(chorale, key)
    marked = chorale
    if phrase_ends is not None:
        marked = replace(chorale, fermatas=tuple(sorted(phrase_ends)))
    kinds = {str(kind): count for kind, count in cadence_kinds(marked).items()}
    phrases = sum(kinds.values())
    broken = rates(chorale)
    agreement = _agreement(plan, reference) if reference else (None, None)
    return Function(
        may_close=final.allows_tonic,
        closes=final.is_tonic,
        clean=final.is_clean,
        opens=first is not None and first.root in (TONIC, DOMINANT),
        foreign=float(foreign_notes(chorale, key).mean()),
        tertian=_share(tertian_beats(chorale)),
        full=_share(full_beats(chorale)),
        changes=_changes(plan) * STEPS_PER_WHOLE / len(chorale),
        phrases=phrases,
        cadences=1 - kinds.get(_NO_CADENCE, 0) / phrases if phrases else 0.0,
        kinds=kinds,
        doubled_leading_tones=broken[_DOUBLED],
        unresolved_sevenths=broken[_SEVENTHS],
        roots=agreement[0],
        chords=agreement[1],
    )


def mean_figures(measured: Sequence[Function]) -> dict[str, Any]:
    """The means over chorales, by the names of ``Function``.

    ``closes`` is the mean over chorales whose last soprano note allows the tonic; None if there are
    none. ``cadences`` and ``kinds`` are shares of all phrases, so a long piece counts for more.
    """
    allowed = [each for each in measured if each.may_close]
    phrases = sum(each.phrases for each in measured)
    found: dict[str, Any] = {
        "pieces": len(measured),
        "may_close": len(allowed),
        "closes": _share([each.closes for each in allowed]) if allowed else None,
        "clean": _share([each.clean for each in measured]),
        "opens": _share([each.opens for each in measured]),
        "cadences": sum(each.cadences * each.phrases for each in measured) / max(phrases, 1),
        "phrases": phrases,
        "kinds": {
            kind: sum(each.kinds.get(kind, 0) for each in measured) / max(phrases, 1)
            for kind in get_args(CadenceKind)
        },
    }
    for name in (
        "foreign",
        "tertian",
        "full",
        "changes",
        "doubled_leading_tones",
        "unresolved_sevenths",
        "roots",
        "chords",
    ):
        values = [getattr(each, name) for each in measured if getattr(each, name) is not None]
        found[name] = float(np.mean(values)) if values else None
    return found


def _changes(plan: HarmonicPlan) -> int:
    """The number of changes of root or quality from one beat to the next."""
    chords = [(chord.root, chord.quality) for chord in plan.chords if chord]
    return sum(a != b for a, b in pairwise(chords))


def _agreement(plan: HarmonicPlan, reference: HarmonicPlan) -> tuple[float, float]:
    """The shares of beats with the same root, and with the same root, quality and bass."""
    pairs = [(a, b) for a, b in zip(plan.chords, reference.chords, strict=True) if a and b]
    return _share([a.root == b.root for a, b in pairs]), _share([a == b for a, b in pairs])


def _share(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else 0.0
