"""What commands print: pieces with their reports on stdout, notes, errors and bars on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from musicae.core.errors import ChoraleError

if TYPE_CHECKING:
    from rich.progress import Progress

    from musicae.api.piece import Piece
    from musicae.daw.harmonize_files import Written

MOST_VIOLATIONS = 5
"""The number of violations of a piece that are printed; ``musicae check`` prints all."""


class Tell(Protocol):
    def __call__(self, done: int, total: int) -> None:
        """Show how many parts of the work are done, and how many there are."""


def print_written(
    written: Sequence[Written],
    notices: Sequence[str],
    as_json: bool,
    errors: Sequence[str] = (),
) -> None:
    """Print the pieces that were written, as lines or as one JSON document.

    Notices and errors go to stderr, and into the document too.
    """
    for notice in notices:
        print(f"note: {notice}", file=sys.stderr)
    if as_json:
        told = {
            "files": [_as_dict(each) for each in written],
            "notices": list(notices),
            "errors": list(errors),
        }
        print(json.dumps(told, indent=2))
    else:
        for each in written:
            _print_piece(each.path, each.piece)
    for error in errors:
        print_error(error)


def print_error(message: str) -> None:
    """Print a message on stderr as one line, also where it has line breaks."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr)


def _as_dict(written: Written) -> dict[str, Any]:
    melody = {"melody": str(written.melody)} if written.melody else {}
    return {"path": str(written.path), **melody, **written.piece.as_dict()}


def _print_piece(path: Path, piece: Piece) -> None:
    facts = piece.provenance
    print(f"{path}  {piece.chorale!r}")
    if piece.given is not None:
        print(f"  harmonized in {facts['key']} (choose another with --key)")
    rules = f" rules {facts['rules']}," if "rules" in facts else ""
    print(
        f"  {facts['model']} {facts['checksum'][:12]}, seed {facts['seed']},"
        f" temperature {facts['temperature']:g},{rules} musicae {facts['version']}"
    )
    _print_report(path, piece)


def _print_report(path: Path, piece: Piece) -> None:
    """Print a piece's nats a step and its first violations."""
    surprise = "" if piece.nats_per_step is None else f"{piece.nats_per_step:.2f} nats a step; "
    try:
        report = piece.report()
    except ChoraleError as error:
        print(f"  {surprise}voice leading not checked: {error}")
        return
    count = len(report.violations)
    beyond = f", beyond Bach: {', '.join(report.beyond_bach) or 'nothing'}"
    print(
        f"  {surprise}{count or 'no'} violation{'s' * (count != 1)} of voice leading"
        f"{beyond if report.in_four_voices else ''}"
    )
    for finding in report.findings:
        print(f"  {finding}")
    for violation in report.violations[:MOST_VIOLATIONS]:
        print(f"    {violation}")
    if count > MOST_VIOLATIONS:
        print(f"    ... and {count - MOST_VIOLATIONS} more (musicae check {path})")


@contextmanager
def counting(label: str, hidden: bool = False) -> Iterator[Tell]:
    """Show a progress bar on stderr; yields the function that moves it."""
    with progress(label, hidden) as bar:
        task = bar.add_task("", total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield tell


def progress(label: str, hidden: bool = False) -> Progress:
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
        disable=hidden or not console.is_terminal,
    )
