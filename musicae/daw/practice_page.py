"""The practice page: one HTML file that plays any mix of a choir's voices, without a network.

Its template, style sheet and scripts are in ``assets/practice_page/``. The file also contains the
score, the sound of each voice at each tempo, and the times of notes and bars.
"""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicae.core import assets
from musicae.core.constants import VOICE_COLOURS
from musicae.core.files import whole_file
from musicae.daw.report_page import as_json, script_hash
from musicae.io.choir import Choir
from musicae.io.midi_file import TempoMap
from musicae.io.voice_tracks import voice_of_name
from musicae.rendering import audio, engraving
from musicae.rendering.practice_mix import BEHIND, FRONT, MIDDLE, Rehearsal, mixes_of
from musicae.rendering.practice_sound import Takes

STYLE = "page.css"
SCRIPTS = ("player.js", "page.js")
"""The scripts in order: each uses those before it."""
RATE = audio.SAMPLE_RATE // 2
"""The sample rate of the sounds in the page, in frames per second."""


def write(
    path: Path, choir: Choir, score: bytes, sounds: Mapping[int, Sequence[bytes]], facts: str
) -> None:
    """Write the page completely or not at all.

    Args:
        path: the .html file.
        choir: the voices.
        score: the MusicXML of their open score.
        sounds: for each tempo, in per cent, the sound of each voice; see ``voices_for_page``.
        facts: one line about the piece.

    Raises MusicaeError if the score cannot be engraved or the file cannot be written.
    """
    pages, points = engraving.engrave_screen(score)
    style, script = _read(STYLE), "\n".join(map(_read, SCRIPTS))
    text = Template(_read("template.html")).substitute(
        title=html.escape(choir.frame.title).encode("ascii", "xmlcharrefreplace").decode(),
        style=style,
        script=script,
        script_hash=script_hash(script),
        score="\n".join(pages),
        data=as_json({**data(choir, sounds, points), "facts": facts}),
    )
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def data(
    choir: Choir,
    sounds: Mapping[int, Sequence[bytes]],
    points: Sequence[tuple[float, tuple[str, ...]]],
) -> dict[str, Any]:
    """The data for the page's scripts. Times are seconds from the first bar, at 100% tempo."""
    rehearsal = Rehearsal(choir, 100)
    tempi = TempoMap.of(rehearsal.voices())
    begin = tempi.seconds(rehearsal.lead)

    def second(tick: int) -> float:
        """The time of a tick of the file."""
        return round(float(tempi.seconds(rehearsal.shifted(tick)) - begin), 4)

    song, frame = choir.song, choir.frame
    start = song.tick(choir.offset)
    bars = []
    for index, measure in enumerate(frame.measures):
        at = song.tick(choir.offset + measure.start)
        meter = measure.meter
        beat = round(meter.steps_per_beat * song.ppq / 4)
        bars.append(
            {
                "number": index + (0 if frame.pickup else 1),
                "start": second(at),
                "end": second(song.tick(choir.offset + measure.start + measure.length)),
                "beats": round(meter.steps_per_bar / meter.steps_per_beat),
                "beat": round(float(tempi.seconds(rehearsal.shifted(at) + beat)), 4)
                - round(float(tempi.seconds(rehearsal.shifted(at))), 4),
            }
        )
    mixes = mixes_of(len(choir.singers))
    return {
        "voices": list(choir.names),
        "colours": [colour_of(name, voice) for voice, name in enumerate(choir.names)],
        "tempos": [
            {"percent": percent, "sounds": [b64encode(sound).decode() for sound in each]}
            for percent, each in sounds.items()
        ],
        "seconds": bars[-1]["end"],
        "bars": bars,
        "notes": [
            [[second(note.start), note.pitch] for note in singer.notes] for singer in choir.singers
        ],
        "points": [
            [second(start + round(quarters * song.ppq)), ids[0]] for quarters, ids in points
        ],
        "behind": BEHIND,
        "row": [_pan(place) for place in mixes[-1].places],
        "sides": [[_pan(place) for place in mix.places] for mix in mixes if mix.kind == FRONT],
    }


def colour_of(name: str, voice: int) -> str:
    """The colour of a voice: that of its name (soprano, alto, tenor or bass), else of its index."""
    called = voice_of_name(name)
    return VOICE_COLOURS[voice % len(VOICE_COLOURS) if called is None else called]


def voices_for_page(takes: Takes) -> list[bytes]:
    """Each voice as MP3, without the count-in. All together reach the peak level ``audio.PEAK``.

    Raises MusicaeError if libsndfile cannot write MP3.
    """
    voices = [sound[takes.lead :].mean(axis=1) for sound in takes.voices]
    peak = float(np.abs(np.sum(voices, axis=0)).max(initial=0))
    gain = np.float32(audio.PEAK / (peak or 1))
    return [audio.to_mp3(_halved(voice) * gain, RATE) for voice in voices]


def _halved(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """A sound at half the sample rate, low-pass filtered at a quarter of the old rate."""
    length = len(sound) - len(sound) % 2
    spectrum = np.fft.rfft(sound[:length])[: length // 4 + 1]
    return (np.fft.irfft(spectrum, length // 2) / 2).astype(np.float32)


def _pan(place: int) -> float:
    """A value of controller 10 (pan) as -1 (left) to 1 (right)."""
    return round((place - MIDDLE) / 63, 3)


def _read(name: str) -> str:
    return (assets.PRACTICE_PAGE / name).read_text(encoding="utf-8")
