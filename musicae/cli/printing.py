"""What commands print: pieces with their reports on stdout, notes, errors and bars on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from musicae.core.errors import ChoraleError

if TYPE_CHECKING:
    from rich.progress import Progress

    from musicae.api.piece import Piece

MOST_VIOLATIONS = 5
"""How many places of a piece are printed; ``musicae check`` prints all."""


class Written(NamedTuple):
    """A piece and the file that it was written to."""

    path: Path
    piece: Piece
    melody: Path | None = None
    """What was harmonized; None for a new piece."""


class Tell(Protocol):
    def __call__(self, done: int, total: int) -> None:
        """How much is done, and of how much."""


def write(
    pieces: Sequence[Piece],
    paths: Sequence[Path],
    program: int,
    *,
    analysis: bool = False,
    keep_tracks: bool = False,
) -> None:
    """Write each piece to its path; see ``Piece.write``. Raises ChoraleError."""
    for piece, path in zip(pieces, paths, strict=True):
        piece.write(path, program, analysis=analysis, keep_tracks=keep_tracks)


def print_written(
    written: Sequence[Written],
    notices: Sequence[str],
    as_json: bool,
    errors: Sequence[str] = (),
) -> None:
    """Pieces that were written, in lines or as one document; notices and errors on stderr too."""
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
    """One line on stderr, whatever the message holds."""
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
    """How surprising a piece is, and its violations in brief."""
    surprise = "" if piece.nats_per_step is None else f"{piece.nats_per_step:.2f} nats a step; "
    try:
        report = piece.report()
    except ChoraleError as error:
        print(f"  {surprise}voice leading not checked: {error}")
        return
    count = len(report.violations)
    print(
        f"  {surprise}{count or 'no'} violation{'s' * (count != 1)} of voice leading,"
        f" beyond Bach: {', '.join(report.beyond_bach) or 'nothing'}"
    )
    for violation in report.violations[:MOST_VIOLATIONS]:
        print(f"    {violation}")
    if count > MOST_VIOLATIONS:
        print(f"    ... and {count - MOST_VIOLATIONS} more (musicae check {path})")


@contextmanager
def counting(label: str, hidden: bool = False) -> Iterator[Tell]:
    """While it lasts, a bar on stderr; call what is given with what is done and the total."""
    with progress(label, hidden) as bar:
        task = bar.add_task("", total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield tell


def progress(label: str, hidden: bool = False) -> Progress:
    """A bar on stderr with a label, what is done, and the time left; only on a terminal."""
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
