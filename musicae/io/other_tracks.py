"""The tracks of a MIDI file that are no voice of the chorale, such as drums and piano."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from musicae.core.constants import N_VOICES, VOICES
from musicae.io.midi_file import DRUM_CHANNEL, Part, Song, Timed
from musicae.io.voice_tracks import parts_by_name

CHANNELS = 16
VOICE_NAMES = re.compile(rf"(?:{'|'.join(f'{v}(?:s|es|i)?|{v[0]}' for v in VOICES)})\W*", re.I)
"""What a track of a voice is called: ``Soprano``, ``Altos``, ``B.``"""


def other_tracks(
    song: Song, given: Iterable[Part], of_the_song: frozenset[str]
) -> list[list[Timed]]:
    """The tracks beside the given parts, their events as they are.

    A track that holds a given part loses that part's channel, or is left out with it. Left out are
    tracks that only speak of the whole song, whose events (``of_the_song``, types of meta events)
    stand in the conductor's track, and, where several voices have a part of their name, those
    parts: they are written anew.
    """
    named = parts_by_name(song).values()
    voices = [part for part in named if VOICE_NAMES.fullmatch(part.name)]
    if len(voices) == 1:
        voices = []  # a band has a bass too
    gone: dict[int, set[int]] = {}
    for part in [*given, *voices]:
        gone.setdefault(part.track, set()).add(part.channel)
    found = []
    for index, track in enumerate(song.tracks):
        events = [
            event
            for event in track
            if event.message.type not in of_the_song | {"end_of_track"}
            and getattr(event.message, "channel", None) not in gone.get(index, set())
        ]
        if index in gone:  # its words are those of the given part
            events = [e for e in events if not e.message.is_meta or e.message.type == "track_name"]
        if any(not event.message.is_meta for event in events):
            found.append(events)
    return found


def free_channels(tracks: Iterable[Sequence[Timed]]) -> list[int]:
    """A channel for each voice: 0 to 3 but for those that others play on.

    Where fewer than four are free, voices share them; where none is, nothing can be helped.
    """
    taken = {getattr(event.message, "channel", None) for track in tracks for event in track}
    free = [c for c in range(CHANNELS) if c not in taken and c != DRUM_CHANNEL] or range(N_VOICES)
    return [free[voice % len(free)] for voice in range(N_VOICES)]


def on_channel(events: Iterable[Timed], channel: int) -> list[Timed]:
    """The events with those of any channel moved to one."""
    return [
        event._replace(message=event.message.copy(channel=channel))
        if hasattr(event.message, "channel")
        else event
        for event in events
    ]
