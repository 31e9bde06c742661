"""``Corpus``: chorales with their tunes and sides of the split, and how they are saved as .npz."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.errors import MusicaeError
from musicae.core.files import whole_file
from musicae.core.key import MODES
from musicae.core.meter import Meter
from musicae.corpus.split import SIDES

CORPUS_FORMAT = 1
"""The version of the file format; another number means other arrays."""


@dataclass(frozen=True)
class Corpus:
    """Chorales and facts about each of them, in lists of the same order.

    Args:
        chorales: the music.
        files: the file that each came from.
        tunes: the number of its tune, equal for chorales whose sopranos share one.
        sides: ``"train"``, ``"valid"`` or ``"test"``, equal for chorales of one tune.
        quantized: how many of its notes were moved to the sixteenth grid.
        left_out: the files that are no chorales, by name.
        duplicates: the files with the music of another one, by name.
    """

    chorales: tuple[Chorale, ...]
    files: tuple[str, ...]
    tunes: tuple[int, ...]
    sides: tuple[str, ...]
    quantized: tuple[int, ...]
    left_out: tuple[LeftOut, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()

    def __len__(self) -> int:
        return len(self.chorales)

    def side(self, name: str) -> tuple[Chorale, ...]:
        """The chorales of one side. Raises MusicaeError where there is no such side."""
        if name not in SIDES:
            raise MusicaeError(f"no side is called {name!r}; there are {', '.join(SIDES)}")
        return tuple(c for c, side in zip(self.chorales, self.sides, strict=True) if side == name)

    def save(self, path: Path | str) -> None:
        """Write the corpus for ``load``, without pickles, whole or not at all.

        Equal corpora give equal bytes. Raises ChoraleError where the file cannot be written.
        """
        with whole_file(Path(path)) as partial:
            _write_arrays(partial, _to_arrays(self))


# Saving and loading: the chorales one after another in flat arrays, and tables whose rows begin
# with the number of the chorale.


def _to_arrays(corpus: Corpus) -> dict[str, NDArray[Any]]:
    chorales = corpus.chorales
    keys = [(c.key.fifths, MODES.index(c.key.mode)) if c.key else (0, -1) for c in chorales]
    meters = [(i, *row) for i, c in enumerate(chorales) for row in map(_meter_row, c.meters)]
    fermatas = [(i, step) for i, c in enumerate(chorales) for step in c.fermatas]
    tempos = [(i, t.step, round(100 * t.qpm)) for i, c in enumerate(chorales) for t in c.tempos]
    return {
        "format": np.array(CORPUS_FORMAT),
        "lengths": np.array([len(c) for c in chorales], dtype=np.int32),
        "pitch": np.concatenate([c.pitch for c in chorales]).astype(np.int8),
        "onset": np.concatenate([c.onset for c in chorales]),
        "pickups": np.array([c.pickup for c in chorales], dtype=np.int32),
        "keys": np.array(keys, dtype=np.int8),
        "meters": np.array(meters, dtype=np.int32).reshape(-1, 4),
        "fermatas": np.array(fermatas, dtype=np.int32).reshape(-1, 2),
        "tempos": np.array(tempos, dtype=np.int32).reshape(-1, 3),
        "titles": np.array([c.title for c in chorales], dtype=np.str_),
        "sources": np.array([c.source for c in chorales], dtype=np.str_),
        "files": np.array(corpus.files, dtype=np.str_),
        "tunes": np.array(corpus.tunes, dtype=np.int32),
        "sides": np.array([SIDES.index(side) for side in corpus.sides], dtype=np.int8),
        "quantized": np.array(corpus.quantized, dtype=np.int32),
        "left_out": np.array(corpus.left_out, dtype=np.str_).reshape(-1, 2),
        "duplicates": np.array(corpus.duplicates, dtype=np.str_).reshape(-1, 2),
    }


def _meter_row(meter: Meter) -> tuple[int, int, int]:
    return meter.step, meter.numerator, meter.denominator


def _write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """``np.savez_compressed``, but with fixed times in the archive."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


class LeftOut(NamedTuple):
    """A file that cannot be used, and why."""

    file: str
    reason: str


class Duplicate(NamedTuple):
    """A file that is not needed, because the file ``kept`` has the same music."""

    file: str
    kept: str
