"""Watch a folder and harmonize every melody that a DAW saves in it (extra ``studio``).

Events of the operating system only trigger a comparison of the folder with its last known state.
Lost, double or late events, which are common on network folders, only change the delay.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from musicae.api import batch, harmonize
from musicae.api.check import Report
from musicae.api.options import HarmonizeOptions
from musicae.api.piece import Piece
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.files import make_folder, whole_file
from musicae.daw.harmonize_one import write_pieces
from musicae.io.general_midi import CHOIR_AAHS

SETTLED = 0.3
"""Seconds without a change before a file is read: DAWs write in several steps."""
PATIENCE = 1.5
"""Seconds without a change before a file's error is reported: the file may be half written."""
TICK = 0.05
"""Seconds between two checks of a folder in which a file has just changed."""
LOOK = 1.0
"""Seconds between two checks of a folder without events."""
MOST_FAILURES = 10
"""The number of failures in a row that end the watch."""

ERROR_ENDING = "-error.txt"
"""The ending, after a melody's name, of the text file that says why it was not harmonized."""
HEADING = "musicae could not harmonize"
"""The first words of these texts. Files that begin in another way are left alone."""


class Began(NamedTuple):
    """The watch has begun."""

    folder: Path
    out: Path
    waiting: tuple[Path, ...]
    """Melodies without newer results; they are harmonized first."""


class Made(NamedTuple):
    """A melody was harmonized."""

    melody: Path
    outputs: tuple[Path, ...]
    pieces: tuple[Piece, ...]
    reports: tuple[Report | None, ...]
    """The report of each piece; None if a voice has no notes."""
    seconds: float
    """From reading the melody to the written results."""


class Failed(NamedTuple):
    """A melody was not harmonized, or its error text could not be written or removed."""

    melody: Path
    error: MusicaeError


News: TypeAlias = Began | Made | Failed


def watch(
    folder: Path | str,
    out: Path | str | None = None,
    options: HarmonizeOptions | None = None,
    *,
    program: int = CHOIR_AAHS,
    analysis: bool = False,
    keep_tracks: bool = False,
    tell: Callable[[News], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> None:
    """Harmonize each melody in a folder whenever it is saved, until ``stop`` is set.

    ``batch.melodies_in`` finds the melodies, and ``batch.plan`` names the results. Melodies that
    are in the folder at the start come first, unless all their results are newer. If several wait,
    the one saved last goes first. A melody that fails does not stop the watch: its error is written
    to ``NAME-error.txt`` beside it, and removed when the melody is harmonized or gone.

    Args:
        folder: the folder to watch.
        out: the folder for the results, created if it is missing; by default ``folder`` itself.
        options: the settings of ``musicae.harmonize``.
        program: the General MIDI program of the voices, 0 to 127.
        analysis: write Roman numerals and keys into the results.
        keep_tracks: keep the melodies' other tracks.
        tell: called with each ``News``, in the thread that watches.
        stop: ends the watch when it is set, after the current melody.

    Raises MusicaeError if the folders or the model cannot be used, watchfiles is missing, or the
    folder disappears.
    """
    events = load_watchfiles()
    options = options or HarmonizeOptions()
    write = partial(write_pieces, program=program, analysis=analysis, keep_tracks=keep_tracks)
    desk = _Desk(Path(folder), None if out is None else Path(out), options, write, tell)
    harmonize.load_for(options)
    tell(Began(desk.folder, desk.out or desk.folder, desk.waiting()))
    looked = time.monotonic()
    for changed in _wakings(events, desk.folder, stop):
        if changed or desk.waiting() or time.monotonic() >= looked + LOOK:
            desk.look()
            desk.harmonize_next()
            looked = time.monotonic()


def load_watchfiles() -> Any:
    """Import the library that reports changes in a folder.

    Raises MusicaeError if it is missing.
    """
    try:
        import watchfiles
    except ImportError:
        raise MusicaeError("watching needs watchfiles: pip install 'musicae[studio]'") from None
    return watchfiles


def _wakings(watchfiles: Any, folder: Path, stop: threading.Event | None) -> Iterator[bool]:
    """Yield at least once per ``TICK``: whether something changed in the folder.

    watchfiles fails if a file's name is not UTF-8, so it is started again after a failure. Raises
    MusicaeError after ``MOST_FAILURES`` failures in a row: the system cannot watch the folder.
    """
    milliseconds = round(1000 * TICK)
    failures = 0
    while failures < MOST_FAILURES and not (stop and stop.is_set()):
        try:
            for changes in watchfiles.watch(
                folder,
                watch_filter=None,
                debounce=2 * milliseconds,
                step=milliseconds,
                rust_timeout=milliseconds,
                yield_on_timeout=True,
                stop_event=stop,
                recursive=False,
            ):
                failures = 0
                yield bool(changes)
        except (OSError, RuntimeError) as error:
            failures += 1
            if failures == MOST_FAILURES:
                raise MusicaeError(
                    f"{folder}: cannot be watched ({error}); set the environment variable"
                    " WATCHFILES_FORCE_POLLING=1 to watch it without the system's events"
                ) from None
            time.sleep(TICK)
            yield True


@dataclass
class _Seen:
    """The files with one name and different suffixes, usually a single one; they share a result."""

    files: tuple[Path, ...]
    stamps: tuple[tuple[int, int, int], ...]
    """The inode, size in bytes and modification time (ns) of each file."""
    since: float
    """The monotonic time, in seconds, at which they were first seen with these stamps."""
    wait: float | None
    """Seconds from ``since`` until they are read; None after they have been read."""

    def is_due(self) -> bool:
        return self.wait is not None and time.monotonic() >= self.since + self.wait


@dataclass
class _Desk:
    """The melodies in the watched folder, by name, with the state of each."""

    folder: Path
    out: Path | None
    options: HarmonizeOptions
    write: Callable[..., tuple[str, ...]]
    """``write_pieces`` with its keywords."""
    tell: Callable[[News], None]
    seen: dict[str, _Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the folder. Raises MusicaeError if a folder cannot be used."""
        if not self.folder.is_dir():
            there = self.folder.exists()
            what = "is a file; give its folder" if there else "no such folder"
            raise MusicaeError(f"{self.folder}: {what}")
        if self.out is not None:
            make_folder(self.out)
        self.look()
        for name, seen in self.seen.items():
            if self._has_results(seen.files):
                seen.wait = None
                self._remove_error(name, seen.files[0])

    def waiting(self) -> tuple[Path, ...]:
        """The melodies that have not been read yet."""
        return tuple(
            file for seen in self.seen.values() if seen.wait is not None for file in seen.files
        )

    def look(self) -> None:
        """Find new and changed melodies, and remove the error texts of melodies that are gone.

        Raises MusicaeError if the folder is gone.
        """
        found = self._found()
        for name in self.seen.keys() - found.keys():
            gone = self.seen.pop(name)
            self._remove_error(name, gone.files[0])
        for name, now in found.items():
            before = self.seen.get(name)
            if before is None or (before.files, before.stamps) != (now.files, now.stamps):
                self.seen[name] = now

    def harmonize_next(self) -> None:
        """Harmonize one melody, if any is due: the one that was saved last."""
        due = [name for name, seen in self.seen.items() if seen.is_due()]
        if not due:
            return
        name = max(due, key=lambda name: self.seen[name].since)
        seen = self.seen[name]
        melody = seen.files[0]
        final = time.monotonic() >= seen.since + PATIENCE
        try:
            made = self._harmonize(seen.files)
        except Exception as error:  # no error may stop the watch
            seen.wait = None if final else PATIENCE
            if final:
                self._fail(name, melody, error)
            return
        seen.wait = None
        self._remove_error(name, melody)
        self.tell(made)

    def _found(self) -> dict[str, _Seen]:
        """The melodies that are in the folder now, by name.

        Raises MusicaeError if the folder is gone or cannot be read.
        """
        try:
            if not self.folder.is_dir():
                raise MusicaeError(f"{self.folder}: is gone, so there is nothing more to watch")
            files = batch.melodies_in([self.folder])
        except ChoraleError:
            return {}  # the folder has no melodies yet
        except OSError as error:
            raise MusicaeError(f"{self.folder}: cannot be read ({error.strerror})") from None
        now = time.monotonic()
        found: dict[str, _Seen] = {}
        for file in files:
            stamp = _stamp(file)
            if stamp is not None:
                seen = found.setdefault(file.stem, _Seen((), (), now, SETTLED))
                seen.files += (file,)
                seen.stamps += (stamp,)
        return found

    def _plan(self, files: tuple[Path, ...]) -> batch.Job:
        """The job for these files. Raises ChoraleError if several files would have one result."""
        return batch.plan(files, self.options.n, f"{self.out or self.folder}/")[0]

    def _has_results(self, files: tuple[Path, ...]) -> bool:
        """Whether all results exist and are newer than the melody."""
        try:
            saved = files[0].stat().st_mtime_ns
            outputs = self._plan(files).outputs
            return all(output.stat().st_mtime_ns >= saved for output in outputs)
        except (OSError, ChoraleError):
            return False

    def _harmonize(self, files: tuple[Path, ...]) -> Made:
        began = time.monotonic()
        job = self._plan(files)
        pieces = tuple(harmonize.harmonize(job.melody, options=self.options))
        self.write(pieces, job.outputs, folder=self.out)
        seconds = time.monotonic() - began
        return Made(
            job.melody,
            job.outputs,
            pieces,
            tuple(p.report() if p.in_four_voices else None for p in pieces),
            seconds,
        )

    def _fail(self, name: str, melody: Path, error: Exception) -> None:
        """Report an error, and write it beside the melody."""
        help_ = "Save the melody again to try again; this file is removed when that works."
        if isinstance(error, MusicaeError):
            named = batch.named(error, melody)
        else:
            named = batch.fault(error, melody)
            help_ = "Please report it, with the melody and these lines:\n\n"
            help_ += "".join(traceback.format_exception(error))
        path = self.folder / (name + ERROR_ENDING)
        try:
            if path.exists() and not _is_error_text(path):
                raise ChoraleError(f"{path}: is not musicae's file; the error is not written there")
            with whole_file(path) as unfinished:
                text = f"{HEADING} {melody.name}\n\n{named}\n\n{help_.rstrip()}\n"
                unfinished.write_text(text, encoding="utf-8", errors="backslashreplace")
        except MusicaeError as unwritten:
            self.tell(Failed(melody, unwritten))
        self.tell(Failed(melody, named))

    def _remove_error(self, name: str, melody: Path) -> None:
        """Remove the error text of a melody, if there is one."""
        path = self.folder / (name + ERROR_ENDING)
        try:
            if _is_error_text(path):
                path.unlink(missing_ok=True)
        except OSError as error:
            why = MusicaeError(f"{path}: is out of date, and cannot be removed ({error.strerror})")
            self.tell(Failed(melody, why))


def _is_error_text(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(len(HEADING)) == HEADING
    except OSError:
        return False


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """Inode, size in bytes and modification time (ns) of a file; None if it is gone."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
