"""Measure the effect of styles: the same sopranos in every style, and the corpus of each style.

    python benchmarks/styles.py --four-part FOLDER [--pieces 24]

It prints two tables in Markdown. The first is about the settings of each style in the harmonizer's
training data. The second is about its harmonizations of held-out sopranos in each style; the
sopranos are alternately from Bach's validation side and from ``hymn-valid``. The columns are the
chord changes per whole note, the share of notes outside the key's scales, and the share of the
lower voices' notes that are shorter than a beat. The last lines compare the two tables by
Spearman's rank correlation over the styles.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, STYLES
from musicae.core.errors import MusicaeError
from musicae.core.key import Key
from musicae.corpus.four_part import TRAIN, read_four_part
from musicae.corpus.load import load
from musicae.evaluation.comparison import Group, bach, harmonize_sopranos, hymns
from musicae.evaluation.function import function_of
from musicae.models.checkpoint import load_model
from musicae.theory.harmonic_plan import beats_of


class Style(NamedTuple):
    """The means of some pieces."""

    changes: float
    """Chord changes per whole note of time."""
    foreign: float
    """The share of notes outside the key's scales."""
    short: float
    """The share of the lower voices' notes that are shorter than a beat."""


def style_of(chorales: Sequence[Chorale], keys: Sequence[Key]) -> Style:
    """Measure pieces in their keys."""
    measured = [function_of(*each) for each in zip(chorales, keys, strict=True)]
    return Style(
        float(np.mean([each.changes for each in measured])),
        float(np.mean([each.foreign for each in measured])),
        float(np.mean([short_notes(chorale) for chorale in chorales])),
    )


def short_notes(chorale: Chorale) -> float:
    """The share of the lower voices' notes that are shorter than a beat of their bar."""
    whole = np.zeros(len(chorale), dtype=np.int64)
    for beat in beats_of(chorale):
        whole[beat.start : beat.start + beat.length] = beat.whole
    notes = [note for voice in range(1, N_VOICES) for note in chorale.notes(voice)]
    return float(np.mean([note.duration < whole[note.step] for note in notes]))


def in_turn(one: Group, other: Group, pieces: int) -> Group:
    """A group of the first pieces of two groups, alternately from one and the other."""
    both = [*chain.from_iterable(zip(*map(_rows, (one, other)), strict=False))][:pieces]
    chorales, belongs, keys = zip(*both, strict=True)
    return Group("held-out sopranos", chorales, belongs, keys=keys)


def _rows(group: Group) -> list[tuple[Chorale, object, Key]]:
    return list(zip(group.chorales, group.belongs, group.keys, strict=True))


def table(rows: dict[str, Style]) -> str:
    """A table with one row for each style."""
    lines = ["| | chord changes per whole note | foreign notes | notes shorter than a beat |"]
    lines += ["| --- | ---: | ---: | ---: |"]
    lines += [
        f"| {s} | {r.changes:.2f} | {r.foreign:.1%} | {r.short:.1%} |" for s, r in rows.items()
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--four-part", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--pieces", type=int, default=24, help="sopranos to harmonize")
    args = parser.parse_args()
    try:
        data = load()
        pieces = [p for p in read_four_part(args.four_part) if p.admitted and p.side == TRAIN]
        chorales = bach(data, "train")
        own = {"bach": style_of(chorales.chorales, chorales.keys)}
        for style in STYLES[1:]:
            of_style = [p for p in pieces if p.style == style]
            own[style] = style_of([p.chorale for p in of_style], [p.key for p in of_style])
        sopranos = in_turn(bach(data, "valid"), hymns(args.four_part, "valid"), args.pieces)
        written = {}
        for style in STYLES:
            made = harmonize_sopranos(load_model("harmonizer"), sopranos, style, seed=0)
            written[style] = style_of(made.chorales, sopranos.keys)
    except MusicaeError as error:
        raise SystemExit(f"error: {error}") from None
    print(f"The corpora\n\n{table(own)}\n\nThe same {args.pieces} sopranos\n\n{table(written)}\n")
    for name in Style._fields:
        own_rank, rank = (_ranks(rows, name) for rows in (own, written))
        apart, count = float(((own_rank - rank) ** 2).sum()), len(STYLES)
        print(f"{name}: rank correlation {1 - 6 * apart / (count**3 - count):.2f}")


def _ranks(rows: dict[str, Style], name: str) -> NDArray[np.int64]:
    """The rank of each style by a measure, from 0."""
    values = np.array([getattr(rows[style], name) for style in STYLES])
    return values.argsort().argsort()


if __name__ == "__main__":
    main()
