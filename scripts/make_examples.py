"""Make the examples of the studio's page: some of data/melodies as projects without harmony.

    python scripts/make_examples.py [FILE]

The result is the same in every run, byte for byte.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from musicae import Project

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "musicae" / "assets" / "studio" / "src" / "examples.json"
MELODIES = (
    *("ode_to_joy", "amazing_grace", "silent_night"),
    *("greensleeves", "old_hundredth", "der_lindenbaum"),
)


def example(name: str) -> Project:
    """One of ``data/melodies`` as a project; its notes have no velocities."""
    parts = Project.open_parts(ROOT / "data" / "melodies" / f"{name}.mid")
    (project,) = [part.project for part in parts if part.chosen]
    return replace(project, tune=tuple(note._replace(velocity=None) for note in project.tune))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", default=FILE, help="the file to write")
    file = parser.parse_args().file
    lines = [json.dumps(example(name).as_dict(), separators=(",", ":")) for name in MELODIES]
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
