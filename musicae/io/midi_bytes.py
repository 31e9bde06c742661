"""The bytes of a Standard MIDI File as tracks of messages, read as tolerantly as sequencers do.

mido makes the messages. This module reads the chunks, the delta times, and events that are no valid
messages. An event that cannot be read is left out and counted; its delta time still counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import mido
from mido.midifiles.meta import build_meta_message

from musicae.core.errors import ChoraleError

MOST_BYTES = 8 * 2**20
"""The largest MIDI file that is read, in bytes."""
MOST_EVENTS = 300_000
"""The most events of a MIDI file; they take some 300 MB of memory."""
MOST_TRACKS = 1000
NEAR = 1024
"""The header begins within so many bytes. In old Macintosh files, 128 other bytes precede it."""

HEADER, TRACK, RIFF = b"MThd", b"MTrk", b"RIFF"
META, SYSEX, SYSEX_GOES_ON = 0xFF, 0xF0, 0xF7
END_OF_TRACK, METER = 0x2F, 0x58
METER_DEFAULTS = bytes((24, 8))
"""Clocks a click and thirty-seconds a quarter, for meter events that lack them."""
SMALLEST_NOTE = 64
"""The largest denominator of a meter."""
DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
"""The number of bytes after the status byte of a channel message."""
SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
"""The number of bytes after the status byte of a system message. None of these belongs in a
file."""
REAL_TIME = 0xF8
"""The first status byte of real-time messages, which do not change the running status."""
META_NAMES = {
    0x00: "sequence number",
    0x20: "channel prefix",
    0x51: "tempo",
    0x54: "SMPTE offset",
    METER: "meter",
    0x59: "key signature",
}
"""Names of meta events in messages, by type."""
CLIPPED = "value above 127"
CUT_OFF = "is cut off before its end; export or copy it again"


class Timed(NamedTuple):
    """A message at an absolute tick."""

    tick: int
    message: Any


class Contents(NamedTuple):
    """The content of a MIDI file."""

    format: int
    division: int
    """Ticks a quarter. If negative, the high byte is minus the frames a second, the low byte the
    ticks a frame."""
    tracks: tuple[tuple[Timed, ...], ...]
    notices: tuple[str, ...]
    """Sentences about what was left out."""


class _CutError(Exception):
    """The data ended within an event."""


def parse(data: bytes) -> Contents:
    """Read a MIDI file of any format, also one inside a RIFF file.

    Chunk lengths say where tracks begin; if a length is wrong, the next ``MTrk`` does. A track ends
    at its end-of-track event. Raises ChoraleError if the bytes are no MIDI file, or if the file is
    cut off, damaged or too long.
    """
    if len(data) > MOST_BYTES:
        raise ChoraleError(
            f"is larger than {MOST_BYTES / 2**20:g} MiB, the largest MIDI file that is read"
        )
    start = data.find(HEADER, 0, None if data.startswith(RIFF) else NEAR)
    if start < 0:
        raise ChoraleError("is not a MIDI file")
    if data.startswith(RIFF):  # the RIFF chunk states the length of the MIDI file, or 0
        size = int.from_bytes(data[start - 4 : start], "little")
        data = data[: start + size] if size else data
    if len(data) < start + 14:
        raise ChoraleError(CUT_OFF)
    length = int.from_bytes(data[start + 4 : start + 8], "big")
    form, count, division = (
        int.from_bytes(data[at : at + 2], "big", signed=at == start + 12)
        for at in range(start + 8, start + 14, 2)
    )
    left_out: Counter[str] = Counter()
    begin = start + 8 + max(6, length)
    tracks = tuple(_tracks(data, begin if _is_chunk(data, begin) else start + 14, left_out))
    if count and not tracks:
        raise ChoraleError(CUT_OFF)
    return Contents(form, division, tracks, _notices(left_out))


def in_riff(content: bytes) -> bytes:
    """Put a MIDI file inside a RIFF file (``.rmi``)."""
    padded = content + bytes(len(content) % 2)
    sizes = [size.to_bytes(4, "little") for size in (len(padded) + 12, len(content))]
    return RIFF + sizes[0] + b"RMIDdata" + sizes[1] + padded


def _notices(left_out: Counter[str]) -> tuple[str, ...]:
    """Sentences about what was left out or changed, if anything was."""
    counts = [
        f"{count} {name}{'s' * (count > 1)}" for name, count in left_out.items() if name != CLIPPED
    ]
    notices = [f"what cannot be read is left out: {', '.join(counts)}"] if counts else []
    if left_out[CLIPPED]:
        have = "1 event has" if left_out[CLIPPED] == 1 else f"{left_out[CLIPPED]} events have"
        notices.append(f"{have} values above 127; they are read as 127")
    return tuple(notices)


def _tracks(data: bytes, at: int, left_out: Counter[str]) -> Iterator[tuple[Timed, ...]]:
    """The tracks that begin at or after the byte ``at``, in order."""
    events = number = 0
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        begin, stated = at + 8, at + 8 + length
        if name != TRACK:
            if not _is_chunk(data, stated):
                stated = _next_track(data, at + 1)
                left_out["stray byte"] += stated - at
            else:
                left_out["foreign chunk"] += 1
            at = stated
            continue
        number += 1
        if number > MOST_TRACKS:
            raise ChoraleError(f"has more than {MOST_TRACKS:,} tracks; is it damaged?")
        stop = stated if _is_chunk(data, stated) else _next_track(data, begin)
        try:
            track, end, has_end = _track(data, begin, stop, stated, left_out)
        except ChoraleError as error:
            raise ChoraleError(f"its track {number} {error}") from None
        events += len(track)
        if events > MOST_EVENTS:
            raise ChoraleError(
                f"has more than {MOST_EVENTS:,} events; give a file with fewer tracks or bars"
            )
        yield track
        at = end
        if has_end and not data.startswith(TRACK, end):
            at = stop
            if stop > end:
                left_out["stray byte"] += stop - end
    if at < len(data):
        left_out["stray byte"] += len(data) - at


def _is_chunk(data: bytes, at: int) -> bool:
    """Whether a chunk begins at a byte, or the data end there."""
    name = data[at : at + 4]
    return at == len(data) or (len(name) == 4 and name.isalpha() and name.isascii())


def _next_track(data: bytes, at: int) -> int:
    """The byte at which the next track begins, or else the end of the data."""
    found = data.find(TRACK, at)
    return len(data) if found < 0 else found


def _track(
    data: bytes, begin: int, stop: int, stated: int, left_out: Counter[str]
) -> tuple[tuple[Timed, ...], int, bool]:
    """The events of a track, the byte after the last one, and whether it has an end-of-track event.

    ``stop`` is the latest byte at which the track may end. ``stated`` is the end by its stated
    length; if it comes before ``stop``, the bytes between them may be no events. Raises
    ChoraleError if an event is cut off or cannot belong to a track.
    """
    found: Counter[str] = Counter()
    try:
        events, end, has_end = _events(data, begin, stop, found)
    except ChoraleError:
        if not begin < stated < stop:
            raise
        found.clear()
        try:
            events, end, has_end = _events(data, begin, stated, found)
        except ChoraleError:
            events = ()
        if not events:
            raise
    if not has_end and stated > len(data) == stop:
        raise ChoraleError(CUT_OFF)
    left_out.update(found)
    return events, end, has_end


def _events(
    data: bytes, at: int, stop: int, left_out: Counter[str]
) -> tuple[tuple[Timed, ...], int, bool]:
    """The events from the byte ``at`` to ``stop`` at most; returns the values of ``_track``."""
    events: list[Timed] = []
    tick, running = 0, None
    try:
        while at < stop:
            delta, at = _variable(data, at, stop)
            tick += delta
            status = data[at] if at < stop else _cut()
            if status >= 0x80:
                at += 1
            elif running is None:
                raise ChoraleError(f"is damaged at byte {at}; export or copy the file again")
            if status == META:
                kind = data[at] if at < stop else _cut()
                content, at = _sized(data, at + 1, stop)
                if kind == END_OF_TRACK:
                    events.append(Timed(tick, mido.MetaMessage("end_of_track")))
                    return tuple(events), at, True
                message = _meta(kind, content, left_out)
            elif status in (SYSEX, SYSEX_GOES_ON):
                content, at = _sized(data, at, stop)
                message = _sysex(status, content, left_out)
            elif status > SYSEX:
                at += SYSTEM_DATA_BYTES.get(status, 0)
                left_out["system message"] += 1
                running, message = running if status >= REAL_TIME else None, None
            else:
                running = status if status >= 0x80 else running
                message, at = _channel_message(data, running or 0, at, stop, left_out)
            if message is not None:
                events.append(Timed(tick, message))
    except _CutError:
        if stop < len(data):
            raise ChoraleError(
                "is damaged: it ends within an event; export or copy the file again"
            ) from None
        raise ChoraleError(CUT_OFF) from None
    return tuple(events), at, False


def _cut() -> int:
    raise _CutError


def _variable(data: bytes, at: int, stop: int) -> tuple[int, int]:
    """A number of variable length, at most four bytes, and the byte after it."""
    value = 0
    for place in range(at, min(at + 4, stop)):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    if stop - at >= 4:
        raise ChoraleError(
            f"is damaged at byte {at} (a number of more than 4 bytes); export or copy the file"
            " again"
        )
    raise _CutError


def _sized(data: bytes, at: int, stop: int) -> tuple[bytes, int]:
    """The bytes whose number is written before them, and the byte after them."""
    length, at = _variable(data, at, stop)
    if at + length > stop:
        raise _CutError
    return data[at : at + length], at + length


def _channel_message(
    data: bytes, status: int, at: int, stop: int, left_out: Counter[str]
) -> tuple[Any, int]:
    """The channel message with data bytes from ``at`` on, and the byte after it."""
    end = at + DATA_BYTES[status & 0xF0]
    if end > stop:
        raise _CutError
    values = data[at:end]
    if max(values) > 0x7F:
        left_out[CLIPPED] += 1
        values = bytes(min(value, 0x7F) for value in values)
    return mido.Message.from_bytes((status, *values)), end


def _sysex(status: int, content: bytes, left_out: Counter[str]) -> Any:
    """A complete system exclusive message; None for one in pieces."""
    body = content[:-1]
    if status == SYSEX and content.endswith(b"\xf7") and body.isascii():
        return mido.Message("sysex", data=body)
    left_out["incomplete system exclusive message"] += 1
    return None


def _meta(kind: int, content: bytes, left_out: Counter[str]) -> Any:
    """A meta event; None if it cannot be read or makes no sense, such as a meter of 0/4."""
    if kind == METER and len(content) in (2, 3):
        content += METER_DEFAULTS[len(content) - 2 :]
    try:
        message = build_meta_message(kind, content)
        if _makes_sense(message):
            return message
    except Exception:  # mido raises whatever its decoders meet
        pass
    left_out[META_NAMES.get(kind, "meta event")] += 1
    return None


def _makes_sense(message: Any) -> bool:
    """Whether a meta event has values that other programs accept."""
    if message.type == "set_tempo":
        return bool(message.tempo > 0)
    if message.type == "time_signature":
        return bool(message.numerator > 0 and message.denominator <= SMALLEST_NOTE)
    return not (message.type == "channel_prefix" and message.channel > 0xF)
