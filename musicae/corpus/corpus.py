"""The chorale corpus: built from music21's Bach or from a folder, split by tune, kept as .npz."""

from __future__ import annotations

import multiprocessing
import os
import re
import warnings
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, VOICE_RANGES, VOICES
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.files import whole_file
from musicae.core.key import MODES, Key
from musicae.core.meter import Meter, Tempo
from musicae.corpus.tunes import SAME_MUSIC, SIDES, components, shared_chords, split, tunes_of
from musicae.io import music21_score as scores
from musicae.io import musicxml
from musicae.io.base import Reading

DEFAULT = Path(__file__).parents[2] / "data" / "chorales.npz"
"""The corpus of the project's checkout; an installed wheel has none."""
FORMAT = 1
"""Of the file; another number means other arrays."""

MIDI_SUFFIXES = (".mid", ".midi")

MISNUMBERED = ("bwv62.6.mxl", "bwv177.4.mxl")
"""Files of music21 with the music of another number, which has its own file: cantata 62 ends with
Nun komm, der Heiden Heiland, but the file has BWV 274; the file 177.4 has BWV 117.4."""
CORRECTED_TITLES = {"2.6": "Ach Gott, vom Himmel sieh\u2019 darein"}
"""Titles that music21's list misspells, by BWV number."""

MOST_SILENCE = 0.4
"""The share of a chorale in which nobody may sing; beyond it players have interludes."""

FILES_AT_ONCE = 4
"""That a process takes to read."""

Progress = Callable[[int, int], None]
"""Called with the number of files read so far and of all."""


_DAMAGED = (OSError, EOFError, LookupError, ValueError, TypeError, zipfile.BadZipFile, zlib.error)
"""What numpy and the Chorale raise for a file that is not a corpus."""


class LeftOut(NamedTuple):
    """A file that cannot be used, and why."""

    file: str
    reason: str


class Duplicate(NamedTuple):
    """A file that is not needed, because the file ``kept`` has the same music."""

    file: str
    kept: str


@dataclass(frozen=True)
class Corpus:
    """Chorales, and at the same places of the other lists what is known about each.

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


def load(path: Path | str | None = None) -> Corpus:
    """Read a corpus that was saved; without a path that of the checkout, ``data/chorales.npz``.

    Of a folder with chorales a corpus is made; see ``build_from_folder``.

    Raises MusicaeError where there is none or it cannot be read.
    """
    path = DEFAULT if path is None else Path(path)
    if path.is_dir():
        return build_from_folder(path)
    if not path.is_file():
        raise MusicaeError(
            f"{path}: no such corpus; `musicae corpus build` makes it, and a checkout of the"
            " project has it as data/chorales.npz"
        )
    try:
        # Opened here, because numpy leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if int(arrays["format"]) != FORMAT:
                raise MusicaeError(f"{path}: was made by another version; build the corpus anew")
            return _from_arrays(dict(arrays))
    except MusicaeError:
        raise
    except _DAMAGED as error:
        raise MusicaeError(f"{path}: is not a corpus, or is damaged ({error})") from None


def default_path(folder: Path | None = None) -> Path:
    """Where a corpus is saved by default: Bach's in the checkout if this is one, else here."""
    if folder is not None:
        return Path(f"{folder.resolve().name}.npz")
    return DEFAULT if DEFAULT.parent.is_dir() else Path(DEFAULT.name)


def build(
    files: Sequence[Path] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Corpus:
    """The corpus of the Bach files that come with music21: all of them, or those given.

    ``workers`` is the number of processes, by default one a core.
    """
    from music21 import corpus

    paths = {Path(path).name: Path(path) for path in files or corpus.getComposer("bach")}
    titles = _bach_titles()

    def with_facts(file: str, chorale: Chorale) -> Chorale:
        number = Path(file).stem.removeprefix("bwv")
        # Variants of one movement are told apart behind a dash: 112.5-sc.
        title = titles.get(number) or titles.get(number.partition("-")[0], "")
        return replace(chorale, title=title, source=f"BWV {number}")

    return _assemble(paths, with_facts, workers, progress)


def build_from_folder(
    folder: Path | str, workers: int | None = None, progress: Progress | None = None
) -> Corpus:
    """The corpus of the MIDI and MusicXML files in a folder and in the folders inside it.

    Raises MusicaeError where there is no folder, or no chorale in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MusicaeError(f"{folder}: no such folder")
    suffixes = (*MIDI_SUFFIXES, *musicxml.SUFFIXES)
    paths = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes and path.is_file()
    }
    if not paths:
        raise MusicaeError(f"{folder}: has no files that end in {', '.join(suffixes)}")

    def with_facts(file: str, chorale: Chorale) -> Chorale:
        return replace(chorale, source=" ".join(file.split()))

    return _assemble(paths, with_facts, workers, progress)


def transpositions(chorale: Chorale) -> range:
    """The shifts in semitones that keep every voice inside ``VOICE_RANGES``; there may be none."""
    least, most = -127, 127
    for column, (low, high) in zip(chorale.pitch.T, VOICE_RANGES, strict=True):
        sounding = column[column != REST]
        if sounding.size:
            least = max(least, low - int(sounding.min()))
            most = min(most, high - int(sounding.max()))
    return range(least, most + 1)


# Building


def _bach_titles() -> dict[str, str]:
    """Titles by BWV number, such as 253 and 26.6."""
    from music21.corpus import chorales

    titles = dict(CORRECTED_TITLES)
    listed = [*chorales.ChoraleListRKBWV().byRiemenschneider.values()]
    listed += chorales.ChoraleList().byBWV.values()
    for entry in listed:
        titles.setdefault(str(entry["bwv"]), " ".join(entry["title"].split()))
    return titles


def _assemble(
    paths: dict[str, Path],
    with_facts: Callable[[str, Chorale], Chorale],
    workers: int | None,
    progress: Progress | None,
) -> Corpus:
    """Read files by name, and find their duplicates, tunes and sides. Raises MusicaeError."""
    names = sorted(paths, key=_numerically)
    chorales: dict[str, Chorale] = {}
    quantized: dict[str, int] = {}
    left_out: list[LeftOut] = []
    readings = _read_all([paths[name] for name in names], workers, progress)
    for name, found in zip(names, readings, strict=True):
        if isinstance(found, str):
            left_out.append(LeftOut(name, found))
        else:
            chorales[name] = with_facts(name, found.chorale)
            quantized[name] = found.quantized
    files = list(chorales)
    tunes = tunes_of([*chorales.values()])
    duplicates: list[Duplicate] = []
    for copies in _copies(files, [*chorales.values()], tunes):
        best, *others = sorted(copies, key=lambda file: _drawbacks(file, chorales[file]))
        title = next((chorales[f].title for f in (best, *others) if chorales[f].title), "")
        chorales[best] = replace(chorales[best], title=title)
        duplicates += [Duplicate(file, best) for file in others]
    unneeded = {duplicate.file for duplicate in duplicates}
    for file, chorale in chorales.items():
        if file not in unneeded and (silent := _silence(chorale)) > MOST_SILENCE:
            left_out.append(LeftOut(file, f"nobody sings for {silent:.0%} of it"))
            unneeded.add(file)
    kept = [(f, t) for f, t in zip(files, tunes, strict=True) if f not in unneeded]
    if not kept:
        file, reason = left_out[0]
        raise MusicaeError(f"none of the {len(names)} files is a chorale; {file}: {reason}")
    pieces = tuple(chorales[file] for file, _ in kept)
    numbers: dict[int, int] = {}
    renumbered = tuple(numbers.setdefault(tune, len(numbers)) for _, tune in kept)
    return Corpus(
        chorales=pieces,
        files=tuple(file for file, _ in kept),
        tunes=renumbered,
        sides=tuple(split(pieces, renumbered)),
        quantized=tuple(quantized[file] for file, _ in kept),
        left_out=tuple(sorted(left_out, key=lambda entry: _numerically(entry.file))),
        duplicates=tuple(sorted(duplicates, key=lambda entry: _numerically(entry.file))),
    )


def _copies(
    files: Sequence[str], chorales: Sequence[Chorale], tunes: Sequence[int]
) -> Iterator[list[str]]:
    """The groups of files that hold one piece of music; only one tune can hold copies."""
    by_tune: dict[int, list[int]] = defaultdict(list)
    for i, tune in enumerate(tunes):
        by_tune[tune].append(i)
    links = [
        (i, j)
        for members in by_tune.values()
        for place, i in enumerate(members)
        for j in members[place + 1 :]
        if shared_chords(chorales[i], chorales[j]) >= SAME_MUSIC
    ]
    groups: dict[int, list[str]] = defaultdict(list)
    for file, group in zip(files, components(len(files), links), strict=True):
        groups[group].append(file)
    return (group for group in groups.values() if len(group) > 1)


def _drawbacks(file: str, chorale: Chorale) -> tuple[Any, ...]:
    """What speaks against keeping a file rather than its copies, the weightiest first."""
    return (
        file in MISNUMBERED,
        _silence(chorale) > MOST_SILENCE,
        not chorale.fermatas,
        "-" in file,  # a variant by its name
        not file.endswith(".mxl"),
        _numerically(file),
    )


def _silence(chorale: Chorale) -> float:
    return float((chorale.pitch == REST).all(axis=1).mean())


def _numerically(name: str) -> list[Any]:
    """A sorting key by which BWV 9 comes before BWV 10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _read_all(
    paths: Sequence[Path], workers: int | None, progress: Progress | None
) -> Iterator[Reading | str]:
    """For each file the chorale, or the reason why there is none."""
    # A process takes a second to start: it should have some files to read.
    workers = min(workers or os.cpu_count() or 1, -(-len(paths) // FILES_AT_ONCE))
    if workers == 1:
        yield from _counted(map(_read, paths), len(paths), progress)
        return
    # A forked process would inherit the threads of whatever the caller has loaded, torch for one.
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawning) as pool:
        yield from _counted(pool.map(_read, paths, chunksize=FILES_AT_ONCE), len(paths), progress)


def _counted(
    results: Iterable[Reading | str], total: int, progress: Progress | None
) -> Iterator[Reading | str]:
    for done, result in enumerate(results, start=1):
        yield result
        if progress:
            progress(done, total)


def _read(path: Path) -> Reading | str:
    suffix = path.suffix.lower()
    try:
        if suffix == ".rntxt":
            return "an analysis in Roman numerals, not a score"
        if suffix == ".krn":
            reading = _read_kern(path)
        elif suffix in MIDI_SUFFIXES:
            from musicae.io import midi

            reading = midi.read_counting(path)
        else:
            reading = musicxml.read_counting(path)
    except ChoraleError as error:
        return str(error).removeprefix(f"{path}: ")
    silent = [name for v, name in enumerate(VOICES) if not reading.chorale.notes(v)]
    if silent:
        return f"the {' and the '.join(silent).lower()} never sing; four voices are needed"
    return reading


def _read_kern(path: Path) -> Reading:
    from music21 import converter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scores.from_score(converter.parse(path, forceSource=True, storePickle=False))


# Saving and loading: the chorales one after another in flat arrays, and tables whose rows begin
# with the number of the chorale.


def _to_arrays(corpus: Corpus) -> dict[str, NDArray[Any]]:
    chorales = corpus.chorales
    keys = [(c.key.fifths, MODES.index(c.key.mode)) if c.key else (0, -1) for c in chorales]
    meters = [(i, *row) for i, c in enumerate(chorales) for row in map(_meter_row, c.meters)]
    fermatas = [(i, step) for i, c in enumerate(chorales) for step in c.fermatas]
    tempos = [(i, t.step, round(100 * t.qpm)) for i, c in enumerate(chorales) for t in c.tempos]
    return {
        "format": np.array(FORMAT),
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
        sides=tuple(SIDES[side] for side in arrays["sides"]),
        quantized=tuple(arrays["quantized"].tolist()),
        left_out=tuple(LeftOut(*row) for row in arrays["left_out"].tolist()),
        duplicates=tuple(Duplicate(*row) for row in arrays["duplicates"].tolist()),
    )


def _rows(table: NDArray[Any]) -> dict[int, list[list[int]]]:
    """The rows of a table by the chorale that they belong to."""
    rows: dict[int, list[list[int]]] = defaultdict(list)
    for chorale, *row in table.tolist():
        rows[chorale].append(row)
    return rows


def _write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """``np.savez_compressed``, but with fixed times in the archive."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
