"""Seals of MIDI files: what a file was made from, and whether it is still as musicae wrote it.

Both stand in the file's provenance: ``inputs``, a digest of all that it was made from, and
``seal``, a digest of the file in which the seal's own digits are zeros.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from musicae.io.base import PROVENANCE

INPUTS, _SEAL = "inputs", "seal"
_DIGITS = 64
"""Of a SHA-256, hexadecimal."""
_OPEN = "0" * _DIGITS
_FACTS = re.compile(
    rf'{PROVENANCE}\{{[^\n]*?"{INPUTS}": "([^"\n]*)"'
    rf'[^\n]*?"{_SEAL}": "([0-9a-f]{{{_DIGITS}}})"'.encode()
)


class Seal(NamedTuple):
    """What a file's seal says."""

    inputs: str
    """The digest of what the file was made from."""
    unbroken: bool
    """Whether the file is as it was written, byte for byte."""


def with_open_seal(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with place for a seal where they tell the inputs; ``sealed`` fills it in."""
    facts = dict(provenance)
    return facts | {_SEAL: _OPEN} if INPUTS in facts else facts


def sealed(content: bytes) -> bytes:
    """A file's bytes with its seal, if they have a place for one."""
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
