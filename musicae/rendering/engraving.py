"""Engrave MusicXML: pages as SVG with Verovio, as PDF and PNG with Typst (extra ``studio``).

A chorale becomes a close score, with soprano and alto on one staff and tenor and bass on another,
or an open score with one staff for each voice. Voices without notes and empty staves are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.resources import files
from itertools import accumulate
from math import inf
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from musicae.core.errors import MusicaeError
from musicae.core.files import numbered, whole_file
from musicae.rendering.canvas import FONTS
from musicae.rendering.staff_layout import break_systems, lay_out
from musicae.rendering.typeset import typeset

SCORE_SUFFIXES = (".svg", ".pdf", ".png")
"""Suffixes of engraved scores; SVG and PNG have one file for each page."""
PNG_PPI = 200.0

_PAGE = (210, 297)
"""A4, in millimetres."""
_MARGIN = 15
VEROVIO_OPTIONS = {
    "pageWidth": 10 * _PAGE[0],
    "pageHeight": 10 * _PAGE[1],
    "pageMarginTop": 10 * _MARGIN,
    "pageMarginBottom": 10 * _MARGIN,
    "pageMarginLeft": 10 * _MARGIN,
    "pageMarginRight": 10 * _MARGIN,
    "footer": "none",
    "svgViewBox": True,
    "svgFormatRaw": True,  # in indented SVG, texts would be drawn with their indents
    "smuflTextFont": "none",
    "xmlIdSeed": 1,  # without it the identifiers are random, and the same score differs
}
SCREEN_WIDTH = 1800
_SCREEN = VEROVIO_OPTIONS | {
    "pageHeight": 60000,
    "pageMarginTop": 20,
    "pageMarginBottom": 20,
    "pageMarginLeft": 70,  # names of voices are wider in the fonts of some browsers
    "pageMarginRight": 10,
    "lyricWordSpace": 2.0,  # words are wider, too
    "adjustPageHeight": True,
    "header": "none",
    "svgAdditionalAttribute": ["staff@n"],
    "expandNever": True,  # repeats are not unfolded
}
"""Verovio's options for a score that scrolls on a screen."""

_SIZES = (
    {"unit": 10, "spacingSystem": 10},
    {"unit": 9, "spacingSystem": 10},
    {"unit": 9, "spacingSystem": 4},
    {"unit": 8, "spacingSystem": 8},
)
"""Verovio's options for each size, the largest first: half a staff space, in 0.1 mm, and the space
between systems."""

ANCHOR = ("x", "y", "text-anchor")
SVG = "{http://www.w3.org/2000/svg}"
MUSIC_FONT = "Leipzig"
"""The font in which Verovio writes the musical characters of a text."""
MUSIC_CHARACTERS = str.maketrans(
    "\ueca5\ueca7\uecb7\ue1d5\ue1d7\ue1e7\ue260\ue261\ue262\uea64\uea65\uea66", "♩♪.♩♪.♭♮♯♭♮♯"
)
"""The characters that replace them in other fonts."""
LETTER_WIDTH = 0.5
"""The width of a letter of a title, in ems; most are narrower."""
TITLE_WIDTH = 100 * (_PAGE[0] - 2 * _MARGIN)
"""The greatest width of a title, in the units of Verovio's SVG."""


def write(xml: bytes, path: Path | str, open_score: bool = False) -> list[Path]:
    """Engrave a chorale's MusicXML as .svg, .pdf or .png; returns the written files.

    Several pages as SVG or PNG become files with a number before the suffix; see ``engrave``. Pages
    of an older, longer score with the same name are not deleted. If an error occurs, no file is
    changed. The same music gives the same bytes. Raises MusicaeError.
    """
    return write_staves(lay_out(xml, open_score), path)


def write_staves(xml: bytes, path: Path | str) -> list[Path]:
    """Like ``write``, for MusicXML with any parts, which are engraved without changes."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SCORE_SUFFIXES:
        raise MusicaeError(f"{path}: its name should end in one of {', '.join(SCORE_SUFFIXES)}")
    pages = engrave_staves(xml)
    title = ET.fromstring(xml).findtext("work/work-title") or ""
    size = f"{_PAGE[0]}mm", f"{_PAGE[1]}mm"
    if suffix == ".pdf":
        contents = [typeset(pages, size, "pdf", ppi=PNG_PPI, title=title)]
    elif suffix == ".png":
        contents = [typeset([page], size, "png", ppi=PNG_PPI) for page in pages]
    else:
        contents = [page.encode() for page in pages]
    paths = numbered(path, len(contents))
    with ExitStack() as opened:  # all pages are written before any of them replaces an old file
        for target, content in zip(paths, contents, strict=True):
            opened.enter_context(whole_file(target)).write_bytes(content)
    return paths


def engrave(xml: bytes, open_score: bool = False) -> list[str]:
    """The A4 pages of a score as SVG texts, in the largest size that needs the fewest pages.

    ``xml`` is a chorale's MusicXML; see ``musicxml.to_xml``. Raises MusicaeError if Verovio is
    missing or fails.
    """
    return engrave_staves(lay_out(xml, open_score))


def engrave_staves(score: bytes) -> list[str]:
    """Like ``engrave``, for MusicXML with any parts, which are engraved without changes."""
    best: list[str] = []
    for size in _SIZES:
        pages = _pages(score, size)
        if not best or len(pages) < len(best):
            best = pages
        if len(best) == 1:
            break
    return [_tidy(page) for page in best]


def engrave_screen(
    score: bytes, width: int = SCREEN_WIDTH
) -> tuple[list[str], list[tuple[float, tuple[str, ...]]]]:
    """A score as SVG texts for a page that scrolls, and the times at which its notes begin.

    ``width`` is that of the page, in 0.1 mm, if a staff is 7.2 mm high. Each time is in quarters
    from the start of the score. With it come the ``id`` of each note and rest that begins then, or
    of the bar if there is none. Staves have their numbers, from 1, as ``data-n``. Raises
    MusicaeError.
    """
    toolkit = _toolkit(score, _SCREEN | {"pageWidth": width})
    pages = [toolkit.renderToSVG(page + 1) for page in range(toolkit.getPageCount())]
    points = []
    for event in toolkit.renderToTimemap({"includeMeasures": True, "includeRests": True}):
        begun = (*event.get("on", ()), *event.get("restsOn", ()))
        if not begun and "measureOn" in event:
            begun = (event["measureOn"],)
        if begun:
            points.append((float(event["qstamp"]), tuple(map(str, begun))))
    return [_tidy(page, on_paper=False) for page in pages], points


def _pages(score: bytes, size: dict[str, Any]) -> list[str]:
    """Verovio's pages in one of the sizes, with systems that are about equally full."""
    pages = _drawn(score, size)
    systems = sum(page.count('class="system"') for page in pages)
    if systems == 1:
        return pages
    score = break_systems(score, even_breaks(_widths(score, size), systems))
    return _drawn(score, size | {"breaks": "line", "minLastJustification": 0})


def even_breaks(widths: Sequence[float], systems: int) -> list[int]:
    """The bars, counted from 0, at which new systems begin, so that systems have equal widths.

    ``widths`` are those of the bars. Verovio itself fills one system after the other, so the last
    one may have a single bar.

    >>> even_breaks([1, 1, 1, 1, 1, 1, 1, 1, 1], 3)
    [3, 6]
    """
    total = [0.0, *accumulate(widths)]
    widest = 2 * total[-1] / systems + max(widths)
    # For each number of systems and each last bar: the least sum of the squared widths of the
    # systems, and the bar at which the last system begins.
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
    for _ in range(systems):
        ends: dict[int, tuple[float, int]] = {}
        for start, (cost, _) in best[-1].items():
            for end in range(start + 1, len(total)):
                width = total[end] - total[start]
                if width > widest:
                    break
                ends[end] = min(ends.get(end, (inf, 0)), (cost + width**2, start))
        best.append(ends)
    breaks = [len(widths)]
    for ends in reversed(best[1:]):
        breaks.insert(0, ends[breaks[0]][1])
    return breaks[1:-1]


def _drawn(score: bytes, options: dict[str, Any]) -> list[str]:
    """The SVG of each page, drawn by Verovio. Raises MusicaeError."""
    toolkit = _toolkit(score, VEROVIO_OPTIONS | options)
    return [toolkit.renderToSVG(page + 1) for page in range(toolkit.getPageCount())]


def _toolkit(score: bytes, options: dict[str, Any]) -> Any:
    """A Verovio toolkit with a score loaded. Raises MusicaeError."""
    try:
        import verovio
    except ImportError:
        raise MusicaeError("engraved scores need Verovio: pip install 'musicae[studio]'") from None
    verovio.enableLog(verovio.LOG_OFF)
    # Verovio finds its fonts by itself only in the thread that imported it.
    verovio.setDefaultResourcePath(str(files("verovio") / "data"))
    toolkit = verovio.toolkit()
    toolkit.setOptions(options)
    if not toolkit.loadData(score.decode()):
        raise MusicaeError("Verovio cannot engrave this score")
    return toolkit


def _widths(score: bytes, size: dict[str, Any]) -> list[float]:
    """The width of each bar if all of them are in one system, without justification."""
    (page,) = _drawn(score, size | {"breaks": "none", "noJustification": True})
    widths = []
    for measure in ET.fromstring(page).iterfind(f".//{SVG}g[@class='measure']"):
        line = measure.find(f"{SVG}g[@class='staff']/{SVG}path")  # such as M0 90 L1200 90
        assert line is not None
        left, _, right, _ = line.get("d", "").split()
        widths.append(float(right[1:]) - float(left[1:]))
    return widths


def _tidy(svg: str, on_paper: bool = True) -> str:
    """Verovio's SVG without nested texts, in common fonts, and with ``on_paper`` in millimetres.

    Programs other than browsers misplace nested texts, and they do not have the musical font.
    """
    ET.register_namespace("", SVG.strip("{}"))
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ET.fromstring(svg)
    if on_paper:
        root.set("width", f"{_PAGE[0]}mm")
        root.set("height", f"{_PAGE[1]}mm")
    for element in root.iter():
        if element.tag == f"{SVG}svg" and "font-family" in element.attrib:
            element.set("font-family", FONTS)
        for place, child in reversed(list(enumerate(element))):
            if child.tag == f"{SVG}text":
                element[place : place + 1] = _flat(child)
        if element.get("class", "").startswith("pgHead"):
            _fit(element)
    return ET.tostring(root, encoding="unicode")


def _flat(text: ET.Element) -> list[ET.Element]:
    """The lines of a text element, without nested spans; none if it is empty."""
    lines: list[ET.Element] = []
    runs = list(_runs(text, {}))
    plain = [attributes for attributes, _ in runs if attributes.get("font-family") != MUSIC_FONT]
    for attributes, letters in runs:
        anchor = {name: attributes.pop(name) for name in ANCHOR if name in attributes}
        if not lines or lines[-1].attrib != anchor:
            lines.append(ET.Element(f"{SVG}text", anchor))
        run = ET.SubElement(lines[-1], f"{SVG}tspan", attributes)
        run.text = letters.translate(MUSIC_CHARACTERS)
        if attributes.get("font-family") == MUSIC_FONT:
            del run.attrib["font-family"]
            run.set("font-size", (plain or [attributes])[0]["font-size"])
    return lines


def _fit(head: ET.Element) -> None:
    """Shrink a title that is too long for one line."""
    for run in head.iter(f"{SVG}tspan"):
        size = float(run.get("font-size", "0").removesuffix("px"))
        width = LETTER_WIDTH * size * len(run.text or "")
        run.set("font-size", f"{size * min(1, TITLE_WIDTH / width):.4g}px")


def _runs(
    element: ET.Element, inherited: Mapping[str, str]
) -> Iterator[tuple[dict[str, str], str]]:
    """The runs of letters in a text, each with its attributes, also the inherited ones."""
    own = {name: value for name, value in element.attrib.items() if name not in ("id", "class")}
    attributes = {**inherited, **own}
    if element.text:
        yield dict(attributes), element.text
    for child in element:
        if child.tag == f"{SVG}tspan":
            yield from _runs(child, attributes)
