"""The files of the page, as a fixed table: paths of requests never reach the file system."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from musicae.core.assets import STUDIO

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".mid": "audio/midi",
}
UNBUILT = "the page is not built: run `npm ci` and `npm run build` in musicae/assets/studio"


def table(folder: Path = STUDIO) -> dict[str, Path]:
    """The files of the built page, by the paths of their requests."""
    built = {
        f"/built/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in MEDIA_TYPES
    }
    return {"/": folder / "index.html", "/docs": folder / "docs.html", **built}


def tag(content: bytes) -> str:
    """The entity tag of a file's content."""
    return f'"{sha256(content).hexdigest()[:32]}"'


DESCRIPTION = (
    "All times are in ticks; a quarter note has 24. Requests that compute are answered with JSON."
    ' With `Accept: application/x-ndjson` the answer is lines: `{"progress": [done, of]}`, then'
    ' `{"result": ...}` or `{"error": {"message": ...}}`. Closing the connection stops the'
    " computation."
)
