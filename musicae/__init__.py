"""musicae: harmonizes a melody into a four-part chorale and composes new ones.

The public names are loaded when they are first used, so that importing the package is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from musicae.api.check import check
    from musicae.api.generate import generate
    from musicae.api.harmonize import harmonize
    from musicae.api.latent import decode, encode, interpolate, vary
    from musicae.api.piece import Piece
    from musicae.api.render import render
    from musicae.core.chorale import Chorale
    from musicae.core.errors import MusicaeError
    from musicae.core.key import Key
    from musicae.io.formats import read, write

_HOMES = {
    "Chorale": "musicae.core.chorale",
    "Key": "musicae.core.chorale",
    "MusicaeError": "musicae.core.chorale",
    "Piece": "musicae.api.harmonize",
    "check": "musicae.api.check",
    "decode": "musicae.api.generate",
    "encode": "musicae.api.generate",
    "generate": "musicae.api.generate",
    "harmonize": "musicae.api.harmonize",
    "interpolate": "musicae.api.generate",
    "read": "musicae.io.formats",
    "render": "musicae.api.render",
    "vary": "musicae.api.generate",
    "write": "musicae.io.formats",
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
