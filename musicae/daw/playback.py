"""Play an arrangement to a MIDI output: a synthesizer, a keyboard or a DAW.

Ports are reached through mido and, by default, python-rtmidi (the extra ``ports``).
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mido

from musicae.core.errors import MusicaeError
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import ALL_NOTES_OFF, Arrangement, TempoMap
from musicae.io.midi_notes import SUSTAIN

PORT_FAULTS = (OSError, RuntimeError, ValueError)
"""The errors that python-rtmidi and mido raise."""
LOOPBACK = "midi through"
"""A part of the name of ALSA's loopback port, which is not connected to an instrument."""
HOW_TO_GET_A_PORT = {
    "darwin": "open Audio MIDI Setup, Window > Show MIDI Studio, double-click IAC Driver and tick"
    " 'Device is online'; then choose it as an input in your DAW",
    "win32": "Windows has the 'Microsoft GS Wavetable Synth' of its own; for a DAW, install"
    " loopMIDI and add a port in it",
    "linux": "start a synthesizer such as qsynth or 'fluidsynth -a pulseaudio -m alsa_seq', or"
    " 'sudo modprobe snd-virmidi' for a port that your DAW can read",
}
"""Advice by ``sys.platform``."""


def play(
    arrangement: Arrangement,
    port: str | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Send an arrangement to a MIDI output in real time, and return at its end.

    ``port`` is the number of a port in ``ports()``, counted from 1, or a part of its name; by
    default the first port that is connected to an instrument. At the end, and after an error or
    Ctrl-C, all notes are ended and the port is closed. ``clock`` returns the time and ``sleep``
    waits, both in seconds. Raises MusicaeError if there is no such port or it is lost.
    """
    name = choose_port(ports(), port)
    tempo_map = TempoMap.of(arrangement)
    try:
        with _backend().open_output(name) as output, _silenced(output) as send:
            start = clock()

            def wait_for(tick: int) -> None:
                # Measured from the beginning each time, so that delays do not add up.
                remaining = start + float(tempo_map.seconds(tick)) - clock()
                if remaining > 0:
                    sleep(remaining)

            for tick, message in _events(arrangement):
                wait_for(tick)
                send(message)
            wait_for(arrangement.end)
    except PORT_FAULTS as error:
        raise MusicaeError(
            f"the MIDI port {name!r} cannot be played to ({error}); is another program using it?"
        ) from None


def ports() -> list[str]:
    """The names of the MIDI outputs of this computer; empty if it has no MIDI system.

    Raises MusicaeError if python-rtmidi is missing.
    """
    backend = _backend()
    try:
        return list(backend.get_output_names())
    except PORT_FAULTS:  # Linux without ALSA's sequencer
        return []


def choose_port(names: Sequence[str], wanted: str | None = None) -> str:
    """Find a port by its number from 1, its name or a part of its name.

    Raises MusicaeError if none or several match.
    """
    if wanted is None:
        leading = [name for name in names if LOOPBACK not in name.lower()]
        if leading:
            return leading[0]
        raise MusicaeError(f"there is no MIDI port to play to: {_how_to_get_a_port()}")
    if wanted.isdecimal():
        found = [name for number, name in enumerate(names, 1) if number == int(wanted)]
    else:
        found = [name for name in names if wanted.lower() in name.lower()]
    exact = [name for name in found if name.lower() == wanted.lower()]
    found = exact[:1] or found
    if len(found) == 1:
        return found[0]
    if not names:
        raise MusicaeError(f"no MIDI port is {wanted!r}, nor is there any: {_how_to_get_a_port()}")
    listed = ", ".join(f"{number} {name!r}" for number, name in enumerate(names, 1))
    fault = f"{len(found)} MIDI ports match" if found else "no MIDI port is"
    raise MusicaeError(f"{fault} {wanted!r}; choose one of {listed}")


def _backend() -> Any:
    """mido with python-rtmidi loaded. Raises MusicaeError if that is missing."""
    try:
        mido.backend.load()
    except ImportError:
        raise MusicaeError(
            "playing to MIDI ports needs python-rtmidi: pip install 'musicae[ports]'"
        ) from None
    return mido


def _events(arrangement: Arrangement) -> list[Timed]:
    """All messages for the port, by tick; at one tick, in the order of their tracks."""
    events = [e for track in arrangement.tracks for e in track if not e.message.is_meta]
    return sorted(events, key=lambda event: event.tick)


@contextlib.contextmanager
def _silenced(output: Any) -> Iterator[Callable[[Any], None]]:
    """Yield a function that sends messages; at the end, end all notes that still sound.

    Notes are ended one by one, because some instruments ignore ``all notes off``.
    """
    sounding: set[tuple[int, int]] = set()
    channels: set[int] = set()

    def send(message: Any) -> None:
        if message.type == "note_on" and message.velocity:
            sounding.add((message.channel, message.note))
        elif message.type in ("note_on", "note_off"):
            sounding.discard((message.channel, message.note))
        if hasattr(message, "channel"):
            channels.add(message.channel)
        output.send(message)

    try:
        yield send
    finally:
        with contextlib.suppress(*PORT_FAULTS):  # a lost port is silent
            for channel, pitch in sorted(sounding):
                output.send(mido.Message("note_off", channel=channel, note=pitch))
            for channel in sorted(channels):
                for control in (SUSTAIN, ALL_NOTES_OFF):
                    output.send(mido.Message("control_change", channel=channel, control=control))


def _how_to_get_a_port() -> str:
    return HOW_TO_GET_A_PORT.get(sys.platform, HOW_TO_GET_A_PORT["linux"])
