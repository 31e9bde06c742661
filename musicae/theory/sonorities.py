"""Sonorities: the pitches at each change in a chorale, their chords, and the motion between them.

Axes: ``N`` sonorities, ``V`` voices, ``K`` the six pairs of voices.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.chorale_cache import remembered
from musicae.core.constants import N_VOICES, REST
from musicae.core.key import Key
from musicae.core.pitch import spelled_name
from musicae.theory.key_finding import find_key
from musicae.theory.spelling import spell, written_places

PAIRS = tuple(combinations(range(N_VOICES), 2))
"""The pairs of voices, with the upper voice first."""
UPPER, LOWER = np.array(PAIRS).T
OUTER = PAIRS.index((0, N_VOICES - 1))

CHORDS = (
    ("major", (0, 4, 7)),
    ("minor", (0, 3, 7)),
    ("diminished", (0, 3, 6)),
    ("dominant seventh", (0, 4, 7, 10)),
    ("minor seventh", (0, 3, 7, 10)),
    ("half-diminished seventh", (0, 3, 6, 10)),
    ("diminished seventh", (0, 3, 6, 9)),
    ("major seventh", (0, 4, 7, 11)),
    # Incomplete chords: without the fifth, bare fifths, and a single pitch class.
    ("dominant seventh", (0, 4, 10)),
    ("minor seventh", (0, 3, 10)),
    ("major seventh", (0, 4, 11)),
    ("major", (0, 4)),
    ("minor", (0, 3)),
    ("open", (0, 7)),
    ("open", (0,)),
)
"""The names of chords and the semitones of their members above the root."""


class Harmony(NamedTuple):
    """A chord by its root's pitch class and its quality, a name of ``CHORDS``."""

    root: int
    quality: str

    @property
    def leading_tone(self) -> int | None:
        """The pitch class that rises to the tonic if this chord is a dominant; None if it is none.

        It is the third of a major triad or dominant seventh, and the root of a diminished triad or
        half-diminished seventh. Each note of a diminished seventh can be one, so the result is None
        there; use ``leads_to``.
        """
        if self.quality in ("major", "dominant seventh"):
            return (self.root + 4) % 12
        if self.quality in ("diminished", "half-diminished seventh"):
            return self.root
        return None

    def leads_to(self, tonic: int) -> bool:
        """Whether this chord is a dominant (V, V7, VII or VII7) of a tonic's pitch class."""
        if self.quality == "diminished seventh":  # each of its notes can be the leading tone
            return (tonic - 1 - self.root) % 3 == 0
        return self.leading_tone == (tonic - 1) % 12


@dataclass(frozen=True, eq=False)
class Sonorities:
    """The pitches at every step where a voice begins a note or falls silent.

    Args:
        chorale: the music.
        steps: ``(N,)`` the steps at which the sonorities begin.
        pitch: ``(N, V)`` MIDI pitches, ``REST`` for silent voices.
        motion: ``(N - 1, V)`` semitones from each sonority to the next. It is 0 if a voice holds or
            repeats its note, comes from or goes to a rest, or goes from a fermata to the next
            phrase.
        phrase_ends: ``(N - 1,)`` whether a phrase, and the soprano's note under its fermata, ends
            between a sonority and the next.
    """

    chorale: Chorale
    steps: NDArray[np.int64]
    pitch: NDArray[np.int64]
    motion: NDArray[np.int64]
    phrase_ends: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.steps)

    @cached_property
    def both_sound(self) -> NDArray[np.bool_]:
        """``(N, K)`` whether both voices of a pair sound."""
        sounding = self.pitch != REST
        both: NDArray[np.bool_] = sounding[:, UPPER] & sounding[:, LOWER]
        return both

    @cached_property
    def adjacent(self) -> list[int]:
        """The indices in ``PAIRS`` of neighbouring voices, from the top; no silent voice counts."""
        present = np.flatnonzero((self.pitch != REST).any(axis=0)).tolist()
        return [PAIRS.index(pair) for pair in pairwise(present)]

    @cached_property
    def interval(self) -> NDArray[np.int64]:
        """``(N, K)`` semitones from the lower voice up to the upper one; negative if they cross.

        Only meaningful if ``both_sound``.
        """
        interval: NDArray[np.int64] = self.pitch[:, UPPER] - self.pitch[:, LOWER]
        return interval

    @cached_property
    def key(self) -> Key:
        """The key found in the notes; the chorale's key signature counts as evidence."""
        return find_key(self.chorale, self.chorale.key.fifths if self.chorale.key else None)

    @cached_property
    def harmonies(self) -> list[Harmony | None]:
        """The chord of each sonority; None if its pitch classes form no chord."""
        bits = np.where(self.pitch != REST, 1 << self.pitch % 12, 0)
        return [_BY_CONTENT.get(content) for content in np.bitwise_or.reduce(bits, axis=1).tolist()]

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """``(N, V)`` the places of the pitches on the line of fifths, as spelled by ``spell``."""
        latest = self.chorale.note_starts[self.steps]
        places: NDArray[np.int64] = spell(self.chorale)[latest, np.arange(N_VOICES)]
        return places

    @cached_property
    def written(self) -> NDArray[np.bool_]:
        """``(N, V)`` whether the source spells the pitch; if not, its place is a guess."""
        written = np.zeros(self.chorale.pitch.shape, dtype=np.bool_)
        for step, voice in written_places(self.chorale):
            written[step, voice] = True
        known: NDArray[np.bool_] = written[
            self.chorale.note_starts[self.steps], np.arange(N_VOICES)
        ]
        return known

    def name(self, index: int, voice: int) -> str:
        """The name of a voice's pitch in the sonority with an index, such as ``F#4``."""
        return spelled_name(int(self.pitch[index, voice]), int(self.places[index, voice]))


def harmony_of(pitches: Iterable[int]) -> Harmony | None:
    """The chord that pitches form together, in any octaves; None if they form no chord.

    >>> harmony_of((48, 64, 67, 72)), harmony_of((60, 61, 62))
    (Harmony(root=0, quality='major'), None)
    """
    return _BY_CONTENT.get(sum(1 << pitch_class for pitch_class in {int(p) % 12 for p in pitches}))


@remembered
def sonorities(chorale: Chorale) -> Sonorities:
    """The sonorities of a chorale; the last few results are cached, because every rule needs them.

    >>> amen = Chorale.from_notes([[(0, 8, 72)], [(0, 8, 67)], [(0, 4, 65), (4, 4, 64)]])
    >>> chords = sonorities(amen)
    >>> chords.steps.tolist(), chords.motion.tolist(), chords.harmonies[1]
    ([0, 4], [[0, 0, -1, 0]], Harmony(root=0, quality='major'))
    """
    pitch = chorale.pitch.astype(np.int64)
    falls_silent = np.zeros_like(chorale.onset)
    falls_silent[1:] = (pitch[1:] == REST) & (pitch[:-1] != REST)
    steps = np.flatnonzero((chorale.onset | falls_silent).any(axis=1))
    pitch = pitch[steps]
    sounding = pitch != REST
    phrase_ends = np.zeros(max(len(steps) - 1, 0), dtype=np.bool_)
    for note in chorale.notes(0) if chorale.fermatas else []:
        following = np.searchsorted(steps, note.step + note.duration)
        if note.step in chorale.fermatas and following < len(steps):
            phrase_ends[following - 1] = True
    both = sounding[1:] & sounding[:-1] & ~phrase_ends[:, None]
    return Sonorities(
        chorale=chorale,
        steps=steps,
        pitch=pitch,
        motion=np.where(both, np.diff(pitch, axis=0), 0),
        phrase_ends=phrase_ends,
    )


def _by_content() -> dict[int, Harmony]:
    """Chords by their pitch classes as a bit mask; of chords with the same classes the first."""
    found: dict[int, Harmony] = {}
    for quality, members in CHORDS:
        for root in range(12):
            content = sum(1 << (root + member) % 12 for member in members)
            found.setdefault(content, Harmony(root, quality))
    return found


_BY_CONTENT = _by_content()
