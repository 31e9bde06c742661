"""Figured bass: the notes that figures mean above a bass note, and the figures for given voices.

Figures are read as players of thorough-bass read them (C. P. E. Bach, *Versuch über die wahre Art
das Clavier zu spielen*, part II, 1762). A number counts letters upwards from the bass, in the key
signature; a sign alters the note. Intervals that are not written are added: a bare bass note has
third and fifth, 6 has the third, 7 has third and fifth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import BASS, REST
from musicae.core.errors import ChoraleError
from musicae.theory.harmonic_plan import beats_of

SHARP, FLAT, NATURAL, RAISED = "#", "b", "n", "+"
"""The signs of a figure. A sharp makes a note natural if the signature flattens it; a flat makes a
note natural if the signature sharpens it. ``+`` always raises by a semitone."""
THIRD, HIGHEST = 3, 9
"""The number that a sign alone stands for, and the largest number of a figure."""
_SIGNS = {"#": SHARP, "♯": SHARP, "b": FLAT, "♭": FLAT, "n": NATURAL, "♮": NATURAL, "+": RAISED,
          "\\": RAISED}  # fmt: skip
_FIGURE = re.compile(r"(?P<sign>[#♯b♭n♮]?)(?P<number>[2-9])(?P<raised>[+\\]?)|(?P<third>[#♯b♭n♮+])")


class Figure(NamedTuple):
    """One interval above the bass."""

    number: int
    """2 to 9; a sign alone means the third."""
    sign: str = ""
    """Empty, or one of ``SHARP``, ``FLAT``, ``NATURAL`` and ``RAISED``."""

    def __str__(self) -> str:
        if self.number == THIRD and self.sign:
            return self.sign
        return f"{self.number}{RAISED}" if self.sign == RAISED else f"{self.sign}{self.number}"


@dataclass(frozen=True)
class Figures:
    """The figures under a bass note, or under a part of it. No figures mean ``5/3``.

    >>> Figures.parse("#6/4"), str(Figures.parse("65"))
    (Figures(written=(Figure(number=6, sign='#'), Figure(number=4, sign=''))), '6/5')
    """

    written: tuple[Figure, ...] = ()
    """The written figures, from the largest number down."""

    @classmethod
    def of(cls, signs: Mapping[int, str]) -> Figures:
        """The figures with these numbers and signs."""
        return cls(tuple(Figure(n, signs[n]) for n in sorted(signs, reverse=True)))

    @classmethod
    def parse(cls, text: str) -> Figures:
        """Read ``6``, ``6/5`` or ``65``, ``#6/4``, ``b7``, ``4+``, ``#``; ``0`` means no figures.

        Raises ChoraleError if the text is no figure.
        """
        if text == "0":
            return cls()
        found: dict[int, str] = {}
        for part in re.split("[/,]", text):
            read = list(_FIGURE.finditer(part))
            figures = [
                (int(one["number"] or THIRD), one["sign"] or one["raised"] or one["third"] or "")
                for one in read
            ]
            whole = "".join(one[0] for one in read) == part != ""
            if not whole or len(found | dict(figures)) < len(found) + len(figures):
                raise ChoraleError(
                    f"{text!r} is no figure; write numbers from 2 to {HIGHEST} with #, b, n or +,"
                    " such as 6, 6/5, #6 or b7, or # alone for the third"
                )
            found |= {number: _SIGNS.get(sign, "") for number, sign in figures}
        return cls.of(found)

    def __str__(self) -> str:
        return "/".join(str(figure) for figure in self.written) or "0"

    @property
    def complete(self) -> tuple[Figure, ...]:
        """All intervals that the figures mean: first the written ones, then the added ones."""
        numbers = {figure.number for figure in self.written}
        added: list[int] = []
        if not numbers & {2, 3, 4}:
            added.append(THIRD)
        if numbers in ({2}, {4, 3}, {4, 2}):
            added += [n for n in (6, 4) if n not in numbers]
        elif not numbers & {2, 5, 6}:
            added.append(5)
        return (*self.written, *(Figure(n) for n in added))

    def places(self, bass: int, fifths: int) -> tuple[int, ...]:
        """The places of the notes on the line of fifths, in the order of ``complete``.

        ``bass`` is the place of the bass note, ``fifths`` are the sharps of the key signature,
        negative for flats.

        >>> Figures.parse("#6").places(2, 0)  # over D without a signature: B sharp and F
        (12, -1)
        """
        return tuple(
            _place_above(bass, fifths, figure.number, figure.sign) for figure in self.complete
        )


def figures_above(bass: int, others: Iterable[int], fifths: int) -> Figures:
    """The fewest figures that tell a player the notes above a bass note.

    ``bass`` and ``others`` are places on the line of fifths. Intervals that a player adds without
    being told are left out.

    >>> str(figures_above(6, [3, 9, 5], 2))  # A, D# and B over F# under two sharps
    '#6/4/3'
    """
    signs: dict[int, str] = {}
    for place in others:
        number = (_letter(place) - _letter(bass)) % 7 + 1
        if number > 1:
            signs[number] = _sign_of(place, fifths)
    if 2 in signs and signs.keys() & {3, 5} and not signs.keys() & {4, 6}:
        signs[9] = signs.pop(2)
    altered = {number for number, sign in signs.items() if sign}
    plain = sorted(signs.keys() - altered, reverse=True)
    fewest_first = (
        Figures.of({n: signs[n] for n in (*altered, *some)})
        for size in range(len(plain) + 1)
        for some in combinations(plain, size)
    )
    return next(f for f in fewest_first if signs.keys() <= {number for number, _ in f.complete})


def figures_of(
    chorale: Chorale, places: NDArray[np.int64], fifths: int
) -> tuple[tuple[int, Figures], ...]:
    """The figures of a chorale, each with its step: what a player needs besides the bass.

    There are figures on each beat on which the bass begins a note, and on each beat of a held bass
    note if the figures change. There are none while the bass, or all upper voices, are silent.
    ``places`` ``(T, V)`` are the result of ``theory.spelling.spell``.
    """
    places = places_through(chorale, places)
    found: list[tuple[int, Figures]] = []
    for beat in beats_of(chorale):
        now = chorale.pitch[beat.start]
        others = [v for v in range(BASS) if now[v] != REST]
        if now[BASS] == REST or not others:
            continue
        bass, *above = (int(places[beat.start, v]) for v in (BASS, *others))
        figures = figures_above(bass, above, fifths)
        if chorale.onset[beat.start, BASS] or not found or found[-1][1] != figures:
            found.append((beat.start, figures))
    return tuple(found)


def places_through(chorale: Chorale, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """``(T, V)`` the places of ``spell``, copied from a note's first step to all its steps."""
    begun = np.where(chorale.onset, np.arange(len(chorale))[:, None], 0)
    through: NDArray[np.int64] = np.take_along_axis(
        places, np.maximum.accumulate(begun, axis=0), axis=0
    )
    return through


def _letter(place: int) -> int:
    """The letter of a place: 0 (C) to 6 (B)."""
    return 4 * place % 7


def _signed(letter: int, fifths: int) -> int:
    """The place of a letter under a key signature."""
    return next(place for place in range(fifths - 1, fifths + 6) if _letter(place) == letter)


def _natural(letter: int) -> int:
    return _signed(letter, 0)


def _place_above(bass: int, fifths: int, number: int, sign: str) -> int:
    letter = (_letter(bass) + number - 1) % 7
    natural, signed = _natural(letter), _signed(letter, fifths)
    if sign == RAISED:
        return signed + 7
    if sign == SHARP:
        return natural if signed < natural else natural + 7
    if sign == FLAT:
        return natural if signed > natural else natural - 7
    return natural if sign == NATURAL else signed


def _sign_of(place: int, fifths: int) -> str:
    """The sign that a place needs under a key signature."""
    letter = _letter(place)
    natural, signed = _natural(letter), _signed(letter, fifths)
    if place == signed:
        return ""
    if place == natural:
        return NATURAL
    if place == signed + 7:
        return RAISED if place > natural + 7 else SHARP
    return SHARP if place > signed else FLAT
