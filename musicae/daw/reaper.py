"""Write a REAPER project: an arrangement as named, coloured tracks with a region per section.

A project (``.rpp``) is text: a tree of lines. This module writes only a small part of the lines
that REAPER saves; REAPER adds the rest when it opens the project. The lines are described in the
Cockos wiki, "State Chunk Definitions" (also in ReaTeam/Doc), time signatures in thread 59511 of the
Cockos forum. Times are in seconds, computed from ticks as exact fractions. Events within an item
are in ticks, which follow the project's tempo map.

REAPER has no General MIDI sounds, and a MIDI track without an instrument is silent. Each track
therefore has ReaSynth, the simple synthesizer that comes with REAPER; users replace it by a choir.
Drum tracks have none, because it would only beep. Program changes are kept for instruments that use
them. Key signatures are left out, because REAPER has no simple line for them.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import mido

from musicae.core.constants import VOICE_COLOURS, VOICES
from musicae.core.errors import MusicaeError
from musicae.core.files import whole_file
from musicae.daw.audition import Section
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import ALL_NOTES_OFF, Arrangement, TempoMap, chooses_sound, text_of
from musicae.io.midi_notes import DRUM_CHANNEL

PANS = (-0.3, -0.1, 0.1, 0.3)
"""The panning of soprano, alto, tenor and bass, from -1 (left) to 1 (right) for the audience."""
OTHER_COLOUR = "#8a8a8a"
UNSTATED_METER = (4, 4)

SQUARE = 1
"""The shape of a point in the tempo map whose tempo holds until the next point."""
SET_BOTH, PARTIAL_BAR = 1, 4
"""Flags of such a point: it sets tempo and meter; it cuts the bar before it short."""
REGION = 1
"""The flag of a marker that has an end."""
HAS_COLOUR = 0x1000000
BASE64_BYTES_A_LINE = 96

META_TEXT = {"text": 0x01, "lyrics": 0x05, "cue_marker": 0x07}
"""The meta events that are kept in tracks, with their numbers in the MIDI standard."""

REASYNTH = "VSTi: ReaSynth (Cockos)"
REASYNTH_ID = 0x72657379
"""``resy``: REAPER finds the plug-in by this number, not by its file name."""
REASYNTH_UNIQUE = "5653547265737972656173796E746800"
REASYNTH_VOLUME = 0.25
"""-12 dB, so that four voices together stay below full scale. The plug-in's default is -6 dB."""


def write(arrangement: Arrangement, sections: Sequence[Section], path: Path | str) -> None:
    """Write a project completely or not at all; see ``project``.

    Raises MusicaeError for wrong sections, or if the file cannot be written.
    """
    text = project(arrangement, sections)
    with whole_file(Path(path)) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def project(arrangement: Arrangement, sections: Sequence[Section]) -> str:
    """An arrangement as the text of a REAPER project.

    The tempos, meters and markers of the conductor track become those of the project; ``sections``
    become its regions. Each other track becomes a track with one item per section. A note that is
    held over the end of its section ends there; events outside all sections are left out. Raises
    MusicaeError if sections are empty, overlap or are out of order.
    """
    _check(sections)
    conductor, *tracks = arrangement.tracks
    clock = TempoMap(conductor, arrangement.ppq)
    meters = _meters(conductor)
    first = meters[0]
    lines = [
        '<REAPER_PROJECT 0.1 "6.0"',
        *_notes(conductor),
        "TIMELOCKMODE 1",  # moved items keep their positions in bars, not in seconds
        "TEMPOENVLOCKMODE 1",
        f"TEMPO {_number(clock.qpm(0))} {first[0]} {first[1]}",
        *_tempo_points(clock, meters),
        *_markers(conductor, clock),
        *_regions(sections, clock),
    ]
    for events in tracks:
        lines += _track(events, sections, clock)
    return "\n".join([*lines, ">", ""])


def _check(sections: Sequence[Section]) -> None:
    """Raises MusicaeError if sections are empty, overlap or are out of order."""
    for section in sections:
        if not 0 <= section.start < section.end:
            raise MusicaeError(f"section {section.name!r} of a REAPER project has no length")
    for one, following in pairwise(sections):
        if following.start < one.end:
            raise MusicaeError(
                f"section {following.name!r} of a REAPER project begins before {one.name!r} ends"
            )


def _notes(conductor: Sequence[Timed]) -> list[str]:
    """The project's notes: the title, and the hint to replace ReaSynth by a choir."""
    named = (e.message for e in conductor if e.message.type == "track_name")
    title = text_of(next(named, None))
    hint = "Each voice plays ReaSynth so that it sounds at once: put a choir in its place."
    return ["<NOTES 0 2", *(f"|{line}" for line in (title, hint) if line), ">"]


def _meters(conductor: Iterable[Timed]) -> dict[int, tuple[int, int]]:
    """The numerator and denominator of each meter, by its first tick."""
    meters = {0: UNSTATED_METER}
    for tick, message in sorted(conductor, key=lambda event: event.tick):
        if message.type == "time_signature":
            meters[tick] = (message.numerator, message.denominator)
    return meters


def _tempo_points(clock: TempoMap, meters: dict[int, tuple[int, int]]) -> Iterator[str]:
    """The tempo map: one point at each change of tempo or meter."""
    yield "<TEMPOENVEX"
    yield "ACT 1 -1"
    yield "VIS 1 0 1"
    yield f"DEFSHAPE {SQUARE} -1 -1"
    bar_line, bar = 0, Fraction(1)
    for tick in sorted({*clock.ticks, *meters}):
        point = f"PT {_number(clock.seconds(tick))} {_number(clock.qpm(tick))} {SQUARE}"
        if tick in meters:
            numerator, denominator = meters[tick]
            flags = SET_BOTH | (PARTIAL_BAR if (tick - bar_line) % bar else 0)
            bar_line, bar = tick, Fraction(4 * clock.ppq * numerator, denominator)
            point += f" {denominator << 16 | numerator} 0 {flags}"
        yield point
    yield ">"


def _markers(conductor: Iterable[Timed], clock: TempoMap) -> Iterator[str]:
    marked = [event for event in conductor if event.message.type in ("marker", "cue_marker")]
    for number, (tick, message) in enumerate(sorted(marked, key=lambda event: event.tick), 1):
        yield f"MARKER {number} {_number(clock.seconds(tick))} {_quoted(text_of(message))} 0"


def _regions(sections: Sequence[Section], clock: TempoMap) -> Iterator[str]:
    """The regions. Each has two lines with the same number, for its start and its end."""
    for number, section in enumerate(sections, 1):
        begin, end = (_number(clock.seconds(tick)) for tick in (section.start, section.end))
        yield f"MARKER {number} {begin} {_quoted(section.name)} {REGION}"
        yield f'MARKER {number} {end} "" {REGION}'


def _track(events: Sequence[Timed], sections: Sequence[Section], clock: TempoMap) -> Iterator[str]:
    events = sorted(events, key=lambda event: event.tick)
    named = (e.message for e in events if e.message.type == "track_name")
    name = text_of(next(named, None))
    voice = VOICES.index(name) if name in VOICES else None
    channels = [e.message.channel for e in events if hasattr(e.message, "channel")]
    channel = channels[0] if channels else 0
    sounds = any(e.message.type == "note_on" for e in events)
    yield "<TRACK"
    yield f"NAME {_quoted(name)}"
    yield f"PEAKCOL {_colour(OTHER_COLOUR if voice is None else VOICE_COLOURS[voice])}"
    yield f"VOLPAN 1 {0 if voice is None else PANS[voice]} -1 -1 1"
    if sounds and channel != DRUM_CHANNEL:
        yield from _reasynth()
    for section in sections:
        yield from _item(events, section, channel, clock)
    yield ">"


def _item(
    events: Sequence[Timed], section: Section, channel: int, clock: TempoMap
) -> Iterator[str]:
    begin, end = clock.seconds(section.start), clock.seconds(section.end)
    yield "<ITEM"
    yield f"POSITION {_number(begin)}"
    yield f"LENGTH {_number(end - begin)}"
    yield "LOOP 0"
    yield f"NAME {_quoted(section.name)}"
    yield "<SOURCE MIDI"
    yield f"HASDATA 1 {clock.ppq} QN"
    now = section.start
    for tick, message in [*_choice_of_sound(events, section), *_within(events, section)]:
        yield from _event(tick - now, message)
        now = tick
    yield f"E {section.end - now} {0xB0 | channel:02x} {ALL_NOTES_OFF:02x} 00"
    yield "IGNTEMPO 0 120 4 4"  # 0: follow the project's tempo map; the other numbers are unused
    yield ">"
    yield ">"


def _choice_of_sound(events: Iterable[Timed], section: Section) -> list[Timed]:
    """The bank and program that hold at a section's start, because playback may begin there."""
    chosen: dict[tuple[str, int, int], Any] = {}
    for tick, message in events:
        if tick < section.start and chooses_sound(message):
            control = getattr(message, "control", -1)
            chosen[message.type, message.channel, control] = message
    return [Timed(section.start, message) for message in chosen.values()]


def _within(events: Iterable[Timed], section: Section) -> list[Timed]:
    """The events of a section. Its notes end no later than the section."""
    found: list[Timed] = []
    sounding: list[tuple[int, int]] = []
    for event in events:
        tick, message = event
        if not section.start <= tick <= section.end:
            continue
        if message.type in ("note_on", "note_off"):
            note = (message.channel, message.note)
            if message.type == "note_on" and message.velocity > 0:
                if tick < section.end:
                    sounding.append(note)
                    found.append(event)
            elif note in sounding:
                sounding.remove(note)
                found.append(event)
        elif tick < section.end:
            found.append(event)
    return found + [Timed(section.end, _ending(*note)) for note in sounding]


def _ending(channel: int, note: int) -> Any:
    return mido.Message("note_off", channel=channel, note=note, velocity=0)


def _event(delta: int, message: Any) -> Iterator[str]:
    """The lines of a message: a short one in hexadecimal bytes, a longer one in base64."""
    if message.type == "sysex":
        yield from _long_event(delta, bytes(message.bytes()))
    elif message.type in META_TEXT:
        text = message.text.encode("latin-1")  # mido keeps a file's bytes as Latin-1
        yield from _long_event(delta, bytes([0xFF, META_TEXT[message.type]]) + text)
    elif message.is_meta:
        return
    else:
        status, *data = message.bytes()
        first, second = [*data, 0, 0][:2]
        yield f"E {delta} {status:02x} {first:02x} {second:02x}"


def _long_event(delta: int, data: bytes) -> Iterator[str]:
    yield f"<X {delta} 0"
    yield from _base64(data)
    yield ">"


def _reasynth() -> Iterator[str]:
    """An effects chain with only ReaSynth.

    As for every VST 2 plug-in, the state is a header (id, pins, size), the plug-in's own data, and
    the number of its preset. ReaSynth's data are two magic numbers and its 13 sliders.
    """
    pins = (0, 2, 1, 0, 2, 0)  # no inputs, two outputs, each to a channel of its own
    sliders = (
        *(0.006, 0.0016),  # attack, release
        *(0.0, 0.0, 0.0),  # square, saw, triangle: a sine
        REASYNTH_VOLUME,
        *(0.0666, 0.0, 0.5),  # decay, extra sine, its tuning
        *(1.0, 1.0, 0.5, 0.0),  # sustain, pulse width, tuning, portamento
    )
    state = struct.pack("<2I13f", 0xDEADBEEF, 0xDEADF00D, *sliders)
    header = struct.pack("<2I6I3I", REASYNTH_ID, 0xFEED5EEF, *pins, len(state), 0, 0x100000)
    yield "<FXCHAIN"
    yield "SHOW 0"
    yield "LASTSEL 0"
    yield "DOCKED 0"
    yield "BYPASS 0 0 0"
    yield f'<VST "{REASYNTH}" reasynth.dll 0 "" {REASYNTH_ID}<{REASYNTH_UNIQUE}> ""'
    for part in (header, state, struct.pack("<HI", 0, 0x10)):
        yield from _base64(part)
    yield ">"
    yield "WAK 0 0"
    yield ">"


def _base64(data: bytes) -> Iterator[str]:
    for begin in range(0, len(data), BASE64_BYTES_A_LINE):
        yield base64.b64encode(data[begin : begin + BASE64_BYTES_A_LINE]).decode("ascii")


def _quoted(text: str) -> str:
    """A text in quotation marks of a kind that it does not contain.

    If it contains all three kinds, backquotes in it are replaced.

    >>> print(_quoted("Ach Gott"), _quoted('in "F"'))
    "Ach Gott" 'in "F"'
    """
    line = " ".join(text.split())
    mark = next((mark for mark in "\"'`" if mark not in line), "`")
    return mark + line.replace(mark, "'") + mark


def _number(value: Fraction) -> str:
    """A number with up to 12 decimals, without trailing zeros."""
    return f"{float(value):.12f}".rstrip("0").rstrip(".")


def _colour(html: str) -> int:
    """``#rrggbb`` as REAPER writes it: red is the lowest byte."""
    red, green, blue = bytes.fromhex(html.removeprefix("#"))
    return HAS_COLOUR | blue << 16 | green << 8 | red
