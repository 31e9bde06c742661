"""Melody files in, harmonized files or audition packs out: what ``musicae harmonize`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from musicae.api import batch
from musicae.api.batch import Job
from musicae.api.options import HarmonizeOptions
from musicae.api.piece import Piece
from musicae.core.constants import VOICES
from musicae.core.errors import MusicaeError
from musicae.core.files import make_folder
from musicae.daw import pack as packing
from musicae.io.general_midi import CHOIR_AAHS


class Written(NamedTuple):
    """A piece and the file that it was written to."""

    path: Path
    piece: Piece
    melody: Path | None = None
    """What was harmonized; None for a new piece."""


class Outcome(NamedTuple):
    """What became of the melodies."""

    written: tuple[Written, ...]
    notices: tuple[str, ...]
    """What the musician should know of how the melodies were understood; with several melodies,
    each begins with the melody's path."""
    errors: tuple[MusicaeError, ...]
    """One for each melody that could not be harmonized or written."""
    pages: tuple[Path, ...]
    """The page of each audition pack."""


def harmonize_files(
    paths: Sequence[Path | str],
    out: Path | str | None = None,
    options: HarmonizeOptions | None = None,
    *,
    pack: Path | str | None = None,
    program: int = CHOIR_AAHS,
    analysis: bool = False,
    keep_tracks: bool = False,
    piano: bool = False,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> Outcome:
    """Harmonize melodies and write the alternatives of each; a melody that fails stops no other.

    Args:
        paths: melodies, and folders that stand for the melodies in them.
        out: the file or folder to write to; see ``batch.plan``.
        options: the settings of ``musicae.harmonize``.
        pack: instead of ``out``, the folder of an audition pack; of several melodies, each has a
            pack in it, named after the melody.
        program: the General MIDI program of the voices, 0 to 127.
        analysis: write Roman numerals and key areas into the files.
        keep_tracks: carry the melodies' other tracks along in MIDI files.
        piano: add the voices as a piano reduction to MIDI and MusicXML files.
        tell: called with the number of melodies that are done and of all of them.

    Raises MusicaeError before anything is written where the files, the pack or the model cannot be
    used.
    """
    options = options or HarmonizeOptions()
    melodies = [Path(path) for path in paths]
    ensemble = options.parsed_ensemble
    if pack is not None and ensemble and ensemble.names != VOICES:
        raise MusicaeError("--pack compares pieces for S, A, T and B; write an ensemble with --out")
    if pack is None:
        jobs = batch.plan(melodies, options.n, out)
    elif out is None:
        jobs = plan_packs(melodies, Path(pack), options.n)
    else:
        raise MusicaeError("--pack is a folder for all that is written; leave --out away")
    looks = {"analysis": analysis, "keep_tracks": keep_tracks, "piano": piano}
    written: list[Written] = []
    notices: list[str] = []
    errors: list[MusicaeError] = []
    pages: list[Path] = []
    harmonized = batch.harmonize_many([job.melody for job in jobs], options)
    tell(0, len(jobs))
    for done, (job, (melody, pieces)) in enumerate(zip(jobs, harmonized, strict=True), start=1):
        tell(done, len(jobs))
        lost: tuple[str, ...] = ()
        try:
            if isinstance(pieces, MusicaeError):
                raise pieces
            if pack is not None:
                packing.write(pieces, _pack_of(job), melody.stem, program, **looks)
                pages.append(_pack_of(job) / packing.PAGE)
            else:
                lost = write_pieces(pieces, job.outputs, program, folder=job.folder, **looks)
        except MusicaeError as error:
            errors.append(error)
            continue
        written += [Written(p, piece, melody) for p, piece in zip(job.outputs, pieces, strict=True)]
        where = "" if len(jobs) == 1 else f"{melody}: "
        notices += [where + notice for notice in (*pieces[0].notices, *lost)]
    return Outcome(tuple(written), tuple(notices), tuple(errors), tuple(pages))


def plan_packs(melodies: Sequence[Path], folder: Path, n: int = 1) -> list[Job]:
    """Decide which melodies to read and which packs to write, without reading or writing any.

    ``folder`` is the pack of one melody; of several, each has a folder of its name in it. Raises
    MusicaeError where a pack cannot be written, or two would be one.
    """
    alone = batch.is_one_file(melodies)
    jobs = []
    for melody in batch.melodies_in(melodies):
        pack = folder if alone else folder / melody.stem
        packing.check(pack)
        jobs.append(Job(melody, tuple(packing.midi_files(pack, melody.stem, n))))
    batch.check_outputs(jobs)
    return jobs


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


def _pack_of(job: Job) -> Path:
    """The folder of the pack that a job writes."""
    return job.outputs[0].parent
