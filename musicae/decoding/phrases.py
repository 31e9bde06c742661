"""Where the phrases of a melody end, as the phrase segmenter hears it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.key import Key
from musicae.decoding.key import find_key
from musicae.encoding.melody_notes import MelodyNotes, bar_times, features, melody_notes
from musicae.models.checkpoint import Checkpoint, load_model

THRESHOLD = 0.35
"""The probability from which on a note ends a phrase; chosen on the validation sides."""
WINDOW = 384
"""Notes that the network reads at once; of longer melodies it reads windows that overlap."""
OVERLAP = 64
"""Notes of a window whose probabilities are those of the neighbouring window."""


def phrase_ends(
    chorale: Chorale, key: Key | None = None, model: Checkpoint | None = None
) -> tuple[int, ...]:
    """The steps at which the last notes of phrases begin, in the highest voice that sounds.

    In order, the last note always among them; empty where nothing sounds. ``key`` is the key of
    the melody, else it is found; ``model`` is by default the one that ships with musicae.
    """
    steps, probabilities = marginals(chorale, key, model)
    return tuple(int(step) for step in steps[probabilities >= THRESHOLD])


def marginals(
    chorale: Chorale, key: Key | None = None, model: Checkpoint | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each note of the melody the step at which it begins and how likely a phrase ends on it.

    Both are ``(N,)``; the last note's probability is 1. The arguments are those of
    ``phrase_ends``. Time is linear in the number of notes.
    """
    if key is None and (chorale.pitch >= 0).any():
        key = chorale.key or find_key(chorale)
    notes = melody_notes(chorale, key)
    if not len(notes):
        return notes.onset, np.zeros(0)
    logits = _logits(notes, model or load_model("phrases"))
    probabilities = 1 / (1 + np.exp(-logits))
    probabilities[-1] = 1.0
    return notes.onset, probabilities


def _logits(notes: MelodyNotes, model: Checkpoint) -> NDArray[np.float64]:
    """The network's logits, window by window."""
    read, times = features(notes), bar_times(notes)
    found = np.zeros(len(notes))
    for begin, stop, keep in _windows(len(notes)):
        (logits,) = model.run("segment", features=read[begin:stop], times=times[begin:stop])
        found[keep:stop] = logits[keep - begin :]
    return found


def _windows(count: int) -> Sequence[tuple[int, int, int]]:
    """Windows as their first note, the one after their last, and the first one that is kept.

    What a window finds of its last notes is replaced by what the next one finds.
    """
    if count <= WINDOW:
        return [(0, count, 0)]
    stride = WINDOW - 2 * OVERLAP
    rows = []
    for index in range(1 + math.ceil((count - WINDOW) / stride)):
        begin = min(index * stride, count - WINDOW)
        keep = begin + OVERLAP if index else 0
        rows.append((begin, begin + WINDOW, keep))
    return rows
