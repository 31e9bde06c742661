"""SVG pages as PDF and PNG with Typst (extra ``studio``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from musicae.core.errors import MusicaeError

_TYPST = """
#set document(title: sys.inputs.title, date: none)
#set page(width: {0}, height: {1}, margin: 0mm)
#for i in range(int(sys.inputs.pages)) {{
  if i > 0 {{ pagebreak() }}
  image(bytes(sys.inputs.at("page-" + str(i))), format: "svg", width: {0}, height: {1})
}}
"""


def typeset(
    pages: Sequence[str],
    size: tuple[str, str],
    kind: Literal["pdf", "png"],
    *,
    ppi: float,
    title: str = "",
) -> bytes:
    """SVG pages as a PDF, or a single page as a PNG with ``ppi`` pixels per inch.

    ``size`` is the width and height of the pages, with units. Raises MusicaeError without Typst.
    """
    try:
        import typst
    except ImportError:
        raise MusicaeError(
            "pictures and scores as PDF and PNG need Typst: pip install 'musicae[studio]'"
        ) from None
    inputs = {"title": title, "pages": str(len(pages))}
    inputs |= {f"page-{i}": page for i, page in enumerate(pages)}
    source = _TYPST.format(*size).encode()
    content: bytes = typst.compile(source, format=kind, ppi=ppi, sys_inputs=inputs)
    return content
