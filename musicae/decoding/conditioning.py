"""What conditions a decoder of voices: the encoding of what is known, computed where it is read.

The encoder is bidirectional, but each of its layers looks no further than ``span`` frames. So the
frames of a window that also reads ``MARGIN`` of its neighbours are those of the whole piece, up to
rounding, and memory does not grow with the length of a piece.

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
"""Frames that are encoded at once."""
AT_ONCE = 768
"""Frames of all pieces that are encoded at once, at most, if one piece has no more."""
SHARED = 2
"""From so many pieces for each on, cores share them."""
REMEMBERED = 2
"""Windows that are kept: candidates stand near each other, but not at the same frame."""
AGE, LEAP = 2, 3
"""Fields of notes."""
OLD = AGES[-1] + 1
"""An age, in steps, in the last class of ages."""


class Conditioning:
    """The encoding ``(B, J, W)`` of what is known of some pieces; it is read like an array.

    By ``[pieces, frames]`` it gives a frame ``(M, W)`` of each of some pieces, by
    ``[:, first:stop]`` the frames ``(B, F, W)`` of all. Threads may share it.
    """

    def __init__(self, model: Checkpoint, batch: MaskedBatch) -> None:
        self.model, self.batch = model, batch
        config = model.config
        self.stride = config.stride
        self.margin = 1 + config.encoder_layers * config.span
        self.shape = (len(batch.tokens), batch.tokens.shape[1] // config.stride, config.width)
        self.notes = np.stack([self._notes_of(piece) for piece in range(len(batch.tokens))])
        """``(B, T, V, 4)``."""
        self.windows: dict[int, Floats32] = {}
        self.lock = Lock()

    def __getitem__(self, where: tuple[Any, Any]) -> Floats32:
        """Some frames; see the class."""
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
        """``(B, up to WINDOW, W)``."""
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
        """The encoding of frames from ``low`` to ``high``; but for the margins it is that of the
        whole."""
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
        """``(T, V, 4)`` the notes of a piece as a network can read them without those before.

        It does not tell ages above ``OLD`` apart. Leaps from notes that are not known are left out,
        for the network would look for these up to where a note began.
        """
        tokens, known = self.batch.tokens[piece], self.batch.known[piece]
        notes = notes_of(tokens, np.array(self.model.config.lowest))
        before = np.arange(len(tokens))[:, None] - notes[..., AGE] - 1
        known_before = np.take_along_axis(known, np.maximum(before, 0), axis=0)
        notes[..., LEAP] = np.where(known_before, notes[..., LEAP], NONE)
        notes[..., AGE] = np.minimum(notes[..., AGE], OLD)
        return notes.astype(np.int16)
