"""Make ``data/results/``: every example melody harmonized, and the README's pictures."""

from __future__ import annotations

from pathlib import Path

import musicae
from musicae import corpus, corpus_report, render

DATA = Path(__file__).resolve().parent.parent / "data"
PICTURED = "old_hundredth"


def main() -> None:
    results = DATA / "results"
    results.mkdir(exist_ok=True)
    for melody in sorted((DATA / "melodies").glob("*.mid")):
        (piece,) = musicae.harmonize(melody)
        piece.write(results / melody.name)
        render.draw(piece.chorale, results / f"{melody.stem}.png")
        if melody.stem == PICTURED:
            (before,) = musicae.harmonize(melody, model="minibach")
            pair = {"MiniBach": before.chorale, "the harmonizer": piece.chorale}
            render.draw_beside(pair, results / "beside_minibach.png")
        report = piece.report()
        broken = ", ".join(report.beyond_bach) or "nothing"
        print(f"{piece.chorale}: {len(report.violations)} violations, beyond Bach {broken}")
    corpus_report.draw(corpus.load(), results / "corpus.png")


if __name__ == "__main__":
    main()
