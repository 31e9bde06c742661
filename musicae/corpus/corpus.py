"""``Corpus``: chorales with their tunes and their sides of the split, and its file format, .npz."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import STYLES
from musicae.core.errors import MusicaeError
from musicae.core.files import whole_file
from musicae.core.key import MODES
from musicae.core.meter import Meter
from musicae.corpus.split import JOINED_SIDES, SIDES

CORPUS_FORMAT, JOINED_FORMAT = 1, 2
"""The versions of the file format: without styles; with styles and the sides of four-part data."""


@dataclass(frozen=True)
class Corpus:
    """Chorales, with facts about each of them in tuples of the same order.

    Args:
        chorales: the music.
        files: the name of each chorale's file.
        tunes: the number of each chorale's tune; chorales with the same tune have the same number.
        sides: for each chorale one of ``JOINED_SIDES``. Chorales of one tune are on one side, but
            the side ``held`` has tunes of ``valid`` and ``test``.
        quantized: for each chorale the number of notes that were moved to the sixteenth grid.
        left_out: the files that are no chorales, sorted by name.
        duplicates: the files with the same music as another file, sorted by name.
        styles: for each chorale one of ``STYLES``; by default all are ``bach``.

    Raises ValueError if the numbers of styles and chorales differ.
    """

    chorales: tuple[Chorale, ...]
    files: tuple[str, ...]
    tunes: tuple[int, ...]
    sides: tuple[str, ...]
    quantized: tuple[int, ...]
    left_out: tuple[LeftOut, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    styles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.styles:
            object.__setattr__(self, "styles", (STYLES[0],) * len(self.chorales))
        if len(self.styles) != len(self.chorales):
            raise ValueError(f"{len(self.styles)} styles for {len(self.chorales)} chorales")

    def __len__(self) -> int:
        return len(self.chorales)

    @property
    def side_names(self) -> tuple[str, ...]:
        """The sides of the split: ``SIDES``, and the others that a joined corpus has."""
        return tuple(name for name in JOINED_SIDES if name in SIDES or name in self.sides)

    def side(self, name: str) -> tuple[Chorale, ...]:
        """The chorales of one side. Raises MusicaeError if there is no such side."""
        return tuple(self.chorales[i] for i in self._places(name))

    def styles_of(self, side: str) -> tuple[str, ...]:
        """The styles of the chorales of one side. Raises MusicaeError if there is no such side."""
        return tuple(self.styles[i] for i in self._places(side))

    def _places(self, side: str) -> list[int]:
        if side not in self.side_names:
            raise MusicaeError(
                f"no side is called {side!r}; there are {', '.join(self.side_names)}"
            )
        return [i for i, name in enumerate(self.sides) if name == side]

    def save(self, path: Path | str) -> None:
        """Write the corpus to a file that ``load`` reads; it has no pickles.

        Equal corpora give equal bytes. If writing fails, an old file stays. Raises ChoraleError if
        the file cannot be written.
        """
        with whole_file(Path(path)) as partial:
            _write_arrays(partial, _to_arrays(self))


# The file format: flat arrays with the chorales one after another, and tables in which each row
# begins with the number of its chorale.


def _to_arrays(corpus: Corpus) -> dict[str, NDArray[Any]]:
    chorales = corpus.chorales
    keys = [(c.key.fifths, MODES.index(c.key.mode)) if c.key else (0, -1) for c in chorales]
    meters = [(i, *row) for i, c in enumerate(chorales) for row in map(_meter_row, c.meters)]
    fermatas = [(i, step) for i, c in enumerate(chorales) for step in c.fermatas]
    joined = set(corpus.styles) != {STYLES[0]} or not set(corpus.sides) <= set(SIDES)
    styles = np.array([STYLES.index(style) for style in corpus.styles], dtype=np.int8)
    tempos = [(i, t.step, round(100 * t.qpm)) for i, c in enumerate(chorales) for t in c.tempos]
    return {
        "format": np.array(JOINED_FORMAT if joined else CORPUS_FORMAT),
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
        "sides": np.array([JOINED_SIDES.index(side) for side in corpus.sides], dtype=np.int8),
        "quantized": np.array(corpus.quantized, dtype=np.int32),
        "left_out": np.array(corpus.left_out, dtype=np.str_).reshape(-1, 2),
        "duplicates": np.array(corpus.duplicates, dtype=np.str_).reshape(-1, 2),
        **({"styles": styles} if joined else {}),
    }


def _meter_row(meter: Meter) -> tuple[int, int, int]:
    return meter.step, meter.numerator, meter.denominator


def _write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Like ``np.savez_compressed``, but with fixed times in the archive, so bytes do not vary."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


class LeftOut(NamedTuple):
    """A file that cannot be used, and the reason."""

    file: str
    reason: str


class Duplicate(NamedTuple):
    """A file that is left out, because the file ``kept`` has the same music."""

    file: str
    kept: str
