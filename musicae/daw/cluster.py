"""Harmonize melodies on a Dask cluster (extra ``cluster``).

Workers need no shared disk. They receive the bytes of each melody and of the files that options
name, and send back the bytes of the results. See ``docs/guides/cluster.md``.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from musicae.api import batch, inputs
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.files import check_new_folder, make_folder, whole_file, whole_folder
from musicae.core.processes import Died
from musicae.daw import pack
from musicae.daw.harmonize_one import Done, Task, harmonize_one

if TYPE_CHECKING:
    from distributed import Client

TIMEOUT = 5.0
"""Seconds within which a scheduler must answer, and must have a worker."""
RETRIES = 2
"""How often a melody is tried again if a worker fails and the melody is not the cause."""
_ONE_AT_A_TIME = threading.Lock()
"""The threads of a worker take turns, because they share the models and their thread count."""

_ADDRESS = re.compile(r"([a-z]+://)?[^/\s]+:\d+")

OptionFiles = tuple[tuple[str, str, bytes], ...]
"""The name of an option, and the name and the bytes of its file."""


class Parcel(NamedTuple):
    """All that a worker needs for one melody."""

    task: Task
    melody: bytes
    program: dict[str, str]
    """The ``inputs.program_facts`` of this machine; the worker's must be the same."""


class Returned(NamedTuple):
    """The result that a worker sends back."""

    done: Done
    files: dict[str, bytes]
    """The written files by name; in an audition pack, by path inside the pack."""


def each(tasks: Sequence[Task], address: str) -> Iterator[tuple[int, Done | Died]]:
    """Yield the index and the outcome of each task as they finish; the results are written here.

    If a worker dies, its task goes to another worker. If several workers die of one task, its
    outcome is ``Died``.

    Raises at once: MusicaeError if Dask is missing, ChoraleError if no scheduler with workers
    answers at ``address``.
    """
    return _gathered(_client(address), tasks, address)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the log of Dask's client: lost work is reported as errors of melodies."""
    logger = logging.getLogger("distributed.client")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _client(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError:
        raise MusicaeError("--scheduler needs Dask: pip install 'musicae[cluster]'") from None
    silent = ChoraleError(
        f"{address}: no Dask scheduler answers there; start one with 'dask scheduler' and give the"
        " address that it prints, such as tcp://192.168.1.10:8786"
    )
    if not _ADDRESS.fullmatch(address):
        raise silent
    try:
        client = Client(address, timeout=TIMEOUT, set_as_default=False)
    except Exception:  # the server at this address may be no scheduler at all
        raise silent from None
    try:
        client.wait_for_workers(1, timeout=TIMEOUT)
    except TimeoutError:
        client.close()
        raise ChoraleError(
            f"{address}: the scheduler has no workers; start one with 'dask worker {address}"
            " --nthreads 1'"
        ) from None
    return client


def _gathered(
    client: Client, tasks: Sequence[Task], address: str
) -> Iterator[tuple[int, Done | Died]]:
    from distributed import as_completed

    places: dict[Any, int] = {}
    with _quiet(), client:
        program = inputs.program_facts(tasks[0].options)
        shared = client.submit(_same, _option_files(tasks[0]), pure=False, retries=RETRIES)
        for place, task in enumerate(tasks):
            try:
                melody = task.job.melody.read_bytes()
            except OSError:
                yield place, harmonize_one(task)  # its outcome says why the file cannot be read
                continue
            parcel = Parcel(task, melody, program)
            future = client.submit(harmonize_parcel, parcel, shared, pure=False, retries=RETRIES)
            places[future] = place
        for future in as_completed(list(places), loop=client.loop):
            place = places.pop(future)
            yield place, _fetched(future, tasks[place], address)


def _fetched(future: Any, task: Task, address: str) -> Done | Died:
    """Write the result of a task; errors of the cluster become its outcome."""
    from distributed import CancelledError, KilledWorker

    try:
        return written(task, future.result())
    except KilledWorker:
        return Died()
    except CancelledError:
        why = f"the connection to {address} was lost; run again with --skip-existing"
    except Exception as error:  # an error of the cluster: those of melodies are returned
        why = f"the cluster at {address} failed ({type(error).__name__}: {error})"
    return Done(error=MusicaeError(f"{task.job.melody}: {why}"))


def _same(files: OptionFiles) -> OptionFiles:
    """Return the files: as the result of a task they stay on the cluster, sent once per worker."""
    return files


def _option_files(task: Task) -> OptionFiles:
    """The files that options name. Raises ChoraleError if one cannot be read."""
    files = inputs.option_files(task.options).items()
    try:
        return tuple((name, path.name, path.read_bytes()) for name, path in files)
    except OSError as error:
        raise ChoraleError(f"{error.filename}: cannot be read ({error.strerror})") from None


def written(task: Task, returned: Returned) -> Done:
    """Write the files that a worker returned. The result has an error if that fails."""
    done, files = returned
    if done.error:
        return done
    try:
        if task.packed:
            check_new_folder(task.pack, "a pack")
            with whole_folder(task.pack) as whole:
                for name, content in files.items():
                    (whole / name).parent.mkdir(parents=True, exist_ok=True)
                    (whole / name).write_bytes(content)
            return done
        if task.job.folder is not None:
            make_folder(task.job.folder)
        for path in task.job.outputs:
            with whole_file(path) as partial:
                partial.write_bytes(files[path.name])
    except MusicaeError as error:
        return Done(error=batch.named(error, task.job.melody))
    return done


def harmonize_parcel(parcel: Parcel, files: OptionFiles) -> Returned:
    """Harmonize a melody on a worker, in a temporary folder, and return the results."""
    task, job = parcel.task, parcel.task.job
    with _ONE_AT_A_TIME, TemporaryDirectory(prefix="musicae-") as name:
        unpacked = _unpacked(files)
        options = task.options.changed(
            **{
                option: type(getattr(task.options, option))(path)
                for option, path in unpacked.items()
            }
        )
        if inputs.program_facts(options) != parcel.program:
            return Returned(Done(error=_other_program(job.melody)), {})
        melody, out = Path(name, "melody", job.melody.name), Path(name, "out")
        melody.parent.mkdir()
        melody.write_bytes(parcel.melody)
        outputs = tuple(out / path.name for path in job.outputs)
        here = replace(
            task,
            job=batch.Job(melody, outputs, out),
            options=options,
            facts=task.facts | _facts(task, unpacked),
        )
        done = harmonize_one(here)
        originals = {str(melody): str(job.melody), str(here.pack): str(task.pack)}
        originals |= {str(path): str(getattr(task.options, o)) for o, path in unpacked.items()}
        originals = dict(zip(map(str, outputs), map(str, job.outputs), strict=True)) | originals
        made = {
            path.relative_to(out).as_posix(): path.read_bytes()
            for path in out.rglob("*")
            if path.is_file()
        }
        return Returned(_with_names(done, task, originals), made)


def _facts(task: Task, unpacked: dict[str, Path]) -> dict[str, str]:
    """The provenance of the files that options name: their paths on the user's machine."""
    return {name: str(getattr(task.options, name)) for name in unpacked if name != "model"}


def _other_program(melody: Path) -> MusicaeError:
    return MusicaeError(
        f"{melody}: the worker on {socket.gethostname()} has another version of musicae or other"
        " weights; install the same version there"
    )


def _with_names(done: Done, task: Task, originals: dict[str, str]) -> Done:
    """The outcome with the paths of the user's machine instead of the worker's."""

    def renamed(text: str) -> str:
        for there, here in originals.items():
            text = text.replace(there, here)
        return text

    written = [
        each._replace(path=path, lines=tuple(map(renamed, each.lines)), melody=task.job.melody)
        for each, path in zip(done.written, task.job.outputs, strict=False)
    ]
    error = type(done.error)(renamed(str(done.error))) if done.error else None
    page = task.pack / pack.PAGE if done.page else None
    return Done(tuple(written), tuple(map(renamed, done.notices)), page, error)


@lru_cache(maxsize=1)
def _folder(files: OptionFiles) -> TemporaryDirectory[str]:
    """A folder with the files. It stays, so that weights among them are loaded only once."""
    folder = TemporaryDirectory(prefix="musicae-options-")
    for option, name, content in files:
        Path(folder.name, option).mkdir()
        Path(folder.name, option, name).write_bytes(content)
    return folder


def _unpacked(files: OptionFiles) -> dict[str, Path]:
    """The path of each option's file on the worker."""
    folder = Path(_folder(files).name)
    return {option: folder / option / name for option, name, _ in files}
