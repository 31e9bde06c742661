"""The notes of a MIDI track: which event ends which note, and which channels are one part."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import mido

from musicae.core.constants import N_VOICES
from musicae.io.midi_bytes import Timed

DRUM_CHANNEL = 9
SUSTAIN = 64
"""The controller of the sustain pedal."""
PEDAL_DOWN = 64
"""The lowest value of a pressed pedal."""
CHORD_SPREAD = 8
"""Notes begin together if they begin within a quarter divided by this: a thirty-second."""
TOGETHER = 4
"""Channels take turns if less than one in this many of their notes begins with another's."""
GUITARS = range(24, 32)
"""General MIDI programs, from 0, of guitars, which may have a channel for each string."""


class MidiNote(NamedTuple):
    """A note in ticks, with the events of its track that begin and end it."""

    start: int
    end: int
    """The tick of ``off``, or the earlier tick at which the same pitch is struck again."""
    pitch: int
    on: int
    """The index of the event that begins it."""
    off: int
    """The index of the event that ends it."""
    sounds_until: int
    """The tick at which it falls silent: its end or, if the pedal is down, the pedal's release."""


@dataclass(frozen=True)
class Part:
    """The notes of one channel, or of several channels that form one instrument, in one track."""

    track: int
    channels: frozenset[int]
    name: str
    notes: tuple[MidiNote, ...]

    @property
    def mean_pitch(self) -> float:
        """The mean MIDI pitch of its notes."""
        return sum(note.pitch for note in self.notes) / len(self.notes)


def channel_groups(track: Sequence[Timed], ppq: int, form: int) -> list[frozenset[int]]:
    """The channels with notes in a track, grouped into parts, in order of their lowest channel.

    Channels form one part in these cases:

    - All have the same programs, or none, and there are more than four, as in an MPE keyboard's.
    - All have a guitar's program, one channel for each string.
    - They take turns, in a file of format 1 (``form``).

    The channel of the drums is a part of its own.
    """
    onsets: dict[int, list[int]] = defaultdict(list)
    programs: dict[int, set[int]] = defaultdict(set)
    for tick, message in track:
        if message.type == "note_on" and message.velocity > 0:
            onsets[message.channel].append(tick)
        elif message.type == "program_change":
            programs[message.channel].add(message.program)
    pitched = sorted(onsets.keys() - {DRUM_CHANNEL})
    chosen = {frozenset(programs[channel]) for channel in pitched}
    alike = len(chosen) == 1 and (len(pitched) > N_VOICES or set() < {*min(chosen)} <= {*GUITARS})
    groups: list[tuple[set[int], list[int]]] = []
    for channel in pitched:
        for members, begun in groups:
            turns = form == 1 and _take_turns(begun, onsets[channel], ppq // CHORD_SPREAD)
            if alike or turns:
                members.add(channel)
                begun[:] = sorted([*begun, *onsets[channel]])
                break
        else:
            groups.append(({channel}, onsets[channel]))
    drums = [{DRUM_CHANNEL}] if DRUM_CHANNEL in onsets else []
    return sorted(map(frozenset, [*(members for members, _ in groups), *drums]), key=min)


def with_ends(
    track: Sequence[Timed], groups: Iterable[frozenset[int]]
) -> tuple[tuple[Timed, ...], list[Timed]]:
    """The track with an end for every note, and the ends that were added.

    A note without an end lasts until the next note of its part (one of ``groups``) begins; the last
    one lasts to the end of the track.
    """
    hanging = _unended(track)
    if not hanging:
        return tuple(track), []
    last = track[-1].tick
    added: list[Timed] = []
    for group in groups:
        begins = sorted(
            {
                event.tick
                for event in track
                if event.message.type == "note_on"
                and event.message.velocity > 0
                and event.message.channel in group
            }
        )
        for tick, message in (track[on] for on in hanging if track[on].message.channel in group):
            following = bisect_right(begins, tick)
            end = begins[following] if following < len(begins) else max(last, tick + 1)
            off = mido.Message("note_off", channel=message.channel, note=message.note, velocity=0)
            added.append(Timed(end, off))
    # Sorting is stable: at one tick, notes end before others begin.
    return tuple(sorted([*added, *track], key=lambda event: event.tick)), added


def notes_of(track: Sequence[Timed], channels: frozenset[int]) -> tuple[MidiNote, ...]:
    """The notes of some channels of a track, in order; every note of the track has an end.

    An end belongs to the earliest note of its pitch that is still on. A note also ends when its
    pitch is struck again.
    """
    begun: dict[tuple[int, int], deque[int]] = defaultdict(deque)
    pairs: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    pedals: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for index, (tick, message) in enumerate(track):
        if getattr(message, "channel", None) not in channels or message.is_meta:
            continue
        if message.type in ("note_on", "note_off"):
            key = (message.channel, message.note)
            if message.type == "note_on" and message.velocity > 0:
                begun[key].append(index)
            elif begun[key]:
                pairs[key].append((begun[key].popleft(), index))
        elif message.is_cc(SUSTAIN):
            pedals[message.channel].append((tick, message.value >= PEDAL_DOWN))
    last = track[-1].tick if track else 0
    releases = {channel: _Pedal(changes, last) for channel, changes in pedals.items()}
    notes = []
    for (channel, pitch), found in pairs.items():
        for (on, off), following in zip(found, [*found[1:], None], strict=True):
            start, end = track[on].tick, track[off].tick
            if following and start < track[following[0]].tick < end:
                end = track[following[0]].tick
            pedal = releases.get(channel)
            until = pedal.released(end) if pedal else end
            notes.append(MidiNote(start, end, pitch, on, off, until))
    return tuple(sorted(notes, key=lambda note: (note.start, note.on)))


class _Pedal:
    """The sustain pedal of a channel."""

    def __init__(self, changes: Sequence[tuple[int, bool]], last: int) -> None:
        self.ticks = [tick for tick, _ in changes]
        self.down = [down for _, down in changes]
        self.last = last
        self.releases = [
            tick for (_, before), (tick, after) in pairwise(changes) if before and not after
        ]

    def released(self, end: int) -> int:
        """The tick at which a note that ends at ``end`` falls silent."""
        index = bisect_right(self.ticks, end) - 1
        if index < 0 or not self.down[index]:
            return end
        following = bisect_right(self.releases, end)
        return self.releases[following] if following < len(self.releases) else max(self.last, end)


def _take_turns(some: Sequence[int], others: Sequence[int], spread: int) -> bool:
    """Whether two channels, given by their sorted onsets, seldom begin notes together.

    Less than one in ``TOGETHER`` onsets of the channel with fewer notes is within ``spread`` ticks
    of an onset of the other.
    """
    fewer, more = sorted((some, others), key=len)
    together = 0
    for tick in fewer:
        nearest = bisect_left(more, tick - spread)
        together += nearest < len(more) and more[nearest] <= tick + spread
    return together * TOGETHER < len(fewer)


def _unended(track: Sequence[Timed]) -> list[int]:
    """The indices of events that begin a note without an end.

    Here, an end belongs to the latest note of its pitch that is still on, so that the note that
    lost its end is found among those of one pitch.
    """
    open_notes: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, (_, message) in enumerate(track):
        if message.type not in ("note_on", "note_off"):
            continue
        begun = open_notes[message.channel, message.note]
        if message.type == "note_on" and message.velocity > 0:
            begun.append(index)
        elif begun:
            begun.pop()
    return [index for begun in open_notes.values() for index in begun]
