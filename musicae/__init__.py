"""musicae: harmonizes a melody into a four-part chorale and composes new ones.

The public names are loaded when they are first used, so that importing the package is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from musicae.api import Piece, harmonize
    from musicae.chorale import Chorale, Key, MusicaeError
    from musicae.formats import read, write
    from musicae.rendering import render
    from musicae.report import check
    from musicae.walks import decode, encode, generate, interpolate, vary

_HOMES = {
    "Chorale": "musicae.chorale",
    "Key": "musicae.chorale",
    "MusicaeError": "musicae.chorale",
    "Piece": "musicae.api",
    "check": "musicae.report",
    "decode": "musicae.walks",
    "encode": "musicae.walks",
    "generate": "musicae.walks",
    "harmonize": "musicae.api",
    "interpolate": "musicae.walks",
    "read": "musicae.formats",
    "render": "musicae.rendering",
    "vary": "musicae.walks",
    "write": "musicae.formats",
}

__all__ = [
    "Chorale",
    "Key",
    "MusicaeError",
    "Piece",
    "check",
    "decode",
    "encode",
    "generate",
    "harmonize",
    "interpolate",
    "read",
    "render",
    "vary",
    "write",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'musicae' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
