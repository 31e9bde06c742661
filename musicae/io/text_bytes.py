"""Decode texts of unknown encoding: guess the likeliest one."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from musicae.core.errors import ChoraleError

UTF_8, JAPANESE, WESTERN, CYRILLIC, ANY = "utf-8", "cp932", "cp1252", "cp1251", "latin-1"
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MOST_TEXT = 2**20
"""The most bytes of a text file of words, chords or phrase ends."""
KANA = re.compile("[\\u3041-\\u30fe]")
"""Hiragana and katakana of full width; nearly every Japanese text has them."""


def text_of_file(path: Path) -> str:
    """The content of a plain text file. Raises ChoraleError, without the path, if it is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_TEXT + 1)
    except FileNotFoundError:
        raise ChoraleError("no such file") from None
    except OSError as error:
        raise ChoraleError(f"cannot be read as text ({error.strerror or error})") from None
    if len(raw) > MOST_TEXT:
        raise ChoraleError(f"is longer than {MOST_TEXT // 2**20} MiB; is it a text file?")
    return decoded(raw)


def decoded(raw: bytes) -> str:
    """The text of a file's bytes, with ``\\n`` as line ends.

    UTF-16 is recognized only by its byte order mark. Raises ChoraleError if the bytes are no text.
    """
    if raw.startswith(UTF_16_MARKS):
        text = raw.decode("utf-16", "replace")
    elif b"\0" in raw:
        raise ChoraleError("is not a text file; save it as plain text (UTF-8)")
    else:
        text = guessed(raw).removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def guessed(raw: bytes) -> str:
    """Decode bytes as UTF-8 if they are that, else by a guess.

    Text is Japanese (Shift-JIS) if it has kana, or bytes that Western European text cannot have. It
    is Cyrillic (Windows-1251) if most letters, and more than three, are bytes from 0xC0 on. Else it
    is Western European (Windows-1252).

    >>> [guessed(text.encode(code)) for text, code in (("Grüße", "cp1252"), ("海の歌", "cp932"))]
    ['Grüße', '海の歌']
    """
    western = _decoded(raw, WESTERN)
    japanese = _decoded(raw, JAPANESE)
    if (text := _decoded(raw, UTF_8)) is not None:
        return text
    if japanese is not None and (western is None or KANA.search(japanese)):
        return japanese
    accented = sum(byte >= 0xC0 for byte in raw)
    plain = sum(byte < 0x80 and chr(byte).isalpha() for byte in raw)
    cyrillic = _decoded(raw, CYRILLIC)
    if cyrillic is not None and accented > max(3, plain):
        return cyrillic
    return raw.decode(ANY) if western is None else western


def _decoded(raw: bytes, encoding: str) -> str | None:
    """The text in an encoding; None if the bytes are not in it."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None
