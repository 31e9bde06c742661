"""Read MusicXML files as chorales, and the provenance that musicae writes into them."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.io.base import Reading
from musicae.io.music21_score import from_score


def read(path: Path | str) -> Chorale:
    """Read a MusicXML file; see ``music21_score.from_score``. Raises ChoraleError."""
    return read_counting(path).chorale


def read_counting(path: Path | str) -> Reading:
    """``read``, with the count of notes that were moved to the grid."""
    path = Path(path)
    try:
        root = _root(path)
        title = _line(root.findtext("work/work-title")) or _line(root.findtext("movement-title"))
        source = _line(root.findtext("identification/source"))
        # Programs put the file's name where there is no title.
        return from_score(_score_of(root), "" if title == path.name else title, source)
    except ChoraleError as error:
        raise ChoraleError(f"{path}: {error}") from None
    except (ValueError, OverflowError) as error:  # a pitch that is not a number, for one
        raise ChoraleError(f"{path}: is not a score that can be read ({error})") from None


def read_provenance(path: Path | str) -> dict[str, Any]:
    """How musicae made a MusicXML file; empty where it did not. Raises ChoraleError."""
    try:
        root = _root(Path(path))
    except ChoraleError as error:
        raise ChoraleError(f"{path}: {error}") from None
    text = root.findtext("identification/miscellaneous/miscellaneous-field[@name='musicae']")
    try:
        found = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _root(path: Path) -> ET.Element:
    """The root element of a file, unpacked where it is an .mxl archive."""
    if path.is_dir():
        raise ChoraleError("is a folder; give a MusicXML file")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ChoraleError("no such file") from None
    except OSError as error:
        raise ChoraleError(f"may not be read ({error.strerror or error})") from None
    if not data:
        raise ChoraleError("is empty")
    if data.startswith(b"PK"):
        data = _unpack(data)
    try:
        root = ET.fromstring(data)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise ChoraleError(f"is not MusicXML, or is damaged ({error})") from None
    if root.tag == "score-timewise":
        raise ChoraleError("is MusicXML ordered by time; export it as partwise MusicXML")
    if root.tag != "score-partwise":
        raise ChoraleError(f"is XML but not MusicXML (it begins with <{root.tag}>)")
    return root


def _unpack(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            container = ET.fromstring(archive.read("META-INF/container.xml"))
            entry = container.find(".//{*}rootfile")
            return archive.read("" if entry is None else entry.get("full-path", ""))
    except KeyError:
        raise ChoraleError("is an archive without a MusicXML score in it") from None
    except (zipfile.BadZipFile, zlib.error, ET.ParseError, EOFError, RuntimeError) as error:
        raise ChoraleError(f"is a damaged .mxl archive ({error}); export it again") from None


def _score_of(root: ET.Element) -> Any:
    from music21.musicxml.xmlToM21 import MusicXMLImporter

    for bar in root.iter("measure"):  # music21 fails on some numerals; no voice needs them
        for harmony in bar.findall("harmony"):
            bar.remove(harmony)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about slurs, layout, fonts: nothing that a chorale has
        try:
            importer = MusicXMLImporter()
            importer.xmlRootToScore(root, importer.stream)
            return importer.stream
        except Exception as error:  # music21 raises whatever its parser meets in a damaged score
            raise ChoraleError(f"is not a score that can be read ({_line(str(error))})") from None


def _line(text: str | None) -> str:
    """The text on one line, without characters that cannot be printed."""
    words = (text or "").split()
    return " ".join("".join(c for c in word if c.isprintable()) for word in words).strip()
