"""MkDocs hook: the pieces of the gallery, with score, piano roll and sound.

In docs/gallery.md the line ``<!-- melodies -->`` becomes the harmonized example melodies, and
``<!-- new chorales -->`` the composed chorales of data/results/new. Pictures and sound are made
when the site is built; see docs_media.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import docs_media

import musicae

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[1]
MELODIES = ROOT / "data" / "melodies"
RESULTS = ROOT / "data" / "results"
PAGE = "gallery.md"
MADE = ("score.svg", "roll.svg", "sound.ogg")


class Exhibit(NamedTuple):
    """A piece of the gallery."""

    file: Path
    title: str
    facts: dict[str, str]

    @property
    def place(self) -> str:
        """Its folder in the site."""
        return f"gallery/{self.file.stem}"


def melodies() -> list[Exhibit]:
    """The harmonized example melodies, in the order of data/melodies/README.md."""
    lines = (MELODIES / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    names, _, *melodies = rows
    found = []
    for row in melodies:
        facts = dict(zip(names, row, strict=True))
        file = RESULTS / facts.pop("file").split("](")[1].rstrip(")")
        found.append(Exhibit(file, facts.pop("title"), facts))
    return found


def new_chorales() -> list[Exhibit]:
    """The composed chorales."""
    found = []
    for file in sorted((RESULTS / "new").glob("*.mid")):
        chorale = musicae.read(file)
        meter, bars = chorale.meters[0], chorale.bar_count
        facts = {"meter": str(meter), "bars": str(bars), "key": str(chorale.key)}
        found.append(Exhibit(file, f"Chorale {file.stem.rpartition('-')[2]}", facts))
    return found


def section(exhibit: Exhibit) -> Iterator[str]:
    """The Markdown lines of an exhibit."""
    title, place = escape(exhibit.title), exhibit.place
    facts = exhibit.facts
    source, shows = facts.get("source"), facts.get("what it shows")
    yield f"### {exhibit.title}\n"
    if source:
        yield f"{source}.\n"
    midi = f"../{exhibit.file.relative_to(ROOT).as_posix()}"
    about = f"{facts['key']}, {facts['meter']}, {facts['bars']} bars"
    yield f"{about} · [MIDI]({midi}) · [sound]({place}/sound.ogg)\n"
    yield f'<audio controls preload="none" src="{place}/sound.ogg" aria-label="{title}"></audio>\n'
    for name, picture, what in (("Score", "score", "score"), ("Piano roll", "roll", "piano roll")):
        alt = f"{title} in four voices: {what}"
        yield f'=== "{name}"\n'
        yield (
            f'    <div class="sheet" role="region" tabindex="0" aria-label="{title}: {what}">'
            f'<img class="{picture}" src="{place}/{picture}.svg" alt="{alt}" loading="lazy">'
            "</div>\n"
        )
    if shows:
        yield f"What it shows: {shows}.\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the exhibits into the page, and their files into the site."""
    from mkdocs.structure.files import File

    page = files.get_file_from_path(PAGE)
    if page is None:
        return files
    text = page.content_string
    groups = {"<!-- melodies -->": melodies(), "<!-- new chorales -->": new_chorales()}
    every = [exhibit for group in groups.values() for exhibit in group]
    pieces = [musicae.Piece(musicae.read(exhibit.file), {}) for exhibit in every]
    folders = docs_media.make(pieces, MADE, analysis=True)
    for exhibit, folder in zip(every, folders, strict=True):
        for name in MADE:
            place = f"{exhibit.place}/{name}"
            files.append(File.generated(config, place, abs_src_path=str(folder / name)))
    for mark, group in groups.items():
        assert mark in text, f"{PAGE}: {mark} is missing"
        text = text.replace(mark, "\n".join(line for each in group for line in section(each)))
    files.remove(page)
    files.append(File.generated(config, PAGE, content=text))
    return files
