"""Figured basses: what figures ask for sounds over the given bass, from text and from MusicXML."""

from __future__ import annotations

from pathlib import Path

import pytest

import musicae
from musicae.api.figured_bass import written
from musicae.core.chorale import Chorale
from musicae.core.constants import BASS, REST
from musicae.core.errors import ChoraleError
from musicae.core.key import Key
from musicae.io import musicxml_writer
from musicae.theory.figured_bass import Figures

G_MAJOR = Key(1)
BASS_NOTES = [(0, 4, 55), (4, 4, 54), (8, 4, 55), (12, 4, 48), (16, 8, 50), (24, 8, 43)]
"""G F# G C | D G, two bars of 4/4."""
FIGURES = "0 6 0 6/5 | 4-3 0"


@pytest.fixture(scope="module")
def bass() -> Chorale:
    return Chorale.from_notes([[], [], [], BASS_NOTES], key=G_MAJOR)


@pytest.fixture(scope="module")
def realized(bass: Chorale) -> musicae.Piece:
    return musicae.harmonize(bass, voice="bass", figures=FIGURES)[0]


def classes_at(piece: musicae.Piece, step: int) -> set[int]:
    now = piece.chorale.pitch[step].astype(int)
    return set((now[now != REST] % 12).tolist())


@pytest.mark.parametrize(
    ("step", "classes"),
    [
        (0, {7, 11, 2}),  # G B D
        (4, {6, 9, 2}),  # F# A D
        (8, {7, 11, 2}),
        (12, {0, 4, 7, 9}),  # C E G A
        (16, {2, 7, 9}),  # D G A
        (20, {2, 6, 9}),  # the fourth resolves: D F# A
        (24, {7, 11, 2}),
    ],
)
def test_the_notes_of_a_figure_sound(realized: musicae.Piece, step: int, classes: set[int]) -> None:
    assert classes_at(realized, step) == classes


def test_the_bass_stays(realized: musicae.Piece, bass: Chorale) -> None:
    assert realized.chorale.notes(BASS) == bass.notes(BASS)
    assert realized.notices == ()


def test_figures_in_a_file_sound_without_being_asked_for(bass: Chorale, tmp_path: Path) -> None:
    path = tmp_path / "continuo.musicxml"
    figures = [(4, Figures.parse("6")), (12, Figures.parse("65")), (16, Figures.parse("4"))]
    figures.append((20, Figures.parse("3")))
    musicxml_writer.write(bass, path, figures=figures, names=("", "", "", "Continuo"))
    (piece,) = musicae.harmonize(path)
    assert any("figures of the bass are followed" in notice for notice in piece.notices)
    assert piece.chorale.notes(BASS) == bass.notes(BASS)
    assert [classes_at(piece, step) for step in (4, 12, 16, 20)] == [
        {6, 9, 2},
        {0, 4, 7, 9},
        {2, 7, 9},
        {2, 6, 9},
    ]
    piece.write(tmp_path / "realized.musicxml")
    assert (tmp_path / "realized.musicxml").read_text().count("<figured-bass>") == 4
    (free,) = musicae.harmonize(path, voice="bass", figures="none")
    assert not any("figures" in notice for notice in free.notices)


def test_written_figures_mean_the_notes_that_sound(bass: Chorale, tmp_path: Path) -> None:
    (piece,) = musicae.harmonize(bass, voice="bass", figures="write")
    assert piece.figures == written(piece.chorale)
    path = tmp_path / "written.musicxml"
    piece.write(path)
    (again,) = musicae.harmonize(path, voice="bass", figures="file")
    for step, _ in piece.figures:
        assert classes_at(piece, step) <= classes_at(again, step)


def test_a_given_note_goes_before_its_figure() -> None:
    """The soprano's F natural in bar 1 is not in the triad over G."""
    both = Chorale.from_notes([[(0, 8, 77), (8, 24, 74)], [], [], BASS_NOTES], key=G_MAJOR)
    (piece,) = musicae.harmonize(both, lock="soprano,bass", figures="0 6 0 6 | 0 0")
    assert "given notes that are not in the figures stay" in piece.notices[0]
    assert "bar 1, beat 1 (soprano F over 0)" in piece.notices[0]
    assert piece.chorale.notes(0) == both.notes(0)


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ("6 x | 0", "figures of bar 1: 'x' is no figure"),
        ("0 | 0 | 6", "figures of bar 3"),
        ("", "there are no figures; write them like '6 | 7 6 | #'"),
        ("file", "the bass has no figures"),
    ],
)
def test_figures_that_cannot_be_used_are_one_line(
    bass: Chorale, figures: str, message: str
) -> None:
    with pytest.raises(ChoraleError, match=message) as raised:
        musicae.harmonize(bass, voice="bass", figures=figures)
    assert "\n" not in str(raised.value)


def test_a_text_can_begin_with_a_sharp(bass: Chorale) -> None:
    """Over G in G major the third is B, and B sharp with the sharp."""
    (piece,) = musicae.harmonize(bass, voice="bass", figures="# 6 0 6 | 0 0")
    assert 0 in classes_at(piece, 0)


def test_figures_need_a_bass() -> None:
    tune = Chorale.from_notes([[(0, 4, 67), (4, 4, 69), (8, 8, 71)], [(0, 16, 62)]])
    with pytest.raises(ChoraleError, match="figures need a given bass"):
        musicae.harmonize(tune, lock="soprano,alto", figures="6")
    alone = Chorale.from_notes([[], [], [], BASS_NOTES])
    with pytest.raises(ChoraleError, match="chords and figures"):
        musicae.harmonize(alone, voice="bass", figures="6", chords="C")
