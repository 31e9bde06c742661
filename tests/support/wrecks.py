"""Ways to spoil a chorale; each leaves some properties unchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST, VOICE_RANGES


def with_bars_shuffled(chorale: Chorale, seed: int = 0) -> Chorale:
    """Shuffle the bars between the first and the last; notes held into a bar begin again."""
    onset = chorale.onset.copy()
    bars = [measure.start for measure in chorale.measures]
    onset[bars] = chorale.pitch[bars] != REST
    spans = [np.arange(m.start, m.start + m.length) for m in chorale.measures]
    inner = np.random.default_rng(seed).permutation(np.arange(1, len(spans) - 1))
    steps = np.concatenate([spans[i] for i in (0, *inner, len(spans) - 1)])
    return Chorale(chorale.pitch[steps], onset[steps], chorale.meters, chorale.pickup)


def with_voice_shifted(chorale: Chorale, voice: int, semitones: int) -> Chorale:
    pitch = chorale.pitch.copy()
    pitch[:, voice] = np.where(pitch[:, voice] == REST, REST, pitch[:, voice] + semitones)
    return replace(chorale, pitch=pitch)


def with_noise(chorale: Chorale, voice: int, seed: int = 0) -> Chorale:
    """Random pitches of the voice's range for its notes."""
    random = np.random.default_rng(seed)
    low, high = VOICE_RANGES[voice]
    voices = [chorale.notes(v) for v in range(N_VOICES)]
    voices[voice] = [
        note._replace(pitch=int(random.integers(low, high + 1))) for note in voices[voice]
    ]
    return Chorale.from_notes(
        voices, len(chorale), meters=chorale.meters, pickup=chorale.pickup, key=chorale.key
    )


def bars_are_closed(chorale: Chorale) -> bool:
    """Whether all voices begin a note with every bar, so that bars can change places."""
    return bool(chorale.onset[[measure.start for measure in chorale.measures]].all())
