"""Join alternatives one after another in one MIDI file, and split each into its voices (stems)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import mido

from musicae.core.constants import VOICES
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import UNSTATED_TEMPO, Arrangement, raw_text

UNSTATED = (
    mido.MetaMessage("set_tempo", tempo=UNSTATED_TEMPO),
    mido.MetaMessage("time_signature", numerator=4, denominator=4),
)
"""The tempo and the meter of a file that states none, by the MIDI standard."""
NAMES = ("track_name", "instrument_name")
"""Meta events that a track has once, not once per alternative."""
_AT_REST = {7: 100, 8: 64, 10: 64, 11: 127}
"""The default values of controllers whose default is not 0."""


class Section(NamedTuple):
    """A named range of an arrangement, from ``start`` to ``end`` in ticks."""

    name: str
    start: int
    end: int


def end_to_end(
    arrangements: Sequence[Arrangement], names: Sequence[str]
) -> tuple[Arrangement, list[Section]]:
    """Join arrangements with a marker at the start of each; return the result and its sections.

    All must have the same resolution and tracks, as alternatives of one melody do. Each begins at a
    bar line, after a bar of silence, with the tempo, meter, sounds and controller values that it
    would have alone.
    """
    joined: list[list[Timed]] = [[] for _ in arrangements[0].tracks]
    sections: list[Section] = []
    start = 0
    for arrangement, name in zip(arrangements, names, strict=True):
        conductor, *tracks = arrangement.tracks
        marker = mido.MetaMessage("marker", text=raw_text(name))
        opening = [Timed(0, marker), *_unstated(conductor)]
        for track, events in zip_longest(joined, [[*opening, *conductor], *tracks]):
            again = NAMES if start else ()
            back = _back_to_rest(events) if start else []
            track += [
                event._replace(tick=event.tick + start)
                for event in [*back, *events]
                if event.message.type not in again
            ]
        end = start + arrangement.end
        sections.append(Section(name, start, end))
        start = end + _bar_at_end(arrangement)
    return Arrangement(joined, arrangements[0].ppq, sections[-1].end), sections


def stems(arrangement: Arrangement) -> dict[str, Arrangement]:
    """One arrangement per voice, by the voice's name: the conductor track and the voice's track."""
    conductor, *tracks = arrangement.tracks
    return {
        name: arrangement._replace(tracks=[conductor, track])
        for name, track in zip(VOICES, tracks, strict=False)
    }


def _unstated(conductor: Sequence[Timed]) -> list[Timed]:
    """The default tempo and meter, unless the conductor states them at tick 0."""
    stated = {event.message.type for event in conductor if event.tick == 0}
    return [Timed(0, message) for message in UNSTATED if message.type not in stated]


def _back_to_rest(events: Sequence[Timed]) -> list[Timed]:
    """Messages at tick 0 that reset the controllers, bends and pressures that a track uses."""
    moved: dict[tuple[Any, ...], Any] = {}
    for message in (event.message for event in events):
        if message.type == "control_change":
            value = _AT_REST.get(message.control, 0)
            moved[message.channel, message.control] = message.copy(value=value)
        elif message.type == "pitchwheel":
            moved[message.channel, message.type] = message.copy(pitch=0)
        elif message.type == "aftertouch":
            moved[message.channel, message.type] = message.copy(value=0)
    return [Timed(0, message) for message in moved.values()]


def _bar_at_end(arrangement: Arrangement) -> int:
    """The length of a bar, in ticks, in the arrangement's last meter."""
    bar = 4 * arrangement.ppq
    for event in sorted(arrangement.tracks[0], key=lambda e: e.tick):
        if event.message.type == "time_signature":
            bar = max(1, 4 * arrangement.ppq * event.message.numerator // event.message.denominator)
    return bar
