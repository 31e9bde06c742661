"""What a weights file says of itself, read without loading it."""

from __future__ import annotations

import json
from pathlib import Path

_LENGTH = 8
"""Bytes of a safetensors file that tell how long its header is, the lowest first."""
_LONGEST = 1 << 26
"""Bytes of a header; a number beyond is no header's."""


def stated_checksum(path: Path) -> str:
    """The checksum of its tensors that a weights file states; empty where it states none."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH), "little")
            header = json.loads(file.read(min(length, _LONGEST)))
        return str(json.loads(header["__metadata__"]["musicae"])["checksum"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
