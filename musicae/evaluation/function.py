"""Tonal function: ends, cadences, notes outside the key, chords, agreement with a reference.

What a listener hears first in a harmonization: whether it ends in its key, whether its phrases
close, whether its chords are chords, and whether an editor of a hymnal would have chosen them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST, STEPS_PER_WHOLE
from musicae.core.key import SCALES, Key
from musicae.theory.cadences import cadences
from musicae.theory.harmonic_plan import HarmonicPlan
from musicae.theory.plan_reading import plan_of
from musicae.theory.sonorities import Harmony, sonorities
from musicae.theory.voice_leading.rules import rates

FULL = 3
"""Pitch classes of a full chord."""
TONIC, DOMINANT = 0, 7
_DOUBLED, _SEVENTHS = "doubled leading tone", "unresolved seventh"
"""Rules of ``theory.voice_leading`` that speak of function."""


class Function(NamedTuple):
    """What was measured of one chorale in its key. Shares are 0 to 1."""

    may_close: bool
    """Whether the soprano's last note belongs to the tonic triad."""
    closes: bool
    """Whether the last chord is the tonic triad in root position, in minor also the major one."""
    clean: bool
    """Whether the last chord is a triad and nothing else."""
    opens: bool
    """Whether the first chord is a tonic or a dominant."""
    foreign: float
    """The share of notes outside the key's scales."""
    tertian: float
    """The share of beats on which a triad or seventh chord sounds."""
    full: float
    """The share of beats on which at least three pitch classes sound."""
    changes: float
    """Changes of chord in a whole note of time."""
    phrases: int
    """How many phrases there are."""
    cadences: float
    """The share of phrases that end in a cadence."""
    doubled_leading_tones: float
    unresolved_sevenths: float
    """Violations in 100 chords."""
    roots: float | None = None
    """The share of beats with the reference's root; None without a reference."""
    chords: float | None = None
    """The share of beats with the reference's root, quality and bass."""


def function_of(chorale: Chorale, key: Key, reference: HarmonicPlan | None = None) -> Function:
    """Measure a chorale in four voices in a key, beside the plan of a reference of equal length.

    >>> outer = [(0, 4, 71), (4, 4, 72)], [(0, 4, 55), (4, 4, 48)]
    >>> inner = [(0, 4, 67), (4, 4, 67)], [(0, 4, 65), (4, 4, 64)]
    >>> amen = Chorale.from_notes([outer[0], *inner, outer[1]])
    >>> measured = function_of(amen, Key(0))
    >>> measured.closes, measured.cadences, measured.foreign
    (True, 1.0, 0.0)
    """
    chords = sonorities(chorale)
    plan = plan_of(chorale, key)
    first = next((chord for chord in plan.chords if chord), None)
    last = int(np.flatnonzero((chorale.pitch != REST).any(axis=1))[-1])
    sounding = chorale.pitch[last][chorale.pitch[last] != REST]
    final = chords.harmonies[int(np.searchsorted(chords.steps, last, side="right")) - 1]
    degrees = (chorale.pitch[chorale.onset].astype(int) - key.tonic) % 12
    beats = [row for row in _on_beats(chorale, plan) if (row != REST).sum() == N_VOICES]
    named = [_harmony(row) for row in beats]
    ends = cadences(chorale)
    broken = rates(chorale)
    agreement = _agreement(plan, reference) if reference else (None, None)
    return Function(
        may_close=_tonic_member(int(chorale.pitch[last, 0]), key),
        closes=_closes(final, int(sounding.min()), key),
        clean=final is not None and final.quality in ("major", "minor"),
        opens=first is not None and first.root in (TONIC, DOMINANT),
        foreign=float((~np.isin(degrees, SCALES[key.mode])).mean()),
        tertian=_share([harmony is not None and harmony.quality != "open" for harmony in named]),
        full=_share([len({*(row % 12).tolist()}) >= FULL for row in beats]),
        changes=_changes(plan) * STEPS_PER_WHOLE / len(chorale),
        phrases=len(ends),
        cadences=_share([end.kind != "other" for end in ends]),
        doubled_leading_tones=broken[_DOUBLED],
        unresolved_sevenths=broken[_SEVENTHS],
        roots=agreement[0],
        chords=agreement[1],
    )


def mean_figures(measured: Sequence[Function]) -> dict[str, Any]:
    """The means over chorales; of last chords, over those whose last note allows the tonic.

    Cadences count by phrase, so that a long piece counts for more.
    """
    allowed = [each for each in measured if each.may_close]
    phrases = sum(each.phrases for each in measured)
    found: dict[str, Any] = {
        "pieces": len(measured),
        "closes": _share([each.closes for each in allowed]),
        "clean": _share([each.clean for each in measured]),
        "opens": _share([each.opens for each in measured]),
        "cadences": sum(each.cadences * each.phrases for each in measured) / max(phrases, 1),
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


def _on_beats(chorale: Chorale, plan: HarmonicPlan) -> list[Any]:
    """What the voices sound on each beat, ``(V,)`` each."""
    return [chorale.pitch[beat.start].astype(int) for beat in plan.beats]


def _harmony(row: Any) -> Harmony | None:
    return sonorities(Chorale.from_notes([[(0, 1, int(pitch))] for pitch in row])).harmonies[0]


def _tonic_member(pitch: int, key: Key) -> bool:
    return pitch != REST and (pitch - key.tonic) % 12 in (0, 3 if key.mode == "minor" else 4, 7)


def _closes(final: Harmony | None, lowest: int, key: Key) -> bool:
    if final is None or final.root != key.tonic or lowest % 12 != key.tonic:
        return False
    return final.quality == "major" or (key.mode == "minor" and final.quality == "minor")


def _changes(plan: HarmonicPlan) -> int:
    """How often the root or the quality changes from one beat to the next."""
    chords = [(chord.root, chord.quality) for chord in plan.chords if chord]
    return sum(a != b for a, b in pairwise(chords))


def _agreement(plan: HarmonicPlan, reference: HarmonicPlan) -> tuple[float, float]:
    """The shares of beats with the same root, and with the same root, quality and bass."""
    pairs = [(a, b) for a, b in zip(plan.chords, reference.chords, strict=True) if a and b]
    return _share([a.root == b.root for a, b in pairs]), _share([a == b for a, b in pairs])


def _share(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else 0.0
