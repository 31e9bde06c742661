"""The input of a chord planner: one row of features for each beat of a melody.

Axes: ``B`` beats of the piece, ``F`` features. Degrees are semitones above a note of the key, so
transposed music gives the same rows, except for one column with the absolute pitch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, STYLES
from musicae.core.key import MODES, Key
from musicae.theory.harmonic_plan import Beat, beats_of

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

SLOTS = 4
"""The number of evenly spaced points of a beat at which the melody is read."""
SLOT = 14
"""The columns of a slot: 12 degrees, a rest, and whether a note begins after the slot before."""
NOTE_LENGTHS = (1.0, 2.0, 4.0)
"""Bounds of the classes of the time, in beats, from the start of a beat to the next onset."""
BEATS_IN_BAR = 6
"""The number of classes of places in a bar, and of bar lengths, in beats."""
TO_END = (1, 2, 3, 4, 6, 8)
"""Bounds of the classes of distances, in beats, to the end and from the beginning of a phrase or
piece."""
RELATIVE = {"major": 0, "minor": 9}
"""Semitones from the note that degrees count from up to the tonic. In minor this note is the tonic
of the relative major, so that both modes share the features of the chords that they share."""

_DISTANCE = len(TO_END) + 1
_WIDTHS = {
    "slots": SLOTS * SLOT,
    "motion": 6,
    "held": 1 + len(NOTE_LENGTHS) + 1,
    "before": 13,
    "after": 13,
    "meter": 2 * BEATS_IN_BAR + 5,
    "piece": 2 * _DISTANCE,
    "mode": len(MODES) + 1,
    "phrase": 4 + 2 * _DISTANCE,
    "style": len(STYLES),
}


def _columns() -> dict[str, slice]:
    stops = np.cumsum(list(_WIDTHS.values())).tolist()
    return {
        name: slice(stop - width, stop)
        for (name, width), stop in zip(_WIDTHS.items(), stops, strict=True)
    }


COLUMNS = _columns()
"""The columns of each group of features. ``phrase`` is all zeros if no phrase ends are known;
``style`` is all zeros if no style is requested."""
FEATURES = sum(_WIDTHS.values())


def melody_features(
    chorale: Chorale,
    key: Key,
    phrase_ends: Sequence[int] | None,
    style: str | None,
    voice: int = 0,
    *,
    outside: tuple[int, int] = (0, 0),
) -> Floats:
    """``(B, F)`` the features of each beat of a melody. All are 0 or 1 except ``motion``.

    Args:
        chorale: the music; only the melody is read.
        key: the key of the music.
        phrase_ends: the steps at which the last notes of phrases begin; None if unknown.
        style: one of ``STYLES``; None leaves it open.
        voice: the number of the voice that has the melody.
        outside: the number of beats of the piece before the music and after it, if the music is
            only a part of a piece.

    >>> melody_features(Chorale.from_notes([[(0, 16, 60)]]), Key(0), None, "bach").shape
    (4, 152)
    """
    beats = beats_of(chorale)
    rows = np.zeros((len(beats), FEATURES), dtype=np.float32)
    pitch = chorale.pitch[:, voice].astype(np.int64)
    onset = chorale.onset[:, voice]
    _fill_notes(rows, beats, pitch, onset, key.tonic - RELATIVE[key.mode])
    _fill_meter(rows[:, COLUMNS["meter"]], beats)
    before, after = outside
    since = np.arange(before, before + len(beats))
    _fill_distances(rows[:, COLUMNS["piece"]], since, before + len(beats) - 1 + after)
    rows[:, COLUMNS["mode"].start + MODES.index(key.mode)] = 1
    rows[:, COLUMNS["mode"].stop - 1] = 1
    if phrase_ends is not None:
        _fill_phrases(rows[:, COLUMNS["phrase"]], beats, onset, phrase_ends)
    if style is not None:
        rows[:, COLUMNS["style"].start + STYLES.index(style)] = 1
    return rows


def end_beats(
    beats: Sequence[Beat], onset: NDArray[np.bool_], phrase_ends: Sequence[int]
) -> list[tuple[int, int]]:
    """For each phrase the indices of the first and the last beat in which its last note sounds.

    The note lasts until the next onset. If this is inside a beat, the beat still belongs to the
    note. If no note begins at a phrase end, the phrase ends with the beat of this step.

    Args:
        beats: the beats of the piece.
        onset: ``(T,)`` whether a note of the melody begins at each step.
        phrase_ends: the steps at which the last notes of phrases begin.
    """
    starts = np.array([beat.start for beat in beats])
    stop = beats[-1].start + beats[-1].length
    onsets = np.flatnonzero(onset)
    spans = []
    for step in sorted(phrase_ends):
        later = onsets[onsets > step]
        following = int(later[0]) if later.size else stop
        if not onset[step]:
            following = step + 1
        first = int(np.searchsorted(starts, step, side="right")) - 1
        last = int(np.searchsorted(starts, following, side="left")) - 1
        spans.append((first, max(first, last)))
    return spans


def _fill_notes(
    rows: Floats, beats: Sequence[Beat], pitch: Ints, onset: NDArray[np.bool_], tonic: int
) -> None:
    begins = np.flatnonzero(onset)
    sounding = np.flatnonzero(pitch != REST)
    middle = float(pitch[sounding].mean()) if sounding.size else 0.0
    heads = [pitch[beat.start] for beat in beats]
    motion, held = COLUMNS["motion"], COLUMNS["held"]
    for i, beat in enumerate(beats):
        stop = beat.start + beat.length
        seen = beat.start
        for slot in range(SLOTS):
            step = beat.start + slot * beat.length // SLOTS
            column = slot * SLOT
            degree = (pitch[step] - tonic) % 12 if pitch[step] != REST else 12
            rows[i, column + degree] = 1
            rows[i, column + 13] = onset[seen : step + 1].any()
            seen = step + 1
        head = heads[i]
        if head != REST:
            rows[i, motion.start] = (head - middle) / 12
            rows[i, motion.start + 1] = (head - 67) / 12
            for offset, other in ((2, i - 1), (4, i + 1)):
                if 0 <= other < len(beats) and heads[other] != REST:
                    leap = int(heads[other] - head)
                    rows[i, motion.start + offset] = np.sign(leap)
                    rows[i, motion.start + offset + 1] = leap / 6
            following = begins[begins > beat.start]
            end = int(following[0]) if following.size else len(pitch)
            lasting = (end - beat.start) / beat.whole
            rows[i, held.start] = not onset[beat.start]
            rows[i, held.start + 1 + int(np.digitize(lasting, NOTE_LENGTHS))] = 1
        _fill_neighbour(rows[i, COLUMNS["before"]], pitch[: beat.start][::-1], head, tonic)
        _fill_neighbour(rows[i, COLUMNS["after"]], pitch[stop:], pitch[stop - 1], tonic)


def _fill_neighbour(row: Floats, pitch: Ints, here: int, tonic: int) -> None:
    """Mark the degree of the first pitch that differs from ``here``; column 12 if there is none."""
    others = np.flatnonzero((pitch != here) & (pitch != REST))
    row[(pitch[others[0]] - tonic) % 12 if others.size else 12] = 1


def _fill_meter(rows: Floats, beats: Sequence[Beat]) -> None:
    for row, beat in zip(rows, beats, strict=True):
        in_bar = -(-beat.bar_length // beat.whole)
        row[min(beat.in_bar, BEATS_IN_BAR - 1)] = 1
        row[BEATS_IN_BAR + min(in_bar, BEATS_IN_BAR) - 1] = 1
        row[2 * BEATS_IN_BAR :] = (
            beat.in_bar == 0,
            in_bar % 2 == 0 and beat.in_bar == in_bar // 2,
            beat.whole % 3 == 0,
            beat.whole == 8,
            beat.length < beat.whole,
        )


def _fill_distances(rows: Floats, since: Ints, last: int) -> None:
    rows[np.arange(len(rows)), np.digitize(since, TO_END)] = 1
    rows[np.arange(len(rows)), _DISTANCE + np.digitize(last - since, TO_END)] = 1


def _fill_phrases(
    rows: Floats, beats: Sequence[Beat], onset: NDArray[np.bool_], phrase_ends: Sequence[int]
) -> None:
    rows[:, 0] = 1
    first = 0
    for end, last in end_beats(beats, onset, phrase_ends):
        rows[end, 1] = 1
        rows[end : last + 1, 2] = 1
        if last + 1 < len(beats):
            rows[last + 1, 3] = 1
        if last >= first:
            here = np.arange(last + 1 - first)
            _fill_distances(rows[first : last + 1, 4:], here, max(end - first, 0))
            first = last + 1
    if first < len(beats):
        _fill_distances(rows[first:, 4:], np.arange(len(beats) - first), len(beats) - first + 8)
