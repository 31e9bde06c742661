"""Chords that must sound: their steps, pitch classes and bass.

Chord symbols are converted to such values, and every other notation of chords can be. If there are
too few voices, members are left out in a fixed order: see ``fitted``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from musicae.core.errors import ChoraleError
from musicae.theory.chord_symbols import PLAIN_FIFTH, ChordSymbol, Member


@dataclass(frozen=True)
class GivenChord:
    """A chord that sounds from a step on. Pitch classes are 0 (C) to 11 (B).

    Raises ChoraleError if ``needed`` has a pitch class that is neither in ``members`` nor the bass.
    """

    start: int
    """The step at which all of ``needed`` sound."""
    length: int
    """The length of the chord in steps."""
    members: tuple[int, ...]
    """The pitch classes that the voices above the bass may have at ``start``."""
    needed: tuple[int, ...]
    """The pitch classes that must each sound in some voice at ``start``."""
    bass: int | None = None
    """The pitch class of the lowest voice at ``start``; None if it is free, or given elsewhere."""
    root: int | None = None
    """The pitch class of the root; None if it is unknown."""
    name: str = ""
    """The chord's name in messages."""

    def __post_init__(self) -> None:
        allowed = {*self.members, self.bass}
        if not set(self.needed) <= allowed:
            raise ChoraleError(f"{self.name}: no voice may sing a pitch class that it needs")

    @property
    def stop(self) -> int:
        """The step after the chord's last one."""
        return self.start + self.length

    def missing(self, sung: Iterable[int]) -> tuple[int, ...]:
        """The needed pitch classes that are not in ``sung``, the pitch classes that sound."""
        there = set(sung)
        return tuple(each for each in self.needed if each not in there)


def fitted(
    chord: ChordSymbol,
    sung: Collection[int],
    upper: int,
    bass: int | None,
) -> tuple[tuple[int, ...], tuple[Member, ...]]:
    """The pitch classes of a chord that the voices can hold, and the members that are left out.

    If there are too few voices, members are left out in this order: the perfect fifth, the root,
    members that the symbol only implies (the 9 of an 11 or 13), the 11, the 9, an altered fifth,
    the 13, the 6, the 7, the 2 or 4, the 3. Members that sound in the bass or in a known voice are
    kept.

    Args:
        chord: the chord.
        sung: the pitch classes of the voices that are known.
        upper: the number of other voices above the bass.
        bass: the pitch class of the bass if it is still to be written, else None.

    >>> from musicae.theory.chord_symbols import read_symbol
    >>> fitted(read_symbol("C9"), sung={4}, upper=2, bass=0)
    ((0, 4, 10, 2), (Member(degree=5, above=7, implied=False),))
    """
    there = {*sung} | ({bass} if bass is not None else set())
    classes = dict(zip(chord.classes, chord.members, strict=True))
    waiting = [each for each in classes if each not in there]
    dropped = sorted(waiting, key=lambda each: _rank(classes[each]))[: max(0, len(waiting) - upper)]
    needed = [each for each in classes if each not in dropped]
    if bass is not None and bass not in needed:
        needed.insert(0, bass)
    return tuple(needed), tuple(classes[each] for each in dropped)


def _rank(member: Member) -> int:
    """The position of a member in the order of leaving out; the smallest goes first."""
    if (member.degree, member.above) == (5, PLAIN_FIFTH):
        return 0
    order: Sequence[int] = (1, 0, 11, 9, 5, 13, 6, 7, 2, 4, 3)
    return 1 + order.index(0 if member.implied else member.degree)
