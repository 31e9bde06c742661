"""Where the phrases of a melody end, by the phrase segmenter."""

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
"""The least probability of a note that ends a phrase; chosen on the validation sides."""
WINDOW = 384
"""The most notes that the network reads at once. It reads longer melodies in windows that
overlap."""
OVERLAP = 64
"""The number of notes at an inner edge of a window whose result is discarded. The neighbouring
window gives theirs."""


def phrase_ends(
    chorale: Chorale, key: Key | None = None, model: Checkpoint | None = None
) -> tuple[int, ...]:
    """The steps, in order, at which the last notes of phrases begin.

    The melody is the highest voice that sounds. Its last note always ends a phrase. The result is
    empty if nothing sounds.

    Args:
        chorale: the music.
        key: the key of the melody; by default that of the chorale, or the one that is found.
        model: the phrase segmenter; by default the one that ships with musicae.
    """
    steps, probabilities = marginals(chorale, key, model)
    return tuple(int(step) for step in steps[probabilities >= THRESHOLD])


def marginals(
    chorale: Chorale, key: Key | None = None, model: Checkpoint | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each note of the melody its first step and the probability that it ends a phrase.

    Both arrays are ``(N,)``. The last note's probability is 1. The arguments are those of
    ``phrase_ends``. The time is linear in the number of notes.
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
    """For each window its first note, the note after its last, and the first note that is kept.

    The next window replaces the result for a window's last notes.
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
