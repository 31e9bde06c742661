"""Files with two to four parts that are not S A T B, such as SAB, SSA, TTBB or two-part songs.

The parts, from the highest to the lowest, take the places of a chorale's voices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from musicae.core.constants import BASS, N_VOICES, SOPRANO
from musicae.core.errors import ChoraleError
from musicae.io.melody_part import ACCOMPANIMENT_NAMES, own_name, plain_name
from musicae.io.midi_file import Song
from musicae.io.midi_notes import Part
from musicae.io.score_song import ScoreSong
from musicae.io.voice_tracks import labels, parts_together, voice_of_name, voices_of


class Ensemble(NamedTuple):
    """The parts of a file that is not S A T B, in the places of a chorale's voices."""

    voices: dict[int, Part]
    """The part in each voice's place. The highest is the soprano, the lowest the bass."""
    names: tuple[str, ...]
    """The file's name for each of the four voices; empty if there is no part for it."""
    notices: tuple[str, ...]
    """Sentences about which parts are read, and which are not."""


def ensemble_of(song: Song) -> Ensemble | None:
    """The ensemble of a song with two to four parts; None if it is S A T B, or has fewer or more.

    The parts are ordered by their mean pitch. Parts with names of accompanying instruments are left
    out if at least two others remain. Raises ChoraleError if a part is on several staves.
    """
    parts = parts_together(song)
    if _is_satb(song):
        return None
    sung = [part for part in parts if not accompanies(song, part)]
    sung = sung if len(sung) > 1 else parts
    if not 1 < len(sung) <= N_VOICES:
        return None
    for part in sung:
        refuse_staves(song, part)
    sung = sorted(sung, key=lambda part: -part.mean_pitch)
    called = names_of(song, sung)
    places = [*range(SOPRANO, len(sung) - 1), BASS]
    names = dict(zip(places, called, strict=True))
    notices = [f"read as voices, from the highest to the lowest: {', '.join(called)}"]
    if others := [part for part in parts if part not in sung]:
        notices.append(
            f"not read, because the name is an accompanying instrument's: {labels(song, others)}"
        )
    return Ensemble(
        dict(zip(places, sung, strict=True)),
        tuple(names.get(voice, "") for voice in range(N_VOICES)),
        tuple(notices),
    )


def two_notes(name: str, bar: int | str) -> str:
    """The error message for a voice that sings two notes at once in a bar."""
    return f"{name}, bar {bar}: sings two notes at once; delete one of them"


def _is_satb(song: Song) -> bool:
    """Whether a song has the four voices, and no part has the name of another voice."""
    try:
        voices = voices_of(song)
    except ChoraleError:
        return False
    named = {voice: voice_of_name(own_name(song, part)) for voice, part in voices.items()}
    return len(voices) == N_VOICES and all(own in (None, v) for v, own in named.items())


def accompanies(song: Song, part: Part) -> bool:
    """Whether a part has the name of an accompanying instrument, and of no voice."""
    name = own_name(song, part)
    return voice_of_name(name) is None and bool(ACCOMPANIMENT_NAMES.search(plain_name(name)))


def names_of(song: Song, parts: Sequence[Part]) -> list[str]:
    """A distinct name for each part; equal and missing names get numbers."""
    names = [
        " ".join(own_name(song, part).split()) or f"{song.word} {song.parts.index(part) + 1}"
        for part in parts
    ]
    alike = Counter(names)
    return [
        f"{name} {names[: i + 1].count(name)}" if alike[name] > 1 else name
        for i, name in enumerate(names)
    ]


def refuse_staves(song: Song, part: Part) -> None:
    """Raise ChoraleError if a part of a score has notes on staves that are not read."""
    if not isinstance(song, ScoreSong):
        return
    whole = song.line(part).part
    read = {note.staff for line in song.lines if line.part is whole for note in line.notes}
    if {note.staff for note in whole.notes} != read:
        raise ChoraleError(
            f"{song.path}: part {labels(song, [part])} is on several staves; put each voice into a"
            " part of its own"
        )
