"""Measure Bach, as JSON: the rules that he breaks, what his chorales are made of, their forms."""

from __future__ import annotations

import argparse
import json

from musicae.core.files import whole_file
from musicae.corpus import load
from musicae.encoding import forms
from musicae.evaluation import bach_likeness
from musicae.theory.voice_leading.bach import RATES, measure_rates


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    bach = load.load()
    bach_likeness.Reference.of(bach.side("train"), bach.side("valid")).save(
        bach_likeness.REFERENCE_FILE
    )
    forms.save_forms(bach.side("train"))
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
