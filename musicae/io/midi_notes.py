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
"""A controller."""
PEDAL_DOWN = 64
CHORD_SPREAD = 8
"""Notes that begin within a quarter divided by this (a thirty-second) begin together."""
TOGETHER = 4
"""Channels take turns where less than one in this many of their notes begin together."""
GUITARS = range(24, 32)
"""General MIDI programs, from 0, of instruments that have a channel for each string."""


class MidiNote(NamedTuple):
    """A note in ticks, and which events of its track begin and end it."""

    start: int
    end: int
    """The tick of ``off``, or where the same pitch is struck again before."""
    pitch: int
    on: int
    off: int
    sounds_until: int
    """Where it falls silent: its end or, where it is pedalled, the pedal's release."""


@dataclass(frozen=True)
class Part:
    """What one channel, or several that take turns, play in one track."""

    track: int
    channels: frozenset[int]
    name: str
    notes: tuple[MidiNote, ...]

    @property
    def mean_pitch(self) -> float:
        return sum(note.pitch for note in self.notes) / len(self.notes)


def channel_groups(track: Sequence[Timed], ppq: int, form: int) -> list[frozenset[int]]:
    """The channels with notes in a track, grouped into parts, in the order of their lowest.

    One instrument is one part: where all channels have the same programs, or none, and there are
    more of them than a choir has voices (an MPE keyboard's), or where they are a guitar's strings.
    In a file of format 1 (``form``) so are channels that take turns. The drums' channel stands
    alone.
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
    """The track with an end for each note that has none, and the ends that were added.

    A note without an end lasts until the next one begins in its part (one of ``groups``), the last
    to the end of the track.
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
    # Sorting is stable, so that a note ends before another begins at the same tick.
    return tuple(sorted([*added, *track], key=lambda event: event.tick)), added


def notes_of(track: Sequence[Timed], channels: frozenset[int]) -> tuple[MidiNote, ...]:
    """The notes of some channels of a track in which each note has its end, in order.

    The first begun of a pitch is the first ended; a note is over where its pitch is struck again.
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
    """The sustain pedal of a channel: when what ends while it is down falls silent."""

    def __init__(self, changes: Sequence[tuple[int, bool]], last: int) -> None:
        self.ticks = [tick for tick, _ in changes]
        self.down = [down for _, down in changes]
        self.last = last
        self.releases = [
            tick for (_, before), (tick, after) in pairwise(changes) if before and not after
        ]

    def released(self, end: int) -> int:
        """When a note that ends there falls silent."""
        index = bisect_right(self.ticks, end) - 1
        if index < 0 or not self.down[index]:
            return end
        following = bisect_right(self.releases, end)
        return self.releases[following] if following < len(self.releases) else max(self.last, end)


def _take_turns(some: Sequence[int], others: Sequence[int], spread: int) -> bool:
    """Whether few notes of the smaller of two sorted sets of onsets begin with one of the other."""
    fewer, more = sorted((some, others), key=len)
    together = 0
    for tick in fewer:
        nearest = bisect_left(more, tick - spread)
        together += nearest < len(more) and more[nearest] <= tick + spread
    return together * TOGETHER < len(fewer)


def _unended(track: Sequence[Timed]) -> list[int]:
    """Which events begin notes that nothing ends.

    An end belongs to the latest note of its pitch that is still open, so that of the notes of one
    pitch the one that has lost its end is found.
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
