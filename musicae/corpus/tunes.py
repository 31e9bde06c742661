"""Find chorales that are the same piece of music, and chorales that share a hymn tune.

All comparisons use intervals, so transposition makes no difference.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STEPS_PER_QUARTER

SAME_MUSIC = 0.85
"""The least share of common chords of two copies of one piece. In Bach's files the most different
copies share 0.88 (BWV 12.7 and 69.6-a); the most similar pairs of different settings share 0.78
(the psalm tone of BWV 323 and 324) and 0.71."""

TUNE_SHARE, TUNE_NOTES = 0.65, 22
"""Two sopranos have one tune if the score of their alignment is at least this share of the shorter
one's notes, or at least this number. In Bach's files all pairs above are variants of one tune, or
nearly so; pairs below only move up and down the scale in the same way."""
LEAST_NOTES, SHORT_SHARE = 14, 0.8
"""The least score of an alignment that counts: this number, or this share of the notes of a short
tune if that is less."""
TITLED_SHARE, TITLED_NOTES = 0.35, 12
"""The least score for two chorales with the same title: this share of the shorter one's notes, and
this number."""
SHARED_INTERVALS = 12
"""Sopranos with this many equal intervals in a row, over all notes, count as one tune whatever
their alignment. So even tunes that quote each other are on one side of the split."""

SEED_INTERVALS = 5
"""Two melodies are aligned only if their skeletons have this many equal intervals in a row."""


def chords(chorale: Chorale) -> NDArray[np.int64]:
    """``(n, 3)`` the chords of a chorale: semitones between neighbouring voices, modulo octaves.

    There is one for each quarter at which all four voices sound. A chord that equals the one before
    is left out, so the length of chords makes no difference.
    """
    pitch = chorale.pitch[::STEPS_PER_QUARTER].astype(np.int64)
    intervals = np.diff(pitch[(pitch != REST).all(axis=1)], axis=1) % 12
    changes = np.ones(len(intervals), dtype=np.bool_)
    changes[1:] = (np.diff(intervals, axis=0) != 0).any(axis=1)
    changed: NDArray[np.int64] = intervals[changes]
    return changed


def shared_chords(a: Chorale, b: Chorale) -> float:
    """The share, 0 to 1, of the shorter chorale's chords that the other has in the same order.

    A repeat that only one of them writes out makes no difference; a few changed notes make little.
    """
    shorter, longer = sorted((chords(a), chords(b)), key=len)
    if not len(shorter):
        return 0.0
    # The length of the longest common subsequence, row by row.
    best = np.zeros(len(longer) + 1, dtype=np.int64)
    for chord in shorter:
        matched = best[:-1] + (longer == chord).all(axis=1)
        best[1:] = np.maximum(matched, best[1:])
        np.maximum.accumulate(best, out=best)
    return float(best[-1] / len(shorter))


def skeleton(chorale: Chorale) -> NDArray[np.int64]:
    """The soprano's pitches on the beats, without repetitions. Variants of a tune share them."""
    pitches: list[int] = []
    for i, measure in enumerate(chorale.measures):
        beat = measure.meter.steps_per_beat
        period = int(beat) if beat % 3 == 0 else STEPS_PER_QUARTER
        # The beats of a pickup are counted back from its end.
        first = measure.length % period if i == 0 and chorale.pickup else 0
        sung = chorale.pitch[measure.start + first : measure.start + measure.length : period, 0]
        pitches += [int(p) for p in sung if p != REST]
    return np.array(pitches[:1] + [b for a, b in pairwise(pitches) if a != b], dtype=np.int64)


def alignments(melodies: Sequence[NDArray[np.int64]]) -> dict[tuple[int, int], int]:
    """The score of the best local alignment of two melodies, by the pair of their indices.

    Pairs without ``SEED_INTERVALS`` equal intervals are left out. An equal note scores 1; a
    different, missing or added note scores -1. Transposition costs nothing.
    """
    seeds: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for i, melody in enumerate(melodies):
        intervals = np.diff(melody)
        for start in range(len(intervals) - SEED_INTERVALS + 1):
            seed = intervals[start : start + SEED_INTERVALS].tobytes()
            seeds[seed].append((i, int(melody[start])))
    found = {
        (i, j, first - second)
        for places in seeds.values()
        for i, first in places
        for j, second in places
        if i < j
    }
    scores: dict[tuple[int, int], int] = defaultdict(int)
    # Pairs of similar length are in one batch, so that it needs little padding.
    cases = sorted(found, key=lambda case: (len(melodies[case[0]]) + len(melodies[case[1]]), case))
    for begin in range(0, len(cases), 4096):
        batch = cases[begin : begin + 4096]
        rows = _padded([melodies[i] for i, _, _ in batch], filler=-1000)
        columns = _padded([melodies[j] + shift for _, j, shift in batch], filler=-2000)
        for (i, j, _), score in zip(batch, _local_alignment(rows, columns), strict=True):
            scores[i, j] = max(scores[i, j], int(score))
    return dict(scores)


def tunes_of(chorales: Sequence[Chorale]) -> list[int]:
    """For each chorale the number of its tune, from 0 in the order of appearance."""
    melodies = [skeleton(chorale) for chorale in chorales]
    titles = [_plain(chorale.title) for chorale in chorales]
    links = set()
    for (i, j), score in alignments(melodies).items():
        shorter = min(len(melodies[i]), len(melodies[j]))
        long_enough = score >= min(LEAST_NOTES, SHORT_SHARE * shorter)
        alike = long_enough and score >= min(TUNE_SHARE * shorter, TUNE_NOTES)
        titled = titles[i] != "" and titles[i] == titles[j]
        if alike or (titled and score >= max(TITLED_SHARE * shorter, TITLED_NOTES)):
            links.add((i, j))
    passages: dict[bytes, int] = {}
    for i, chorale in enumerate(chorales):
        intervals = np.diff([note.pitch for note in chorale.notes(0)])
        for start in range(len(intervals) - SHARED_INTERVALS + 1):
            passage = intervals[start : start + SHARED_INTERVALS].tobytes()
            links.add((passages.setdefault(passage, i), i))
    return components(len(chorales), links)


def components(count: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """For each of ``count`` items the number of its group; linked items are in one group."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in links:
        low, high = sorted((root(i), root(j)))
        parent[high] = low
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(i), len(numbers)) for i in range(count)]


def _plain(title: str) -> str:
    """A title in lower-case letters and digits, without accents, spaces and punctuation."""
    letters = unicodedata.normalize("NFKD", title.lower().replace("ß", "ss"))
    return re.sub(r"[^a-z0-9]", "", letters)


def _padded(rows: Sequence[NDArray[np.int64]], filler: int) -> NDArray[np.int32]:
    out = np.full((len(rows), max(map(len, rows))), filler, dtype=np.int32)
    for target, row in zip(out, rows, strict=True):
        target[: len(row)] = row
    return out


def _local_alignment(rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.int32]:
    """``(N,)`` the Smith-Waterman scores of ``N`` pairs, ``rows`` ``(N, L)`` and ``columns`` ``(N,
    M)``."""
    places = np.arange(columns.shape[1] + 1, dtype=np.int32)
    score = np.zeros((len(columns), len(places)), dtype=np.int32)
    best = np.zeros(len(columns), dtype=np.int32)
    for note in rows.T:
        through = score[:, :-1] + np.where(columns == note[:, None], np.int32(1), np.int32(-1))
        score[:, 1:] = np.maximum(np.maximum(through, score[:, 1:] - 1), 0)
        # To leave out notes of ``columns`` costs 1 for each: the running maximum, minus 1 a place.
        score = np.maximum.accumulate(score + places, axis=1) - places
        best = np.maximum(best, score.max(axis=1))
    return best
