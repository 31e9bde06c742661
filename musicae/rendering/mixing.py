"""Mix an arrangement for the synthesizer: pan the voices from left to right, set their volume."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import mido
import numpy as np

from musicae.core.constants import VOICES
from musicae.core.errors import MusicaeError
from musicae.io.general_midi import CHOIR_AAHS
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import ALL_NOTES_OFF, Arrangement, TempoMap, chooses_sound, text_of
from musicae.io.midi_notes import DRUM_CHANNEL, SUSTAIN
from musicae.io.voice_tracks import voice_of_name

TAIL = 2.5
"""The longest time, in seconds, for which notes and reverb sound after the end."""

LONGEST_TAIL = 2**27
"""The longest tail in ticks, so that a file can hold it."""

VOLUME, PAN, REVERB = 7, 10, 91
"""The numbers of MIDI controllers."""
STAGE = (34, 54, 74, 94)
"""The pan of soprano, alto, tenor and bass: 0 is left, 64 the middle, 127 right."""
ROOM = 48
"""The reverb of each channel, 0 to 127."""
UNSTATED_VOLUME, LOUDEST = 100, 127


def staged(
    arrangement: Arrangement, program: int | None = None, loudest: int = LOUDEST
) -> Arrangement:
    """The arrangement for the synthesizer, with pan, reverb, sounds and volumes.

    Several voices are panned from left to right. A channel with its own pan or reverb keeps it.
    Voices have the sound ``program``, 0 to 127; by default that of their track, or a choir if it
    has none. All volumes are scaled so that the highest is ``loudest``. At the end all notes are
    released, and ``TAIL`` seconds follow. Raises MusicaeError for a program out of range.
    """
    if program is not None and not 0 <= program <= 127:
        raise MusicaeError(f"a MIDI program is 0 to 127, not {program}")
    channels = channels_of(arrangement)
    singers = {n for n, channel in channels.items() if channel.voices}
    if not singers:  # without a choir, ``program`` is for all channels but the drums
        singers = channels.keys() - {DRUM_CHANNEL} if program is not None else set()
    several = sum(len(channel.voices) for channel in channels.values()) > 1
    recast = singers if program is not None else set()
    louder = loudest / max([1, *(channel.highest_volume for channel in channels.values())])
    first = []
    for number, channel in channels.items():
        settings = {VOLUME: round(min(LOUDEST, UNSTATED_VOLUME * louder))}
        if several and channel.voices and PAN not in channel.controls:
            settings[PAN] = round(sum(STAGE[v] for v in channel.voices) / len(channel.voices))
        if number != DRUM_CHANNEL and REVERB not in channel.controls:
            settings[REVERB] = ROOM
        first += [_control(0, number, control, value) for control, value in settings.items()]
        if number in recast or (number in singers and not channel.has_program):
            chosen = CHOIR_AAHS if program is None else program
            message = mido.Message("program_change", channel=number, program=chosen)
            first.append(Timed(0, message))
        first += [
            _control(arrangement.end, number, control, 0) for control in (SUSTAIN, ALL_NOTES_OFF)
        ]
    tracks = [
        [_with_volume(event, louder) for event in track if _is_kept(event, recast)]
        for track in arrangement.tracks
    ]
    return Arrangement([first, *tracks], arrangement.ppq, _end_of_tail(arrangement))


def one_track(stage: Arrangement, track: int) -> Arrangement:
    """A staged arrangement in which only one track sounds."""
    tracks = [
        [e for e in events if index == track or e.message.type not in ("note_on", "note_off")]
        for index, events in enumerate(stage.tracks)
    ]
    return stage._replace(tracks=tracks)


@dataclass
class Channel:
    """The notes and controls of a channel, from all tracks."""

    voices: list[int] = field(default_factory=list)
    """The numbers of the chorale's voices whose notes are on this channel."""
    first_note: int | None = None
    has_program: bool = False
    controls: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """For each controller its ticks and values."""

    @property
    def highest_volume(self) -> int:
        volumes = self.controls.get(VOLUME, [])
        states = any(tick <= (self.first_note or 0) for tick, _ in volumes)
        return max([value for _, value in volumes] + [UNSTATED_VOLUME] * (not states))


def channels_of(arrangement: Arrangement) -> dict[int, Channel]:
    """The channels with notes, by number."""
    channels: dict[int, Channel] = defaultdict(Channel)
    for event in (event for track in arrangement.tracks for event in track):
        message = event.message
        if message.type == "note_on" and message.velocity:
            channel = channels[message.channel]
            first = channel.first_note
            channel.first_note = event.tick if first is None else min(first, event.tick)
        elif message.type == "control_change":
            values = channels[message.channel].controls[message.control]
            values.append((event.tick, message.value))
        elif message.type == "program_change":
            channels[message.channel].has_program = True
    for voice, number in _voices(arrangement):
        channels[number].voices.append(voice)
    sounding = {n: channel for n, channel in channels.items() if channel.first_note is not None}
    return dict(sorted(sounding.items()))


def _voices(arrangement: Arrangement) -> list[tuple[int, int]]:
    """The voices and their channels: by the names of tracks, else by pitch if there are 1 or 4."""
    pitches: dict[tuple[int, int], list[int]] = defaultdict(list)
    names: dict[int, str] = {}
    for index, track in enumerate(arrangement.tracks):
        for _, message in track:
            if message.type == "track_name":
                names.setdefault(index, text_of(message).lower())
            elif message.type == "note_on" and message.velocity and message.channel != DRUM_CHANNEL:
                pitches[index, message.channel].append(message.note)
    named = []
    for voice, name in enumerate(name.lower() for name in VOICES):
        found = [part for part in pitches if voice_of_name(names.get(part[0], "")) == voice]
        exact = [part for part in found if names[part[0]] == name]
        named += [(voice, channel) for _, channel in exact[:1] or found]
    if named or len(pitches) not in (1, len(VOICES)):
        return named
    from_the_top = sorted(pitches, key=lambda part: -np.mean(pitches[part]))
    return [(voice, channel) for voice, (_, channel) in enumerate(from_the_top)]


def _is_kept(event: Timed, recast: Iterable[int]) -> bool:
    """Whether the synthesizer gets an event: notes, controllers, tempi, and sounds of channels that
    are not in ``recast``."""
    message = event.message
    if not hasattr(message, "channel"):
        return bool(message.type == "set_tempo")
    return not (chooses_sound(message) and message.channel in recast)


def _with_volume(event: Timed, louder: float) -> Timed:
    message = event.message
    if message.type != "control_change" or message.control != VOLUME:
        return event
    return Timed(event.tick, message.copy(value=min(LOUDEST, round(message.value * louder))))


def _control(tick: int, channel: int, control: int, value: int) -> Timed:
    message = mido.Message("control_change", channel=channel, control=control, value=value)
    return Timed(tick, message)


def _end_of_tail(arrangement: Arrangement) -> int:
    """The tick ``TAIL`` seconds after the end, at the last tempo."""
    tempo = TempoMap.of(arrangement).qpm(arrangement.end)
    quarters = TAIL * float(tempo) / 60
    return arrangement.end + min(round(quarters * arrangement.ppq), LONGEST_TAIL) + 1
