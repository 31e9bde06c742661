"""The chords that stand in a melody's own file."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from musicae.core.key import Key
from musicae.io.chord_text import PlacedChord
from musicae.io.midi_chords import song_chords
from musicae.io.midi_file import open_song
from musicae.io.musicxml_chords import KINDS, score_chords, write
from musicae.io.musicxml_reader import open_score, read
from musicae.theory.chord_symbols import read_symbol
from tests.support.midifiles import meta, save, tune
from tests.support.scores import bar, note, score


def harmony(root: str, kind: str = "major", inside: str = "", text: str = "") -> str:
    alter = {"#": 1, "b": -1}.get(root[1:], 0)
    said = f' text="{text}"' if text else ""
    return (
        f"<harmony><root><root-step>{root[0]}</root-step><root-alter>{alter}</root-alter></root>"
        f"<kind{said}>{kind}</kind>{inside}</harmony>"
    )


def degree(value: int, alter: int, kind: str) -> str:
    return (
        f"<degree><degree-value>{value}</degree-value><degree-alter>{alter}</degree-alter>"
        f"<degree-type>{kind}</degree-type></degree>"
    )


def placed(path: Path, xml: str) -> str:
    path.write_text(xml, encoding="utf-8")
    song = open_score(path)
    return " ".join(f"{c.start}+{c.length}:{c.text}" for c in score_chords(song.score, ()))


def test_chord_symbols_of_a_score(tmp_path: Path) -> None:
    music = [
        bar(
            *(harmony("G"), note("G4", 48)),
            *(harmony("D", "suspended-fourth", degree(7, 0, "add")), note("A4", 48)),
        ),
        bar(
            harmony("F#", "half-diminished", "<bass><bass-step>A</bass-step></bass>"),
            harmony("B", "dominant", degree(9, -1, "add") + "<offset>48</offset>"),
            note("B4", 96),
        ),
        bar(harmony("C", "none"), note("R", 48), harmony("E", "other", text="m9"), note("E4", 48)),
    ]
    found = placed(tmp_path / "tune.musicxml", score(Melody=music))
    assert found == "0+8:G 8+8:Dsus4add7 16+8:F#m7b5/A 24+8:B7addb9 32+8:N.C. 40+8:Em9"
    assert read_symbol("Dsus4add7").classes == read_symbol("D7sus4").classes
    assert read_symbol("B7addb9").classes == read_symbol("B7b9").classes


def test_chord_symbols_of_transposing_parts_are_meant_as_written(tmp_path: Path) -> None:
    clarinet = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    music = [bar(harmony("D", "dominant"), note("D5", 96), extra=clarinet)]
    assert placed(tmp_path / "tune.musicxml", score(Clarinet=music)) == "0+16:C7"


def test_every_kind_can_be_read() -> None:
    assert len({read_symbol(f"C{ending}").classes for ending in KINDS.values()}) == len(KINDS)


def test_chord_symbols_are_written_between_notes_and_read_back(tmp_path: Path) -> None:
    source, out = tmp_path / "tune.musicxml", tmp_path / "out.musicxml"
    words = "<lyric><text>A</text></lyric>"
    music = [bar(harmony("C"), note("G4", 96, words)), bar(note("A4", 48), note("G4", 48))]
    source.write_text(score(Melody=music), encoding="utf-8")
    song = open_score(source)
    chords = (PlacedChord(0, 8, "G"), PlacedChord(8, 8, "Em7/D"), PlacedChord(16, 8, "Bbmaj7"))
    chords = (*chords, PlacedChord(24, 8, "N.C."))
    write(out, read(source), chords, song)
    assert score_chords(open_score(out).score, ()) == chords
    assert read(out) == read(source)
    assert ET.parse(out).findtext(".//lyric/text") == "A"
    write(out, read(source), chords)  # like a melody that does not come from a score
    assert score_chords(open_score(out).score, ()) == chords


MELODY = [(480 * i, 480 * (i + 1), 60 + p) for i, p in enumerate((4, 5, 7, 5, 2, 5, 4, 0))]


def heard(path: Path, *tracks: list) -> str:
    song = open_song(save(path, *tracks))
    found = song_chords(song, song.parts[:1], 0, 32, Key(0))
    return " ".join(f"{c.start}:{c.text}" for c in found)


@pytest.mark.parametrize("kind", ["marker", "text", "cue_marker", "lyrics"])
def test_texts_of_a_midi_file_that_are_chords(tmp_path: Path, kind: str) -> None:
    texts = ["C", "Verse", "F/A", "G7", "Hm7b5", "n.c."]
    events = [meta(480 * i, kind, text=text) for i, text in enumerate(texts)]
    assert heard(tmp_path / "a.mid", tune(*MELODY), events) == "0:C 8:F/A 12:G7 16:Hm7b5 20:N.C."


def test_texts_with_few_chords_are_no_chord_track(tmp_path: Path) -> None:
    words = ["A", "maz-", "ing", "grace", "I"]
    events = [meta(480 * i, "lyrics", text=word) for i, word in enumerate(words)]
    assert heard(tmp_path / "a.mid", [*tune(*MELODY), *events]) == ""


def test_a_track_of_chords(tmp_path: Path) -> None:
    chords = ("48 55 64", "50 57 60 65", "47 53 55 62", "48 52 55")
    events = [
        event
        for i, pitches in enumerate(chords)
        for pitch in pitches.split()
        for event in tune((960 * i, 960 * (i + 1), int(pitch)), channel=1)
    ]
    # C E G, then D A C F, B F G D, C E G
    assert heard(tmp_path / "a.mid", tune(*MELODY), events) == "0:C 8:Dm7 16:G7/B 24:C"
    assert heard(tmp_path / "b.mid", tune(*MELODY), tune((0, 960, 40), channel=1)) == ""
