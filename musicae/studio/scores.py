"""Engrave scores for the page: SVG with shapes and texts only, without scripts or links.

The page's content security policy forbids style sheets and ``style`` attributes in the SVG, so the
rules of Verovio's style sheet are written as attributes.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from musicae.api.piece import Piece
from musicae.api.render import screen_score
from musicae.studio.requests import Score

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
SHAPES = frozenset({"path", "polygon", "polyline", "ellipse", "rect", "circle", "line"})
ELEMENTS = SHAPES | {"svg", "g", "defs", "symbol", "use", "text", "tspan", "title", "desc"}
ATTRIBUTES = {
    *("class", "clip-rule", "color", "cx", "cy", "d"),
    *("data-n", "dx", "dy", "fill", "fill-opacity", "fill-rule"),
    *("font-family", "font-size", "font-style", "font-weight", "height", "id"),
    *("letter-spacing", "opacity", "overflow", "points", "preserveAspectRatio", "r"),
    *("rx", "ry", "stroke", "stroke-dasharray", "stroke-linecap", "stroke-linejoin"),
    *("stroke-opacity", "stroke-width", "text-anchor", "transform", "version", "viewBox"),
    *("visibility", "width", "x", "x1", "x2", "y"),
    *("y1", "y2"),
}
BOLD, ITALIC = {"ending", "fing", "reh", "tempo"}, {"dir", "dynam", "mNum"}
"""Classes of groups whose texts are bold, or italic, by Verovio's style sheet."""
_OWN = re.compile(r"#[\w-]+")
UNITS_A_PIXEL = 2.2
"""Tenths of a millimetre per CSS pixel; a staff is 33 pixels high."""
TICKS = 24
"""Ticks of a quarter note."""


def score(piece: Piece, asked: Score) -> dict[str, Any]:
    """The pages of a score as SVG, and the times of its notes.

    Raises MusicaeError if the score cannot be engraved.
    """
    found = screen_score(
        piece,
        open_score=asked.open,
        analysis=asked.numerals,
        words=asked.words,
        width=round(asked.width * UNITS_A_PIXEL),
    )
    times = [{"at": round(quarters * TICKS), "ids": ids} for quarters, ids in found.beginnings]
    return {"pages": [inert(page) for page in found.pages], "times": times}


def inert(svg: str) -> str:
    """Remove all elements and attributes from an SVG text, except those that a score needs.

    >>> inert('<svg xmlns="http://www.w3.org/2000/svg" onload="x()"><script/><g id="a"/></svg>')
    '<svg xmlns="http://www.w3.org/2000/svg"><g id="a" /></svg>'
    """
    ET.register_namespace("", SVG.strip("{}"))
    ET.register_namespace("xlink", LINK[1:].partition("}")[0])
    root = ET.fromstring(svg)
    _clean(root)
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element) -> None:
    for child in list(element):
        if _name(child) in ELEMENTS:
            _clean(child)
        else:
            element.remove(child)
    for attribute, value in list(element.attrib.items()):
        link = attribute in (LINK, "href") and _name(element) == "use" and _OWN.fullmatch(value)
        if not (link or attribute in ATTRIBUTES) or "url(" in value.lower():
            del element.attrib[attribute]
    if _name(element) in SHAPES:
        element.attrib.setdefault("stroke", "currentColor")
    classes = set(element.get("class", "").split())
    if classes & BOLD:
        element.set("font-weight", "bold")
    if classes & ITALIC:
        element.set("font-style", "italic")


def _name(element: ET.Element) -> str:
    """The name of an SVG element; empty for other elements."""
    tag = element.tag
    return tag.removeprefix(SVG) if isinstance(tag, str) and tag.startswith(SVG) else ""
