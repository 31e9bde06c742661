"""The conditioning of a decoder of voices: the encoded known notes, computed when it is read.

The encoder is bidirectional, but each of its layers attends to at most ``span`` frames on each
side. So a window is encoded together with a margin of frames on both sides. Its frames equal those
of the whole piece, up to rounding, and memory does not grow with the length of a piece.

Axes: ``B`` pieces, ``T`` steps, ``V`` voices, ``J`` frames of ``stride`` steps, ``W`` width.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicae.core.arrays import Floats32
from musicae.core.processes import own_cores
from musicae.encoding.notes import notes_of
from musicae.models.batches import MaskedBatch
from musicae.models.checkpoint import Checkpoint
from musicae.models.vocabulary import AGES, NONE

WINDOW = 512
"""The number of frames in a window."""
AT_ONCE = 768
"""The most frames of all pieces together in one call of the encoder. A single piece may have
more."""
SHARED = 2
"""The least number of pieces for each core. With fewer, fewer cores are used."""
REMEMBERED = 2
"""The number of windows that are kept. Candidates are near each other, but not always in the same
frame."""
AGE, LEAP = 2, 3
"""Fields of notes."""
OLD = AGES[-1] + 1
"""The least age, in steps, in the last class of ages."""


class Conditioning:
    """The encoding ``(B, J, W)`` of the known notes of some pieces; it is read like an array.

    ``[pieces, frames]`` gives one frame of each of ``M`` pieces, ``(M, W)``. ``[:, first:stop]``
    gives the frames of all pieces, ``(B, F, W)``. Threads may share it.
    """

    def __init__(self, model: Checkpoint, batch: MaskedBatch) -> None:
        self.model, self.batch = model, batch
        config = model.config
        self.stride = config.stride
        self.margin = 1 + config.encoder_layers * config.span
        self.shape = (len(batch.tokens), batch.tokens.shape[1] // config.stride, config.width)
        self.notes = np.stack([self._notes_of(piece) for piece in range(len(batch.tokens))])
        """``(B, T, V, 4)`` pitch, kind, age and leap of each voice at each step."""
        self.windows: dict[int, Floats32] = {}
        self.lock = Lock()

    def __getitem__(self, where: tuple[Any, Any]) -> Floats32:
        """The frames at ``where``; see the class."""
        pieces, frames = where
        if not isinstance(frames, slice):
            numbers, places = np.divmod(np.broadcast_to(frames, np.shape(pieces)), WINDOW)
            found = np.empty((len(places), self.shape[2]), dtype=np.float32)
            for number in set(numbers.tolist()):
                here = numbers == number
                found[here] = self._window(number)[pieces[here], places[here]]
            return found
        first, stop, _ = frames.indices(self.shape[1])
        windows = range(first // WINDOW, -(-stop // WINDOW))
        joined = np.concatenate([self._window(number) for number in windows], axis=1)
        begin = windows.start * WINDOW
        return joined[pieces, first - begin : stop - begin]

    def _window(self, number: int) -> Floats32:
        """``(B, F, W)`` the frames of a window, up to ``WINDOW`` of them."""
        with self.lock:
            found = self.windows.get(number)
            if found is None:
                while len(self.windows) >= REMEMBERED:
                    self.windows.pop(next(iter(self.windows)))
                found = self.windows[number] = self._encoded_window(number)
            return found

    def _encoded_window(self, number: int) -> Floats32:
        first, stop = number * WINDOW, min((number + 1) * WINDOW, self.shape[1])
        low, high = max(0, first - self.margin), min(self.shape[1], stop + self.margin)
        count = len(self.batch.tokens)
        threads = min(own_cores(), count // SHARED) or 1
        some = max(1, min(AT_ONCE // (high - low), -(-count // threads)))
        parts = [slice(piece, piece + some) for piece in range(0, count, some)]

        def encoded(part: slice) -> Floats32:
            return self._encoded(part, low, high)

        if threads == 1:
            found = [encoded(part) for part in parts]
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(threads) as pool:
                found = list(pool.map(encoded, parts))
        return np.concatenate(found)[:, first - low : stop - low]

    def _encoded(self, pieces: slice, low: int, high: int) -> Floats32:
        """The encoding of the frames from ``low`` to ``high``. Outside the margins it equals the
        encoding of the whole piece."""
        batch, steps = self.batch, slice(low * self.stride, high * self.stride)
        found: Floats32 = self.model.run(
            "known",
            notes=self.notes[pieces, steps].astype(np.int64),
            known=batch.known[pieces, steps],
            context=batch.context[pieces, steps],
            tonic=batch.tonic[pieces],
        )[0]
        return found

    def _notes_of(self, piece: int) -> NDArray[np.int16]:
        """``(T, V, 4)`` the notes of a piece. Any part of them can be encoded on its own.

        Ages above ``OLD`` become ``OLD``, for the network has one class for them. Leaps from
        unknown notes become ``NONE``: to find out whether the note before is known, the network
        would need all steps back to the beginning of the present note.
        """
        tokens, known = self.batch.tokens[piece], self.batch.known[piece]
        notes = notes_of(tokens, np.array(self.model.config.lowest))
        before = np.arange(len(tokens))[:, None] - notes[..., AGE] - 1
        known_before = np.take_along_axis(known, np.maximum(before, 0), axis=0)
        notes[..., LEAP] = np.where(known_before, notes[..., LEAP], NONE)
        notes[..., AGE] = np.minimum(notes[..., AGE], OLD)
        return notes.astype(np.int16)
