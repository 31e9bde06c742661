"""The melody of a chorale, and the place of a step in its bar."""

from dataclasses import replace

from musicae.core.meter import Meter
from musicae.theory.phrases import melody_of, steps_into_bar
from tests.support.passages import passage


def test_the_melody_is_the_highest_voice_that_sounds():
    assert [note.pitch for note in melody_of(passage("S .. ..\nA D4 E4\nB D3 E3"))] == [62, 64]
    assert melody_of(passage("S .. ..")) == []


def test_a_pickup_is_the_end_of_a_bar():
    music = replace(passage("S D4 G4 A4 B4 C5"), meters=(Meter(0, 4, 4),), pickup=4)
    first, second = music.measures
    assert steps_into_bar(music, first, 0) == 12
    assert steps_into_bar(music, second, 4) == 0
    assert steps_into_bar(music, second, 10) == 6
