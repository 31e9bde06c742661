"""A page of boxes, lines and texts, measured in inches from its upper left corner.

Items are collected first and drawn later, because the height of a page is known only at the end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS_PER_INCH = 72
LETTER_WIDTHS = {"♯": 0.5, "♭": 0.5, **dict.fromkeys("iIjl .,:;/|'!()", 0.36)}
OTHER_WIDTH = 0.65
"""Of letters of matplotlib's own font in units of its size; most are a little narrower."""

FERMATA_SIZE = 10
"""Its width in points."""

GROUND, GRID, FRONT, MARKS = range(4)
"""Layers from the back to the front; within one, what is put later covers what was put earlier.
Texts are in front of them all."""


class Area(NamedTuple):
    """A rectangle by its edges, in inches."""

    left: float
    top: float
    right: float
    bottom: float

    def corners(self) -> list[tuple[float, float]]:
        upper, lower = (self.left, self.top), (self.right, self.bottom)
        return [upper, (self.right, self.top), lower, (self.left, self.bottom)]

    def wider(self, inches: float) -> Area:
        """The rectangle with all edges moved outwards."""
        return Area(
            self.left - inches, self.top - inches, self.right + inches, self.bottom + inches
        )


_Box = tuple[int, Area, Any, Any, float]
_Line = tuple[int, tuple[tuple[float, float], tuple[float, float]], Any, float]


@dataclass
class Page:
    """The items of a page so far; ``height``, in inches, is the height that they take up."""

    width: float
    height: float = 0.0
    _boxes: list[_Box] = field(default_factory=list)
    _lines: list[_Line] = field(default_factory=list)
    _texts: list[tuple[float, float, str, dict[str, Any]]] = field(default_factory=list)
    _fermatas: list[tuple[float, float]] = field(default_factory=list)

    def box(self, layer: int, area: Area, face: Any, edge: Any = "none", width: float = 0) -> None:
        """Add a rectangle; the width of its edge is in points."""
        self._boxes.append((layer, area, face, edge, width))

    def line(
        self,
        layer: int,
        begin: tuple[float, float],
        end: tuple[float, float],
        colour: Any,
        linewidth: float,
    ) -> None:
        """Add a straight line; its width is in points."""
        self._lines.append((layer, (begin, end), colour, linewidth))

    def text(self, x: float, y: float, text: str, size: float, **how: Any) -> None:
        """Add a text whose baseline begins at a point; ``how`` are matplotlib's text properties."""
        self._texts.append((x, y, text, {"fontsize": size, **how}))

    def fermata(self, x: float, y: float) -> None:
        """Add a fermata; the point is the middle of its lower edge."""
        self._fermatas.append((x, y))

    def figure(self, matplotlib: Any) -> Figure:
        """The page as a matplotlib figure of the same size in inches."""
        figure: Figure = matplotlib.figure.Figure((self.width, self.height))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set_axis_off()
        ax.set_xlim(0, self.width)
        ax.set_ylim(self.height, 0)
        for layer in (GROUND, GRID, FRONT, MARKS):
            _put_boxes(ax, [box for box in self._boxes if box[0] == layer])
            _put_lines(ax, [line for line in self._lines if line[0] == layer])
        for x, y, text, how in self._texts:
            # Titles and names may hold a dollar; only who asks for formulas gets them.
            looks = {"parse_math": False, "color": "0.1", **how}
            figure.text(x, y, text, transform=ax.transData, **looks)
        _put_fermatas(ax, self._fermatas)
        return figure


def _put_boxes(ax: Axes, boxes: Sequence[_Box]) -> None:
    """As one collection, for a long piece has tens of thousands."""
    from matplotlib.collections import PolyCollection

    if boxes:
        layers, areas, faces, edges, widths = zip(*boxes, strict=True)
        outlines = [area.corners() for area in areas]
        shapes = PolyCollection(outlines, facecolors=faces, edgecolors=edges, linewidths=widths)
        shapes.set_zorder(layers[0])
        ax.add_collection(shapes, autolim=False)


def _put_lines(ax: Axes, lines: Sequence[_Line]) -> None:
    from matplotlib.collections import LineCollection

    if lines:
        layers, ends, colours, widths = zip(*lines, strict=True)
        strokes = LineCollection(ends, colors=colours, linewidths=widths)
        strokes.set_zorder(layers[0])
        ax.add_collection(strokes, autolim=False)


def _put_fermatas(ax: Axes, places: Sequence[tuple[float, float]]) -> None:
    from matplotlib.path import Path

    x, y = [place[0] for place in places], [place[1] for place in places]
    arc, dot = Path.arc(0, 180), Path.circle((0, 0.4), 0.4)
    ax.plot(x, y, linestyle="", marker=arc, markersize=FERMATA_SIZE, zorder=MARKS,
            markerfacecolor="none", markeredgecolor="0.1", markeredgewidth=1)  # fmt: skip
    ax.plot(x, y, linestyle="", marker=dot, markersize=FERMATA_SIZE / 3, zorder=MARKS,
            markerfacecolor="0.1", markeredgewidth=0)  # fmt: skip


def width_of(text: str, size: float) -> float:
    """About how wide a text is, in inches."""
    letters = sum(LETTER_WIDTHS.get(letter, OTHER_WIDTH) for letter in text)
    return letters * size / POINTS_PER_INCH


def figured(label: str) -> str | None:
    """A Roman numeral as a formula, its figures one above the other; None for another text.

    >>> print(figured("Bb: V65/ii"))
    B♭: V$^{6}_{5}$/ii
    """
    found = re.fullmatch(
        r"(?:([A-Ga-g])([#b]?): )?([#b]*)([iv]+|[IV]+)([oø°+]?)(\d?)(\d?)(/[#b]*[ivIV]+)?", label
    )
    if not found:
        return None
    tonic, sign, accidental, degree, quality, upper, lower, of = found.groups(default="")
    signs = str.maketrans("#b", "♯♭")
    key = f"{tonic}{sign.translate(signs)}: " if tonic else ""
    raised = "$^{ø}$" if quality == "ø" else quality.replace("o", "°")
    figures = f"$^{{{upper}}}" + (f"_{{{lower}}}$" if lower else "$") if upper else ""
    of = of.translate(signs)
    return f"{key}{accidental.translate(signs)}{degree}{raised}{figures}{of}"


def tint(colour: str, share: float) -> tuple[float, ...]:
    """A colour ``#rrggbb`` of which only a share is left, the rest being white."""
    return tuple(1 - share * (1 - part) for part in _parts(colour))


def readable_on(colour: str | tuple[float, ...]) -> str:
    """Black or white, whichever stands out more, by the relative luminance of WCAG 2."""
    parts = _parts(colour) if isinstance(colour, str) else colour
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    red, green, blue = linear
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "white" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "black"


def _parts(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))


def rows_of(spans: Sequence[tuple[float, float]]) -> list[int]:
    """The first row in which each text has room, by where texts begin and end, in that order.

    >>> rows_of([(0, 3), (2, 5), (4, 6), (7, 8)])
    [0, 1, 0, 0]
    """
    rows = []
    ends: list[float] = []  # of the last text in each row
    for begin, end in spans:
        row = next((row for row, last in enumerate(ends) if last <= begin), len(ends))
        ends[row : row + 1] = [end]
        rows.append(row)
    return rows
