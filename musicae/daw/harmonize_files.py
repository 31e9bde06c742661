"""Harmonize melody files into files or audition packs: the work of ``musicae harmonize``."""

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
    """The outcome of all melodies, in their order."""

    melodies: int
    """The number of melodies."""
    written: tuple[Written, ...]
    skipped: tuple[Path, ...]
    """The melodies whose results existed already."""
    notices: tuple[str, ...]
    """Notices about how the melodies were read; if there are several melodies, each notice begins
    with a path."""
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
    """Harmonize melodies and write the alternatives of each. A failure does not stop the others.

    Args:
        paths: melody files, and folders of melody files.
        out: the file or folder to write to; see ``batch.plan``.
        options: the settings of ``musicae.harmonize``.
        pack: instead of ``out``, the folder of an audition pack. For several melodies it contains
            one pack per melody, named after it.
        program: the General MIDI program of the voices, 0 to 127.
        analysis: write Roman numerals and keys into the files.
        keep_tracks: keep the melodies' other tracks in MIDI files.
        piano: add a piano reduction of the voices to MIDI and MusicXML files.
        workers: the number of processes that share the melodies; None means one per core. The files
            are the same with any number. A script must ask for several under
            ``if __name__ == "__main__":``, because each process imports it.
        scheduler: instead of ``workers``, the address of a Dask scheduler whose workers share the
            melodies; see ``daw.cluster``.
        skip_existing: skip melodies whose results exist and were made from the same melody with the
            same settings, version and weights. Results that were edited, or that musicae did not
            write, stay too, with a notice.
        tell: called with the number of melodies that are done, and of all to do.

    Raises MusicaeError, before anything is written, if the files, the pack, the model or the
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
    """The ``inputs.digest`` of each task; empty if a file cannot be read."""
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
    """Yield the key and the outcome of each task as they finish. Raises MusicaeError at once."""
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
                f"{task.job.outputs[0]}: was edited since musicae wrote it, or is not musicae's"
                f" file, so it stays; move it away to harmonize {melody.name} again"
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
    """The jobs for the melodies. Raises MusicaeError if files or packs cannot be written."""
    ensemble = options.parsed_ensemble
    if pack is None:
        return batch.plan(melodies, options.n, out)
    if ensemble and ensemble.names != VOICES:
        raise MusicaeError("--pack is for S, A, T and B only; write other ensembles with --out")
    if out is not None:
        raise MusicaeError("--pack is the folder for all results; leave --out away")
    return plan_packs(melodies, Path(pack), options.n, may_be_there=skip_existing)


def plan_packs(
    melodies: Sequence[Path], folder: Path, n: int = 1, *, may_be_there: bool = False
) -> list[Job]:
    """Decide which melodies to read and which packs to write, without reading or writing any.

    ``folder`` is the pack of a single melody. For several, it contains one pack per melody, named
    after it. Raises MusicaeError if a pack cannot be written, two melodies have the same pack, or a
    pack exists already and ``may_be_there`` is false.
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
