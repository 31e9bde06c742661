"""Run the notebooks top to bottom; with ``--write`` keep what they show in them."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SECONDS_A_CELL = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="save the outputs")
    write = parser.parse_args().write
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        began = time.perf_counter()
        notebook = nbformat.read(path, as_version=4)
        # No times of execution: running a notebook again changes only what it shows.
        client = NotebookClient(
            notebook,
            timeout=SECONDS_A_CELL,
            record_timing=False,
            resources={"metadata": {"path": str(NOTEBOOKS)}},
        )
        client.execute()
        if write:
            nbformat.write(notebook, path)
        print(f"{path.name}: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
