"""Join Bach's chorales and the four-part data to one corpus, in which each piece has a style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from musicae.core.errors import MusicaeError
from musicae.corpus.corpus import Corpus, LeftOut
from musicae.corpus.four_part import HELD_TUNES, FourPartPiece, read_four_part


def build_joined(bach: Corpus, folder: Path | str) -> Corpus:
    """Bach's corpus and the admitted pieces of a folder of four-part data.

    Bach's chorales come first, with their sides. The other pieces have the sides of the folder's
    ``sides.csv``. Pieces that are not admitted are in ``left_out``.

    Raises MusicaeError if the folder cannot be read, or if a piece with a tune of Bach's ``valid``
    or ``test`` side is not on the side ``held``.
    """
    return join(bach, read_four_part(folder))


def join(bach: Corpus, pieces: Sequence[FourPartPiece]) -> Corpus:
    """Like ``build_joined``, with pieces that are already read."""
    settings = {
        chorale.source: (tune, side)
        for chorale, tune, side in zip(bach.chorales, bach.tunes, bach.sides, strict=True)
    }
    numbers: dict[str, int] = {}
    following = max(bach.tunes, default=-1) + 1
    for piece in pieces:
        held_out = []
        for tune, side in (settings[name] for name in piece.bach_settings if name in settings):
            if side != "train":
                held_out.append(side)
            # A tune of the folder gets the number of Bach's tune in two cases: Bach's is on
            # ``train`` and the folder's is not on ``held``; or Bach's is on ``valid`` or ``test``
            # and the folder's is on ``held``.
            if (side != "train") == (piece.side == HELD_TUNES):
                numbers.setdefault(piece.tune, tune)
        if held_out and piece.side != HELD_TUNES:
            raise MusicaeError(
                f"{piece.name}: is on the side {piece.side}, but its tune is on the"
                f" {held_out[0]} side of Bach's chorales; put it on the side {HELD_TUNES}"
            )
        if piece.tune not in numbers:
            numbers[piece.tune] = following
            following += 1
    kept = [piece for piece in pieces if piece.admitted]
    refused = [LeftOut(f"{p.name}.mid", p.not_admitted) for p in pieces if not p.admitted]
    return replace(
        bach,
        chorales=(*bach.chorales, *(piece.chorale for piece in kept)),
        files=(*bach.files, *(f"{piece.name}.mid" for piece in kept)),
        tunes=(*bach.tunes, *(numbers[piece.tune] for piece in kept)),
        sides=(*bach.sides, *(piece.side for piece in kept)),
        quantized=(*bach.quantized, *(0 for _ in kept)),  # the folder's notes are on the grid
        left_out=(*bach.left_out, *refused),
        styles=(*bach.styles, *(piece.style for piece in kept)),
    )
