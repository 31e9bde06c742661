"""MusicXML files as XML trees of limited size; files that are too big or damaged are refused.

The limits (``MOST_BYTES``, ``MOST_ELEMENTS`` and ``MOST_NESTED`` in ``core.constants``) are checked
before memory is used. As in other programs, files with a wrong or unknown encoding in their
declaration are read, and so are .mxl archives without a container.
"""

from __future__ import annotations

import codecs
import io
import lzma
import re
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET

from musicae.core.constants import MOST_BYTES, MOST_ELEMENTS, MOST_NESTED
from musicae.core.errors import ChoraleError

CONTAINER = "META-INF/container.xml"
"""The entry of an .mxl archive that states the name of the score's entry."""
SCORE_SUFFIXES = (".musicxml", ".xml")
"""The suffixes of scores in an archive."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
"""The first bytes of files in Unicode, with Python's name of the encoding."""


def open_root(path: Path) -> ET.Element:
    """The root of a partwise MusicXML file or .mxl archive.

    Tags have no namespaces. Raises ChoraleError, without the path, if the file has no such root.
    """
    data = bytes_of(path, "MusicXML")
    if data.startswith(b"PK"):
        data = _unpack(data)
    root = tree_of(data, "MusicXML")
    if root.tag == "score-timewise":
        raise ChoraleError("is MusicXML ordered by time; export it as partwise MusicXML")
    if root.tag != "score-partwise":
        raise ChoraleError(f"is XML but not MusicXML: it begins with <{one_line(root.tag)[:40]}>")
    return root


def bytes_of(path: Path, format_name: str, most_bytes: int = MOST_BYTES) -> bytes:
    """The bytes of a score. Raises ChoraleError, without the path, if it cannot be read."""
    if path.is_dir():
        raise ChoraleError(f"is a folder; give a file in {format_name}")
    try:
        if path.stat().st_size > most_bytes:
            raise ChoraleError(_too_big(most_bytes))
        data = path.read_bytes()
    except FileNotFoundError:
        raise ChoraleError("no such file") from None
    except OSError as error:
        raise ChoraleError(f"cannot be read ({error.strerror or error})") from None
    if not data:
        raise ChoraleError("is empty")
    return data


def one_line(text: str | None) -> str:
    """A text on one line, without unprintable characters; None is empty."""
    words = (text or "").split()
    return " ".join("".join(c for c in word if c.isprintable()) for word in words).strip()


def tree_of(data: bytes, format_name: str) -> ET.Element:
    """Parse XML within the limits; its tags have no namespaces.

    Raises ChoraleError if it is too big, or is no XML; ``format_name`` says in the message which
    format was expected.
    """
    try:
        text = _decoded(data)
        if "<!ENTITY" in text:
            raise ChoraleError(
                "declares XML entities of its own, which are not read; export it again without them"
            )
        if text.count("</") + text.count("/>") > MOST_ELEMENTS:  # one of them ends each element
            raise ChoraleError(_too_big())
        root = ET.fromstring(text)
    except ChoraleError:
        raise
    except (ET.ParseError, ValueError) as error:
        raise ChoraleError(
            f"is not {format_name}, or is damaged ({one_line(str(error))})"
        ) from None
    spaced = "}" in root.tag
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > MOST_NESTED:
            raise ChoraleError(_too_big())
        for element in level if spaced else ():
            element.tag = element.tag.rpartition("}")[2]
        level = [child for element in level for child in element]
    return root


def _decoded(data: bytes) -> str:
    """The text of XML in the encoding of its first bytes, else of its declaration, else UTF-8.

    A declared encoding is ignored if it is unknown, or if the declaration itself is not in it.
    Raises UnicodeError if the bytes are in none of these.
    """
    for beginning, encoding in _BOMS:
        if data.startswith(beginning):
            return data.decode(encoding)
    found = re.match(rb"\s*<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w.:-]+)", data)
    declared = found[1].decode() if found else "utf-8"
    try:
        if "<".encode(declared) == b"<":
            return data.decode(declared)
    except (LookupError, UnicodeError):  # an unknown encoding, or the bytes are not in it
        pass
    return data.decode("utf-8")


def _unpack(data: bytes) -> bytes:
    """The score in an .mxl archive: the one that the container names, else the first."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            named = ""
            if CONTAINER in names:
                entry = tree_of(_entry(archive, CONTAINER), "MusicXML").find(".//rootfile")
                named = "" if entry is None else entry.get("full-path", "")
            scores = [
                name
                for name in names
                if name.lower().endswith(SCORE_SUFFIXES) and not name.startswith("META-INF/")
            ]
            if named not in names:
                named = next(iter(scores), "")
            if not named:
                raise ChoraleError(
                    "is an archive without a MusicXML score (.musicxml or .xml) in it"
                )
            return _entry(archive, named)
    except ChoraleError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
        RuntimeError,  # a password, or a compression that Python does not know
        ValueError,
    ) as error:
        raise ChoraleError(
            f"is a damaged .mxl archive ({one_line(str(error))}); export it again"
        ) from None


def _entry(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as entry:
        data = entry.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ChoraleError(_too_big())
    return data


def _too_big(most_bytes: int = MOST_BYTES) -> str:
    return (
        f"is bigger than a score that musicae reads: at most {most_bytes // 2**20} MiB unpacked and"
        f" {MOST_ELEMENTS:,} XML elements, nested at most {MOST_NESTED} deep; give a shorter piece"
        " or fewer parts"
    )
