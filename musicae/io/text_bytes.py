"""Texts of files that do not say how they are encoded: the likeliest reading, for display only."""

from __future__ import annotations

import re

UTF_8, JAPANESE, WESTERN, CYRILLIC, ANY = "utf-8", "cp932", "cp1252", "cp1251", "latin-1"
KANA = re.compile("[\\u3041-\\u30fe]")
"""Hiragana and katakana of full width, which hardly a Japanese text lacks."""


def guessed(raw: bytes) -> str:
    """The text of some bytes: UTF-8 where it is that, else what the bytes themselves suggest.

    Japanese (Shift-JIS) shows kana, or bytes that Western European text does not have. In Cyrillic
    (Windows-1251) most letters, and more than three, are above 0xC0; in Western European text
    (Windows-1252) few are.

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
    """The text in an encoding; None where the bytes are not in it."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None
