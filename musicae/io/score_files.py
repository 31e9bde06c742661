"""Score files in any notation that is read, as MusicXML trees: MusicXML, MEI, kern and ABC.

Whatever the notation, the MusicXML reader reads the tree, so that its rules for parts, tuplets,
words and closed scores hold for all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from musicae.core.constants import MOST_BYTES
from musicae.core.errors import ChoraleError
from musicae.io.base import ABC_SUFFIXES, KERN_SUFFIXES, MEI_SUFFIXES, suffix_of
from musicae.io.musicxml_file import bytes_of, open_root, tree_of
from musicae.io.text_bytes import guessed

MOST_TEXT = MOST_BYTES // 8
"""Bytes of a score in ABC or kern, whose notes take an eighth of the bytes of MusicXML."""
MOST_SPINES = 200
"""Columns of a kern file."""


class ScoreTree(NamedTuple):
    """A score as a MusicXML tree."""

    root: ET.Element
    notices: tuple[str, ...] = ()
    """Sentences on what of a file in another notation was not read."""


def open_tree(path: Path) -> ScoreTree:
    """The MusicXML tree of a score file. Raises MusicaeError, without the path."""
    suffix = suffix_of(path)
    if suffix not in ABC_SUFFIXES + KERN_SUFFIXES + MEI_SUFFIXES:
        return ScoreTree(open_root(path))
    from musicae.io import abc_reader, mei_reader, written_tree

    if suffix in MEI_SUFFIXES:
        score = mei_reader.read(_mei(bytes_of(path, "MEI")))
    elif suffix in ABC_SUFFIXES:
        score = abc_reader.read(_text(bytes_of(path, "ABC", MOST_TEXT)))
    else:
        from musicae.io import verovio_process

        text = _text(bytes_of(path, "kern", MOST_TEXT))
        _check_kern(text)
        mei = verovio_process.to_mei(text, verovio_process.KERN)
        score = mei_reader.read(_mei(mei.encode()))
    return ScoreTree(written_tree.to_tree(score), tuple(score.notices))


def _mei(data: bytes) -> ET.Element:
    root = tree_of(data, "MEI")
    if root.tag not in ("mei", "music"):
        raise ChoraleError(f"is XML but not MEI (it begins with <{root.tag}>)")
    return root


def _text(data: bytes) -> str:
    """The text of a file. Raises ChoraleError where it is none."""
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ChoraleError("is not a text file")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return guessed(data).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _check_kern(text: str) -> None:
    """Raises ChoraleError for a text that is no kern, before Verovio sees it."""
    lines = [line for line in text.split("\n") if line and not line.startswith("!")]
    if not lines or "**kern" not in lines[0].split("\t"):
        raise ChoraleError("is not Humdrum kern: no column begins with **kern")
    if max(line.count("\t") for line in lines) >= MOST_SPINES:
        raise ChoraleError(f"has more than {MOST_SPINES} columns; is it damaged?")
