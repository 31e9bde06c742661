"""Seals of MIDI files: what a file was made from, and whether it is still as musicae wrote it.

A file's provenance has two digests: ``inputs``, of everything that the file was made from, and
``seal``, of the file itself, with zeros in place of the seal's digits.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from musicae.io.base import PROVENANCE

INPUTS, _SEAL = "inputs", "seal"
_DIGITS = 64
"""The number of hexadecimal digits of a SHA-256."""
_OPEN = "0" * _DIGITS
_FACTS = re.compile(
    rf'{PROVENANCE}\{{[^\n]*?"{INPUTS}": "([^"\n]*)"'
    rf'[^\n]*?"{_SEAL}": "([0-9a-f]{{{_DIGITS}}})"'.encode()
)


class Seal(NamedTuple):
    """The content of a file's seal."""

    inputs: str
    """The digest of everything that the file was made from."""
    unbroken: bool
    """Whether the file is byte for byte as musicae wrote it."""


def with_open_seal(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Add an empty seal to a provenance that has ``inputs``; ``sealed`` fills it in."""
    facts = dict(provenance)
    return facts | {_SEAL: _OPEN} if INPUTS in facts else facts


def sealed(content: bytes) -> bytes:
    """A file's bytes with the seal filled in, if they have an empty one."""
    found = _FACTS.search(content)
    return _with_digits(content, found, _digest(content, found)) if found else content


def seal_of(content: bytes) -> Seal | None:
    """The seal in a file's bytes; None if there is none."""
    found = _FACTS.search(content)
    if not found:
        return None
    return Seal(found[1].decode(), found[2] == _digest(content, found))


def _digest(content: bytes, found: re.Match[bytes]) -> bytes:
    opened = _with_digits(content, found, _OPEN.encode())
    return hashlib.sha256(opened).hexdigest().encode()


def _with_digits(content: bytes, found: re.Match[bytes], digits: bytes) -> bytes:
    return content[: found.start(2)] + digits + content[found.end(2) :]
