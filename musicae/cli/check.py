"""``musicae check``: the voice-leading violations of a file, compared with Bach's rates."""

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
        typer.Argument(
            help="MIDI files or scores: chorales, or music for SAB, SSA, TTBB or two parts."
        ),
    ],
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Check also for what students are marked down for: hidden parallels, cross"
            " relations, missing thirds and rising sevenths. Exit with 1 if one is found, or if a"
            " rule is broken more often than in Bach.",
        ),
    ] = False,
    annotate: Annotated[
        Path | None,
        typer.Option(
            help="Write a copy with the violations marked: .musicxml, .mxl, .mid or another format"
            " that musicae writes. Only for one file."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report where voices break a rule, and compare each rule's rate with Bach's."""
    if annotate and len(files) > 1:
        raise MusicaeError("--annotate takes one file, not several; check them one at a time")
    reports = [musicae.check(path, strict=strict) for path in files]
    if annotate:
        reports[0].annotate(annotate)
    if as_json:
        found = [
            {"path": str(path)} | report.as_dict()
            for path, report in zip(files, reports, strict=True)
        ]
        print(json.dumps({"files": found}, indent=2))
    else:
        for path, report in zip(files, reports, strict=True):
            _print_report(path, report)
    if strict and any(report.beyond_bach or report.broken_strictly for report in reports):
        raise typer.Exit(1)


def _print_report(path: Path, report: Report) -> None:
    print(f"{path}  {report.music}, {report.chords} chords")
    print(textwrap.indent(report.as_text(), "  "))
