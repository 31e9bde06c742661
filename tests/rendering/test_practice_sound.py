"""Practice mixes as sound: how loud each voice is, where it stands, and the count-in."""

import numpy as np
import pytest

from musicae.rendering import practice_sound
from musicae.rendering.audio import PEAK, SAMPLE_RATE
from musicae.rendering.practice_mix import MIDDLE, Mix, mixes_of
from musicae.rendering.practice_sound import LOUDNESS, Takes, gain, mixed

SECOND = SAMPLE_RATE
RATES = (220, 330, 440)
"""The frequencies of three sines that stand for voices, in hertz."""


@pytest.fixture(scope="module")
def takes():
    """A count-in of one second, then two seconds of three voices."""
    time = np.arange(3 * SECOND) / SECOND
    voices = [np.sin(2 * np.pi * hertz * time) * (time >= 1) for hertz in RATES]
    both = [np.stack([v, v], axis=1).astype(np.float32) * np.float32(0.14) for v in voices]
    silent = np.zeros((SECOND, 2), np.float32)
    notes = [np.full((SECOND, 2), 0.01 * (v + 1), np.float32) for v in range(3)]
    return Takes(both, silent, notes, SECOND, 3 * SECOND)


def levels(sound, channel=None):
    """The level of each sine after the count-in in decibels, of one channel or of both."""
    music = sound[SECOND : 3 * SECOND - 4800]
    music = music.mean(axis=1) if channel is None else music[:, channel]
    power = np.abs(np.fft.rfft(music * np.hanning(len(music)))) ** 2
    bins = [round(hertz * len(music) / SECOND) for hertz in RATES]
    return [10 * np.log10(power[b - 3 : b + 4].sum() + 1e-12) for b in bins]


@pytest.mark.parametrize("voice", range(3))
def test_the_voice_in_front_is_9_db_above_each_other_and_is_silent_where_it_is_left_out(
    takes, voice
):
    front, alone, without = (
        levels(mixed(takes, mix)) for mix in mixes_of(3)[3 * voice : 3 * voice + 3]
    )
    for other in {0, 1, 2} - {voice}:
        assert front[voice] - front[other] > 9
        assert alone[voice] - alone[other] > 60
        assert without[other] - without[voice] > 60


def test_places_are_heard(takes):
    together = mixed(takes, mixes_of(3)[-1])
    assert np.subtract(levels(together, 0), levels(together, 1)) == pytest.approx(
        [10.6, 0, -10.6], abs=0.2
    )
    for place in (1, 40, 64, 127):
        assert np.square(gain(-6, place)).mean() == pytest.approx(10**-0.6)
    assert gain(0, MIDDLE) == pytest.approx([1, 1], rel=0.02)


def test_every_mix_reaches_the_peak_and_gives_its_first_note(takes):
    for mix in mixes_of(3):
        sound = mixed(takes, mix)
        assert np.abs(sound).max() == pytest.approx(PEAK, abs=0.01)
        assert sound.shape == (3 * SECOND, 2)
    scale = [mixed(takes, mix)[10, 0] for mix in mixes_of(3)[1:9:3]]
    assert scale[1] / scale[0] == pytest.approx(2, rel=0.05)


def test_voices_are_made_equally_loud_where_they_sing(takes):
    quiet = np.concatenate([np.zeros((5 * SECOND, 2), np.float32), takes.voices[0] / 50])
    levelled = practice_sound._levelled(quiet)
    sung = levelled[6 * SECOND : 7 * SECOND]
    assert np.sqrt(np.square(sung).mean()) == pytest.approx(LOUDNESS, rel=0.05)
    silence = np.zeros((SECOND, 2), np.float32)
    assert np.array_equal(practice_sound._levelled(silence), silence)


def test_a_mix_of_silence_is_silent(takes):
    silent = Mix("all", 0, (None, None, None), (64, 64, 64))
    quiet = takes._replace(first_notes=[np.zeros((SECOND, 2), np.float32)] * 3)
    assert not mixed(quiet, silent).any()
