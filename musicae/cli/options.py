"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

N = Annotated[int, typer.Option("-n", help="How many alternatives.", show_default=True)]
Seed = Annotated[int, typer.Option(help="The same seed gives the same notes.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")]
Program = Annotated[
    str,
    typer.Option(help="General MIDI sound: a number 1 to 128 or a name such as 'church organ'."),
]
DataPath = Annotated[
    Path | None,
    typer.Option(
        "--data", help="A corpus file or a folder of chorales; by default the repository's corpus."
    ),
]
Side = Annotated[str, typer.Option(help="The side of the corpus: valid or test.")]
