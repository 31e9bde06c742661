"""Hypothesis strategies for chorales, and a comparison that lists differences."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import strategies as st

from musicae.core.chorale import Chorale
from musicae.core.constants import REST, VOICE_RANGES, VOICES
from musicae.core.key import Key
from musicae.core.meter import Meter, Tempo

METERS = [(4, 4), (3, 4), (2, 2), (6, 8), (5, 4), (7, 8), (12, 8), (3, 8), (2, 4), (3, 2)]
TITLES = ["", "Amen", "Nun danket alle Gott", "Ach Gott & Herr <O Haupt>", "Ô 主"]


@st.composite
def chorales(draw, max_steps: int = 48) -> Chorale:
    """Any valid chorale: rests, repeated notes, pickups, meter and tempo changes, fermatas."""
    steps = draw(st.integers(1, max_steps))
    voices = []
    for low, high in VOICE_RANGES:
        notes, step = [], 0
        while step < steps:
            duration = min(draw(st.integers(1, 10)), steps - step)
            pitch = draw(st.one_of(st.just(REST), st.integers(low, high)))
            if pitch != REST:
                notes.append((step, duration, pitch))
            step += duration
        voices.append(notes)
    change_steps = sorted(draw(st.sets(st.integers(1, steps), max_size=3)) - {steps})
    meters = tuple(Meter(s, *draw(st.sampled_from(METERS))) for s in [0, *change_steps])
    soprano_onsets = [step for step, _, _ in voices[0]]
    return Chorale.from_notes(
        voices,
        steps=steps,
        meters=meters,
        pickup=draw(st.integers(0, meters[0].steps_per_bar - 1)),
        key=draw(
            st.none() | st.builds(Key, st.integers(-7, 7), st.sampled_from(["major", "minor"]))
        ),
        fermatas=tuple(sorted(draw(st.sets(st.sampled_from(soprano_onsets), max_size=3))))
        if soprano_onsets
        else (),
        tempos=tuple(
            Tempo(s, draw(st.integers(400, 50000)) / 100)
            for s in sorted(draw(st.sets(st.integers(0, steps - 1), max_size=2)))
        ),
        title=draw(st.sampled_from(TITLES)),
        source=draw(st.sampled_from(["", "BWV 253", "tune.mid"])),
    )


def differences(expected: Chorale, found: Chorale) -> list[str]:
    """The differences between two chorales in words; an empty list if they are equal."""
    lines = []
    for field in fields(Chorale):
        if field.name == "places":  # spelling is no difference in the music
            continue
        a, b = getattr(expected, field.name), getattr(found, field.name)
        if field.name in ("pitch", "onset"):
            if a.shape != b.shape:
                lines.append(f"{field.name}: {len(a)} steps became {len(b)}")
                continue
            for step, voice in np.argwhere(a != b):
                lines.append(
                    f"{VOICES[voice]}, step {step}: {field.name} {a[step, voice]}"
                    f" became {b[step, voice]}"
                )
        elif a != b:
            lines.append(f"{field.name}: {a!r} became {b!r}")
    return lines
