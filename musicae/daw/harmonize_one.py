"""Harmonize one melody, from its file to the files of its alternatives: the task of one process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from musicae.api import batch
from musicae.api.batch import Job
from musicae.api.options import HarmonizeOptions
from musicae.api.piece import Piece
from musicae.core.errors import MusicaeError
from musicae.core.files import make_folder
from musicae.daw.written import Written
from musicae.io.general_midi import CHOIR_AAHS
from musicae.models.checkpoint import ENGINES, use_engine


@dataclass(frozen=True)
class Task:
    """A melody to harmonize, with all of its settings."""

    job: Job
    options: HarmonizeOptions
    program: int = CHOIR_AAHS
    """The General MIDI program of the voices, 0 to 127."""
    looks: dict[str, bool] = field(default_factory=dict)
    """Keyword arguments of ``Piece.write``: analysis, keep_tracks and piano."""
    packed: bool = False
    """Whether to write an audition pack."""
    alone: bool = False
    """Whether it is the only melody. If so, unexpected exceptions are raised unchanged."""
    engine: str = ENGINES[0]
    """The engine that runs the models, in this process or elsewhere."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Entries to add to the provenance of the pieces."""

    @property
    def pack(self) -> Path:
        """The folder of the audition pack."""
        return self.job.outputs[0].parent


class Done(NamedTuple):
    """The outcome of one melody."""

    written: tuple[Written, ...] = ()
    notices: tuple[str, ...] = ()
    """Notices about how the melody was read and the results were written."""
    page: Path | None = None
    """The page of its audition pack, if there is one."""
    error: MusicaeError | None = None
    """Why the melody could not be harmonized or written; None if it was."""


def harmonize_one(task: Task) -> Done:
    """Read a melody, harmonize it and write its alternatives. Errors are returned, not raised."""
    melody = task.job.melody
    use_engine(task.engine)
    try:
        return _written(task)
    except MusicaeError as error:
        return Done(error=error)
    except Exception as error:  # no error may stop the other melodies
        if task.alone:
            raise
        return Done(error=batch.fault(error, melody))


def _written(task: Task) -> Done:
    """The same without handling errors. Raises MusicaeError if the melody cannot be used."""
    job, page = task.job, None
    lost: tuple[str, ...] = ()
    pieces = batch.harmonized(job.melody, task.options)
    if isinstance(pieces, MusicaeError):
        raise pieces
    pieces = [replace(piece, provenance=piece.provenance | task.facts) for piece in pieces]
    if task.packed:
        from musicae.daw import pack

        pack.write(pieces, task.pack, job.melody.stem, task.program, **task.looks)
        page = task.pack / pack.PAGE
    else:
        lost = write_pieces(pieces, job.outputs, task.program, folder=job.folder, **task.looks)
    written = [Written.of(*each, job.melody) for each in zip(job.outputs, pieces, strict=True)]
    return Done(tuple(written), (*pieces[0].notices, *lost), page)


def write_pieces(
    pieces: Sequence[Piece],
    paths: Sequence[Path],
    program: int = CHOIR_AAHS,
    *,
    folder: Path | None = None,
    analysis: bool = False,
    keep_tracks: bool = False,
    piano: bool = False,
) -> tuple[str, ...]:
    """Write each piece to its path; see ``Piece.write``.

    ``folder`` is created first if it is missing. Returns notices about what the formats cannot
    store, each once. Raises MusicaeError if a file cannot be written.
    """
    if folder is not None:
        make_folder(folder)
    lost: dict[str, None] = {}
    for piece, path in zip(pieces, paths, strict=True):
        looks = {"analysis": analysis, "keep_tracks": keep_tracks, "piano": piano}
        lost |= dict.fromkeys(piece.write(path, program, **looks))
    return tuple(lost)
