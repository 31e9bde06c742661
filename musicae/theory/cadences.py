"""Cadences: how phrases end, by their last two chords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER
from musicae.core.key import MODES, Key
from musicae.theory.sonorities import Harmony, Sonorities, sonorities

CadenceKind = Literal[
    "perfect authentic", "imperfect authentic", "half", "plagal", "deceptive", "other"
]


CADENCES = ("authentic", "half", "plagal", "deceptive")
"""The kinds of cadence that a user can ask for."""


class Cadence(NamedTuple):
    """The end of a phrase."""

    kind: CadenceKind
    step: int
    """The step at which the soprano's last note begins."""
    bar: int
    """The bar of that step, counted from 1; a pickup is bar 0."""
    beat: float
    """The beat of that step in its bar, counted from 1."""
    key: Key
    """The key in which the phrase ends: the home key or another one."""
    approach: Harmony | None
    final: Harmony | None
    """The last two chords; None if the voices form no chord."""


class Ending(NamedTuple):
    """The end of a phrase, as indices of ``Sonorities``."""

    begin: int
    """The sonority at which the soprano's last note begins."""
    approach: int | None
    final: int | None
    """The last two chords; None if there are none."""


def cadences(chorale: Chorale) -> list[Cadence]:
    """The cadence of each phrase: at every fermata, and at the soprano's last note.

    V to I and VII to I are authentic cadences; they are perfect if V and I are in root position and
    the soprano ends on the tonic. V to VI is deceptive, IV to I plagal, and a phrase that ends on V
    is a half cadence (Kostka & Payne, *Tonal Harmony*, 5th ed., ch. 10). A phrase may end in the
    home key or in a related key: in C major D7 to G is an authentic cadence in G. If two readings
    are possible, the home key decides: in C major F to C is plagal, not I to V in F, and C to F is
    no cadence, unless C has a seventh.

    >>> outer = [(0, 4, 71), (4, 4, 72)], [(0, 4, 55), (4, 4, 48)]
    >>> inner = [(0, 4, 67), (4, 4, 67)], [(0, 4, 65), (4, 4, 64)]
    >>> [c.kind for c in cadences(Chorale.from_notes([outer[0], *inner, outer[1]]))]
    ['perfect authentic']
    """
    chords = sonorities(chorale)
    found = []
    for ending in endings(chords):
        step = int(chords.steps[ending.begin])
        kind, key = _classify(chords, ending)
        found.append(Cadence(kind, step, *chorale.position(step), key, *_harmonies(chords, ending)))
    return found


def endings(chords: Sonorities) -> list[Ending]:
    """The end of each phrase.

    The final chord is the last consonance under the soprano's last note, after a suspension or a
    six-four chord has resolved. The chord before it is the last one on another root. Within the
    last beat a dominant is preferred to later chords, which passing notes and anticipations form.
    """
    chorale = chords.chorale
    notes = chorale.notes(0)
    found = []
    phrase = 0
    for note in notes:
        if note.step not in chorale.fermatas and note is not notes[-1]:
            continue
        begin, stop = np.searchsorted(chords.steps, [note.step, note.step + note.duration]).tolist()
        final = next((i for i in range(stop - 1, begin - 1, -1) if _can_rest(chords, i)), None)
        approach = None if final is None else _approach(chords, phrase, begin, final)
        found.append(Ending(begin, approach, final))
        phrase = stop
    return found


def tonic_reached(chords: Sonorities, ending: Ending) -> int | None:
    """The pitch class of the tonic to which a dominant resolves at a phrase end, else None.

    The home key's own I counts as a dominant only with a seventh.
    """
    coming, resting = _harmonies(chords, ending)
    if coming is None or resting is None:
        return None
    return resting.root if _leads(coming, resting, chords.key) else None


def _can_rest(chords: Sonorities, index: int) -> bool:
    """Whether a phrase can end on a sonority: a major or minor triad or a fifth, no six-four."""
    harmony = chords.harmonies[index]
    if harmony is None or harmony.quality not in ("major", "minor", "open"):
        return False
    return _bass(chords, index) != (harmony.root + 7) % 12


def _approach(chords: Sonorities, phrase: int, begin: int, final: int) -> int | None:
    """The index of the chord before the final one.

    ``phrase`` and ``begin`` are the indices at which the phrase and its last note begin.
    """
    resting = chords.harmonies[final]
    assert resting is not None
    others = [
        (i, harmony)
        for i, harmony in enumerate(chords.harmonies[phrase:final], phrase)
        if harmony and harmony.root != resting.root and harmony.quality != "open"
    ]
    last_beat = chords.steps[begin] - STEPS_PER_QUARTER
    dominants = [
        i
        for i, harmony in others
        if chords.steps[i] >= last_beat and harmony.leads_to(resting.root)
    ]
    if dominants:
        return dominants[-1]
    return others[-1][0] if others else None


def _harmonies(chords: Sonorities, ending: Ending) -> tuple[Harmony | None, Harmony | None]:
    approach, final = (
        None if i is None else chords.harmonies[i] for i in (ending.approach, ending.final)
    )
    return approach, final


def _classify(chords: Sonorities, ending: Ending) -> tuple[CadenceKind, Key]:
    coming, resting = _harmonies(chords, ending)
    if coming is None or resting is None:
        return "other", chords.key
    kind, key = cadence_of(coming, resting, chords.key)
    perfect = kind == "imperfect authentic" and _is_perfect(chords, ending)
    return ("perfect authentic" if perfect else kind), key


def cadence_of(coming: Harmony, resting: Harmony, home: Key) -> tuple[CadenceKind, Key]:
    """The kind and the key of a cadence from its two chords; see ``cadences``.

    Only the voices show whether an authentic cadence is perfect; here it is always imperfect.

    >>> cadence_of(Harmony(2, "dominant seventh"), Harmony(7, "major"), Key(0))
    ('imperfect authentic', Key(fifths=1, mode='major'))
    """
    keys = _neighbours(home)
    # In minor V stays V even after its own dominant: as a tonic it would be a minor chord.
    is_minor_v = home.mode == "minor" and resting == Harmony((home.tonic + 7) % 12, "major")
    if _leads(coming, resting, home) and not is_minor_v:
        return "imperfect authentic", _key_on(resting, keys)
    if (coming.root, resting.root) == ((home.tonic + 5) % 12, home.tonic):
        return "plagal", home
    for key in keys:
        dominant = Harmony((key.tonic + 7) % 12, "major")
        sixth, quality = (9, "minor") if key.mode == "major" else (8, "major")
        if resting == Harmony((key.tonic + sixth) % 12, quality) and (
            coming == dominant._replace(quality="dominant seventh")
            # Without its seventh only the home key's V is sure to be one.
            or (coming == dominant and key == home)
        ):
            return "deceptive", key
        if resting == dominant and dominant != Harmony(home.tonic, home.mode):
            return "half", key
    return "other", home


def _leads(coming: Harmony, resting: Harmony, home: Key) -> bool:
    """Whether a chord is the dominant of the next. The home key's I is one only with a seventh."""
    return coming != Harmony(home.tonic, home.mode) and coming.leads_to(resting.root)


def _neighbours(home: Key) -> list[Key]:
    """The home key, its relative, and the keys a fifth away from either."""
    signatures = (home.fifths + fifths for fifths in (0, 1, -1))
    keys = [Key(fifths, mode) for fifths in signatures if -7 <= fifths <= 7 for mode in MODES]
    return sorted(keys, key=lambda key: key != home)


def _key_on(tonic: Harmony, keys: Sequence[Key]) -> Key:
    """The key of a tonic chord, one of ``keys`` if possible; minor may have a Picardy third."""
    mode = "minor" if tonic.quality == "minor" else "major"
    for key in keys:
        if key.tonic == tonic.root and key.mode in (mode, "minor"):
            return key
    return Key.from_tonic(tonic.root, mode)


def _is_perfect(chords: Sonorities, ending: Ending) -> bool:
    coming, resting = _harmonies(chords, ending)
    if ending.approach is None or ending.final is None or coming is None or resting is None:
        return False
    return (
        coming.quality in ("major", "dominant seventh")
        and _bass(chords, ending.approach) == coming.root
        and _bass(chords, ending.final) == resting.root
        and chords.pitch[ending.final, 0] % 12 == resting.root
    )


def _bass(chords: Sonorities, index: int) -> int:
    """The pitch class of the lowest voice that sounds."""
    return int(chords.pitch[index][chords.pitch[index] != REST][-1] % 12)
