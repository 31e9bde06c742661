"""Histograms of a chorale: degrees, lengths, chords, intervals, parallels, repeats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST, VOICES
from musicae.core.errors import MusicaeError
from musicae.evaluation.repetition import repeated_lengths
from musicae.theory.key_finding import find_key
from musicae.theory.sonorities import CHORDS, sonorities
from musicae.theory.voice_leading.between_voices import (
    parallel_fifths,
    parallel_octaves,
    parallel_unisons,
)

INTERVALS = tuple(f"{voice.lower()}_intervals" for voice in VOICES)

_QUALITIES = tuple(dict.fromkeys(quality for quality, _ in CHORDS if quality != "open"))
"""The qualities of chords whose progressions are counted."""
SYMMETRIC = "diminished seventh"
"""A quality that is the same chord on each of its notes; the lowest of their degrees names it."""
N_CHORDS = 12 * (len(_QUALITIES) - 1) + 3
"""The number of different chords above one tonic."""


class Style(NamedTuple):
    """The histograms of a chorale: category -> count.

    They do not depend on transposition, nor on the key and fermatas that a file states.
    """

    mode: str
    """The mode of the key that is found from the notes; degrees are above its tonic."""
    notes: int
    """The number of notes."""
    counts: dict[str, Counter[str]]
    """The histograms by the names of ``bach_likeness.Grade``:

    - ``note``: sixteenths in all voices of each degree, ``"0"`` to ``"11"`` semitones above the
      tonic, and of ``"rest"``.
    - ``rhythm``: notes and rests by their length in sixteenths; a rest lasts until the next note.
    - ``parallel_errors``: parallel ``"fifths"`` and ``"octaves"``; unisons count as octaves.
    - ``harmonic_quality``: the sonorities at every change by their pitch classes, relative to one
      of them: a major triad is ``"0 4 7"``.
    - ``soprano_intervals`` and so on: semitones from each note to the next, if no rest is between.
    - ``repeated_sequences``: see ``repetition``.
    """
    progressions: list[tuple[str, str]]
    """Pairs of consecutive chords by degree and quality: ``("7 dominant seventh", "0 major")``.
    Sonorities with none of ``_QUALITIES`` (passing notes, suspensions, bare fifths) and repeated
    chords are skipped."""


@lru_cache(maxsize=8)
def style(chorale: Chorale) -> Style:
    """The histograms of a chorale. Raises MusicaeError if a voice is silent."""
    sounding = chorale.pitch != REST
    for voice, has_notes in zip(VOICES, sounding.any(axis=0), strict=True):
        if not has_notes:
            raise MusicaeError(
                f"the {voice.lower()} is silent; only chorales in four voices can be measured"
            )
    key = find_key(chorale)
    chords = sonorities(replace(chorale, fermatas=()))
    degrees = (chorale.pitch[sounding].astype(np.int64) - key.tonic) % 12
    voices = [list(_spans(chorale, voice)) for voice in range(N_VOICES)]
    octaves = len(parallel_octaves(chords)) + len(parallel_unisons(chords))
    harmonies = [
        f"{(chord.root - key.tonic) % (3 if chord.quality == SYMMETRIC else 12)} {chord.quality}"
        for chord in chords.harmonies
        if chord and chord.quality in _QUALITIES
    ]
    counts = {
        "note": Counter(map(str, degrees.tolist())) + Counter(rest=int((~sounding).sum())),
        "rhythm": Counter(str(length) for spans in voices for length, _ in spans),
        "parallel_errors": Counter(fifths=len(parallel_fifths(chords)), octaves=octaves),
        "harmonic_quality": _qualities(chords.pitch),
        **{name: _intervals(spans) for name, spans in zip(INTERVALS, voices, strict=True)},
        "repeated_sequences": sum(map(repeated_lengths, voices), Counter()),
    }
    progressions = [(a, b) for a, b in pairwise(harmonies) if a != b]
    return Style(key.mode, int(chorale.onset.sum()), counts, progressions)


def _spans(chorale: Chorale, voice: int) -> Iterator[tuple[int, int]]:
    """The length and the pitch, or ``REST``, of each note and rest of a voice."""
    pitch, onset = chorale.pitch[:, voice], chorale.onset[:, voice]
    begins = onset.copy()
    begins[0] = True
    begins[1:] |= (pitch[1:] == REST) & (pitch[:-1] != REST)
    steps = np.append(np.flatnonzero(begins), len(pitch))
    yield from zip(np.diff(steps).tolist(), pitch[steps[:-1]].tolist(), strict=True)


def _intervals(spans: Sequence[tuple[int, int]]) -> Counter[str]:
    return Counter(str(b - a) for (_, a), (_, b) in pairwise(spans) if REST not in (a, b))


def _qualities(pitch: NDArray[np.int64]) -> Counter[str]:
    """The pitch classes of sonorities with pitches ``(N, V)``; silence is left out."""
    bits = np.bitwise_or.reduce(np.where(pitch != REST, 1 << pitch % 12, 0), axis=1)
    return Counter(_name(content) for content in bits.tolist() if content)


@lru_cache(maxsize=1 << 12)
def _name(content: int) -> str:
    """The name of a set of pitch classes, which are the bits of ``content``.

    It lists semitones above that one of them for which the set of numbers is smallest.

    >>> _name(1 << 7 | 1 << 11 | 1 << 2)  # G B D
    '0 4 7'
    """
    least = min((content >> i | content << 12 - i) & 0xFFF for i in range(12))
    return " ".join(str(i) for i in range(12) if least >> i & 1)
