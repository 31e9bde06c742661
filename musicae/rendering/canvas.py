"""A page of boxes, lines and texts, measured in inches from its upper left corner, as SVG.

Items are collected first and drawn later, because the height of a page is known only at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal, NamedTuple

POINTS_PER_INCH = 72
FONTS = "Libertinus Serif, Times, serif"
"""Fonts of texts: first the one that comes with Typst, then those of browsers."""
LETTER_WIDTHS = {"♯": 0.46, "♭": 0.46, **dict.fromkeys("iIjl .,:;/|'!()", 0.34)}
OTHER_WIDTH = 0.59
"""The width of other letters, as a share of the font size; most are narrower."""
DIGIT_WIDTH = 0.47
"""The width of a digit, as a share of the font size."""

CAPITALS = 0.64
"""The height of capitals, as a share of the font size."""
FERMATA_SIZE = 10
"""The width of a fermata, in points."""

GROUND, GRID, FRONT, MARKS = range(4)
"""Layers from the back to the front. Within a layer a later shape covers an earlier one. Texts are
in front of all layers."""


class Area(NamedTuple):
    """A rectangle by its edges, in inches."""

    left: float
    top: float
    right: float
    bottom: float

    def wider(self, inches: float) -> Area:
        """The rectangle with all edges moved outwards."""
        return Area(
            self.left - inches, self.top - inches, self.right + inches, self.bottom + inches
        )


Colour = str | tuple[float, ...]
"""``#rrggbb``, a name that SVG knows, or shares of red, green and blue, 0 to 1."""


def grey(share: float) -> str:
    """A grey, from black at 0 to white at 1.

    >>> grey(0.2)
    '#333333'
    """
    return _hex((share, share, share))


def _hex(colour: Colour) -> str:
    if isinstance(colour, str):
        return colour
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)


INK = grey(0.1)


class Box(NamedTuple):
    """A rectangle; the width of its edge is in points."""

    area: Area
    face: Colour
    edge: Colour = "none"
    width: float = 0


class Line(NamedTuple):
    """A straight line; its width is in points."""

    begin: tuple[float, float]
    end: tuple[float, float]
    colour: Colour
    width: float


class Text(NamedTuple):
    """A text at a point; its size is in points."""

    x: float
    y: float
    text: str
    size: float
    colour: Colour = INK
    bold: bool = False
    anchor: Literal["start", "end"] = "start"
    centred: bool = False
    """Whether ``y`` is the middle of capitals; else it is the baseline."""
    backed: bool = False
    """Whether the letters have a white edge, because lines to other texts may pass behind them."""
    is_numeral: bool = False
    """Whether it is set as a Roman numeral, with its figures one above the other."""


@dataclass(repr=False)
class Page:
    """The items of a page so far; ``width`` and ``height`` are in inches."""

    width: float
    height: float = 0.0
    shapes: dict[int, list[Box | Line]] = field(default_factory=dict)
    """Boxes and lines by layer."""
    texts: list[Text] = field(default_factory=list)
    fermatas: list[tuple[float, float]] = field(default_factory=list)
    """The middle of the lower edge of each fermata."""

    def box(
        self, layer: int, area: Area, face: Colour, edge: Colour = "none", width: float = 0
    ) -> None:
        """Add a rectangle; the width of its edge is in points."""
        self.shapes.setdefault(layer, []).append(Box(area, face, edge, width))

    def line(
        self,
        layer: int,
        begin: tuple[float, float],
        end: tuple[float, float],
        colour: Colour,
        linewidth: float,
    ) -> None:
        """Add a straight line; its width is in points."""
        self.shapes.setdefault(layer, []).append(Line(begin, end, colour, linewidth))

    def svg(self) -> str:
        """The page as an SVG text, in points, on white."""
        width, height = (_points(inches) for inches in (self.width, self.height))
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:.6g}in"'
            f' height="{self.height:.6g}in" viewBox="0 0 {width} {height}"'
            f' font-family="{FONTS}">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
        ]
        for layer in (GROUND, GRID, FRONT, MARKS):
            lines += map(_shape, self.shapes.get(layer, ()))
        lines += (_text(text, halo=True) for text in self.texts if text.backed)
        lines += map(_text, self.texts)
        lines += (_fermata(x, y) for x, y in self.fermatas)
        return "\n".join([*lines, "</svg>", ""])

    def __repr__(self) -> str:
        """A short text, because notebooks store it together with the picture."""
        return f"Page({self.width:.1f} x {self.height:.1f} inches)"

    def _repr_svg_(self) -> str:
        """The picture that notebooks show."""
        return self.svg()


def _points(inches: float) -> str:
    return f"{inches * POINTS_PER_INCH:.2f}"


def _shape(shape: Box | Line) -> str:
    if isinstance(shape, Line):
        (x1, y1), (x2, y2) = (map(_points, end) for end in (shape.begin, shape.end))
        return (
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{_hex(shape.colour)}"'
            f' stroke-width="{shape.width:g}"/>'
        )
    left, top, right, bottom = shape.area
    x, y, width, height = map(_points, (left, top, right - left, bottom - top))
    edge = shape.edge != "none"
    stroke = f' stroke="{_hex(shape.edge)}" stroke-width="{shape.width:g}"' if edge else ""
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}"'
        f' fill="{_hex(shape.face)}"{stroke}/>'
    )


def _text(text: Text, halo: bool = False) -> str:
    """A text as SVG, or with ``halo`` the white edge of its letters."""
    y = text.y + CAPITALS * text.size / POINTS_PER_INCH / 2 * text.centred
    looks = f' fill="{_hex(text.colour)}"'
    if halo:
        looks = ' stroke="white" stroke-width="3.2" stroke-linejoin="round"'
    looks += ' font-weight="bold"' * text.bold
    looks += ' text-anchor="end"' * (text.anchor == "end")
    runs = "".join(_runs(text)) if text.is_numeral else escape(text.text)
    at = f'x="{_points(text.x)}" y="{_points(y)}"'
    return f'<text {at} font-size="{text.size:g}"{looks}>{runs}</text>'


def _runs(text: Text) -> Iterator[str]:
    """The parts of a Roman numeral as SVG; its figures are small, raised and lowered."""
    small = 0.7 * text.size
    level = 0.0
    before = ""
    for run, kind in numeral_runs(text.text):
        wanted = {"": 0.0, "raised": -0.38, "lowered": 0.16}[kind] * text.size
        back = DIGIT_WIDTH * small if (before, kind) == ("raised", "lowered") else 0
        moves = f' dy="{wanted - level:.2f}"' * (wanted != level) + f' dx="{-back:.2f}"' * (
            back > 0
        )
        size = f' font-size="{small:.2f}"' if kind else ""
        yield f"<tspan{moves}{size}>{escape(run)}</tspan>"
        level, before = wanted, kind


def _fermata(x: float, y: float) -> str:
    middle, foot, radius = float(_points(x)), float(_points(y)), FERMATA_SIZE / 2
    return (
        f'<path d="M{middle - radius:.2f} {foot:.2f}a{radius:g} {radius:g} 0 0 1'
        f' {2 * radius:g} 0" fill="none" stroke="{INK}"/>'
        f'<circle cx="{middle:.2f}" cy="{foot - 1.4:.2f}" r="1.2" fill="{INK}"/>'
    )


def width_of(text: str, size: float) -> float:
    """The approximate width of a text, in inches; ``size`` is in points."""
    letters = sum(LETTER_WIDTHS.get(letter, OTHER_WIDTH) for letter in text)
    return letters * size / POINTS_PER_INCH


def numeral_runs(label: str) -> list[tuple[str, str]]:
    """The parts of a Roman numeral, each with its position: "", "raised" or "lowered".

    Two figures stand one above the other. A text that is no Roman numeral is one part.

    >>> numeral_runs("Bb: V65/ii")
    [('B♭: V', ''), ('6', 'raised'), ('5', 'lowered'), ('/ii', '')]
    """
    found = re.fullmatch(
        r"(?:([A-Ga-g])([#b]?): )?([#b]*)([iv]+|[IV]+)([oø°+]?)(\d?)(\d?)(/[#b]*[ivIV]+)?", label
    )
    if not found:
        return [(label, "")]
    tonic, sign, accidental, degree, quality, upper, lower, of = found.groups(default="")
    signs = str.maketrans("#b", "♯♭")
    key = f"{tonic}{sign.translate(signs)}: " if tonic else ""
    written = key + accidental.translate(signs) + degree + quality.replace("o", "°")
    runs = [(written, ""), (upper, "raised"), (lower, "lowered"), (of.translate(signs), "")]
    return [run for run in runs if run[0]]


def tint(colour: str, share: float) -> tuple[float, ...]:
    """A colour ``#rrggbb`` mixed with white; ``share``, 0 to 1, is that of the colour."""
    return tuple(1 - share * (1 - part) for part in _parts(colour))


def readable_on(colour: str | tuple[float, ...]) -> str:
    """Black or white, whichever has more contrast, by the relative luminance of WCAG 2."""
    parts = _parts(colour) if isinstance(colour, str) else colour
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    red, green, blue = linear
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "white" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "black"


def _parts(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))


def rows_of(spans: Sequence[tuple[float, float]]) -> list[int]:
    """For each text the first row in which it has room; ``spans`` are its beginning and its end.

    >>> rows_of([(0, 3), (2, 5), (4, 6), (7, 8)])
    [0, 1, 0, 0]
    """
    rows = []
    ends: list[float] = []  # the end of the last text in each row
    for begin, end in spans:
        row = next((row for row, last in enumerate(ends) if last <= begin), len(ends))
        ends[row : row + 1] = [end]
        rows.append(row)
    return rows
