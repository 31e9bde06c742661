"""Run all cells of the notebooks, several notebooks at a time; ``--write`` saves their outputs."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import nbformat
import side_by_side
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SECONDS_A_CELL = 300


def run(path: Path, write: bool) -> str:
    """Run a notebook; returns a line with its time. Raises CellExecutionError if a cell fails."""
    began = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    # Without execution times, running a notebook again changes only its outputs.
    client = NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        record_timing=False,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    client.execute()
    if write:
        nbformat.write(notebook, path)
    return f"{path.name}: {time.perf_counter() - began:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="save the outputs")
    write = parser.parse_args().write
    # The last notebook takes longest, so it begins first.
    paths = sorted(NOTEBOOKS.glob("*.ipynb"), reverse=True)
    side_by_side.run(lambda path: run(path, write), paths)


if __name__ == "__main__":
    main()
