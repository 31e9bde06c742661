"""Figures of numbers, drawn with matplotlib (the extra ``plot``) and saved."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicae.core.errors import MusicaeError
from musicae.core.files import whole_file
from musicae.rendering.piano_roll import PICTURE_SUFFIXES, PIXELS_PER_INCH

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def load_matplotlib() -> Any:
    """matplotlib without pyplot, which would need a window system. Raises MusicaeError."""
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError:
        raise MusicaeError("these pictures need matplotlib: pip install 'musicae[plot]'") from None
    return matplotlib


def save_figure(figure: Figure, path: Path | str) -> None:
    """Save a matplotlib figure in the format of the suffix. The same figure gives the same bytes.

    Raises MusicaeError.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in PICTURE_SUFFIXES:
        raise MusicaeError(f"{path}: its name should end in one of {', '.join(PICTURE_SUFFIXES)}")
    dated = {".svg": "Date", ".pdf": "CreationDate"}.get(suffix)
    undated = {dated: None} if dated else {}
    with (
        whole_file(path) as partial,
        load_matplotlib().rc_context({"svg.hashsalt": "musicae"}),
        warnings.catch_warnings(),
    ):
        # The font may lack letters of a name, for example Greek ones; these are drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(partial, dpi=PIXELS_PER_INCH, metadata=undated)
