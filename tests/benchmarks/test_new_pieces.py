"""The benchmark of new pieces prints its table."""

import importlib
import sys
from dataclasses import replace

import pytest

from musicae.core.constants import STYLES
from musicae.corpus.four_part import TRAIN, VALID, FourPartPiece
from tests.support import paths
from tests.support.passages import HYMN, OTHER


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(paths.ROOT / "benchmarks")
    return importlib.import_module("new_pieces")


def piece(chorale, side, style="hymn", admitted=True):
    return FourPartPiece(
        "name", chorale, style, side, "1", admitted, chorale.key, 0, "ionian", "", "", "", (), ""
    )


def test_a_style_stands_beside_its_own_pieces(benchmark):
    pieces = [
        piece(HYMN, VALID),
        piece(OTHER, TRAIN),
        piece(OTHER, VALID, style="song"),
        piece(OTHER, VALID, admitted=False),
    ]
    side = benchmark.of_style(pieces, "hymn", "valid")
    assert (side.name, side.chorales, side.keys) == ("hymn (hymn-valid)", (HYMN,), (HYMN.key,))
    assert benchmark.of_style(pieces, "carol", "valid").chorales == ()


def test_the_style_is_requested_if_it_is_not_the_default(benchmark, monkeypatch):
    asked = []

    class Made:
        chorale = HYMN

    def generate(n, **settings):
        asked.append(settings)
        return [Made] * n

    monkeypatch.setattr(benchmark.musicae, "generate", generate)
    assert benchmark.draw(2, "vae", STYLES[0], 3) == [HYMN, HYMN]
    benchmark.draw(1, "vae", "hymn", 0)
    assert asked == [
        {"model": "vae", "seed": 3},
        {"model": "vae", "seed": 0, "style": "hymn"},
    ]


def test_the_table_is_printed(benchmark, monkeypatch, capsys):
    drawn = [replace(HYMN, title=str(number)) for number in range(2)]
    monkeypatch.setattr(benchmark, "draw", lambda *_: drawn)
    pieces = [piece(OTHER, VALID), piece(HYMN, TRAIN)]
    monkeypatch.setattr(benchmark, "read_four_part", lambda _: pieces)
    monkeypatch.setattr(sys, "argv", ["new_pieces.py", "--style", "hymn", "--four-part", "folder"])
    benchmark.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| measure | draws | hymn (hymn-valid) |"
    assert "| pieces | 2 | 1 |" in lines
    assert lines[-1].startswith("2 draws in ")


def test_other_styles_need_their_data(benchmark, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["new_pieces.py", "--style", "hymn"])
    with pytest.raises(SystemExit):
        benchmark.main()
    assert "--style hymn needs --four-part" in capsys.readouterr().err
