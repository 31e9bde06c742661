"""The key of a melody or of several voices, by the key finder."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import distinct
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.errors import ChoraleError
from musicae.core.key import CHURCH_MODES, CONTRARY, Key
from musicae.encoding.key_features import KeyInput, collate, key_input
from musicae.models.checkpoint import Checkpoint, load_model
from musicae.models.vocabulary import MODES, TONICS

AS_MAJOR = ("major", "mixolydian")
"""The modes that are notated as major; the others are notated as minor."""
TREATED = ("dorian", "mixolydian")
"""The church modes that are found by default. A phrygian tune counts as minor unless the user asks
for phrygian."""
SURE = 0.6
"""The least probability of a church mode that the found key may have."""


class FoundKey(NamedTuple):
    """A key, its mode, and its probability."""

    key: Key
    """Major or minor. It has a church mode if the finder is sure of it and the notes contain the
    degree that distinguishes it."""
    mode: str
    """The likeliest mode: a value of ``musicae.models.vocabulary.MODES``."""
    probability: float
    """0 to 1, summed over all modes that are notated like the key."""


def find_key(
    chorale: Chorale, signature: int | None = None, model: Checkpoint | None = None
) -> Key:
    """The likeliest key of a melody or of several voices.

    Transposed music gets the transposed key. The chorale's own ``key`` is not used.

    Args:
        chorale: the music.
        signature: evidence for the key: the number of sharps of a key signature, or minus that of
            flats; None if it is unknown.
        model: the key finder; by default the one that ships with musicae.

    Raises ChoraleError if nothing sounds.
    """
    return find_mode(chorale, signature, model).key


def find_mode(
    chorale: Chorale, signature: int | None = None, model: Checkpoint | None = None
) -> FoundKey:
    """``find_key`` with the church mode and the probability; the arguments are the same."""
    scores = key_probabilities(chorale, signature, model)
    major = np.array([mode in AS_MAJOR for mode in MODES])
    classes = np.stack([scores[:, major].sum(axis=1), scores[:, ~major].sum(axis=1)])
    minor, tonic = (int(i) for i in np.unravel_index(classes.argmax(), classes.shape))
    inside = np.where(major != bool(minor), scores[tonic], -1.0)
    key = Key.from_tonic(tonic, "minor" if minor else "major", signature)
    mode = MODES[int(inside.argmax())]
    sure = mode in TREATED and scores[tonic, MODES.index(mode)] > SURE
    if sure and _has_degree(chorale, key, mode):
        key = replace(key, church=mode)
    return FoundKey(key, mode, float(classes[minor, tonic]))


def probability_of(key: Key, chorale: Chorale) -> float:
    """The probability, 0 to 1, of a key, summed over all modes that are notated like it.

    Raises ChoraleError if nothing sounds.
    """
    like = [(mode in AS_MAJOR) == (key.mode == "major") for mode in MODES]
    return float(key_probabilities(chorale)[key.tonic, like].sum())


def _has_degree(chorale: Chorale, key: Key, mode: str) -> bool:
    """Whether the notes have the degree that distinguishes a church mode, and not the usual one."""
    degrees = {int(pitch - key.tonic) % 12 for pitch in distinct(chorale.pitch) if pitch != REST}
    contrary = CONTRARY[mode]
    own = contrary + (1 if CHURCH_MODES[mode] == "minor" else -1)
    return own in degrees and contrary not in degrees


def key_probabilities(
    chorale: Chorale, signature: int | None = None, model: Checkpoint | None = None
) -> NDArray[np.float64]:
    """``(12, 5)`` the probability of each tonic, from C up, and mode; they sum to 1.

    The arguments and the error are those of ``find_key``.
    """
    if not (chorale.pitch != REST).any():
        raise ChoraleError("nothing sounds, so there is no key to find")
    read = key_input(chorale, signature)
    # Pitch classes count from the last note, so that transposed music gives the same numbers.
    origin = read.last
    finder = model or load_model("key")
    (found,) = finder.run("find", **collate([_counted_from(origin, read)]))
    scores = np.exp(found[0].astype(np.float64))
    if signature is None and np.count_nonzero(read.shares) == 1:
        # If there is only one pitch class, it is the tonic, whatever the network says.
        scores[1:] = 0
        scores /= scores.sum()
    return np.roll(scores, origin, axis=0)


def _counted_from(origin: int, read: KeyInput) -> KeyInput:
    """The same piece, transposed so that the pitch class ``origin`` becomes 0."""
    return read._replace(
        pitch_class=(read.pitch_class - origin) % TONICS,
        shares=np.roll(read.shares, -origin),
        first=(read.first - origin) % TONICS,
        last=(read.last - origin) % TONICS,
        signature=-1 if read.signature < 0 else (read.signature - origin) % TONICS,
    )
