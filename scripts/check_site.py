"""Check the built site: ``python scripts/check_site.py [FOLDER]``.

Every link, anchor, picture, sound, style and script of every page leads to a file of the site, and
no page loads anything from another host. Prints a line for each that does not, and exits with 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from lxml import html

ROOT = Path(__file__).resolve().parents[1]
LOADED = {"img", "audio", "video", "source", "script", "link", "iframe", "embed", "object"}
"""The elements that load what they name."""
ABSOLUTE = "404.html"
"""The page that a server shows at any address, so that its links begin at the root."""


class Link(NamedTuple):
    """A link of a page."""

    element: str
    target: str


class Page(NamedTuple):
    """What a page refers to, and what can be referred to in it."""

    links: list[Link]
    anchors: set[str]


def read(path: Path) -> Page:
    """The links and anchors of a page."""
    tree = html.fromstring(path.read_bytes())
    links = []
    for element, attribute, target, _ in tree.iterlinks():
        if attribute in {"href", "src", "data", "poster"}:
            links.append(Link(str(element.tag), target))
    anchors = {str(value) for value in tree.xpath("//@id | //a/@name")}
    return Page(links, anchors)


def broken(site: Path) -> Iterator[str]:
    """A line for each link that leads nowhere or loads from elsewhere."""
    pages = {path: read(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        if path.name == ABSOLUTE:
            continue
        for link in page.links:
            reason = _reason(path, link, pages)
            if reason:
                yield f"{path.relative_to(site)}: {link.target}: {reason}"


def _reason(path: Path, link: Link, pages: dict[Path, Page]) -> str:
    """Why a link is not right; empty if it is."""
    url = urlsplit(link.target)
    if url.scheme or url.netloc:
        outside = link.element in LOADED and url.scheme != "data"
        return "is loaded from elsewhere" if outside else ""
    target = (path.parent / unquote(url.path)).resolve() if url.path else path
    if target.is_dir():
        target = target / "index.html"
    if not target.is_file():
        return "there is no such file"
    if url.fragment and target in pages and unquote(url.fragment) not in pages[target].anchors:
        return "there is no such anchor"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "site", help="the site")
    site = parser.parse_args().folder.resolve()
    lines = list(broken(site))
    print("\n".join(lines), end="\n" if lines else "")
    print(f"{sum(1 for _ in site.rglob('*.html'))} pages, {len(lines)} broken links")
    sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
