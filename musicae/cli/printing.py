"""Printing: pieces and reports on stdout; notes, errors and progress bars on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress

    from musicae.daw.written import Written


class Tell(Protocol):
    def __call__(self, done: int, total: int) -> None:
        """Show how many parts of the work are done, of how many."""


def print_written(
    written: Sequence[Written],
    notices: Sequence[str],
    as_json: bool,
    errors: Sequence[str] = (),
    skipped: Sequence[Path] | None = None,
) -> None:
    """Print the pieces that were written, as lines or as one JSON document.

    Notices and errors go to stderr. The JSON document has them too, and the skipped melodies.
    """
    for notice in notices:
        print(f"note: {notice}", file=sys.stderr)
    if as_json:
        result = {
            "files": [_as_dict(each) for each in written],
            "notices": list(notices),
            "errors": list(errors),
        }
        if skipped is not None:
            result["skipped"] = list(map(str, skipped))
        print(json.dumps(result, indent=2))
    else:
        for each in written:
            print(*each.lines, sep="\n")
    for error in errors:
        print_error(error)


def print_error(message: str) -> None:
    """Print a message on stderr as one line; line breaks in it become spaces."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr)


def _as_dict(written: Written) -> dict[str, Any]:
    melody = {"melody": str(written.melody)} if written.melody else {}
    return {"path": str(written.path), **melody, **written.facts}


@contextmanager
def counting(label: str, hidden: bool = False) -> Iterator[Tell]:
    """Show a progress bar on stderr; yields the function that updates it.

    Nothing is shown if ``hidden``, or if stderr is not a terminal.
    """
    if hidden or not sys.stderr.isatty():  # rich is slow to import
        yield lambda *_: None
        return
    with progress(label) as bar:
        task = bar.add_task("", total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield tell


def progress(label: str) -> Progress:
    """A progress bar on stderr with a label and the time left; shown only on a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    return Progress(
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
