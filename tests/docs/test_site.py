"""The documentation: each public name has its entry, links lead somewhere, doctests are code."""

import importlib
import inspect
import re

import pytest

import musicae
from scripts import check_site, docs_links
from tests.support.paths import ROOT

API = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^::: (\S+)(?:\n +options:\n +heading: (\S+))?", API, re.MULTILINE)


def test_each_public_name_has_an_entry():
    headings = {heading for _, heading in ENTRIES if heading}
    assert headings == {f"musicae.{name}" for name in musicae.__all__}


@pytest.mark.parametrize(("path", "heading"), ENTRIES)
def test_entries_have_the_names_in_their_headings(path, heading):
    module, _, name = path.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    if heading:
        assert found is getattr(musicae, heading.removeprefix("musicae."))
    else:
        assert inspect.isclass(found)


def test_links_are_found_outside_code_only():
    page = "[a](a.md) ![b](../b.png) `[c](c.md)` [d](d.md#e)\n```sh\n[f](f.md)\n```\n[g](https://g)"
    assert docs_links.links(page) == ["a.md", "../b.png", "d.md"]
    changed = docs_links.rewritten(page, str.upper)
    assert changed.startswith("[a](A.MD) ![b](../B.PNG) `[c](c.md)` [d](D.MD#e)\n```sh\n[f](f.md)")


def test_code_in_tables_has_no_backslash():
    page = "`a \\| b`\n\n| `a \\| b` | c \\| d |\n"
    assert docs_links.rewritten(page, str) == "`a \\| b`\n\n| `a | b` | c \\| d |\n"


@pytest.mark.parametrize(
    ("link", "place"),
    [
        ("daw.md", "guides/daw.md"),
        ("../reference/midi.md", "reference/midi.md"),
        ("../../README.md", "repository/README.md"),
        ("../../musicae/assets/weights/VAE.md", "models/VAE.md"),
        ("../../musicae/models/vae.py", "repository/musicae/models/vae.py.md"),
        ("../../data/results", "repository/data/results/index.md"),
        ("../../data/results/corpus.png", "repository/data/results/corpus.png"),
        ("../..", "repository/index.md"),
    ],
)
def test_places_of_files(link, place):
    target = docs_links.target_of(ROOT / "docs" / "guides" / "chords.md", link)
    assert target is not None
    assert target.place == place


def test_links_to_missing_or_outside_files_have_no_target():
    page = ROOT / "docs" / "glossary.md"
    assert docs_links.target_of(page, "nothing.md") is None
    assert docs_links.target_of(page, "../../elsewhere") is None


def test_broken_links_of_a_site_are_reported(tmp_path):
    (tmp_path / "picture.svg").touch()
    (tmp_path / "one.html").write_text(
        '<a href="two.html#here">1</a><a href="two.html#gone">2</a><img src="picture.svg">'
        '<img src="gone.svg"><script src="https://elsewhere/script.js"></script>'
        '<a href="https://elsewhere/">3</a><a href="#top" id="top">4</a>'
    )
    (tmp_path / "two.html").write_text('<p id="here">there</p>')
    assert list(check_site.broken(tmp_path)) == [
        "one.html: two.html#gone: there is no such anchor",
        "one.html: gone.svg: there is no such file",
        "one.html: https://elsewhere/script.js: is loaded from elsewhere",
    ]
