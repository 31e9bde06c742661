"""Melody files in, harmonized files or audition packs out: what ``musicae harmonize`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from musicae.api import batch, inputs
from musicae.api.batch import Job
from musicae.api.options import HarmonizeOptions
from musicae.core import processes
from musicae.core.constants import VOICES
from musicae.core.errors import MusicaeError
from musicae.daw.harmonize_one import Done, Task, harmonize_one
from musicae.daw.written import Written
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.seal import INPUTS
from musicae.models.checkpoint import engine_in_use


class Outcome(NamedTuple):
    """What became of the melodies; everything is in their order."""

    melodies: int
    """How many there were."""
    written: tuple[Written, ...]
    skipped: tuple[Path, ...]
    """The melodies whose results were there already."""
    notices: tuple[str, ...]
    """What the musician should know of how the melodies were understood; with several melodies,
    each begins with a path."""
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
    workers: int | None = 1,
    scheduler: str | None = None,
    skip_existing: bool = False,
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
        workers: how many processes share the melodies; None is one a core. The files are the same
            with any number. A script that asks for several does so under
            ``if __name__ == "__main__":``, because each process imports it.
        scheduler: in place of workers, the address of a Dask scheduler whose workers share the
            melodies; see ``daw.cluster``.
        skip_existing: leave out the melodies whose results are there and were made from the same
            melody with the same settings, version and weights. Results that were edited since, or
            that musicae did not write, stay too, with a notice.
        tell: called with the number of melodies that are done and of all that are to be done.

    Raises MusicaeError before anything is written where the files, the pack, the model or the
    scheduler cannot be used.
    """
    options = options or HarmonizeOptions()
    jobs = _jobs([Path(path) for path in paths], out, options, pack, skip_existing)
    looks = {"analysis": analysis, "keep_tracks": keep_tracks, "piano": piano}
    alone = len(jobs) == 1
    tasks = [
        Task(job, options, program, looks, pack is not None, alone, engine_in_use()) for job in jobs
    ]
    made_from = _made_from(tasks)
    states = [inputs.State.TO_MAKE] * len(tasks)
    if skip_existing:
        states = [
            inputs.state_of(task.job.outputs, digest)
            for task, digest in zip(tasks, made_from, strict=True)
        ]
    to_make = {
        place: replace(task, facts={INPUTS: digest})
        for place, (task, digest) in enumerate(zip(tasks, made_from, strict=True))
        if states[place] is inputs.State.TO_MAKE
    }
    done: dict[int, Done] = {}
    tell(0, len(to_make))
    for place, result in _each(to_make, options, workers, scheduler):
        done[place] = result
        tell(len(done), len(to_make))
    return _outcome(tasks, states, done)


def _made_from(tasks: Sequence[Task]) -> list[str]:
    """The ``inputs.digest`` of each task; empty where a file cannot be read."""
    program = inputs.program_facts(tasks[0].options)
    digests = []
    for task in tasks:
        looks = task.looks | {"program": task.program}
        try:
            digests.append(inputs.digest(task.job.melody, task.options, looks, program))
        except OSError:
            digests.append("")
    return digests


def _each(
    tasks: Mapping[int, Task],
    options: HarmonizeOptions,
    workers: int | None,
    scheduler: str | None,
) -> Iterator[tuple[int, Done]]:
    """What became of each task, with its key, as they are done. Raises MusicaeError at once."""
    if not tasks:
        return
    places, todo = list(tasks), list(tasks.values())
    if scheduler is not None:
        from musicae.daw import cluster

        batch.load(options, engine_in_use())
        results = cluster.each(todo, scheduler)
    else:
        count = batch.workers_for(len(todo), workers)
        results = processes.each(
            harmonize_one, todo, count, partial(batch.load, options, engine_in_use())
        )
    for i, result in results:
        if isinstance(result, processes.Died):
            result = Done(error=batch.died(todo[i].job.melody))  # noqa: PLW2901
        yield places[i], result


def _outcome(
    tasks: Sequence[Task], states: Sequence[inputs.State], done: Mapping[int, Done]
) -> Outcome:
    skipped, notices = [], []
    for place, (task, state) in enumerate(zip(tasks, states, strict=True)):
        melody = task.job.melody
        if place not in done:
            skipped.append(melody)
        if state is inputs.State.NOT_OURS:
            notices.append(
                f"{task.job.outputs[0]}: was edited since musicae wrote it, or is not musicae's,"
                f" and stays; move it away to have {melody.name} harmonized"
            )
        where = "" if len(tasks) == 1 else f"{melody}: "
        notices += [where + notice for notice in done.get(place, Done()).notices]
    in_order = [done[place] for place in sorted(done)]
    return Outcome(
        len(tasks),
        tuple(each for one in in_order for each in one.written),
        tuple(skipped),
        tuple(notices),
        tuple(one.error for one in in_order if one.error),
        tuple(one.page for one in in_order if one.page),
    )


def _jobs(
    melodies: Sequence[Path],
    out: Path | str | None,
    options: HarmonizeOptions,
    pack: Path | str | None,
    skip_existing: bool,
) -> list[Job]:
    """Raises MusicaeError if files or packs cannot be written."""
    ensemble = options.parsed_ensemble
    if pack is None:
        return batch.plan(melodies, options.n, out)
    if ensemble and ensemble.names != VOICES:
        raise MusicaeError("--pack compares pieces for S, A, T and B; write an ensemble with --out")
    if out is not None:
        raise MusicaeError("--pack is a folder for all that is written; leave --out away")
    return plan_packs(melodies, Path(pack), options.n, may_be_there=skip_existing)


def plan_packs(
    melodies: Sequence[Path], folder: Path, n: int = 1, *, may_be_there: bool = False
) -> list[Job]:
    """Decide which melodies to read and which packs to write, without reading or writing any.

    ``folder`` is the pack of one melody; of several, each has a folder of its name in it. Raises
    MusicaeError if a pack cannot be written, two would be one, or one is there already and may
    not be.
    """
    from musicae.daw import pack as packing

    alone = batch.is_one_file(melodies)
    packing.check_libraries()
    jobs = []
    for melody in batch.melodies_in(melodies):
        pack = folder if alone else folder / melody.stem
        if not may_be_there:
            packing.check(pack)
        jobs.append(Job(melody, tuple(packing.midi_files(pack, melody.stem, n))))
    batch.check_outputs(jobs)
    return jobs
