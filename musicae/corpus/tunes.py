"""Find which chorales are the same piece of music and which share a hymn tune.

Everything is compared in intervals, so that transposition makes no difference.
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
"""From this share of common chords on, two chorales are one piece. In Bach's files the copies that
differ most share 0.88 (BWV 12.7 and 69.6-a), the most alike of different settings 0.78 (the psalm
tone of BWV 323 and 324) and 0.71."""

TUNE_SHARE, TUNE_NOTES = 0.65, 22
"""Two sopranos have one tune where their alignment scores this share of the shorter one's notes,
or this many. In Bach's files all pairs above are variants of one tune or close to it; below stand
pairs that only go up and down the scale alike."""
LEAST_NOTES, SHORT_SHARE = 14, 0.8
"""An alignment of fewer notes than this tells nothing, unless it is this share of a short tune."""
TITLED_SHARE, TITLED_NOTES = 0.35, 12
"""What is enough for two chorales of the same title."""
SHARED_INTERVALS = 12
"""Sopranos with this many equal intervals in a row, all notes counted, go together whatever their
alignment: so no melody is split even between tunes that quote each other."""

SEED_INTERVALS = 5
"""Melodies without this many skeleton intervals in common anywhere are not aligned."""


def chords(chorale: Chorale) -> NDArray[np.int64]:
    """``(n, 3)`` intervals between neighbouring voices, octaves apart being equal.

    Of the chords at every quarter at which all four sound, those that repeat the one before are
    left out: how long a chord is held makes no difference.
    """
    pitch = chorale.pitch[::STEPS_PER_QUARTER].astype(np.int64)
    intervals = np.diff(pitch[(pitch != REST).all(axis=1)], axis=1) % 12
    changes = np.ones(len(intervals), dtype=np.bool_)
    changes[1:] = (np.diff(intervals, axis=0) != 0).any(axis=1)
    changed: NDArray[np.int64] = intervals[changes]
    return changed


def shared_chords(a: Chorale, b: Chorale) -> float:
    """The share of the shorter one's chords that the other has, in the same order (0 to 1).

    A repeat that only one of them writes out makes no difference, nor do a few changed notes.
    """
    shorter, longer = sorted((chords(a), chords(b)), key=len)
    if not len(shorter):
        return 0.0
    # The longest common subsequence, row by row.
    best = np.zeros(len(longer) + 1, dtype=np.int64)
    for chord in shorter:
        matched = best[:-1] + (longer == chord).all(axis=1)
        best[1:] = np.maximum(matched, best[1:])
        np.maximum.accumulate(best, out=best)
    return float(best[-1] / len(shorter))


def skeleton(chorale: Chorale) -> NDArray[np.int64]:
    """The soprano's pitches on the beats, without repetitions, which variants of a tune share."""
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
    """The score of the best local alignment of each pair of melodies with notes in common.

    An equal note scores 1, a different, a missing or an added one -1; transposition is free.
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
    # Pairs of like length go together, so that little of a batch is filler.
    cases = sorted(found, key=lambda case: (len(melodies[case[0]]) + len(melodies[case[1]]), case))
    for begin in range(0, len(cases), 4096):
        batch = cases[begin : begin + 4096]
        rows = _padded([melodies[i] for i, _, _ in batch], filler=-1000)
        columns = _padded([melodies[j] + shift for _, j, shift in batch], filler=-2000)
        for (i, j, _), score in zip(batch, _local_alignment(rows, columns), strict=True):
            scores[i, j] = max(scores[i, j], int(score))
    return dict(scores)


def tunes_of(chorales: Sequence[Chorale]) -> list[int]:
    """For each chorale the number of its tune, counted from 0 in the order of appearance."""
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
    """For each of ``count`` things the number of the linked group that it belongs to."""
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
    """A title in plain lower-case letters, without accents, spaces and punctuation."""
    letters = unicodedata.normalize("NFKD", title.lower().replace("ß", "ss"))
    return re.sub(r"[^a-z0-9]", "", letters)


def _padded(rows: Sequence[NDArray[np.int64]], filler: int) -> NDArray[np.int32]:
    out = np.full((len(rows), max(map(len, rows))), filler, dtype=np.int32)
    for target, row in zip(out, rows, strict=True):
        target[: len(row)] = row
    return out


def _local_alignment(rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.int32]:
    """Smith-Waterman scores of pairs ``(N, L)`` and ``(N, M)``: ``(N,)``."""
    places = np.arange(columns.shape[1] + 1, dtype=np.int32)
    score = np.zeros((len(columns), len(places)), dtype=np.int32)
    best = np.zeros(len(columns), dtype=np.int32)
    for note in rows.T:
        through = score[:, :-1] + np.where(columns == note[:, None], np.int32(1), np.int32(-1))
        score[:, 1:] = np.maximum(np.maximum(through, score[:, 1:] - 1), 0)
        # Notes of ``columns`` left out one after another: the running best, 1 less a place.
        score = np.maximum.accumulate(score + places, axis=1) - places
        best = np.maximum(best, score.max(axis=1))
    return best
