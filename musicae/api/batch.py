"""Many melodies at once: which files are meant, where results go, and how cores are shared."""

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
"""What the name of a result ends with, before the number of an alternative."""
RESULT = re.compile(rf".+{ENDING}(-\d+)?")


class Job(NamedTuple):
    """A melody and the files that its alternatives are written to."""

    melody: Path
    outputs: tuple[Path, ...]
    folder: Path | None = None
    """The folder to make for them where it does not exist; None where none is made."""


def plan(paths: Sequence[Path], n: int = 1, out: Path | str | None = None) -> list[Job]:
    """Decide which melodies to read and which files to write, without reading or writing any.

    Args:
        paths: melodies, and folders that stand for the melodies in them; see ``melodies_in``.
        n: alternatives of each, numbered where there are several.
        out: for one file the name of the result, otherwise a folder. A path that ends in a slash
            is a folder, which need not exist. Without it, results stand beside their melodies.

    Raises ChoraleError where a folder has no melodies, several results would go to one file, or a
    result would replace a melody.
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
    """Raises ChoraleError where two results would go to one file or one would replace a melody."""
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
    """Whether one melody was named, and not a folder."""
    return len(paths) == 1 and not paths[0].is_dir()


def melodies_in(paths: Iterable[Path]) -> list[Path]:
    """The melody files that paths name: a file itself, a folder its MIDI files and scores.

    Each file comes once. A folder's own folders, hidden files and earlier results
    (``tune-harmonized.mid``) are left out. Raises ChoraleError for a folder with no other files.
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
    """Each melody, in order, with its alternatives, best first, or with the error that it raised.

    ``workers`` processes share the melodies, one at a time each; None is ``workers_for``. The
    pieces are the same with any number. A script that asks for several does so under
    ``if __name__ == "__main__":``, because each process imports it.

    A melody that cannot be used does not stop the others; its error names it. Raises MusicaeError
    at once, before the first melody is read, where the model cannot be used.
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
    """How many processes harmonize so many melodies: by default one a core, never more than needed.

    Raises MusicaeError for a wish below 1.
    """
    if wish is not None and wish < 1:
        raise MusicaeError(f"there is at least one worker, not {wish}")
    return max(1, min(wish or processes.usable_cores(), melodies))


def load(options: HarmonizeOptions, engine: str) -> None:
    """Load the model that options name, for all melodies, in a process that uses an engine.

    Raises as ``harmonize.load_for``.
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
    """An error that is none of the musician's, with the melody's path."""
    what = f"{type(error).__name__}: {error}".removesuffix(": ")
    return MusicaeError(f"{melody}: a fault of musicae's, not of the melody ({what})")


def died(melody: Path) -> MusicaeError:
    """The error of a melody whose processes ended before they could say why."""
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
    """The error with the melody's path before it, unless its message has the path already."""
    return error if str(melody) in str(error) else type(error)(f"{melody}: {error}")


def _results(melodies: Sequence[Path], out: Path | str | None, alone: bool) -> list[Path]:
    """The file that each melody's result is written to, before alternatives are numbered.

    ``alone`` says that one file was named. Raises ChoraleError for a file's name as the folder.
    """
    names = [f"{melody.stem}{ENDING}.mid" for melody in melodies]
    if out is None:
        return [melody.with_name(name) for melody, name in zip(melodies, names, strict=True)]
    folder = Path(out)
    if alone and not _is_folder(out):
        return [folder]
    if folder.is_file() or (not _is_folder(out) and folder.suffix.lower() in WRITTEN_SUFFIXES):
        raise ChoraleError(f"{folder}: is the name of one file; give a folder for several melodies")
    return [folder / name for name in names]


def _is_folder(path: Path | str) -> bool:
    """Whether a path is an existing folder, or ends in a slash and so names one to be made."""
    return Path(path).is_dir() or str(path).endswith(tuple(filter(None, (os.sep, os.altsep))))


def _is_melody(file: Path) -> bool:
    return (
        file.suffix.lower() in SUFFIXES
        and not file.name.startswith(".")
        and not RESULT.fullmatch(file.stem)
        and file.is_file()
    )
