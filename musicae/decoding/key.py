"""The key of a melody or of several voices, as the key finder hears it."""

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
"""The modes that scores write as major; the others are written as minor."""


TREATED = ("dorian", "mixolydian")
"""The church modes that a key says by itself; a phrygian tune is heard as minor unless asked."""
SURE = 0.6
"""The least probability of a church mode that a key says."""


class FoundKey(NamedTuple):
    """A key with its mode by name and how sure the key finder is."""

    key: Key
    """With its church mode, where the finder is sure of it and the notes have its own degree."""
    mode: str
    """A value of ``musicae.models.vocabulary.MODES``: a dorian tune's key is minor."""
    probability: float
    """Of the key, over all modes that are written like it."""


def find_key(
    chorale: Chorale, signature: int | None = None, model: Checkpoint | None = None
) -> Key:
    """The likeliest key of a melody or of several voices.

    ``signature`` is evidence, the sharps (or, negative, flats) of a key signature; the chorale's
    own ``key`` is not looked at. ``model`` is by default the one that ships with musicae.
    Transposed music gets the transposed key. Raises ChoraleError where nothing sounds.
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
    if mode in TREATED and scores[tonic, MODES.index(mode)] > SURE and _sings(chorale, key, mode):
        key = replace(key, church=mode)
    return FoundKey(key, mode, float(classes[minor, tonic]))


def probability_of(key: Key, chorale: Chorale) -> float:
    """How likely a key is for a melody or several voices, over all modes that are written like it.

    Raises ChoraleError where nothing sounds.
    """
    like = [(mode in AS_MAJOR) == (key.mode == "major") for mode in MODES]
    return float(key_probabilities(chorale)[key.tonic, like].sum())


def _sings(chorale: Chorale, key: Key, mode: str) -> bool:
    """Whether the notes have the degree that is of the church mode alone, and not its contrary."""
    degrees = {int(pitch - key.tonic) % 12 for pitch in distinct(chorale.pitch) if pitch != REST}
    contrary = CONTRARY[mode]
    own = contrary + (1 if CHURCH_MODES[mode] == "minor" else -1)
    return own in degrees and contrary not in degrees


def key_probabilities(
    chorale: Chorale, signature: int | None = None, model: Checkpoint | None = None
) -> NDArray[np.float64]:
    """The probability of each tonic, from C up, and mode: ``(12, 5)``, in all 1.

    The arguments are those of ``find_key``.
    """
    if not (chorale.pitch != REST).any():
        raise ChoraleError("nothing sounds, so there is no key to find")
    read = key_input(chorale, signature)
    # Everything is counted from the last note up, so that transposed music gives the same sums.
    origin = read.last
    finder = model or load_model("key")
    (found,) = finder.run("find", **collate([_counted_from(origin, read)]))
    scores = np.exp(found[0].astype(np.float64))
    if signature is None and np.count_nonzero(read.shares) == 1:
        # Nothing but one pitch class: it is the tonic, whatever the network makes of it.
        scores[1:] = 0
        scores /= scores.sum()
    return np.roll(scores, origin, axis=0)


def _counted_from(origin: int, read: KeyInput) -> KeyInput:
    """The same piece transposed so that this pitch class becomes 0."""
    return read._replace(
        pitch_class=(read.pitch_class - origin) % TONICS,
        shares=np.roll(read.shares, -origin),
        first=(read.first - origin) % TONICS,
        last=(read.last - origin) % TONICS,
        signature=-1 if read.signature < 0 else (read.signature - origin) % TONICS,
    )
