"""A folder beside a DAW: every melody that is saved in it is harmonized (the extra ``studio``).

The system's events only wake the watch, which then compares the folder with what it saw before. An
event that is lost, doubled or late, as on network folders, changes only the time it takes.
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
"""Seconds that a file stays as it is before it is read: DAWs write in several steps."""
PATIENCE = 1.5
"""Seconds that a file stays as it is before its error is reported: it may be half written."""
TICK = 0.05
"""Seconds between two looks at a folder in which a file is not settled yet."""
LOOK = 1.0
"""Seconds between two looks at a folder that reports no event."""
MOST_FAILURES = 10
"""How often in a row watching may fail."""

ERROR_ENDING = "-error.txt"
"""What follows a melody's name in the name of the text that says why it was not harmonized."""
HEADING = "musicae could not harmonize"
"""The first words of these texts; other texts are not touched."""


class Began(NamedTuple):
    """The watch has begun."""

    folder: Path
    out: Path
    waiting: tuple[Path, ...]
    """Melodies that have no result newer than themselves; they are harmonized first."""


class Made(NamedTuple):
    """A melody was harmonized."""

    melody: Path
    outputs: tuple[Path, ...]
    pieces: tuple[Piece, ...]
    reports: tuple[Report | None, ...]
    """Of each piece; None where a voice has no notes."""
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

    Melodies are what ``batch.melodies_in`` finds; their results are named as by ``batch.plan``.
    Those that are there at the start come first, unless all their results are newer than they; of
    several, the one saved last. A melody that fails does not stop the watch: its error stands
    beside it in ``NAME-error.txt`` until it is harmonized or gone.

    Args:
        out: the folder for the results, made where it is not there; by default ``folder`` itself.
        options: the settings of ``musicae.harmonize``.
        program: the General MIDI program of the voices, 0 to 127.
        analysis: write Roman numerals and key areas into the results.
        keep_tracks: carry the melodies' other tracks along.
        tell: called with each piece of news, in the thread that watches.
        stop: ends the watch when it is set, after the melody that is being harmonized.

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
    """Import the library that reports changes of a folder. Raises MusicaeError if missing."""
    try:
        import watchfiles
    except ImportError:
        raise MusicaeError("watching needs watchfiles: pip install 'musicae[studio]'") from None
    return watchfiles


def _wakings(watchfiles: Any, folder: Path, stop: threading.Event | None) -> Iterator[bool]:
    """Yield whether something changed in the folder, at least once a ``TICK``.

    watchfiles fails at the name of a file that is not UTF-8, so that it is begun anew where it
    fails. Raises MusicaeError if it fails each time: the system cannot watch the folder.
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
                    f"{folder}: cannot be watched ({error}); set WATCHFILES_FORCE_POLLING=1 in the"
                    " environment to do without the system's events"
                ) from None
            time.sleep(TICK)
            yield True


@dataclass
class _Seen:
    """The files with one name and different suffixes, which share a result; mostly one file."""

    files: tuple[Path, ...]
    stamps: tuple[tuple[int, int, int], ...]
    """Of each file its inode, bytes and time of change."""
    since: float
    """The time, in seconds, at which they were first seen with these stamps."""
    wait: float | None
    """Seconds after ``since`` at which they are read; None once they have been read."""

    def is_due(self) -> bool:
        return self.wait is not None and time.monotonic() >= self.since + self.wait


@dataclass
class _Desk:
    """The melodies in the watched folder, by name, and what remains to be done with each."""

    folder: Path
    out: Path | None
    options: HarmonizeOptions
    write: Callable[..., tuple[str, ...]]
    """``write_pieces`` with how they are to sound and look."""
    tell: Callable[[News], None]
    seen: dict[str, _Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Looks at the folder. Raises MusicaeError if the folders cannot be used."""
        if not self.folder.is_dir():
            there = self.folder.exists()
            what = "is a file; give the folder it is in" if there else "no such folder"
            raise MusicaeError(f"{self.folder}: {what}")
        if self.out is not None:
            make_folder(self.out)
        self.look()
        for name, seen in self.seen.items():
            if self._has_results(seen.files):
                seen.wait = None
                self._remove_error(name, seen.files[0])

    def waiting(self) -> tuple[Path, ...]:
        """The melodies that are still to be read."""
        return tuple(
            file for seen in self.seen.values() if seen.wait is not None for file in seen.files
        )

    def look(self) -> None:
        """Find new and changed melodies, and remove the errors of melodies that are gone.

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
        """Harmonize the melody that was saved last among those that no longer change, if any."""
        due = [name for name, seen in self.seen.items() if seen.is_due()]
        if not due:
            return
        name = max(due, key=lambda name: self.seen[name].since)
        seen = self.seen[name]
        melody = seen.files[0]
        final = time.monotonic() >= seen.since + PATIENCE
        try:
            made = self._harmonize(seen.files)
        except Exception as error:  # whatever it is, the next melody is harmonized
            seen.wait = None if final else PATIENCE
            if final:
                self._fail(name, melody, error)
            return
        seen.wait = None
        self._remove_error(name, melody)
        self.tell(made)

    def _found(self) -> dict[str, _Seen]:
        """The melodies that are in the folder now, by name. Raises MusicaeError if it is gone."""
        try:
            if not self.folder.is_dir():
                raise MusicaeError(f"{self.folder}: is gone, so there is nothing more to watch")
            files = batch.melodies_in([self.folder])
        except ChoraleError:
            return {}  # a folder may have no melodies as yet
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
        """Raises ChoraleError if several files would have one result."""
        return batch.plan(files, self.options.n, f"{self.out or self.folder}/")[0]

    def _has_results(self, files: tuple[Path, ...]) -> bool:
        """Whether all results are there and newer than the melody."""
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
        help_ = "Save the melody again, and it is tried again; this text goes when that works."
        if isinstance(error, MusicaeError):
            told = batch.named(error, melody)
        else:
            told = batch.fault(error, melody)
            help_ = "Please report it, with the melody and these lines:\n\n"
            help_ += "".join(traceback.format_exception(error))
        path = self.folder / (name + ERROR_ENDING)
        try:
            if path.exists() and not _is_error_text(path):
                raise ChoraleError(f"{path}: is not musicae's, so the error is not written there")
            with whole_file(path) as unfinished:
                text = f"{HEADING} {melody.name}\n\n{told}\n\n{help_.rstrip()}\n"
                unfinished.write_text(text, encoding="utf-8", errors="backslashreplace")
        except MusicaeError as unwritten:
            self.tell(Failed(melody, unwritten))
        self.tell(Failed(melody, told))

    def _remove_error(self, name: str, melody: Path) -> None:
        """Remove the error text that stands beside a melody, if there is one."""
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
    """Inode, bytes and modification time (ns) of a file; None where it is gone."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
