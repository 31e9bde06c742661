"""The chords of a melody or a chorale as a lead sheet, and back."""

import pytest

import musicae
from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.io.chord_text import placed_chords
from musicae.io.formats import read
from tests.support.passages import midi, passage
from tests.support.paths import MELODIES
from tests.support.scores import bar, note, score

AMEN = passage(
    """
    S  B4 C5 C5 C5^
    A  G4 G4 A4 G4
    T  D4 E4 F4 E4
    B  G3 C3 F3 C3
    """,
    key="C",
)


def test_the_chords_of_a_chorale_are_those_that_it_sings() -> None:
    sheet = musicae.chords(AMEN)
    assert str(sheet) == "G C F C"
    assert [span.numeral for span in sheet.spans] == ["V", "I", "IV", "I"]
    first = sheet.as_dict()["chords"][0]
    assert (first["bar"], first["beat"], first["steps"], first["symbol"]) == (1, 1, 4, "G")
    assert len(first["others"]) == 2


def test_the_chords_of_a_melody_are_those_of_its_plan_with_others() -> None:
    sheet = musicae.chords(MELODIES / "silent_night.mid")
    (piece,) = musicae.harmonize(MELODIES / "silent_night.mid")
    assert piece.plan is not None
    assert [c and c.root for c in sheet.plan.chords] == [c and c.root for c in piece.plan.chords]
    assert sheet.spans[-1].symbol == "Bb"
    for span in sheet.spans:
        if span.others:
            assert span.probability is not None
            assert span.symbol not in {other.symbol for other in span.others}
            total = span.probability + sum(other.probability for other in span.others)
            assert 0 < total <= 1.001
            assert span.others[0].probability >= span.others[1].probability


def test_printed_chords_can_be_given() -> None:
    path = MELODIES / "amazing_grace.mid"
    sheet = musicae.chords(path)
    assert str(sheet).startswith("0: ")
    given = placed_chords(sheet.as_text(), sheet.chorale)
    starts = {c.start: c.text for c in given}
    assert all(starts[span.start] == span.symbol for span in sheet.spans)
    (piece,) = musicae.harmonize(path, chords=str(sheet))
    assert not any("whole" in notice for notice in piece.notices)


def test_a_lead_sheet_is_written_in_three_formats(tmp_path) -> None:
    path = tmp_path / "tune.musicxml"

    def sung(word: str) -> str:
        return f"<lyric><text>{word}</text></lyric>"

    music = [
        bar(note("G4", 48, sung("Now")), note("A4", 48, sung("thank")), key=1),
        bar(note("B4", 48, sung("we")), note("G4", 48, sung("God"))),
    ]
    path.write_text(score(Melody=music), encoding="utf-8")
    sheet = musicae.chords(path)
    outs = [tmp_path / f"out.{suffix}" for suffix in ("txt", "cho", "musicxml")]
    for out in outs:
        sheet.write(out)
    text, pro, xml = outs
    assert text.read_text(encoding="utf-8").splitlines()[0] == "# G major"
    chordpro = pro.read_text(encoding="utf-8")
    assert "{key: G major}" in chordpro
    assert "]Now" in chordpro
    assert xml.read_text(encoding="utf-8").count("<harmony") == len(sheet.spans)
    assert read(xml) == read(path)
    for chords in (text, pro):
        (piece,) = musicae.harmonize(path, chords=chords)
        assert piece.plan is not None
        roots = [c and c.root for c in piece.plan.chords]
        assert roots == [c and c.root for c in sheet.plan.chords]
    with pytest.raises(ChoraleError, match="should end in one of"):
        sheet.write(tmp_path / "out.pdf")
    assert not (tmp_path / "out.pdf").exists()


def test_settings_are_those_of_harmonize() -> None:
    line = Chorale.from_notes(
        [[(4 * i, 4, midi(name)) for i, name in enumerate(("G3", "C3", "F3", "C3"))]]
    )
    sheet = musicae.chords(line, voice="bass", key="C major")
    assert [span.symbol.partition("/")[2] or span.symbol[:1] for span in sheet.spans] == [
        *("G", "C", "F", "C")
    ]
    assert sheet.plan.key == Key(0)
    with pytest.raises(ChoraleError, match="there are no notes"):
        musicae.chords(Chorale.from_notes([[]], steps=16))
