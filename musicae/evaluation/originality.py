"""Originality: finds the longest passage that a chorale shares with known chorales."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER
from musicae.encoding.tokens import ALL_VOICES

_UNKNOWN = -1
"""The symbol of a transition that no known chorale has, or that has silence in all voices."""


class Passage(NamedTuple):
    """A passage with the same notes in two chorales, up to transposition."""

    steps: int
    """Its length in steps."""
    step: int
    """Its first step in the given chorale."""
    known: int
    """The index of the known chorale."""
    known_step: int
    """Its first step in the known chorale."""

    @property
    def beats(self) -> float:
        """Its length in quarters."""
        return self.steps / STEPS_PER_QUARTER


class Index:
    """An index of all passages of known chorales, in some of the voices.

    A passage is shared if each voice has the same onsets and the same pitches, all transposed by
    one interval. Its first and last notes may be parts of longer ones; its place in the bar does
    not matter. It ends where all voices are silent.

    >>> known = Chorale.from_notes([[(0, 4, 60), (4, 4, 62), (8, 4, 63), (12, 4, 67)]])
    >>> other = Chorale.from_notes([[(0, 8, 74), (8, 4, 75), (12, 4, 72)]])
    >>> Index([known], voices=[0]).longest(other)
    Passage(steps=8, step=4, known=0, known_step=4)
    """

    def __init__(self, chorales: Sequence[Chorale], voices: Sequence[int] = ALL_VOICES) -> None:
        self._voices = list(voices)
        self._symbols: dict[bytes, int] = {}
        self._begins: list[int] = []
        text: list[int] = []
        for chorale in chorales:
            self._begins.append(len(text))
            for row in self._transitions(chorale):
                # Symbols below _UNKNOWN occur only once, so no passage contains one.
                unique = _UNKNOWN - 1 - len(text)
                text.append(self._symbols.setdefault(row, len(self._symbols)) if row else unique)
            text.append(_UNKNOWN - 1 - len(text))
        self._automaton = _SuffixAutomaton(text)

    def longest(self, chorale: Chorale) -> Passage | None:
        """The longest passage shared with any known chorale; the first one if several are equal.

        None if there is none. It takes milliseconds for any number of known chorales.
        """
        symbols = [self._symbols.get(row, _UNKNOWN) for row in self._transitions(chorale)]
        length, end, known_end = self._automaton.longest(symbols)
        if not length:
            return None
        known = bisect_right(self._begins, known_end) - 1
        step, known_step = end - length + 1, known_end - self._begins[known] - length + 1
        return Passage(length + 1, step, known, known_step)

    def _transitions(self, chorale: Chorale) -> list[bytes]:
        """The pitches and onsets of each step and the next one, relative to the highest voice.

        Empty for a transition from or to silence.
        """
        pitch, onset = chorale.pitch[:, self._voices], chorale.onset[:, self._voices]
        sounding = pitch != REST
        audible = sounding.any(axis=1)
        highest = np.take_along_axis(pitch, sounding.argmax(axis=1)[:, None], axis=1)
        before, after = (
            np.where(part == REST, np.iinfo(np.int16).min, part - highest[:-1])
            for part in (pitch[:-1], pitch[1:])
        )
        rows = np.hstack([before, after, onset[1:]]).astype(np.int16)
        return [
            row.tobytes() if known else b""
            for row, known in zip(rows, audible[:-1] & audible[1:], strict=True)
        ]


class _SuffixAutomaton:
    """The suffix automaton of a text: it recognizes all parts of the text (Blumer et al. 1985).

    A state stands for all parts that end at the same places of the text. ``length`` is the length
    of the longest of these parts, ``end`` the first of the places, and ``link`` the state of the
    longest suffix that ends at more places.
    """

    def __init__(self, text: Sequence[int]) -> None:
        self.following: list[dict[int, int]] = [{}]
        self.length, self.end, self.link = [0], [-1], [-1]
        last = 0
        for place, symbol in enumerate(text):
            last = self._extend(last, symbol, place)

    def longest(self, text: Sequence[int]) -> tuple[int, int, int]:
        """The length of the longest common part, and its last place in ``text`` and in the indexed
        text."""
        best = (0, -1, -1)
        state = length = 0
        for place, symbol in enumerate(text):
            while state and symbol not in self.following[state]:
                state = self.link[state]
                length = self.length[state]
            if symbol in self.following[state]:
                state = self.following[state][symbol]
                length += 1
            if length > best[0]:
                best = (length, place, self.end[state])
        return best

    def _extend(self, last: int, symbol: int, place: int) -> int:
        """Add a symbol; ``last`` is the state of the text so far. Returns the state of the new
        text."""
        new = self._add({}, self.length[last] + 1, place, link=0)
        state = last
        while state >= 0 and symbol not in self.following[state]:
            self.following[state][symbol] = new
            state = self.link[state]
        if state < 0:
            return new
        target = self.following[state][symbol]
        if self.length[target] > self.length[state] + 1:
            # The shorter parts of the target state now end at one more place than the longer ones.
            shorter = self._add(
                dict(self.following[target]),
                self.length[state] + 1,
                self.end[target],
                self.link[target],
            )
            self.link[target] = shorter
            while state >= 0 and self.following[state].get(symbol) == target:
                self.following[state][symbol] = shorter
                state = self.link[state]
            target = shorter
        self.link[new] = target
        return new

    def _add(self, following: dict[int, int], length: int, end: int, link: int) -> int:
        self.following.append(following)
        self.length.append(length)
        self.end.append(end)
        self.link.append(link)
        return len(self.length) - 1
