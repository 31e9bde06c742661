"""Reads the checksum in the header of a weights file without loading the file."""

from __future__ import annotations

import json
from pathlib import Path

_LENGTH = 8
"""A safetensors file begins with this many bytes, little-endian: the length of its header."""
_LONGEST = 1 << 26
"""The longest header that is read, in bytes."""


def stated_checksum(path: Path) -> str:
    """The checksum of the tensors that a weights file states; "" if it states none."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH), "little")
            header = json.loads(file.read(min(length, _LONGEST)))
        return str(json.loads(header["__metadata__"]["musicae"])["checksum"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
