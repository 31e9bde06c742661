"""A stand-in for a model that fills any partial score, and files that look played."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from musicae.core.chorale import Chorale
from musicae.core.constants import N_VOICES, REST, VOICE_RANGES
from musicae.decoding import harmonize
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import Arrangement, open_song, save

GENERATED = 80
"""The velocity of written notes; played ones are softer."""


@contextmanager
def filler(pitches=None):
    """Within this context, open cells are filled with random notes and rests, or with one pitch for
    each voice.

    Like a model, it sometimes holds a note that began in a known cell.
    """

    def fill(_model, partial, n, options, _planner=None):
        rng = random.Random(str(options))
        return [harmonize.Harmonization(filled(partial, rng, pitches)) for _ in range(n)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harmonize, "harmonize", fill)
        yield


def filled(partial, rng, pitches=None):
    pitch, onset = partial.chorale.pitch.copy(), partial.chorale.onset.copy()
    for step, v in np.argwhere(~partial.known):
        held = pitch[step - 1, v] if step else REST
        again = rng.random() < 0.6 if pitches is None else step and not partial.known[step - 1, v]
        if held != REST and again:
            pitch[step, v] = held
        elif pitches or rng.random() < 0.8:
            pitch[step, v] = pitches[v] if pitches else rng.randint(*VOICE_RANGES[v])
            onset[step, v] = True
    # A note that is held on from a known cell begins again at the first open step.
    for v in range(N_VOICES):
        known = partial.known[:, v]
        seams = np.flatnonzero(known[:-1] & ~known[1:]) + 1
        onset[seams, v] |= pitch[seams, v] != REST
    return replace(partial.chorale, pitch=pitch, onset=onset)


def play(path, rng):
    """Make a file of musicae look played: each note a little early or late, long or short, and
    soft."""
    song = open_song(path)
    tracks = [
        [event for event in track if event.message.type != "end_of_track"] for track in song.tracks
    ]
    for part in song.parts:
        track = tracks[part.track]
        ends = {}
        for note in part.notes:
            start = max(ends.get(note.pitch, 0), note.start + rng.randint(-40, 40))
            end = ends[note.pitch] = max(start + 1, note.end + rng.randint(-40, 40))
            on, off = track[note.on].message, track[note.off].message
            track[note.on] = Timed(start, on.copy(velocity=rng.randint(1, GENERATED - 1)))
            track[note.off] = Timed(end, off)
    # At equal ticks, a note ends before the next one of the same pitch begins.
    tracks = [sorted(t, key=lambda e: (e.tick, e.message.type == "note_on")) for t in tracks]
    end = max(event.tick for track in tracks for event in track)
    save(Arrangement(tracks, song.ppq, end), path)


def played_notes(path):
    """By the names of the tracks: notes ``(start, end, pitch, velocity)`` in ticks."""
    song = open_song(path)
    return {
        part.name: [
            (n.start, n.end, n.pitch, song.tracks[part.track][n.on].message.velocity)
            for n in part.notes
        ]
        for part in song.parts
    }


def overlaps(notes):
    """Pairs of notes of one pitch, ``(start, end, pitch, velocity)``, that sound at once."""
    return [
        (a, b)
        for a in notes
        for b in notes
        if a < b and a[2] == b[2] and max(a[0], b[0]) < min(a[1], b[1])
    ]


def voices_only(chorale: Chorale, voices) -> Chorale:
    """The chorale with the other voices silent."""
    keep = np.isin(np.arange(N_VOICES), list(voices))
    return replace(
        chorale,
        pitch=np.where(keep, chorale.pitch, REST),
        onset=chorale.onset & keep,
        fermatas=chorale.fermatas if 0 in voices else (),
    )
