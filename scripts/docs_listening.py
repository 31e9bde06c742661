"""MkDocs hook: ten tunes, each by Bach, by musicae and by MiniBach, for the page docs/listening.md.

The tunes are of the corpus's test side: no model saw them in training. The harmonizations are made
when the site is built, so that they are those of the version that builds it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import docs_media

import musicae
from musicae.core.chorale import Chorale
from musicae.corpus import load

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

PAGE = "listening.md"
TUNES = (
    "Aus meines Herzens Grunde",
    "Es ist gewißlich an der Zeit",
    "Gib dich zufrieden und sei stille",
    "Herr, ich habe mißgehandelt",
    "Ich ruf\N{RIGHT SINGLE QUOTATION MARK} zu dir, Herr Jesu Christ",
    "In allen meinen Taten",
    "Jesu Leiden, Pein und Tod",
    "Nun danket alle Gott",
    "Puer natus in Bethlehem",
    "Wachet auf, ruft uns die Stimme",
)
"""The titles, in the order of the alphabet. The first chorale of the side with the title counts."""
VERSIONS = {"bach": "Bach", "musicae": "musicae", "minibach": "MiniBach"}
"""Who wrote the lower voices, by the names that the answers use."""
MADE = ("score.svg", "sound.ogg")


class Trial(NamedTuple):
    """A tune in its three versions."""

    title: str
    about: str
    versions: dict[str, Chorale]
    """By the keys of ``VERSIONS``."""


def trials() -> list[Trial]:
    """The ten tunes. The harmonizations are those that a user gets by default."""
    chorales = load.load().side("test")
    by_title = {chorale.title: chorale for chorale in reversed(chorales)}
    found = []
    for title in TUNES:
        bach = by_title[title]
        about = f"{bach.key}, {bach.meters[0]}, {bach.bar_count} bars"
        (product,) = musicae.harmonize(bach)
        (baseline,) = musicae.harmonize(bach, model="minibach")
        versions = (bach, product.chorale, baseline.chorale)
        found.append(Trial(title, about, dict(zip(VERSIONS, versions, strict=True))))
    return found


def data(every: list[Trial], folders: dict[str, str]) -> dict[str, Any]:
    """What the page's script reads: for each tune its versions and the folders of their files.

    ``folders`` has the folder of each version by ``TITLE/VERSION``.
    """
    return {
        "musicae": musicae.__version__,
        "tunes": [
            {
                "title": trial.title,
                "about": trial.about,
                "versions": {name: folders[f"{trial.title}/{name}"] for name in trial.versions},
            }
            for trial in every
        ],
    }


def listing(facts: dict[str, Any]) -> str:
    """The HTML of all versions with their names, for those who have finished the test."""
    lines = []
    for tune in facts["tunes"]:
        lines.append(f"<h3>{escape(tune['title'])}</h3><p>{escape(tune['about'])}</p>")
        for name, folder in tune["versions"].items():
            label = escape(f"{tune['title']}, by {VERSIONS[name]}")
            sheet = f'<div class="sheet" role="region" tabindex="0" aria-label="{label}: score">'
            lines += [
                f"<p><strong>{VERSIONS[name]}</strong></p>",
                f'<audio controls preload="none" src="{folder}/sound.ogg" aria-label="{label}">',
                "</audio><details><summary>Score</summary>",
                f'{sheet}<img src="{folder}/score.svg" alt="Score of {label}" loading="lazy">',
                "</div>",
                "</details>",
            ]
    return "\n".join(lines)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the tunes into the page, and their files into the site."""
    from mkdocs.structure.files import File

    page = files.get_file_from_path(PAGE)
    if page is None:
        return files
    every = trials()
    pieces = {
        # The source is left out: a score may print it.
        f"{trial.title}/{name}": musicae.Piece(replace(chorale, source=""), {})
        for trial in every
        for name, chorale in trial.versions.items()
    }
    made = docs_media.make(pieces.values(), MADE)
    folders = {}
    for name, folder in zip(pieces, made, strict=True):
        folders[name] = f"listening/{folder.name}"  # a name that does not tell who wrote it
        for part in MADE:
            place = f"{folders[name]}/{part}"
            files.append(File.generated(config, place, abs_src_path=str(folder / part)))
    facts = data(every, folders)
    embedded = json.dumps(facts, ensure_ascii=False).replace("<", "\\u003c")
    text = page.content_string
    for mark, instead in (
        ("<!-- data -->", f'<script type="application/json" id="tunes">{embedded}</script>'),
        ("<!-- all versions -->", listing(facts)),
    ):
        assert mark in text, f"{PAGE}: {mark} is missing"
        text = text.replace(mark, instead)
    files.remove(page)
    files.append(File.generated(config, PAGE, content=text))
    return files
