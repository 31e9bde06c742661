"""MIDI files as tests write them: tracks of ``(tick, message)``."""

from __future__ import annotations

import mido


def save(path, *tracks, ppq=480, form=1):
    """Write tracks given as lists of ``(tick, message)`` in absolute ticks; returns the path."""
    file = mido.MidiFile(type=form, ticks_per_beat=ppq)
    for events in tracks:
        track, now = mido.MidiTrack(), 0
        for tick, message in sorted(events, key=lambda e: e[0]):
            track.append(message.copy(time=tick - now))
            now = tick
        file.tracks.append(track)
    file.save(path)
    return path


def tune(*notes, channel=0, off="note_off"):
    """Events of notes ``(start, end, pitch)`` in ticks."""
    events = []
    for start, end, pitch in notes:
        velocity = 64 if off == "note_off" else 0
        events.append((start, mido.Message("note_on", channel=channel, note=pitch, velocity=90)))
        events.append((end, mido.Message(off, channel=channel, note=pitch, velocity=velocity)))
    return events


def meta(tick, kind, **fields):
    return (tick, mido.MetaMessage(kind, **fields))


def absolute(track):
    """A mido track as ``(tick, message)`` with the messages' own times removed."""
    events, tick = [], 0
    for message in track:
        tick += message.time
        events.append((tick, message.copy(time=0)))
    return events
