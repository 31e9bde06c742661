"""Checks of the arrays and steps of a chorale.

Axes: ``T`` steps, ``V`` voices.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musicae.core.constants import N_VOICES, REST, VOICES
from musicae.core.errors import ChoraleError


def frozen(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    """A read-only copy of an array. Raises ChoraleError if ``dtype`` cannot hold its values."""
    array = np.array(values)
    cast = array.astype(dtype)
    if not np.array_equal(array, cast):
        raise ChoraleError(f"an array of {array.dtype} does not hold {np.dtype(dtype)} values")
    cast.setflags(write=False)
    return cast


def check_order(name: str, steps_at: Sequence[int], steps: int) -> None:
    """Raises ChoraleError if steps do not ascend, or lie outside a piece of ``steps`` steps."""
    if any(b <= a for a, b in pairwise(steps_at)):
        raise ChoraleError(f"{name} are not in order: {list(steps_at)}")
    if steps_at and not 0 <= steps_at[0] <= steps_at[-1] < steps:
        raise ChoraleError(f"{name} lie outside the piece of {steps} steps: {list(steps_at)}")


def check_voices(pitch: NDArray[np.int16], onset: NDArray[np.bool_]) -> None:
    """Raises ChoraleError if ``(T, V)`` pitches and onsets are not those of four voices."""
    if pitch.ndim != 2 or pitch.shape[1] != N_VOICES or pitch.shape != onset.shape:
        raise ChoraleError(
            f"pitch and onset are (T, {N_VOICES}), not {pitch.shape} and {onset.shape}"
        )
    if not len(pitch):
        raise ChoraleError("a chorale lasts at least one step")

    def complain(wrong: NDArray[np.bool_], what: str) -> None:
        if wrong.any():
            step, voice = (int(i) for i in np.argwhere(wrong)[0])
            raise ChoraleError(f"{VOICES[voice]}, step {step}: {what}")

    sounding = pitch != REST
    complain((pitch < REST) | (pitch > 127), "a pitch is 0 to 127 or REST")
    complain(onset & ~sounding, "a note begins while the voice rests")
    before = np.vstack([np.full((1, N_VOICES), REST, dtype=pitch.dtype), pitch[:-1]])
    complain(sounding & ~onset & (before != pitch), "a pitch sounds without an onset")
