"""Chords that must sound: from which step, which pitch classes, over which bass.

Chord symbols become such values, and so can every other notation of chords. What the voices cannot
hold is left out in a fixed order: ``fitted``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from musicae.core.errors import ChoraleError
from musicae.theory.chord_symbols import PLAIN_FIFTH, ChordSymbol, Member


@dataclass(frozen=True)
class GivenChord:
    """A chord that sounds from a step on. Pitch classes are 0 (C) to 11.

    Raises ChoraleError if a pitch class is needed that no voice may sing.
    """

    start: int
    """The step at which all of ``needed`` sound."""
    length: int
    """How many steps the chord lasts."""
    members: tuple[int, ...]
    """The pitch classes that voices above the bass may sing at ``start``."""
    needed: tuple[int, ...]
    """The pitch classes of which each sounds at ``start``, in some voice."""
    bass: int | None = None
    """The pitch class of the lowest voice at ``start``; None leaves it open, or to a given bass."""
    root: int | None = None
    """A pitch class; None where it is not known."""
    name: str = ""
    """What messages call it."""

    def __post_init__(self) -> None:
        allowed = {*self.members, self.bass}
        if not set(self.needed) <= allowed:
            raise ChoraleError(f"{self.name}: no voice may sing all pitch classes that it needs")

    @property
    def stop(self) -> int:
        """The step after its last one."""
        return self.start + self.length

    def missing(self, sung: Iterable[int]) -> tuple[int, ...]:
        """What is needed and not among the pitch classes that sound."""
        there = set(sung)
        return tuple(each for each in self.needed if each not in there)


def fitted(
    chord: ChordSymbol,
    sung: Collection[int],
    upper: int,
    bass: int | None,
) -> tuple[tuple[int, ...], tuple[Member, ...]]:
    """The pitch classes of a chord that can all sound, and the members that are left out.

    Left out are, until the voices can hold the others: the perfect fifth, the root where another
    note is in the bass, what the symbol implies without its name (the 9 of an 11 or 13), the 11,
    the 9, an altered fifth, the 13, the 6, the 7, the 2 or 4, the 3. What sounds anyway is not left
    out.

    Args:
        sung: pitch classes that voices sing that are known.
        upper: how many other voices there are above the bass.
        bass: the pitch class of the bass where it is still to be written, else None.

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
    """When a member is left out, the smallest first."""
    if (member.degree, member.above) == (5, PLAIN_FIFTH):
        return 0
    order: Sequence[int] = (1, 0, 11, 9, 5, 13, 6, 7, 2, 4, 3)
    return 1 + order.index(0 if member.implied else member.degree)
