"""Scores, piano rolls and sound of the documentation, made when the site is built.

They are kept in build/docs until the music or the code that makes them changes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import musicae
from musicae.api.render import screen_score

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "build" / "docs"
MAKERS = ("rendering", "theory")
"""The packages whose code decides what a picture or a sound is."""


def make(
    pieces: Iterable[musicae.Piece], names: Sequence[str], *, analysis: bool = False
) -> list[Path]:
    """For each piece the folder that has its files; they are made if they are not there.

    Args:
        pieces: what is drawn and synthesized.
        names: some of ``score.svg``, ``roll.svg`` and ``sound.ogg``.
        analysis: whether scores have chord symbols and Roman numerals.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda piece: _folder(piece, names, analysis), pieces))


def _folder(piece: musicae.Piece, names: Sequence[str], analysis: bool) -> Path:
    folder = CACHE / _digest(piece, names, analysis)
    if folder.is_dir():
        return folder
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name in names:
        if name == "score.svg":
            (page,) = screen_score(piece, analysis=analysis).pages
            (partial / name).write_text(page, encoding="utf-8")
        else:
            musicae.render(piece, partial / name)
    return partial.replace(folder)


def _digest(piece: musicae.Piece, names: Sequence[str], analysis: bool) -> str:
    """A name that changes with the music and with the code that draws and sounds it."""
    code = [path for name in MAKERS for path in sorted((ROOT / "musicae" / name).glob("*.py"))]
    digest = hashlib.sha256(repr((tuple(names), analysis)).encode() + piece.to_xml())
    for path in (Path(__file__), *code):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
