"""The input of the phrase segmenter: features of each note of a melody.

They describe its length, its place in the bar and in the piece, the intervals, and repetitions of
rhythm and melody. Axes: ``N`` notes, ``F`` features. All times are ratios to the beat, the bar or
the mean note, so a tune in halves has the same features as the same tune in quarters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from musicae.core.arrays import distinct, median
from musicae.core.chorale import Chorale, Note
from musicae.core.constants import N_VOICES
from musicae.core.key import Key
from musicae.core.meter import Meter

Floats = NDArray[np.float64]

CLEAREST = 3.0
"""Ratios of durations are clipped to this many doublings or halvings."""
NEIGHBOURS = 8
"""A note is compared with the longest of this many notes before it and after it."""
FARTHEST_INTERVAL = 12
"""Intervals are clipped to this many semitones."""
CYCLES = (1, 2, 4, 8)
"""The periods, in bars, of the features of the place in the form."""
DISTANCES = (1, 2, 3, 4, 6, 8, 12, 16)
"""The distances back and ahead, in bars, at which rhythm and melody are compared."""
WINDOWS = (1, 2)
"""The lengths, in bars, of the windows that are compared."""
MODES = ("major", "minor")
N_MODE_FEATURES = len(MODES) + 1
"""One more, for an unknown key."""


@dataclass(frozen=True)
class Bars:
    """The bars of a piece. A pickup counts as a full bar that begins before the piece."""

    start: NDArray[np.int64]
    """The first step of each bar, ascending; that of a pickup is negative."""
    length: NDArray[np.int64]
    """The steps of a full bar of its meter, even if the bar itself is shorter."""
    beat: Floats
    """The steps of a beat in each bar."""

    def place(self, steps: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
        """The index of the bar of each step, and the distance from its beginning, in bars."""
        index = np.clip(np.searchsorted(self.start, steps, side="right") - 1, 0, None)
        return index, (steps - self.start[index]) / self.length[index]


@dataclass(frozen=True)
class MelodyNotes:
    """The notes of one voice and their bars, in steps; ``tonic`` is -1 if the key is unknown."""

    onset: NDArray[np.int64]
    duration: NDArray[np.int64]
    pitch: NDArray[np.int64]
    bars: Bars
    tonic: int = -1
    minor: bool = False

    def __len__(self) -> int:
        return len(self.onset)

    @property
    def following(self) -> NDArray[np.int64]:
        """``(N,)`` the step at which the next note begins; for the last note, its end."""
        return np.append(self.onset[1:], self.onset[-1:] + self.duration[-1:])


def melody_notes(chorale: Chorale, key: Key | None = None) -> MelodyNotes:
    """The notes of the highest voice that has any; empty if nothing sounds."""
    notes = melody(chorale)
    table = np.array([tuple(note) for note in notes], dtype=np.int64).reshape(-1, 3)
    return MelodyNotes(
        onset=table[:, 0],
        duration=table[:, 1],
        pitch=table[:, 2],
        bars=bars_of(chorale),
        tonic=key.tonic if key else -1,
        minor=bool(key and key.mode == "minor"),
    )


def melody(chorale: Chorale) -> list[Note]:
    """The notes of the highest voice that has any; empty if nothing sounds."""
    return next((notes for v in range(N_VOICES) if (notes := chorale.notes(v))), [])


def bars_of(chorale: Chorale) -> Bars:
    """The bars of a chorale."""
    rows = []
    for index, measure in enumerate(chorale.measures):
        meter = Meter(0, measure.numerator, measure.denominator)
        start = measure.start
        if index == 0 and chorale.pickup:
            start -= meter.steps_per_bar - chorale.pickup
        rows.append((start, meter.steps_per_bar, meter.steps_per_beat))
    table = np.array(rows, dtype=np.float64)
    return Bars(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2])


def features(notes: MelodyNotes) -> NDArray[np.float32]:
    """``(N, F)`` the features of each note. The time is linear in the length of the piece."""
    if not len(notes):
        return np.zeros((0, feature_count()), dtype=np.float32)
    columns = [
        *_durations(notes),
        *_places(notes),
        *_line(notes),
        *_echoes(notes),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def bar_times(notes: MelodyNotes) -> NDArray[np.float32]:
    """``(N,)`` the time at which each note begins, in bars from the start of the first bar."""
    index, into = notes.bars.place(notes.onset)
    return (index + into).astype(np.float32)


def _durations(notes: MelodyNotes) -> list[Floats]:
    """Logarithms of the note's duration relative to others, and the rest after the note."""
    index, _ = notes.bars.place(notes.onset)
    beat, bar = notes.bars.beat[index], notes.bars.length[index]
    time = np.maximum(1, np.minimum(notes.following - notes.onset, notes.duration + bar))
    logs = np.log2(time)
    rest = np.maximum(0, notes.following - notes.onset - notes.duration)
    after = np.append(logs[1:], logs[-1:])
    before = np.append(logs[:1], logs[:-1])
    around = np.pad(logs, NEIGHBOURS, mode="edge")
    longest = sliding_window_view(around, 2 * NEIGHBOURS + 1).max(axis=1)
    return [
        _clip(logs - np.log2(time.mean())),
        _clip(logs - median(logs)),
        _clip(logs - longest),
        _clip(logs - after),
        _clip(logs - before),
        _clip(logs - np.log2(beat)),
        _clip(logs - np.log2(bar) + 1),
        np.minimum(2, rest / beat),
        (rest > beat / 2).astype(np.float64),
        (rest > 0).astype(np.float64),
    ]


def _clip(values: Floats) -> Floats:
    return np.clip(values, -CLEAREST, CLEAREST)


def _places(notes: MelodyNotes) -> list[Floats]:
    """Places of this note and the next one in the bar, in the form and in the piece."""
    bars = notes.bars
    index, into = bars.place(notes.onset)
    next_index, next_into = bars.place(notes.following)
    beats = bars.length[index] / bars.beat[index]
    on_beat = np.isclose(into * beats % 1, 0)
    columns = [
        np.isclose(into, 0).astype(np.float64),
        (np.isclose(into, 0.5) & (beats % 2 == 0)).astype(np.float64),
        on_beat.astype(np.float64),
        np.sin(2 * np.pi * into),
        np.cos(2 * np.pi * into),
        np.isclose(next_into, 0).astype(np.float64),
        np.sin(2 * np.pi * next_into),
        np.cos(2 * np.pi * next_into),
        # Whether the next note begins at the same place of a bar as the first note, and whether
        # this note begins at the same place as the last one.
        np.isclose(next_into % 1, into[0]).astype(np.float64),
        np.isclose((next_into - into[0]) % 0.5, 0).astype(np.float64),
        np.isclose(into, into[-1]).astype(np.float64),
        np.isclose((into - into[-1]) % 0.5, 0).astype(np.float64),
        (beats == 2).astype(np.float64),
        (beats == 3).astype(np.float64),
        (beats == 4).astype(np.float64),
        (bars.length[index] % 3 == 0).astype(np.float64),
    ]
    time, following = index + into, next_index + next_into
    since, until = following - time[0], time[-1] - time
    for cycle in CYCLES:
        for bars_away in (since, until):
            angle = 2 * np.pi * bars_away / cycle
            columns += [np.sin(angle), np.cos(angle)]
    total = max(1e-6, float(following[-1] - time[0]))
    n = len(notes)
    columns += [
        np.minimum(since, 8) / 8,
        np.minimum(until, 8) / 8,
        since / total,
        np.full(n, min(total, 32) / 32),
        np.full(n, np.cos(2 * np.pi * total / 4)),
        np.full(n, np.cos(2 * np.pi * total / 8)),
        (np.arange(n) == 0).astype(np.float64),
        (np.arange(n) == n - 1).astype(np.float64),
    ]
    return columns


def _line(notes: MelodyNotes) -> list[Floats]:
    """Intervals before and after the note, its pitch, and its degree in the key."""
    pitch = notes.pitch.astype(np.float64)
    steps = np.diff(pitch)
    before, after = np.append(0, steps), np.append(steps, 0)
    columns = []
    for interval in (before, after):
        columns += [
            np.clip(interval, -FARTHEST_INTERVAL, FARTHEST_INTERVAL) / 6,
            (interval == 0).astype(np.float64),
            (np.abs(interval) > 2).astype(np.float64),
            (np.abs(interval) > 4).astype(np.float64),
        ]
    columns.append((pitch - pitch.mean()) / 6)
    columns.append((notes.pitch == notes.pitch[0]).astype(np.float64))
    columns.append((notes.pitch == notes.pitch[-1]).astype(np.float64))
    known = notes.tonic >= 0
    degree = (notes.pitch - notes.tonic) % 12
    columns += [(known & (degree == d)).astype(np.float64) for d in range(12)]
    following = np.append(degree[1:], -1)
    columns += [(known & (following == d)).astype(np.float64) for d in range(12)]
    n = len(notes)
    columns += [
        np.full(n, float(known and not notes.minor)),
        np.full(n, float(known and notes.minor)),
    ]
    return columns


def _echoes(notes: MelodyNotes) -> list[Floats]:
    """How similar the music after a note, and before it, is to the music some bars away.

    Similarity is the share of onsets that two windows have in common: those at the same time
    (rhythm), and those at the same time with the same pitch (melody). It is 0 if one of the windows
    is not inside the piece.
    """
    bars = notes.bars
    begin = int(notes.onset[0])
    grid = np.zeros(int(notes.following[-1]) - begin, dtype=np.int64)
    grid[notes.onset - begin] = notes.pitch + 1
    index, _ = bars.place(notes.onset)
    columns: list[Floats] = []
    n = len(notes)
    lengths = bars.length[index]
    here = notes.onset - begin
    there = notes.following - begin
    rows = {int(length): lengths == length for length in distinct(lengths)}
    for distance in DISTANCES:
        ahead: dict[tuple[str, int], Floats] = {}
        for length, chosen in rows.items():
            shift = distance * length
            rhythm, melody, both = _agreements(grid, shift)
            for window in WINDOWS:
                size = window * length
                # The music after the note, compared with that ``distance`` bars before and after
                # it; then the music before the note, compared in the same way.
                spans = {
                    "follows_back": (there, there + size),
                    "follows_ahead": (there + shift, there + shift + size),
                    "leads_back": (there - size, there),
                    "leads_ahead": (there + shift - size, there + shift),
                }
                for k, (first, last) in enumerate(spans.values()):
                    if window == WINDOWS[0] or k < 2:
                        for name, matches in (("rhythm", rhythm), ("melody", melody)):
                            values = _share(matches, both, first, last, shift)
                            key = (f"{name}{k}", window)
                            ahead.setdefault(key, np.zeros(n))[chosen] = values[chosen]
        columns += ahead.values()
    for window in WINDOWS:
        columns += _like_edges(grid, here, there, lengths * window)
    return columns


def _agreements(grid: NDArray[np.int64], shift: int) -> tuple[Floats, Floats, Floats]:
    """Running sums over steps, of onsets at a step and at the one ``shift`` steps before.

    They count steps with both onsets, with both onsets of one pitch, and with either onset.
    """
    size = len(grid)
    rhythm, melody, either = (np.zeros(size + 1) for _ in range(3))
    if shift < size:
        now, then = grid[shift:], grid[:-shift]
        rhythm[shift + 1 :] = np.cumsum((now > 0) & (then > 0))
        melody[shift + 1 :] = np.cumsum((now > 0) & (now == then))
        either[shift + 1 :] = np.cumsum((now > 0) | (then > 0))
    return rhythm, melody, either


def _share(
    matches: Floats,
    either: Floats,
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    shift: int,
) -> Floats:
    """The share of common onsets from ``first`` to ``last``; 0 if a window is not in the piece."""
    size = len(matches) - 1
    inside = (first - shift >= 0) & (last <= size)
    a, b = np.clip(first, 0, size), np.clip(last, 0, size)
    total = either[b] - either[a]
    return np.where(inside & (total > 0), (matches[b] - matches[a]) / np.maximum(total, 1), 0.0)


def _like_edges(
    grid: NDArray[np.int64],
    here: NDArray[np.int64],
    there: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> list[Floats]:
    """Similarity of the music after each note to the opening, and of that up to it to the end.

    Each is for rhythm and melody: four arrays ``(N,)``.
    """
    found = np.zeros((4, len(here)))
    for size in distinct(sizes).tolist():
        if size > len(grid):
            continue
        windows = sliding_window_view(grid, size)  # (steps, size)
        chosen = np.flatnonzero((sizes == size) & (there + size <= len(grid)))
        found[:2, chosen] = _alike(windows[there[chosen]], windows[0])
        # The window includes the onset of the note, but not the rest of it.
        last = int(here[-1]) + 1 - size
        chosen = np.flatnonzero((sizes == size) & (here + 1 - size >= 0))
        if last >= 0:
            found[2:, chosen] = _alike(windows[here[chosen] + 1 - size], windows[last])
    return list(found)


def _alike(some: NDArray[np.int64], other: NDArray[np.int64]) -> Floats:
    """``(2, n)`` the shares of onsets, and of pitches, that ``n`` windows share with ``other``."""
    either = np.maximum(1, ((some > 0) | (other > 0)).sum(axis=1))
    rhythm = ((some > 0) & (other > 0)).sum(axis=1)
    melody = ((some > 0) & (some == other)).sum(axis=1)
    return np.stack([rhythm / either, melody / either])


def ends_to_labels(chorale: Chorale, notes: MelodyNotes) -> NDArray[np.float32]:
    """``(N,)`` 1 for each note that has a fermata, else 0."""
    return np.isin(notes.onset, chorale.fermatas).astype(np.float32)


@cache
def feature_count() -> int:
    """The number ``F`` of features of a note."""
    bars = Bars(np.array([0]), np.array([16]), np.array([4.0]))
    one = MelodyNotes(np.array([0]), np.array([4]), np.array([60]), bars)
    columns = [*_durations(one), *_places(one), *_line(one), *_echoes(one)]
    return len(columns)
