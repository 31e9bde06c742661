"""MkDocs hook: pages may link to any file of the repository.

A Markdown file outside docs/ becomes a page of the site, and a model card one under models/. Code
becomes a page that shows it, a folder a page that lists it. Any other file is copied.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
CARDS = ROOT / "musicae" / "assets" / "weights"
CODE = {".py": "python", ".toml": "toml", ".txt": "text", "": "text"}
"""The suffixes of files that a page shows, with the languages that colour them."""
HIDDEN = "---\nsearch:\n  exclude: true\n---\n"
CODE_OR_LINK = re.compile(
    r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,}).*?^(?P=indent)(?P=fence)[ \t]*$"
    r"|(?P<ticks>`+)(?!`)(?:(?!\n\n).)+?(?<!`)(?P=ticks)(?!`)"
    r"|(?P<before>\]\(|\b(?:src|href)=\")(?P<path>[^)\s\"#:]+)(?P<after>#[^)\s\"]*)?(?=[)\s\"])",
    re.MULTILINE | re.DOTALL,
)
"""Fenced code, code in a line, or a link to a file."""
_sources: dict[str, Path] = {}
"""The file of the repository that a page outside docs/ was made from, by the page's place."""


class Target(NamedTuple):
    """A file of the repository that a page links to."""

    path: Path
    place: str
    """Where it is in the site, as MkDocs counts from docs/."""


def target_of(page: Path, link: str) -> Target | None:
    """What a page of the repository links to; None if it is no file of the repository."""
    path = Path(posixpath.normpath((page.parent / link).as_posix()))
    if not path.is_relative_to(ROOT) or not path.exists():
        return None
    if path == DOCS:
        return Target(path, "index.md")
    if path.is_relative_to(DOCS) and path.is_file():
        return Target(path, path.relative_to(DOCS).as_posix())
    if path.parent == CARDS and path.suffix == ".md":
        return Target(path, f"models/{path.name}")
    place = posixpath.normpath(f"repository/{path.relative_to(ROOT).as_posix()}")
    if path.is_dir():
        return Target(path, f"{place}/index.md")
    return Target(path, f"{place}.md" if path.suffix in CODE else place)


def rewritten(markdown: str, change: Callable[[str], str]) -> str:
    """The page with the path of each link changed, except in code.

    In the code of tables ``\\|`` becomes ``|``: forges want the backslash, and MkDocs shows it.
    """

    def changed(match: re.Match[str]) -> str:
        if match["path"]:
            return f"{match['before']}{change(match['path'])}{match['after'] or ''}"
        line = markdown.rfind("\n", 0, match.start()) + 1
        in_table = match["ticks"] and markdown.startswith("|", line)
        return match[0].replace("\\|", "|") if in_table else match[0]

    return CODE_OR_LINK.sub(changed, markdown)


def links(markdown: str) -> list[str]:
    """The paths that a page links to."""
    return [m["path"] for m in CODE_OR_LINK.finditer(markdown) if m["path"]]


def text_of(target: Target) -> str | None:
    """The page that stands for a target; None if it is copied as it is."""
    path = target.path
    if path.is_dir():
        files = sorted(each.name for each in path.iterdir() if not each.name.startswith((".", "_")))
        listed = [
            f"- [{name}](./{name})" if (path / name).is_file() else f"- {name}/" for name in files
        ]
        return "\n".join([f"{HIDDEN}# {path.relative_to(ROOT)}\n", *listed])
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    if path.suffix in CODE:
        code = path.read_text(encoding="utf-8")
        return f"{HIDDEN}# {path.relative_to(ROOT)}\n\n````{CODE[path.suffix]}\n{code}````\n"
    return None


def _is_added(target: Target) -> bool:
    """Whether MkDocs does not find the target by itself."""
    return target.place.startswith(("repository/", "models/"))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs/ that pages link to, and those that these link to."""
    from mkdocs.structure.files import File

    _sources.clear()
    waiting = [(DOCS / file.src_uri, file.content_string) for file in files.documentation_pages()]
    while waiting:
        page, markdown = waiting.pop()
        for link in links(markdown):
            target = target_of(page, link)
            if not target or not _is_added(target) or target.place in files.src_uris:
                continue
            text = text_of(target)
            if text is None:
                file = File.generated(config, target.place, abs_src_path=str(target.path))
            else:
                file = File.generated(config, target.place, content=text)
                _sources[target.place] = target.path
                base = target.path / "index.md" if target.path.is_dir() else target.path
                waiting.append((base, text))
            files.append(file)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Point links at the places of the files in the site."""
    place = page.file.src_uri
    source = _sources.get(place, DOCS / place)
    base = source / "index.md" if source.is_dir() else source

    def changed(link: str) -> str:
        target = target_of(base, link)
        return posixpath.relpath(target.place, posixpath.dirname(place)) if target else link

    return rewritten(markdown, changed)
