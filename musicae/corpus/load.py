"""Load a chorale corpus from its ``.npz`` file."""

from __future__ import annotations

import zipfile
import zlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicae.core import assets
from musicae.core.chorale import Chorale
from musicae.core.constants import STYLES
from musicae.core.errors import MusicaeError
from musicae.core.key import MODES, Key
from musicae.core.meter import Meter, Tempo
from musicae.core.progress import CountProgress
from musicae.corpus.corpus import CORPUS_FORMAT, JOINED_FORMAT, Corpus, Duplicate, LeftOut
from musicae.corpus.split import JOINED_SIDES

DEFAULT = assets.CHECKOUT / "data" / "chorales.npz"
"""The corpus in the project's checkout; an installed wheel has none."""
_DAMAGED = (OSError, EOFError, LookupError, ValueError, TypeError, zipfile.BadZipFile, zlib.error)
"""The errors that numpy and ``Chorale`` raise for a file that is not a corpus."""


def load(path: Path | str | None = None) -> Corpus:
    """Read a saved corpus; by default ``data/chorales.npz`` of the checkout.

    If ``path`` is a folder with chorales, a corpus is made of them; see ``build_from_folder``.

    Raises MusicaeError if there is no corpus or it cannot be read.
    """
    path = DEFAULT if path is None else Path(path)
    if path.is_dir():
        from musicae.corpus.build import build_from_folder  # imports readers; training needs none

        return build_from_folder(path)
    if not path.is_file():
        raise MusicaeError(
            f"{path}: no such corpus; `musicae corpus build` makes it, and a checkout of the"
            " project has it as data/chorales.npz"
        )
    try:
        # Opened here, because numpy leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if int(arrays["format"]) not in (CORPUS_FORMAT, JOINED_FORMAT):
                raise MusicaeError(f"{path}: was made by another version; build the corpus again")
            return _from_arrays(dict(arrays))
    except MusicaeError:
        raise
    except _DAMAGED as error:
        raise MusicaeError(f"{path}: is not a corpus, or is damaged ({error})") from None


def bach(workers: int | None = None, progress: CountProgress | None = None) -> Corpus:
    """Bach's corpus: the file of the checkout, else built from music21's files; see ``build``."""
    if DEFAULT.is_file():
        return load()
    from musicae.corpus.build import build

    return build(workers=workers, progress=progress)


def default_path(folder: Path | None = None) -> Path:
    """The default path of a corpus file.

    For the chorales of ``folder``: its name, in the current folder. For Bach's chorales: in the
    checkout if there is one, else in the current folder.
    """
    if folder is not None:
        return Path(f"{folder.resolve().name}.npz")
    return DEFAULT if DEFAULT.parent.is_dir() else Path(DEFAULT.name)


def _from_arrays(arrays: dict[str, NDArray[Any]]) -> Corpus:
    tables = {name: _rows(arrays[name]) for name in ("meters", "fermatas", "tempos")}
    stops = np.cumsum(arrays["lengths"])
    pitches = np.split(arrays["pitch"], stops[:-1])
    onsets = np.split(arrays["onset"], stops[:-1])
    chorales = []
    for i, (fifths, mode) in enumerate(arrays["keys"].tolist()):
        chorale = Chorale(
            pitch=pitches[i],
            onset=onsets[i],
            meters=tuple(Meter(*row) for row in tables["meters"][i]),
            pickup=int(arrays["pickups"][i]),
            key=Key(fifths, MODES[mode]) if mode >= 0 else None,
            fermatas=tuple(step for (step,) in tables["fermatas"][i]),
            tempos=tuple(Tempo(step, qpm / 100) for step, qpm in tables["tempos"][i]),
            title=str(arrays["titles"][i]),
            source=str(arrays["sources"][i]),
        )
        chorales.append(chorale)
    return Corpus(
        chorales=tuple(chorales),
        files=tuple(arrays["files"].tolist()),
        tunes=tuple(arrays["tunes"].tolist()),
        sides=tuple(JOINED_SIDES[side] for side in arrays["sides"]),
        quantized=tuple(arrays["quantized"].tolist()),
        left_out=tuple(LeftOut(*row) for row in arrays["left_out"].tolist()),
        duplicates=tuple(Duplicate(*row) for row in arrays["duplicates"].tolist()),
        styles=tuple(STYLES[style] for style in arrays.get("styles", ())),
    )


def _rows(table: NDArray[Any]) -> dict[int, list[list[int]]]:
    """The rows of a table, by the number of their chorale."""
    rows: dict[int, list[list[int]]] = defaultdict(list)
    for chorale, *row in table.tolist():
        rows[chorale].append(row)
    return rows
