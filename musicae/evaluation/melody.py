"""The soprano alone: its surprise under an n-gram model of melodies, and its shape."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from musicae.core.chorale import Chorale, Note
from musicae.core.constants import SOPRANO
from musicae.core.errors import MusicaeError
from musicae.theory.key_finding import find_key

MOST_SEMITONES = 24
"""Intervals are clipped to this many semitones, up and down."""
MOST_STEPS = 64
"""Durations are clipped to this many steps: four whole notes."""

ORDER = 4
"""The greatest number of notes that a probability depends on; the note itself counts. Of the orders
1 to 5 and of the powers of two for ``ESCAPE``, this order and ``ESCAPE`` together give the lowest
surprise of the validation side's sopranos."""
ESCAPE = 32.0
"""The weight of the next shorter context; see ``MelodyModel``. Witten and Bell's value 1 is too
small if the data have many settings of one tune, as Bach's chorales do: 3.08 nats per note instead
of 2.24."""

Contour = str
"""One of ``CONTOURS``."""
CONTOURS = ("arch", "bowl", "rising", "falling", "level")


@dataclass(frozen=True)
class MelodyModel:
    """An interpolated n-gram model of sopranos: the interval to each note, then its duration.

    An interval is predicted from the mode, from the degree of the note before it, and from the
    intervals and durations before it. A duration is predicted from its place in the bar and the
    durations before it. The probability of a symbol in a context is
    ``(count + escape * kinds * shorter) / (total + escape * kinds)``. There ``kinds`` is the number
    of different symbols seen in the context, and ``shorter`` is the symbol's probability in the
    next shorter context; after the shortest context it is uniform. (Method C of Witten and Bell,
    *The Zero-Frequency Problem*, 1991, with a weight; the contexts are those of Pearce, *The
    Construction and Evaluation of Statistical Models of Melodic Structure*, 2005.)

    Args:
        counts: for each context the count of each symbol.
        order: the number of notes of the longest context plus the note itself; at least 1.
        escape: the weight of the next shorter context, above 0.
    """

    counts: dict[Hashable, Counter[int]]
    order: int = ORDER
    escape: float = ESCAPE

    @classmethod
    def fit(
        cls, chorales: Sequence[Chorale], order: int = ORDER, escape: float = ESCAPE
    ) -> MelodyModel:
        """Count the symbols of the sopranos; sopranos with fewer than two notes have none."""
        counts: defaultdict[Hashable, Counter[int]] = defaultdict(Counter)
        for chorale in chorales:
            for symbol, contexts, _ in _symbols(chorale, order):
                for context in contexts:
                    counts[context][symbol] += 1
        return cls(dict(counts), order, escape)

    def surprise(self, chorale: Chorale) -> float:
        """The negative log-likelihood of the soprano in nats per note, without the first note.

        The key is found from the notes of all voices; transposition does not change the result.
        Raises MusicaeError if the soprano has fewer than two notes.
        """
        nats = [
            -math.log(self._share(symbol, contexts, uniform))
            for symbol, contexts, uniform in _symbols(chorale, self.order)
        ]
        if not nats:
            raise MusicaeError("the soprano has fewer than two notes, so it is no melody")
        return 2 * float(np.mean(nats))  # each note has two symbols

    def _share(self, symbol: int, contexts: Sequence[Hashable], uniform: float) -> float:
        share = uniform
        for context in contexts:
            seen = self.counts.get(context)
            if seen:
                weight = self.escape * len(seen)
                share = (seen[symbol] + weight * share) / (seen.total() + weight)
        return share


class Shape(NamedTuple):
    """The shape of a soprano."""

    semitones: int
    """The interval from its lowest to its highest note."""
    repeated: float
    """The share of notes that repeat the pitch before, 0 to 1; the first note does not count."""
    climax: float
    """The time of the first onset of its highest note: 0 is the first note's onset, 1 the last's.
    """
    peaks: int
    """The number of times that it reaches its highest note from another note."""
    contours: dict[Contour, int]
    """The number of phrases with each contour; phrases with fewer than three notes do not count."""

    @classmethod
    def of(cls, chorale: Chorale) -> Shape:
        """Measure a chorale; its phrases end at its fermatas and with its last note.

        Raises MusicaeError if the soprano has fewer than two notes.

        >>> tune = [(4 * i, 4, pitch) for i, pitch in enumerate((60, 64, 67, 67, 64, 60))]
        >>> Shape.of(Chorale.from_notes([tune]))
        ... # doctest: +NORMALIZE_WHITESPACE
        Shape(semitones=7, repeated=0.2, climax=0.4, peaks=1,
              contours={'arch': 1, 'bowl': 0, 'rising': 0, 'falling': 0, 'level': 0})
        """
        notes = chorale.notes(SOPRANO)
        if len(notes) < 2:
            raise MusicaeError("the soprano has fewer than two notes, so it is no melody")
        pitches = [note.pitch for note in notes]
        highest = max(pitches)
        first, last = notes[0].step, notes[-1].step
        phrases = [[note.pitch for note in phrase] for phrase in phrases_of(chorale)]
        found = Counter(contour(phrase) for phrase in phrases if len(phrase) > 2)
        return cls(
            semitones=highest - min(pitches),
            repeated=float(np.mean([a == b for a, b in pairwise(pitches)])),
            climax=(notes[pitches.index(highest)].step - first) / (last - first),
            peaks=sum(b == highest != a for a, b in pairwise([None, *pitches])),
            contours={name: found[name] for name in CONTOURS},
        )


def contour(pitches: Sequence[int]) -> Contour:
    """The contour of a phrase of at least three notes.

    Three numbers are compared: the first pitch, the mean of the pitches between (rounded to a
    semitone) and the last pitch (Huron, *The Melodic Arch in Western Folksongs*, 1996). Huron's
    nine types become five: convex is ``arch``, concave is ``bowl``, the three that go up (at once,
    or with a level part before or after) are ``rising``, the three that go down ``falling``.

    >>> contour((60, 64, 65, 62)), contour((60, 60, 64)), contour((67, 65, 64, 60))
    ('arch', 'rising', 'falling')
    """
    first, middle, last = pitches[0], round(float(np.mean(pitches[1:-1]))), pitches[-1]
    into, out = middle - first, last - middle
    if into * out < 0:
        return "arch" if into > 0 else "bowl"
    if into == out == 0:
        return "level"
    return "rising" if into + out > 0 else "falling"


def phrases_of(chorale: Chorale) -> list[list[Note]]:
    """The notes of each phrase of the soprano; phrases end at fermatas and with the last note."""
    phrases: list[list[Note]] = [[]]
    ends = set(chorale.fermatas)
    for note in chorale.notes(SOPRANO):
        phrases[-1].append(note)
        if note.step in ends:
            phrases.append([])
    return [phrase for phrase in phrases if phrase]


def _symbols(chorale: Chorale, order: int) -> Iterator[tuple[int, list[Hashable], float]]:
    """Each interval and each duration: the symbol, its contexts, its uniform probability.

    The contexts are tuples in ascending order of length; the first item is the kind of symbol.
    """
    notes = chorale.notes(SOPRANO)
    if len(notes) < 2:
        return
    key = find_key(chorale)
    durations = [min(note.duration, MOST_STEPS) for note in notes]
    steps = np.diff([note.pitch for note in notes])
    intervals = [0, *np.clip(steps, -MOST_SEMITONES, MOST_SEMITONES).tolist()]
    for i in range(1, len(notes)):
        nearest = range(1, min(order, i + 1))
        degree = key.mode, (notes[i - 1].pitch - key.tonic) % 12
        contexts: list[Hashable] = [("interval",), ("interval", degree)]
        for length in nearest:
            lines = [tuple(line[i - length : i]) for line in (intervals, durations)]
            contexts += [("interval", degree, lines[0]), ("interval", degree, *lines)]
        yield intervals[i], contexts, 1 / (2 * MOST_SEMITONES + 1)
        _, beat = chorale.position(notes[i].step)
        contexts = [("duration",), ("duration", beat)]
        for length in nearest:
            contexts.append(("duration", beat, tuple(durations[i - length : i])))
        yield durations[i], contexts, 1 / MOST_STEPS
