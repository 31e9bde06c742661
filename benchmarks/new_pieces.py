"""Measure new pieces and held-out chorales in one table.

    python benchmarks/new_pieces.py [--side valid|test] [--draws 100] [--model vae] [--seed 0]
        [--style bach] [--four-part FOLDER]

The pieces come from ``musicae.generate`` with default settings. In Bach's style they are compared
with Bach's chorales, in another style with the admitted pieces of that style in the four-part data.
With the folder of the four-part data, the surprise of the soprano is also measured with a model of
hymn melodies. To measure pieces from any other source, use ``table`` of
``musicae.evaluation.new_pieces``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import musicae
from musicae.core.chorale import Chorale
from musicae.core.constants import STYLES
from musicae.core.errors import MusicaeError
from musicae.corpus.four_part import FourPartPiece, read_four_part, training_pieces
from musicae.corpus.load import load
from musicae.evaluation.comparison import HYMN_SIDES, HYMN_STYLE, Group, bach
from musicae.evaluation.new_pieces import markdown, table

BACH = STYLES[0]


def draw(n: int, model: str, style: str, seed: int) -> list[Chorale]:
    """New pieces in a style; Bach's style is the default of ``musicae.generate``."""
    settings: dict[str, Any] = {} if style == BACH else {"style": style}
    return [piece.chorale for piece in musicae.generate(n, model=model, seed=seed, **settings)]


def of_style(pieces: list[FourPartPiece], style: str, side: str) -> Group:
    """The admitted pieces of a style on a side of the four-part data; pieces belong to tunes."""
    name = HYMN_SIDES[side]
    kept = [p for p in pieces if p.admitted and p.style == style and p.side == name]
    return Group(
        f"{style} ({name})",
        tuple(piece.chorale for piece in kept),
        tuple(piece.tune for piece in kept),
        keys=tuple(piece.key for piece in kept),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", default="valid", choices=tuple(HYMN_SIDES))
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--model", default="vae", help="its name or weights file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--style", default=BACH, choices=STYLES)
    parser.add_argument(
        "--four-part",
        type=Path,
        metavar="FOLDER",
        help="the four-part data, needed for other styles",
    )
    args = parser.parse_args()
    if args.style != BACH and not args.four_part:
        parser.error(f"--style {args.style} needs --four-part")
    try:
        pieces = read_four_part(args.four_part) if args.four_part else []
        by_style = {
            style: [p.chorale for p in training_pieces(pieces) if p.style == style]
            for style in (HYMN_STYLE, args.style)
        }
        melodies = {"hymns": by_style[HYMN_STYLE]} if pieces else {}
        if args.style == BACH:
            data = load()
            side, train = bach(data, args.side), data.side("train")
        else:
            side, train = of_style(pieces, args.style, args.side), tuple(by_style[args.style])
        began = time.perf_counter()
        drawn = draw(args.draws, args.model, args.style, args.seed)
        seconds = time.perf_counter() - began
        print(markdown(table(drawn, side, train, melodies), side.name))
    except MusicaeError as error:
        raise SystemExit(f"error: {error}") from None
    print(f"\n{len(drawn)} draws in {seconds:.0f} s, measured in", end=" ")
    print(f"{time.perf_counter() - began - seconds:.0f} s")


if __name__ == "__main__":
    main()
