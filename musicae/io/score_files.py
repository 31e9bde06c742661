"""Score files in any notation <-> MusicXML: MusicXML itself, MEI, kern, ABC and LilyPond.

Every notation is turned into a MusicXML tree, which the MusicXML reader reads. So its rules for
parts, tuplets, words and closed scores hold for all notations. All are written from MusicXML.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from musicae.core.constants import MOST_BYTES
from musicae.core.errors import ChoraleError, MusicaeError
from musicae.core.files import whole_file
from musicae.io import musicxml_writer
from musicae.io.base import (
    ABC_SUFFIXES,
    KERN_SUFFIXES,
    MEI_SUFFIXES,
    MUSICXML_SUFFIXES,
    suffix_of,
)
from musicae.io.musicxml_file import bytes_of, one_line, open_root, tree_of
from musicae.io.musicxml_parts import read_score
from musicae.io.text_bytes import decoded
from musicae.io.written_score import WrittenScore

MOST_TEXT = MOST_BYTES // 8
"""The most bytes of a score in ABC or kern; a note takes about an eighth of its MusicXML bytes."""
MOST_SPINES = 200
"""The most columns of a kern file."""
UNWRITTEN = ("dynamics", "articulations", "ornaments", "technical")
"""Elements of MusicXML with signs that are written only in MusicXML and MEI."""


class ScoreTree(NamedTuple):
    """A score as a MusicXML tree."""

    root: ET.Element
    notices: tuple[str, ...] = ()
    """Sentences about what was not read from a file in another notation."""


def open_tree(path: Path) -> ScoreTree:
    """The MusicXML tree of a score file. Raises MusicaeError, without the path."""
    suffix = suffix_of(path)
    if suffix not in ABC_SUFFIXES + KERN_SUFFIXES + MEI_SUFFIXES:
        return ScoreTree(open_root(path))
    from musicae.io import abc_reader, mei_reader, written_tree

    if suffix in MEI_SUFFIXES:
        score = mei_reader.read(_mei(bytes_of(path, "MEI")))
    elif suffix in ABC_SUFFIXES:
        score = abc_reader.read(decoded(bytes_of(path, "ABC", MOST_TEXT)))
    else:
        from musicae.io import verovio_process

        text = decoded(bytes_of(path, "kern", MOST_TEXT))
        _check_kern(text)
        mei = verovio_process.to_mei(text, verovio_process.KERN)
        score = mei_reader.read(_mei(mei.encode()))
    return ScoreTree(written_tree.to_tree(score), tuple(score.notices))


def _mei(data: bytes) -> ET.Element:
    root = tree_of(data, "MEI")
    if root.tag not in ("mei", "music"):
        raise ChoraleError(f"is XML but not MEI: it begins with <{one_line(root.tag)[:40]}>")
    return root


def _check_kern(text: str) -> None:
    """Raise ChoraleError if a text is no kern, before Verovio reads it."""
    lines = [line for line in text.split("\n") if line and not line.startswith("!")]
    if not lines or "**kern" not in lines[0].split("\t"):
        raise ChoraleError("is not Humdrum kern: no column begins with **kern")
    if max(line.count("\t") for line in lines) >= MOST_SPINES:
        raise ChoraleError(f"has more than {MOST_SPINES} columns; is it damaged?")


def save(xml: bytes, path: Path | str) -> tuple[str, ...]:
    """Write MusicXML in the notation of the suffix of ``path``, whole or not at all.

    The same MusicXML gives the same bytes. Returns sentences about what the notation cannot hold.
    Raises MusicaeError if the file cannot be written.
    """
    path = Path(path)
    suffix = suffix_of(path)
    if suffix in MUSICXML_SUFFIXES:
        musicxml_writer.save(xml, path)
        return ()
    try:
        text, notices = _written(xml, path)
    except MusicaeError as error:
        raise type(error)(f"{path}: {error}") from None
    with whole_file(path) as partial:
        partial.write_bytes(text.encode())
    return notices


def _written(xml: bytes, path: Path) -> tuple[str, tuple[str, ...]]:
    """The text of MusicXML in another notation, and sentences about what that cannot hold."""
    suffix = suffix_of(path)
    if suffix in MEI_SUFFIXES:
        from musicae.io import verovio_process

        return verovio_process.to_mei(xml.decode(), verovio_process.MUSICXML), ()
    from musicae.io import abc_writer, kern_writer, lilypond_writer, written_reader

    root = ET.fromstring(xml)
    score = written_reader.of_score(read_score(path, root))
    made = root.findtext("identification/miscellaneous/miscellaneous-field[@name='musicae']")
    comments = [f"musicae: {one_line(made)}"] if made else []
    if suffix in ABC_SUFFIXES:
        text, name = abc_writer.text_of(score, comments), "ABC"
    elif suffix in KERN_SUFFIXES:
        text, name = kern_writer.text_of(score, comments), "kern"
    else:
        text, name = lilypond_writer.text_of(score, comments), "LilyPond"
    return text, tuple(_lost(root, score, name))


def _lost(root: ET.Element, score: WrittenScore, name: str) -> Iterator[str]:
    """Sentences about what a score has, but its text in a notation does not."""
    counts = {tag: sum(len(e) for e in root.iter(tag)) for tag in UNWRITTEN}
    if unwritten := ", ".join(f"{count} of {tag}" for tag, count in counts.items() if count):
        yield f"signs that are not written in {name}: {unwritten}"
    endings = any(bar.endings for staff in score.staves for bar in staff.bars)
    if name == "kern" and endings:
        yield "first and second endings are written as plain bars in kern"
    if any(staff.transposes != (0, 0) for staff in score.staves):
        yield f"transposing instruments are written at sounding pitch in {name}"
