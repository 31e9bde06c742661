"""Ensembles: ranges hold, melodies that do not fit are moved, scores read as players read them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import mido
import pytest

import musicae
from musicae.core.chorale import Chorale
from musicae.core.constants import REST
from musicae.core.ensembles import ENSEMBLES, ensemble
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.io import musicxml_writer
from tests.support.paths import ROOT

TUNE = ROOT / "data" / "melodies" / "old_hundredth.mid"
PHRASE = Chorale.from_notes(
    [[(0, 4, 67), (4, 4, 67), (8, 4, 69), (12, 4, 71), (16, 4, 72), (20, 4, 71), (24, 8, 67)]],
    key=Key(1),
)
"""G G A B | C B G, in G major."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[musicae.Piece, Path]]:
    """A phrase for each ensemble, and its MusicXML file; a MIDI file lies beside it."""
    folder = tmp_path_factory.mktemp("ensembles")
    found = {}
    for name in ENSEMBLES:
        (piece,) = musicae.harmonize(PHRASE, ensemble=name)
        piece.write(folder / f"{name}.musicxml")
        piece.write(folder / f"{name}.mid")
        found[name] = piece, folder / f"{name}.musicxml"
    return found


@pytest.mark.parametrize("name", ENSEMBLES)
def test_no_note_is_outside_its_range(
    written: dict[str, tuple[musicae.Piece, Path]], name: str
) -> None:
    piece, _ = written[name]
    for place, voice in enumerate(ensemble(name).voices):
        column = piece.chorale.pitch[:, place]
        sung = column[column != REST]
        if voice is None:
            assert not sung.size
        else:
            assert voice.range[0] <= sung.min() <= sung.max() <= voice.range[1]
    assert piece.report().names == ensemble(name).names


@pytest.mark.parametrize("name", ENSEMBLES)
def test_the_score_sounds_as_the_piece_when_it_is_read_again(
    written: dict[str, tuple[musicae.Piece, Path]], name: str
) -> None:
    piece, path = written[name]
    if name == "piano":
        parts = ET.parse(path).getroot().findall("part")
        assert len(parts) == 1
        assert parts[0].find("measure/attributes/staves").text == "2"
        return
    for suffix in (".musicxml", ".mid"):
        again = musicae.check(path.with_suffix(suffix)).chorale
        assert (again.pitch == piece.chorale.pitch).all()


@pytest.mark.parametrize(
    ("name", "keys", "transposes"),
    [
        ("brass", [3, 3, 2, 1], [-2, -2, -7, None]),
        ("saxophones", [3, 4, 3, 4], [-2, -9, -2, -9]),
        ("recorders", [1, 1, 1, 1], [0, None, None, 0]),
        ("ttbb", [None] * 4, [None] * 4),
    ],
)
def test_players_read_their_own_keys(
    written: dict[str, tuple[musicae.Piece, Path]],
    name: str,
    keys: list[int | None],
    transposes: list[int | None],
) -> None:
    _, path = written[name]
    parts = ET.parse(path).getroot().findall("part")
    for part, key, transpose in zip(parts, keys, transposes, strict=True):
        if key is not None:
            assert part.findtext("measure/attributes/key/fifths") == str(key)
        found = part.findtext("measure/attributes/transpose/chromatic")
        assert found == (None if transpose is None else str(transpose))


def test_midi_has_the_names_and_sounds_of_the_players(
    written: dict[str, tuple[musicae.Piece, Path]],
) -> None:
    _, path = written["strings"]
    tracks = mido.MidiFile(path.with_suffix(".mid")).tracks[1:]
    assert [track.name for track in tracks] == ["Violin 1", "Violin 2", "Viola", "Cello"]
    programs = [m.program for track in tracks for m in track if m.type == "program_change"]
    assert programs == [40, 40, 41, 42]


def test_clefs_are_those_of_the_players(
    written: dict[str, tuple[musicae.Piece, Path]],
) -> None:
    _, path = written["strings"]
    clefs = [
        (clef.findtext("sign"), clef.findtext("line"))
        for clef in ET.parse(path).getroot().iter("clef")
    ]
    assert clefs == [("G", "2"), ("G", "2"), ("C", "3"), ("F", "4")]


def test_three_voices_have_root_and_third_at_the_end(
    written: dict[str, tuple[musicae.Piece, Path]],
) -> None:
    piece, path = written["sab"]
    assert {int(p) % 12 for p in piece.chorale.pitch[-1] if p != REST} >= {7, 11}
    names = [e.text for e in ET.parse(path).getroot().iter("part-name")]
    assert names == ["Soprano", "Alto", "Baritone"]


def test_a_melody_that_does_not_fit_is_moved_by_the_least_interval(tmp_path: Path) -> None:
    """Old Hundredth goes from D4 to D5; a first tenor sings up to A4."""
    (piece,) = musicae.harmonize(TUNE, ensemble="ttbb")
    assert "transposed down a fourth, to fit the tenor 1's range C3 to A4" in piece.notices
    before, after = musicae.read(TUNE).notes(0), piece.chorale.notes(0)
    assert [note.pitch - 5 for note in before] == [note.pitch for note in after]
    assert piece.chorale.key == Key(2)
    piece.write(tmp_path / "men.mid")
    keys = {m.key for t in mido.MidiFile(tmp_path / "men.mid").tracks for m in t if m.is_meta
            and m.type == "key_signature"}  # fmt: skip
    assert keys == {"D"}


def test_a_score_is_moved_with_its_spelling(tmp_path: Path) -> None:
    """A flat, E flat and D flat in A flat, a fifth lower: D flat, A flat and G flat in D flat."""
    tune = Chorale.from_notes([[(0, 4, 68), (4, 4, 75), (8, 4, 73), (12, 4, 75)]], key=Key(-4))
    path = tmp_path / "tune.musicxml"
    musicxml_writer.write(tune, path, names=("Melody", "", "", ""))
    (piece,) = musicae.harmonize(path, ensemble="ttbb", ranges="T1 C3-G#4")
    piece.write(tmp_path / "men.musicxml")
    part = ET.parse(tmp_path / "men.musicxml").getroot().find("part")
    assert part is not None
    names = [(p.findtext("step"), p.findtext("alter")) for p in part.iter("pitch")]
    assert names == [("D", "-1"), ("A", "-1"), ("G", "-1"), ("A", "-1")]
    assert part.findtext("measure/attributes/key/fifths") == "-5"
    assert not list(part.iter("accidental"))


def test_the_melody_can_be_an_inner_voice() -> None:
    low = PHRASE.transpose(-12)
    (piece,) = musicae.harmonize(low, ensemble="ttbb", voice="bass 1")
    assert [n.pitch for n in piece.chorale.notes(2)] == [n.pitch for n in low.notes(0)]


def test_ranges_hold_while_writing() -> None:
    (piece,) = musicae.harmonize(PHRASE, ranges="A C4-C5, B G2-G3")
    assert min(n.pitch for n in piece.chorale.notes(1)) >= 60
    bass = [n.pitch for n in piece.chorale.notes(3)]
    assert 43 <= min(bass) <= max(bass) <= 55


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"ensemble": "choir"}, "an ensemble is satb, ttbb"),
        ({"ranges": "S C4"}, "ranges are written like"),
        ({"ranges": "S C4-F4"}, "narrower than an octave"),
        ({"ensemble": "ttbb", "voice": "soprano"}, "no voice is called 'soprano'"),
        ({"ensemble": "sab", "ranges": "T C3-C4"}, "no voice is called 'T'"),
    ],
)
def test_impossible_ensembles_are_refused_in_one_line(settings: dict[str, str], told: str) -> None:
    with pytest.raises(ChoraleError, match=told) as raised:
        musicae.harmonize(PHRASE, **settings)
    assert "\n" not in str(raised.value)


def test_a_melody_wider_than_a_voice_is_refused() -> None:
    wide = Chorale.from_notes([[(0, 8, 55), (8, 8, 84)]])
    with pytest.raises(ChoraleError, match="are wider than the soprano's range"):
        musicae.harmonize(wide, ensemble="satb")


def test_chords_and_numerals_move_with_the_melody() -> None:
    """The tune goes down a fourth, and the symbols with it; numerals are of the new key."""
    for chords in ("G D7/A | C G", "I V43 | IV I"):
        (piece,) = musicae.harmonize(TUNE, ensemble="ttbb", chords=chords)
        start = piece.chorale.measures[1].start
        now = piece.chorale.pitch[start].astype(int)
        assert {int(p) % 12 for p in now} == {2, 6, 9}  # D major in D
        assert now[3] % 12 == 2


def test_chords_of_a_midi_file_that_is_moved_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    shifted = mido.MidiFile(TUNE)
    for _ in range(4):
        shifted.tracks[0].insert(0, mido.MetaMessage("marker", text="G", time=0))
    shifted.save(path)
    with pytest.raises(ChoraleError, match="was transposed, and its chords are not"):
        musicae.harmonize(path, ensemble="ttbb", chords="file")
