"""Scores in ABC, kern, MEI and LilyPond: what is read, and what other programs read in ours."""

import random
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import musicae
from musicae.core.errors import MusicaeError
from musicae.io.musicxml_reader import open_score

ABC = """X:1
T:Test tune
C:Trad.
M:3/4
L:1/8
Q:1/4=96
K:G
D2 |: "G"{a}G2 (3ABc B2 | "D7"A>F D4 |1 G6- | G4 D2 :|2 G6 |
w: A-gnus De-i qui tol-lis
[M:4/4][K:D] d2 e2 !fermata!f4 | z4 ^d2 =c2 |]
"""
MEI = """<mei xmlns="http://www.music-encoding.org/ns/mei" meiversion="5.0"><meiHead><fileDesc>
<titleStmt><title>Hand made</title></titleStmt><pubStmt/></fileDesc></meiHead>
<music><body><mdiv><score>
<scoreDef keysig="1s" meter.count="3" meter.unit="4" midi.bpm="96"><staffGrp>
<staffDef n="1" lines="5" clef.shape="G" clef.line="2" label="Tune"/></staffGrp></scoreDef><section>
<measure n="1"><staff n="1"><layer n="1"><note pname="a" oct="4" dur="8" grace="acc"/>
<note pname="g" oct="4" dur="4"/><tuplet num="3" numbase="2"><note pname="a" oct="4" dur="8"/>
<note pname="b" oct="4" dur="8"/><note pname="c" oct="5" dur="8"/></tuplet>
<note pname="f" oct="4" dur="4" fermata="above">
<verse n="1"><syl wordpos="i" con="d">A</syl></verse>
</note></layer></staff></measure></section></score></mdiv></body></music></mei>"""
RESULTS = Path(__file__).parents[2] / "data" / "results"
KERN = """!!!OTL: Two voices
**kern\t**kern\t**text
*I"Bass\t*I"Soprano\t*
*k[f#]\t*k[f#]\t*
*M3/4\t*M3/4\t*
4G\t4g\tA-
4F#\t12a\tmen
.\t12b\t.
.\t12cc\t.
4G;\t4b;\t.
==\t==\t==
*-\t*-\t*-
"""


def notes(path):
    """For each part: begin and length in quarters, and the MIDI pitch."""
    score = open_score(path).score
    return [
        [
            (Fraction(n.begin, score.quarter), Fraction(n.end - n.begin, score.quarter), n.pitch)
            for n in part.notes
        ]
        for part in score.parts
    ]


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


def chorale():
    """Greensleeves in four voices: 6/8, E minor, a pickup of an eighth."""
    return musicae.read(RESULTS / "greensleeves.mid")


def test_abc(tmp_path):
    path = written(tmp_path, "tune.abc", ABC)
    (tune,) = notes(path)
    third = Fraction(1, 3)
    assert tune[:6] == [
        (0, 1, 62),
        (1, 1, 67),
        (2, third, 69),
        (2 + third, third, 71),
        (2 + 2 * third, third, 72),
        (3, 1, 71),
    ]
    assert tune[6:9] == [(4, 0.75, 69), (4.75, 0.25, 66), (5, 2, 62)]
    assert tune[9] == (7, 5, 67)  # tied over the bar line
    assert [pitch for *_, pitch in tune[-5:]] == [74, 76, 78, 75, 72]
    read = musicae.read(path)
    assert (read.title, read.pickup, read.key.fifths) == ("Test tune", 4, 1)
    assert len(read.fermatas) == 1
    lyrics = [n.lyric for n in open_score(path).score.parts[0].notes]
    assert lyrics[:7] == ["A-", "gnus", "De-", "i", "qui", "tol-", "lis"]


def test_a_tune_book_is_read_to_its_first_tune(tmp_path):
    path = written(tmp_path, "book.abc", ABC + "\nX:2\nT:Second\nM:2/4\nK:C\nCDEF|\n")
    assert any("2 tunes" in notice for notice in open_score(path).notices)


def test_a_length_that_no_symbol_has_is_tied_symbols_and_no_tuplet(tmp_path):
    path = written(tmp_path, "tune.abc", "X:1\nM:4/4\nL:1/8\nK:C\nC5 D3 |]\n")
    root = open_score(path).score.root
    assert [kind.text for kind in root.iter("type")] == ["half", "eighth", "quarter"]
    assert root.find(".//time-modification") is None


def test_mei(tmp_path):
    path = written(tmp_path, "tune.mei", MEI)
    third = Fraction(1, 3)
    assert notes(path)[0] == [
        (0, 1, 67),
        (1, third, 69),
        (1 + third, third, 71),
        (1 + 2 * third, third, 72),
        (2, 1, 66),
    ]
    assert open_score(path).score.parts[0].graces == 1
    assert musicae.read(path).fermatas == (8,)


def test_kern(tmp_path):
    soprano, bass = notes(written(tmp_path, "tune.krn", KERN))
    assert bass == [(0, 1, 55), (1, 1, 54), (2, 1, 55)]
    assert [pitch for *_, pitch in soprano] == [67, 69, 71, 72, 71]


@pytest.mark.parametrize("suffix", [".mei", ".krn", ".abc"])
def test_written_scores_are_read_again(tmp_path, suffix):
    piece = chorale()
    path = tmp_path / f"again{suffix}"
    musicae.write(piece, path)
    again = musicae.read(path)
    assert np.array_equal(again.pitch, piece.pitch)
    assert np.array_equal(again.onset, piece.onset)
    assert (again.pickup, again.meters, again.key) == (piece.pickup, piece.meters, piece.key)


@pytest.mark.parametrize("suffix", [".krn", ".abc"])
def test_music21_reads_the_same_notes(tmp_path, suffix):
    from music21 import converter

    piece = chorale()
    path = tmp_path / f"other{suffix}"
    musicae.write(piece, path)
    lines = [
        [
            (4 * n.offset, 4 * (n.offset + n.quarterLength), n.pitch.midi)
            for n in part.flatten().stripTies().notes
            if n.isNote
        ]
        for part in converter.parse(path, forceSource=True).parts
    ]
    ours = [
        [(n.step, n.step + n.duration, n.pitch) for n in piece.notes(voice)] for voice in range(4)
    ]
    assert sorted(lines) == sorted(ours)


def test_verovio_plays_the_same_notes_from_mei(tmp_path):
    """Verovio exports no MusicXML but plays MEI as MIDI; its notes are those of the chorale."""
    import verovio

    piece = chorale()
    path, played = tmp_path / "other.mei", tmp_path / "other.mid"
    musicae.write(piece, path)
    toolkit = verovio.toolkit()
    toolkit.loadFile(str(path))
    toolkit.renderToMIDIFile(str(played))
    again = musicae.read(played)
    assert np.array_equal(again.pitch, piece.pitch)
    assert np.array_equal(again.onset, piece.onset)


def test_lilypond_compiles_without_warnings(tmp_path):
    path = tmp_path / "score.ly"
    musicae.write(chorale(), path)
    text = path.read_text()
    assert "\\partial 8" in text
    assert "\\key e \\minor" in text
    if not shutil.which("lilypond"):
        pytest.skip("LilyPond is not installed")
    done = subprocess.run(
        ["lilypond", "-dno-print-pages", "--loglevel=WARN", "-o", str(tmp_path / "out"), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "warning" not in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("bad.abc", "nothing", "is not ABC"),
        ("bad.krn", "**text\n*-\n", "is not Humdrum kern"),
        ("bad.mei", "<html/>", "is XML but not MEI"),
        ("bomb.mei", '<!DOCTYPE mei [<!ENTITY a "a">]><mei>&a;</mei>', "declares XML entities"),
        ("binary.abc", "\0\1\2", "is not a text file"),
    ],
)
def test_bad_files_are_refused(tmp_path, name, text, told):
    with pytest.raises(MusicaeError, match=told):
        musicae.read(written(tmp_path, name, text))


@pytest.mark.parametrize(("suffix", "text"), [(".abc", ABC), (".mei", MEI)])
def test_damaged_files_raise_nothing_else(tmp_path, suffix, text):
    rng = random.Random(1)
    for _ in range(150):
        damaged = list(text)
        for _ in range(rng.choice([1, 3, 10])):
            place = rng.randrange(len(damaged))
            damaged[place] = rng.choice(
                ["", rng.choice('[]{}()|:<>-/0123456789^_=zZABg"& '), "9" * 6]
            )
        path = tmp_path / f"damaged{suffix}"
        path.write_text("".join(damaged))
        told = ""
        try:
            open_score(path)
        except MusicaeError as error:
            told = str(error)
        assert "\n" not in told
