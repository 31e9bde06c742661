"""The soprano by itself: its surprise under an n-gram model of melodies, and its shape."""

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
"""Larger intervals count as this one, up or down."""
MOST_STEPS = 64
"""Longer notes count as notes of so many steps: four whole notes of 4/4."""

ORDER = 4
"""The most notes that a share depends on, the note itself among them. Of 1 to 5, together with
``ESCAPE`` of the powers of two, it makes the validation side's sopranos the least surprising."""
ESCAPE = 32.0
"""How much weight a context's shorter one has; see ``MelodyModel``. Witten and Bell's 1 is too
small where one tune comes in many settings, as Bach's do: 3.08 nats a note instead of 2.24."""

Contour = str
"""One of ``CONTOURS``."""
CONTOURS = ("arch", "bowl", "rising", "falling", "level")


@dataclass(frozen=True)
class MelodyModel:
    """An interpolated n-gram model of sopranos: the interval to each note, then its duration.

    An interval is told by the mode and the degree of the note before it, and by the intervals and
    durations before it; a duration by its place in the bar and the durations before it. A symbol
    of a context has the share ``(count + escape * kinds * shorter) / (total + escape * kinds)``,
    where ``kinds`` is the number of symbols that the context had and ``shorter`` the symbol's share
    in the next shorter context, the last of which is uniform. (The method C of Witten and Bell,
    *The Zero-Frequency Problem*, 1991, with a weight; contexts of intervals and durations are those
    of Pearce, *The Construction and Evaluation of Statistical Models of Melodic Structure*, 2005.)

    Args:
        counts: for each context how often each symbol came.
        order: notes of the longest context, with the note itself; at least 1.
        escape: above 0.
    """

    counts: dict[Hashable, Counter[int]]
    order: int = ORDER
    escape: float = ESCAPE

    @classmethod
    def fit(
        cls, chorales: Sequence[Chorale], order: int = ORDER, escape: float = ESCAPE
    ) -> MelodyModel:
        """Count the sopranos of chorales; those of fewer than two notes have nothing to count."""
        counts: defaultdict[Hashable, Counter[int]] = defaultdict(Counter)
        for chorale in chorales:
            for symbol, contexts, _ in _symbols(chorale, order):
                for context in contexts:
                    counts[context][symbol] += 1
        return cls(dict(counts), order, escape)

    def surprise(self, chorale: Chorale) -> float:
        """The negative log-likelihood of the soprano, in nats a note, the first one left out.

        Transposition makes no difference, and the key is read from the notes of all voices. Raises
        MusicaeError where the soprano has fewer than two notes.
        """
        nats = [
            -math.log(self._share(symbol, contexts, uniform))
            for symbol, contexts, uniform in _symbols(chorale, self.order)
        ]
        if not nats:
            raise MusicaeError("a soprano of fewer than two notes is no melody")
        return 2 * float(np.mean(nats))  # two symbols a note

    def _share(self, symbol: int, contexts: Sequence[Hashable], uniform: float) -> float:
        share = uniform
        for context in contexts:
            seen = self.counts.get(context)
            if seen:
                weight = self.escape * len(seen)
                share = (seen[symbol] + weight * share) / (seen.total() + weight)
        return share


class Shape(NamedTuple):
    """What a soprano looks like."""

    semitones: int
    """From its lowest to its highest note."""
    repeated: float
    """The share of its notes that repeat the one before, 0 to 1; the first note is left out."""
    climax: float
    """Where its highest note begins for the first time: 0 with the first note, 1 with the last."""
    peaks: int
    """How often it comes to its highest note from another one."""
    contours: dict[Contour, int]
    """How many phrases have each contour, of phrases of at least three notes."""

    @classmethod
    def of(cls, chorale: Chorale) -> Shape:
        """Measure a chorale; its phrases end at its fermatas and with its last note.

        Raises MusicaeError where the soprano has fewer than two notes.

        >>> tune = [(4 * i, 4, pitch) for i, pitch in enumerate((60, 64, 67, 67, 64, 60))]
        >>> Shape.of(Chorale.from_notes([tune]))
        ... # doctest: +NORMALIZE_WHITESPACE
        Shape(semitones=7, repeated=0.2, climax=0.4, peaks=1,
              contours={'arch': 1, 'bowl': 0, 'rising': 0, 'falling': 0, 'level': 0})
        """
        notes = chorale.notes(SOPRANO)
        if len(notes) < 2:
            raise MusicaeError("a soprano of fewer than two notes is no melody")
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

    The first note, the mean of those between, rounded to a semitone, and the last note are compared
    as in Huron, *The Melodic Arch in Western Folksongs*, 1996. Of his nine types convex is ``arch``
    and concave ``bowl``; those that go up, at once or after or before level notes, are ``rising``,
    and so with ``falling``.

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
    """The notes of each phrase of the soprano, which end at fermatas and with the last note."""
    phrases: list[list[Note]] = [[]]
    ends = set(chorale.fermatas)
    for note in chorale.notes(SOPRANO):
        phrases[-1].append(note)
        if note.step in ends:
            phrases.append([])
    return [phrase for phrase in phrases if phrase]


def _symbols(chorale: Chorale, order: int) -> Iterator[tuple[int, list[Hashable], float]]:
    """Each interval and each duration, its contexts from the shortest on, and its uniform share.

    A context is a tuple that begins with what is told.
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
