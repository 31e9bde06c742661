"""Many melodies at once: which files are meant, where each result goes, and one after another."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Unpack

from musicae.api import harmonize
from musicae.api.harmonize import Wishes
from musicae.api.piece import Piece
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.files import numbered
from musicae.daw import pack as packing
from musicae.io import base

ENDING = "-harmonized"
"""What the name of a result ends with, before the number of an alternative."""
RESULT = re.compile(rf".+{ENDING}(-\d+)?")
SUFFIXES = base.SUFFIXES


class Job(NamedTuple):
    """A melody and where its alternatives go."""

    melody: Path
    outputs: tuple[Path, ...]
    folder: Path | None = None
    """Which folder is to be made for them where it is not there; None for none."""
    pack: Path | None = None
    """The folder of the audition pack that they are part of."""


def plan(
    paths: Sequence[Path],
    n: int = 1,
    out: Path | str | None = None,
    pack: Path | None = None,
) -> list[Job]:
    """What is to be read and written; nothing is read or written yet.

    Args:
        paths: melodies, and folders that stand for the melodies in them; see ``melodies_in``.
        n: alternatives of each, numbered where there are several.
        out: for one file the name of the result, else a folder; a path that ends in a slash is a
            folder, which need not be there yet. Without it, results stand beside their melodies.
        pack: the folder of an audition pack, in which the results go; of several melodies, each
            has a folder in it, of the melody's name.

    Raises ChoraleError where a folder has no melodies, a pack's folder is not empty, several
    results would go to one file, or one would take the place of a melody.
    """
    melodies = melodies_in(paths)
    alone = len(paths) == 1 and not paths[0].is_dir()
    packs = [pack and (pack if alone else pack / melody.stem) for melody in melodies]
    results = _results(melodies, out, alone)
    outputs = []
    for melody, folder, result in zip(melodies, packs, results, strict=True):
        if folder:
            packing.check(folder)
            outputs.append(packing.midi_files(folder, melody.stem, n))
        else:
            outputs.append(numbered(result, n))
    given = {path.resolve(): path for path in melodies}
    taken: dict[Path, Path] = {}
    for melody, files in zip(melodies, outputs, strict=True):
        for file in files:
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
    make = None if out is None or (alone and not _is_folder(out)) else Path(out)
    return [
        Job(melody, tuple(files), make, folder)
        for melody, files, folder in zip(melodies, outputs, packs, strict=True)
    ]


def melodies_in(paths: Iterable[Path]) -> list[Path]:
    """A file for itself, a folder for the MIDI and MusicXML files in it, each file once.

    Of a folder, its own folders, hidden files and earlier results (``tune-harmonized.mid``) are
    left out. Raises ChoraleError where nothing is left of one.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        files = [path]
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if _is_melody(file))
            if not files:
                raise ChoraleError(f"{path}: is a folder without MIDI or MusicXML files")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def harmonize_many(
    melodies: Iterable[Path], n: int = 1, **wishes: Unpack[Wishes]
) -> Iterator[tuple[Path, list[Piece] | MusicaeError]]:
    """Each melody with its alternatives, best first, or with what is wrong with it.

    ``wishes`` are the settings of ``api.harmonize``. A melody that cannot be used does not stop the
    others; its error names it. Raises MusicaeError at once where the wishes or the model cannot be
    used for any melody.
    """
    harmonize.understood(n, **wishes)
    return ((melody, _harmonized(melody, n, wishes)) for melody in melodies)


def _harmonized(melody: Path, n: int, wishes: Wishes) -> list[Piece] | MusicaeError:
    try:
        return harmonize.harmonize(melody, n, **wishes)
    except MusicaeError as error:
        return named(error, melody)


def named(error: MusicaeError, melody: Path) -> MusicaeError:
    """The error with the melody's name before it, if it does not say it itself."""
    return error if str(melody) in str(error) else type(error)(f"{melody}: {error}")


def _results(melodies: Sequence[Path], out: Path | str | None, alone: bool) -> list[Path]:
    """Where the result of each melody goes; ``alone`` if one file was named."""
    names = [f"{melody.stem}{ENDING}.mid" for melody in melodies]
    if out is None:
        return [melody.with_name(name) for melody, name in zip(melodies, names, strict=True)]
    folder = Path(out)
    if alone and not _is_folder(out):
        return [folder]
    if folder.is_file() or (not _is_folder(out) and folder.suffix.lower() in SUFFIXES):
        raise ChoraleError(f"{folder}: is the name of one file; give a folder for several melodies")
    return [folder / name for name in names]


def _is_folder(path: Path | str) -> bool:
    """Whether it is there, or ends in a slash, as that of a folder to be made may."""
    return Path(path).is_dir() or str(path).endswith(tuple(filter(None, (os.sep, os.altsep))))


def _is_melody(file: Path) -> bool:
    return (
        file.suffix.lower() in SUFFIXES
        and not file.name.startswith(".")
        and not RESULT.fullmatch(file.stem)
        and file.is_file()
    )
