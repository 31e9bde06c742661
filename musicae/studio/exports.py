"""Export projects as files. The public API writes them into a temporary folder."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import musicae
from musicae.api.piece import Piece
from musicae.api.project import Project
from musicae.core.errors import MusicaeError
from musicae.core.progress import report
from musicae.io.general_midi import CHOIR_AAHS, program_of
from musicae.studio.computing import File
from musicae.studio.requests import Export

MEDIA_TYPES = {
    ".mid": "audio/midi",
    ".musicxml": "application/vnd.recordare.musicxml+xml",
    ".mxl": "application/vnd.recordare.musicxml",
    ".mei": "application/mei+xml",
    ".abc": "text/vnd.abc",
    ".ly": "text/x-lilypond",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".zip": "application/zip",
    ".musicae": "application/json",
}
NOTATIONS = (".mid", ".musicxml", ".mxl", ".mei", ".abc", ".ly")
SOUNDS = (".wav", ".mp3", ".ogg")
LONGEST_NAME = 40
"""The most characters of a file name, without its suffix."""
PACKED = frozenset({".mp3", ".ogg", ".flac", ".png", ".pdf", ".mxl"})
"""Suffixes of compressed files; a .zip stores them as they are."""
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a .zip; it is fixed, so that the same music gives the same bytes."""


def export(project: Project, others: Sequence[Project], asked: Export) -> File:
    """Export a project as a file.

    ``others`` are alternatives of the project, for a pack. Raises MusicaeError if the project has
    no harmony yet, or a library is missing.
    """
    with TemporaryDirectory(prefix="musicae-") as folder:
        try:
            return _exported(project, others, asked, Path(folder))
        except MusicaeError as error:
            raise type(error)(str(error).replace(f"{folder}{os.sep}", "")) from None


def _exported(project: Project, others: Sequence[Project], asked: Export, folder: Path) -> File:
    """Write the file into ``folder``, which is empty, and read it."""
    name = file_name(project.title)
    if asked.format == "musicae":
        project.write(folder / f"{name}.musicae")
        return _file(folder, name, ".musicae")
    piece = project.piece()
    program = None if asked.program is None else program_of(asked.program)
    if asked.format == "pack":
        from musicae.daw import pack

        pieces = [piece, *(other.piece() for other in others)]
        looks = {"analysis": asked.numerals, "piano": asked.piano}
        sound = CHOIR_AAHS if program is None else program
        pack.write(pieces, folder / name, name, sound, **looks)
        return _zipped(folder / name, f"{name}-pack")
    if asked.format == "kit":
        musicae.practice(piece, folder / name, program=program, tell=report)
        return _zipped(folder / name, f"{name}-kit")
    suffix = f".{asked.format}"
    _write(piece, folder / f"{name}{suffix}", program, asked)
    return _file(folder, name, suffix)


def _write(piece: Piece, path: Path, program: int | None, asked: Export) -> None:
    if path.suffix in NOTATIONS:
        sound = CHOIR_AAHS if program is None else program
        piece.write(path, sound, analysis=asked.numerals, piano=asked.piano)
    elif path.suffix in SOUNDS:
        musicae.render(piece, path, program=program)
    else:
        musicae.render(
            piece,
            path,
            score=True,
            open_score=asked.open,
            analysis=asked.numerals,
            piano=asked.piano,
        )


def _file(folder: Path, name: str, suffix: str) -> File:
    """The only file in a folder, or all of them as one .zip: a score may have several pages."""
    paths = sorted(folder.iterdir())
    if len(paths) > 1:
        return _zipped(folder, name)
    return File(f"{name}{suffix}", MEDIA_TYPES[suffix], paths[0].read_bytes())


def _zipped(folder: Path, name: str) -> File:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            facts = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}", EARLIEST)
            stored = path.suffix in PACKED
            facts.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            facts.external_attr = 0o644 << 16
            archive.writestr(facts, path.read_bytes())
    return File(f"{name}.zip", MEDIA_TYPES[".zip"], buffer.getvalue())


def file_name(title: str) -> str:
    """A title as a file name, without a suffix, that is valid on any system.

    >>> file_name("Wie schön leuchtet... / BWV 1"), file_name("../../etc"), file_name("")
    ('Wie schön leuchtet BWV 1', 'etc', 'chorale')
    """
    words = re.sub(r"[^\w'()-]+", " ", title).split()
    name = " ".join(words).strip(" -")[:LONGEST_NAME].strip(" -")
    return name or "chorale"
