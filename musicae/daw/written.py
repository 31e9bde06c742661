"""The report on a written piece: lines of text, and plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from musicae.api.piece import Piece
from musicae.core.errors import ChoraleError

MOST_VIOLATIONS = 5
"""The most violations that a report lists; ``musicae check`` lists all."""


class Written(NamedTuple):
    """A file with a piece, and the report on it."""

    path: Path
    lines: tuple[str, ...]
    """The report as text: the piece, its provenance, its voice leading."""
    facts: dict[str, Any]
    """The report as plain values; see ``Piece.as_dict``."""
    melody: Path | None = None
    """The harmonized melody; None for a new piece."""

    @classmethod
    def of(cls, path: Path, piece: Piece, melody: Path | None = None) -> Written:
        """The report on a piece that was written to ``path``."""
        return cls(path, (*_heading(path, piece), *_report(path, piece)), piece.as_dict(), melody)


def _heading(path: Path, piece: Piece) -> list[str]:
    facts = piece.provenance
    lines = [f"{path}  {piece.chorale!r}"]
    if piece.given is not None:
        lines.append(f"  harmonized in {facts['key']} (choose another with --key)")
    rules = f" rules {facts['rules']}," if "rules" in facts else ""
    lines.append(
        f"  {facts['model']} {facts['checksum'][:12]}, seed {facts['seed']},"
        f" temperature {facts['temperature']:g},{rules} musicae {facts['version']}"
    )
    return lines


def _report(path: Path, piece: Piece) -> list[str]:
    """The nats per step of a piece, and its first violations."""
    surprise = "" if piece.nats_per_step is None else f"{piece.nats_per_step:.2f} nats a step; "
    try:
        report = piece.report()
    except ChoraleError as error:
        return [f"  {surprise}voice leading not checked: {error}"]
    count = len(report.violations)
    beyond = f", beyond Bach: {', '.join(report.beyond_bach) or 'nothing'}"
    lines = [
        f"  {surprise}{count or 'no'} violation{'s' * (count != 1)} of voice leading"
        f"{beyond if report.in_four_voices else ''}",
        *(f"  {finding}" for finding in report.findings),
        *(f"    {violation}" for violation in report.violations[:MOST_VIOLATIONS]),
    ]
    if count > MOST_VIOLATIONS:
        lines.append(f"    ... and {count - MOST_VIOLATIONS} more (musicae check {path})")
    return lines
