"""Many melodies at once: the melody files, the files of results, and sharing the cores."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from musicae.api import harmonize
from musicae.api.options import HarmonizeOptions
from musicae.api.piece import Piece
from musicae.core import processes
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.files import numbered
from musicae.io.base import SUFFIXES, WRITTEN_SUFFIXES
from musicae.models.checkpoint import engine_in_use, use_engine

ENDING = "-harmonized"
"""The ending of a result's name, before the number of an alternative."""
RESULT = re.compile(rf".+{ENDING}(-\d+)?")


class Job(NamedTuple):
    """A melody and the files that its alternatives are written to."""

    melody: Path
    outputs: tuple[Path, ...]
    """One file for each alternative, best first."""
    folder: Path | None = None
    """The folder to create for them if it does not exist; None to create none."""


def plan(paths: Sequence[Path], n: int = 1, out: Path | str | None = None) -> list[Job]:
    """Decide which melodies to read and which files to write, without reading or writing.

    Args:
        paths: melody files, and folders of melodies; see ``melodies_in``.
        n: the number of alternatives of each; several are numbered in their names.
        out: for one melody the name of the result, otherwise a folder. A path that ends in a slash
            is a folder, which need not exist. None puts each result beside its melody.

    Returns:
        A job for each melody, in order.

    Raises:
        ChoraleError: if a folder has no melodies, several results would go to one file, or a result
            would replace a melody.
    """
    melodies = melodies_in(paths)
    alone = is_one_file(paths)
    make = None if out is None or (alone and not _is_folder(out)) else Path(out)
    jobs = [
        Job(melody, tuple(numbered(result, n)), make)
        for melody, result in zip(melodies, _results(melodies, out, alone), strict=True)
    ]
    check_outputs(jobs)
    return jobs


def check_outputs(jobs: Sequence[Job]) -> None:
    """Raises ChoraleError if two results would go to one file or one would replace a melody."""
    given = {job.melody.resolve() for job in jobs}
    taken: dict[Path, Path] = {}
    for melody, outputs, _ in jobs:
        for file in outputs:
            place = file.resolve()
            if place in given:
                itself = "the melody itself" if place == melody.resolve() else "a melody too"
                raise ChoraleError(f"{file}: is {itself}; choose another name")
            if place in taken:
                raise ChoraleError(
                    f"{taken[place]} and {melody} would both be written to {file}; rename one, or"
                    " harmonize them one at a time"
                )
            taken[place] = melody


def is_one_file(paths: Sequence[Path]) -> bool:
    """Whether there is one path and it is not a folder."""
    return len(paths) == 1 and not paths[0].is_dir()


def melodies_in(paths: Iterable[Path]) -> list[Path]:
    """The melody files of some paths: files, and the MIDI files and scores in folders.

    Each file is listed once. Subfolders, hidden files and earlier results
    (``tune-harmonized.mid``) are left out. Raises ChoraleError if a folder has no melody file.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        files = [path]
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if _is_melody(file))
            if not files:
                raise ChoraleError(f"{path}: is a folder without MIDI files or scores")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def harmonize_many(
    melodies: Iterable[Path], options: HarmonizeOptions | None = None, workers: int | None = 1
) -> Iterator[tuple[Path, list[Piece] | MusicaeError]]:
    """Harmonize many melodies; a melody that cannot be used does not stop the others.

    Args:
        melodies: the paths of the melodies.
        options: the settings of ``musicae.harmonize``.
        workers: the number of processes, each with one melody at a time; None is ``workers_for``.
            The pieces are the same with any number. A script that asks for several must do so
            under ``if __name__ == "__main__":``, because each process imports it.

    Returns:
        For each melody, in order, its path and its alternatives, best first; or the error that it
        raised, with its path.

    Raises:
        MusicaeError: if the model cannot be used; before any melody is read.
    """
    options = options or HarmonizeOptions()
    melodies = list(melodies)
    results = processes.each(
        partial(harmonized, options=options),
        melodies,
        workers_for(len(melodies), workers),
        partial(load, options, engine_in_use()),
    )
    return _in_order(melodies, results)


def workers_for(melodies: int, wish: int | None = None) -> int:
    """The number of processes for some melodies: ``wish``, or one for each core; at most one each.

    Raises MusicaeError for a wish below 1.
    """
    if wish is not None and wish < 1:
        raise MusicaeError(f"at least one worker is needed, not {wish}")
    return max(1, min(wish or processes.usable_cores(), melodies))


def load(options: HarmonizeOptions, engine: str) -> None:
    """Load the model of ``options`` in this process and select its engine.

    Raises the errors of ``harmonize.load_for``.
    """
    use_engine(engine)
    harmonize.load_for(options)


def harmonized(melody: Path, options: HarmonizeOptions) -> list[Piece] | MusicaeError:
    """The alternatives of one melody, best first, or the error that it raised, with its name."""
    try:
        return harmonize.harmonize(melody, options=options)
    except MusicaeError as error:
        return named(error, melody)


def fault(error: Exception, melody: Path) -> MusicaeError:
    """The error for a bug of musicae, with the melody's path."""
    what = f"{type(error).__name__}: {error}".removesuffix(": ")
    return MusicaeError(f"{melody}: a bug in musicae, not in the melody ({what})")


def died(melody: Path) -> MusicaeError:
    """The error for a melody whose processes were ended twice without an error of their own."""
    return MusicaeError(
        f"{melody}: two processes that harmonized it were ended from outside (not enough memory?);"
        " try it again with --workers 1"
    )


def _in_order(
    melodies: Sequence[Path],
    results: Iterable[tuple[int, list[Piece] | MusicaeError | processes.Died]],
) -> Iterator[tuple[Path, list[Piece] | MusicaeError]]:
    early: dict[int, list[Piece] | MusicaeError] = {}
    following = 0
    for place, result in results:
        early[place] = died(melodies[place]) if isinstance(result, processes.Died) else result
        while following in early:
            yield melodies[following], early.pop(following)
            following += 1


def named(error: MusicaeError, melody: Path) -> MusicaeError:
    """The error with the melody's path before its message, unless the message has it already."""
    return error if str(melody) in str(error) else type(error)(f"{melody}: {error}")


def _results(melodies: Sequence[Path], out: Path | str | None, alone: bool) -> list[Path]:
    """The file of each melody's result, before alternatives are numbered.

    ``alone``: ``out`` may be a file, because there is one melody. Raises ChoraleError if ``out`` is
    a file name and there are several.
    """
    names = [f"{melody.stem}{ENDING}.mid" for melody in melodies]
    if out is None:
        return [melody.with_name(name) for melody, name in zip(melodies, names, strict=True)]
    folder = Path(out)
    if alone and not _is_folder(out):
        return [folder]
    if folder.is_file() or (not _is_folder(out) and folder.suffix.lower() in WRITTEN_SUFFIXES):
        raise ChoraleError(f"{folder}: is the name of one file; several melodies need a folder")
    return [folder / name for name in names]


def _is_folder(path: Path | str) -> bool:
    """Whether a path is an existing folder, or ends in a slash."""
    return Path(path).is_dir() or str(path).endswith(tuple(filter(None, (os.sep, os.altsep))))


def _is_melody(file: Path) -> bool:
    return (
        file.suffix.lower() in SUFFIXES
        and not file.name.startswith(".")
        and not RESULT.fullmatch(file.stem)
        and file.is_file()
    )
