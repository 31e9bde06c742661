"""One melody from its file to the files of its alternatives: the work that processes share."""

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
    """A melody to harmonize, with all settings."""

    job: Job
    options: HarmonizeOptions
    program: int = CHOIR_AAHS
    """The General MIDI program of the voices, 0 to 127."""
    looks: dict[str, bool] = field(default_factory=dict)
    """The keywords of ``Piece.write``."""
    packed: bool = False
    """Whether an audition pack is written."""
    alone: bool = False
    """Whether it is the only melody; then a fault of musicae's comes as it was raised."""
    engine: str = ENGINES[0]
    """What runs the models, wherever the work is done."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What is added to the provenance of the pieces."""

    @property
    def pack(self) -> Path:
        """The folder of the audition pack."""
        return self.job.outputs[0].parent


class Done(NamedTuple):
    """What became of a melody."""

    written: tuple[Written, ...] = ()
    notices: tuple[str, ...] = ()
    """What the musician should know of how the melody was understood and written."""
    page: Path | None = None
    """The page of its audition pack."""
    error: MusicaeError | None = None


def harmonize_one(task: Task) -> Done:
    """Read a melody, harmonize it and write its alternatives; what fails is told, not raised."""
    melody = task.job.melody
    use_engine(task.engine)
    try:
        return _written(task)
    except MusicaeError as error:
        return Done(error=error)
    except Exception as error:  # whatever it is, the other melodies are harmonized
        if task.alone:
            raise
        return Done(error=batch.fault(error, melody))


def _written(task: Task) -> Done:
    """Raises MusicaeError."""
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

    ``folder`` is made first where it does not exist. Returns sentences on what the format does not
    hold, each once. Raises MusicaeError.
    """
    if folder is not None:
        make_folder(folder)
    lost: dict[str, None] = {}
    for piece, path in zip(pieces, paths, strict=True):
        told = piece.write(path, program, analysis=analysis, keep_tracks=keep_tracks, piano=piano)
        lost |= dict.fromkeys(told)
    return tuple(lost)
