"""Measure Bach's chorales and write JSON files: rule violations, histograms and forms.

    python scripts/make_reference.py [--four-part FOLDER]

The forms are those of Bach's train side and of the four-part pieces for training. Without the
folder of the latter, the file of forms is not changed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from musicae.core import assets
from musicae.core.files import whole_file
from musicae.corpus import load
from musicae.corpus.corpus import Corpus
from musicae.corpus.four_part import read_four_part, training_pieces
from musicae.encoding import forms
from musicae.encoding.partial_score import PartialScore
from musicae.evaluation import bach_likeness
from musicae.theory.voice_leading.bach import RATES, measure_rates


def forms_of(bach: Corpus, folder: Path) -> list[PartialScore]:
    """The forms of the training pieces: Bach's, and those of the four-part data."""
    others = training_pieces(read_four_part(folder))
    return [
        *(forms.form_of(chorale, style="bach") for chorale in bach.side("train")),
        *(forms.form_of(piece.chorale, piece.key, piece.style) for piece in others),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--four-part", type=Path, metavar="FOLDER", help="the four-part data")
    args = parser.parse_args()
    bach = load.load()
    if args.four_part:
        forms.save_forms(forms_of(bach, args.four_part), assets.FORMS)
    bach_likeness.Reference.of(bach.side("train"), bach.side("valid")).save(
        bach_likeness.REFERENCE_FILE
    )
    measured = measure_rates(bach.side("train"))
    with whole_file(RATES) as path:
        path.write_text(json.dumps(measured) + "\n", encoding="utf-8")
    for name, limit in measured["limits"].items():
        rates = measured["rates"][name]
        print(f"{name:26} mean {sum(rates) / len(rates):5.2f}  limit {limit:5.2f}")
    for name, limit in measured["share_limits"].items():
        shares = measured["shares"][name]
        print(f"{name:26} mean {sum(shares) / len(shares):5.1%}  limit {limit:5.1%}")


if __name__ == "__main__":
    main()
