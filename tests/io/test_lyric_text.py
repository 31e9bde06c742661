"""Words typed as plain text."""

from __future__ import annotations

from pathlib import Path

import pytest

from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.io.lyric_text import hyphenator, parse_verses, read_verses, set_on

SCALE = Chorale.from_notes([[(4 * i, 4, 60 + i) for i in range(8)]])


def texts(text: str) -> list[list[str]]:
    return [[s.text for s in verse] for verse in parse_verses(text)]


@pytest.mark.parametrize(
    ("text", "verses"),
    [
        ("A-ma-zing grace!", [["A", "ma", "zing", "grace!"]]),
        ("1. Praise God\n2. Praise him", [["Praise", "God"], ["Praise", "him"]]),
        ("1.\nPraise God\n\n2.\nPraise him", [["Praise", "God"], ["Praise", "him"]]),
        ("Praise God\n\nPraise him", [["Praise", "God"], ["Praise", "him"]]),
        ("Praise God\nfrom whom", [["Praise", "God", "from", "whom"]]),
        ("the~ho-ly one", [["the‿ho", "ly", "one"]]),
        ("- \N{EM DASH} Lord", [["- \N{EM DASH} Lord"]]),
    ],
)
def test_verses_are_read(text: str, verses: list[list[str]]) -> None:
    assert texts(text) == verses


def test_words_know_where_they_begin_and_end() -> None:
    (verse,) = parse_verses("A-ma-zing grace")
    assert [(s.begins, s.ends) for s in verse] == [
        (True, False), (False, False), (False, True), (True, True)
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["glo _ _ ri a", "glo__ ri a", "glo_ _ ri a"])
def test_underscores_hold_the_syllable_before(text: str) -> None:
    (verse,) = parse_verses(text)
    verses, notices = set_on([verse], SCALE, 0)
    assert [(s.text, s.step) for s in verses[0].syllables] == [("glo", 0), ("ri", 12), ("a", 16)]
    assert "is held from bar 2 beat 2" in notices[0]


def test_more_syllables_than_notes_are_refused() -> None:
    (verse,) = parse_verses("one two three four five six seven eight nine ten")
    with pytest.raises(ChoraleError, match="none are left from 'nine' on"):
        set_on([verse], SCALE, 0)


def test_slurred_notes_take_no_syllable() -> None:
    (verse,) = parse_verses("glo ri a")
    verses, _ = set_on([verse], SCALE, 0, slurred=frozenset({4, 8}))
    assert [s.step for s in verses[0].syllables] == [0, 12, 16]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no words"),
        (b"1.\n2.\n", "has no words"),
        (b"\0\1\2", "is not a text file"),
        (b"_ glo", "no syllable comes before it"),
    ],
)
def test_files_that_are_no_words_are_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(ChoraleError, match=message) as raised:
        read_verses(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_words_are_read_in_the_encodings_of_editors(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("Grü-ße\r\n\r\nGott".encode(encoding))
    assert [[s.text for s in verse] for verse in read_verses(path)] == [["Grü", "ße"], ["Gott"]]


def test_a_missing_file_is_refused_with_the_kinds_of_words(tmp_path: Path) -> None:
    with pytest.raises(ChoraleError, match="give all, soprano, none or a text file of words"):
        read_verses(tmp_path / "none.txt")


def test_words_are_split_by_language() -> None:
    assert hyphenator("en")("amazing") == "amaz-ing"
    assert hyphenator("de_DE")("Wunderbare") == "Wun-der-ba-re"
    with pytest.raises(ChoraleError, match="cannot be split in the language 'xx'"):
        hyphenator("xx")
