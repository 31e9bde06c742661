"""Practice mixes as sound: each voice is synthesized once for each tempo, then mixed by levels."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin, sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.io.midi_file import TempoMap
from musicae.rendering import audio
from musicae.rendering.audio import SAMPLE_RATE
from musicae.rendering.practice_mix import Mix, Rehearsal

LOUDNESS = 0.1
"""The root mean square of each voice while it sounds, as a share of full scale."""
BLOCK = SAMPLE_RATE // 20
"""The length of a block, in frames: 50 ms. Each block counts as sound or as silence."""
SINGS = 10 ** (-40 / 10)
"""The least power of a block with sound, as a share of the loudest block's power: -40 dB."""


class Takes(NamedTuple):
    """The parts of all mixes: sounds ``(frames, 2)``, all equally loud."""

    voices: Sequence[NDArray[np.float32]]
    clicks: NDArray[np.float32]
    first_notes: Sequence[NDArray[np.float32]]
    lead: int
    """The length of the count-in, in frames."""
    frames: int
    """The length up to the end of the last bar, in frames, with the count-in."""


def record(rehearsal: Rehearsal, soundfont: Path | None = None) -> Takes:
    """Synthesize the voices, the clicks and the first notes. Raises MusicaeError."""
    arrangement, opening = rehearsal.voices(), rehearsal.count_in()
    voices = [_levelled(sound) for sound in audio.tracks_alone(arrangement, soundfont)]
    clicks, *notes = (_levelled(sound) for sound in audio.tracks_alone(opening, soundfont))
    lead = float(TempoMap.of(arrangement).seconds(rehearsal.lead))
    return Takes(voices, clicks, notes, round(lead * SAMPLE_RATE), audio.frames_of(arrangement))


def mixed(takes: Takes, mix: Mix) -> NDArray[np.float32]:
    """The sound of a mix, ``(frames, 2)``; its peak is ``audio.PEAK``."""
    sounds = [takes.clicks, *(takes.first_notes[voice] for voice in mix.given)]
    gains = [np.ones(2), *([np.full(2, 1 / sqrt(len(mix.given)))] * len(mix.given))]
    for voice, level in enumerate(mix.levels):
        if level is not None:
            sounds.append(takes.voices[voice])
            gains.append(gain(level, mix.places[voice]))
    total = np.zeros((max(map(len, sounds)), 2), np.float32)
    for sound, each in zip(sounds, gains, strict=True):
        total[: len(sound)] += sound * each.astype(np.float32)
    return audio.mastered([total], takes.frames)[0]


def gain(level: float, place: int) -> NDArray[np.float64]:
    """``(2,)`` the factors of the left and the right channel for a level in dB and a place.

    The place is a value of controller 10. The sum of the powers is the same for all places (General
    MIDI's RP-036).
    """
    angle = pi / 2 * (max(1, place) - 1) / 126
    return 10 ** (level / 20) * sqrt(2) * np.array([cos(angle), sin(angle)])


def _levelled(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sound, scaled so that its parts that are not silent have ``LOUDNESS``."""
    blocks = len(sound) // BLOCK
    power = np.square(sound[: blocks * BLOCK]).reshape(blocks, -1).mean(axis=1)
    sings = power > SINGS * power.max(initial=0)
    return sound * np.float32(LOUDNESS / sqrt(power[sings].mean())) if sings.any() else sound
