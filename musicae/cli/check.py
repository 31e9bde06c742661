"""``musicae check``: voice-leading violations of a file, and rates beside those of Bach."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import musicae
from musicae.cli.options import AsJson
from musicae.core.errors import MusicaeError

if TYPE_CHECKING:
    from musicae.api.check import Report


def check(
    files: Annotated[
        list[Path],
        typer.Argument(help="Chorales, SAB, SSA, TTBB, two parts: MIDI files or scores."),
    ],
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="For students: check for hidden parallels, cross relations, missing thirds and the"
            " like too; exit with 1 where one is found, or a rule is broken beyond Bach.",
        ),
    ] = False,
    annotate: Annotated[
        Path | None,
        typer.Option(help="Write the chorale with its violations: .musicxml, .mxl or .mid."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report a chorale's voice leading bar by bar, and each rule's rate beside Bach's."""
    if annotate and len(files) > 1:
        raise MusicaeError("--annotate takes one chorale at a time")
    reports = [musicae.check(path, strict=strict) for path in files]
    if annotate:
        reports[0].annotate(annotate)
    if as_json:
        told = [
            {"path": str(path)} | report.as_dict()
            for path, report in zip(files, reports, strict=True)
        ]
        print(json.dumps({"files": told}, indent=2))
    else:
        for path, report in zip(files, reports, strict=True):
            _print_report(path, report)
    if strict and any(report.beyond_bach or report.broken_strictly for report in reports):
        raise typer.Exit(1)


def _print_report(path: Path, report: Report) -> None:
    print(f"{path}  {report.music}, {report.chords} chords")
    print(textwrap.indent(report.as_text(), "  "))
