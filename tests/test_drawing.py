"""Pictures: every note is drawn in its voice's colour, repeated notes apart."""

import numpy as np
import pytest
from matplotlib import image
from matplotlib.colors import to_rgb

from musicae import drawing
from musicae.chorale import Chorale, MusicaeError, Tempo

HYMN = Chorale.from_notes(
    [
        [(0, 4, 72), (4, 4, 72), (8, 8, 74)],
        [(0, 16, 67)],
        [(0, 8, 60), (8, 8, 62)],
        [(0, 4, 48), (4, 4, 50), (8, 4, 52), (12, 4, 52)],
    ],
    title="Hymn",
    fermatas=(8,),
    tempos=(Tempo(0, 72),),
)


def boxes_of(colour, picture):
    """How many rectangles of a colour a picture has: those of one height begin in the same rows."""
    mask = np.abs(picture[:, :, :3] - np.array(to_rgb(colour))).max(axis=2) < 0.02
    count, above = 0, ()
    for row in mask:
        begins = tuple(np.flatnonzero(np.diff(row.astype(int), prepend=0) == 1))
        if begins != above:
            count += len(begins)
        above = begins
    return count


def test_every_note_is_drawn_apart_in_its_voices_colour(tmp_path):
    drawing.draw(HYMN, tmp_path / "hymn.png")
    picture = image.imread(tmp_path / "hymn.png")
    legend = 1
    counts = [boxes_of(colour, picture) - legend for colour in drawing.VOICE_COLOURS]
    assert counts == [len(HYMN.notes(v)) for v in range(4)] == [3, 1, 2, 4]


def test_the_same_music_is_the_same_file(tmp_path):
    for name in ("a.svg", "b.svg", "a.png", "b.png", "a.pdf", "b.pdf"):
        drawing.draw(HYMN, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_long_pieces_go_into_systems():
    long = Chorale.from_notes([[(i * 16, 16, 60 + i) for i in range(20)]])
    figure = drawing.piano_roll(long, bars_per_system=8)
    numbers = [[text.get_text() for text in ax.texts] for ax in figure.axes]
    assert [row[0] for row in numbers] == ["1", "9", "17"]


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(MusicaeError, match=r"hymn.wav: its name should end in one of .png"):
        drawing.draw(HYMN, tmp_path / "hymn.wav")
