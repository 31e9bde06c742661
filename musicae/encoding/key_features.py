"""The input of the key finder: features of each melody note, and how long each pitch class sounds.

The network itself turns pitch classes into degrees of each tonic. So if music is transposed, its
scores only move to other tonics. Axes: ``N`` notes, ``F`` features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST
from musicae.encoding.batches import pad
from musicae.encoding.melody_notes import bars_of, melody
from musicae.models.vocabulary import TONICS

N_NOTE_FEATURES = 12
"""The number of features of a note, without its pitch class."""
MOST_NOTES = 400
"""The most notes that are read. Of a longer melody, half of them are from its beginning and half
from its end."""


class KeyInput(NamedTuple):
    """A piece as the key finder reads it."""

    pitch_class: NDArray[np.int64]
    """``(N,)`` the pitch classes, 0 to 11, of the melody's notes."""
    notes: NDArray[np.float32]
    """``(N, F)`` features of lengths, places in the bar and intervals."""
    weight: NDArray[np.float32]
    """``(N,)`` the share of each note in the time of all notes; they sum to 1."""
    shares: NDArray[np.float32]
    """``(12,)`` the share of each pitch class in the time of all voices; they sum to 1."""
    first: int
    """The pitch class of the lowest voice's first note."""
    last: int
    """The pitch class of the lowest voice's last note."""
    signature: int
    """The pitch class of the signature's major tonic; -1 if no signature is known."""
    harmonized: bool
    """Whether more than one voice sounds."""


def key_input(chorale: Chorale, signature: int | None = None) -> KeyInput:
    """The input of the key finder for a chorale with at least one note.

    ``signature`` is the number of sharps of a key signature, or minus that of flats; None if it is
    unknown.
    """
    notes = melody(chorale)
    table = np.array([tuple(note) for note in notes], dtype=np.int64)
    onset, duration, pitch = table.T
    bars = bars_of(chorale)
    index, into = bars.place(onset)
    beat, bar = bars.beat[index], bars.length[index]
    beats = bar / beat
    following = np.append(onset[1:], onset[-1] + duration[-1])
    time = np.minimum(following - onset, duration + bar)
    logs = np.log2(np.maximum(1, time))
    after = np.append(logs[1:], logs[-1])
    steps = np.diff(pitch)
    rest = following - onset - duration
    features = np.stack(
        [
            np.clip(logs - logs.mean(), -3, 3),
            np.clip(logs - after, -3, 3),
            np.clip(logs - np.log2(beat), -3, 3),
            np.isclose(into, 0),
            np.isclose(into, 0.5) & (beats % 2 == 0),
            np.isclose(into * beats % 1, 0),
            rest > beat / 2,
            np.clip(np.append(0, steps), -12, 12) / 6,
            np.clip(np.append(steps, 0), -12, 12) / 6,
            np.arange(len(notes)) == 0,
            np.arange(len(notes)) == len(notes) - 1,
            np.clip((pitch - pitch.mean()) / 6, -2, 2),
        ],
        axis=1,
    ).astype(np.float32)
    sounding = chorale.pitch != REST
    voices = [v for v in range(N_VOICES) if sounding[:, v].any()]
    lowest = chorale.notes(voices[-1])
    steps_of_class = np.bincount(chorale.pitch[sounding] % 12, minlength=12)
    kept = _kept(len(notes))
    weight = np.minimum(time, bar)[kept].astype(np.float32)
    return KeyInput(
        pitch_class=pitch[kept] % 12,
        notes=features[kept],
        weight=weight / weight.sum(),
        shares=(steps_of_class / steps_of_class.sum()).astype(np.float32),
        first=lowest[0].pitch % 12,
        last=lowest[-1].pitch % 12,
        signature=-1 if signature is None else 7 * signature % 12,
        harmonized=len(voices) > 1,
    )


def collate(items: Sequence[KeyInput]) -> dict[str, NDArray[Any]]:
    """The arguments of ``KeyFinder.forward`` for a batch of pieces, by name."""
    piece = np.zeros((len(items), 4 * TONICS + 1), dtype=np.float32)
    for row, one in zip(piece, items, strict=True):
        row[:TONICS] = one.shares
        row[TONICS + one.first] = 1
        row[2 * TONICS + one.last] = 1
        if one.signature >= 0:
            row[3 * TONICS + one.signature] = 1
        row[-1] = one.harmonized
    most = max(len(one.weight) for one in items)
    return {
        "pitch_class": np.stack([pad(one.pitch_class, most, value=-1) for one in items]),
        "notes": np.stack([pad(one.notes, most) for one in items]),
        "weight": np.stack([pad(one.weight, most) for one in items]),
        "piece": piece,
    }


def _kept(count: int) -> NDArray[np.int64]:
    """The indices of the notes that are read, of ``count`` notes."""
    if count <= MOST_NOTES:
        return np.arange(count)
    half = MOST_NOTES // 2
    return np.concatenate([np.arange(half), np.arange(count - half, count)])
