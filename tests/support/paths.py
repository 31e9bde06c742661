"""The folders that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
MELODIES = DATA / "melodies"
RESULTS = DATA / "results"
