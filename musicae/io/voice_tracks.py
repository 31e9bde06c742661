"""Which part of a MIDI file is which voice, by the names of tracks and by what they play."""

from __future__ import annotations

import re
from collections.abc import Sequence

from musicae.api.request import Request
from musicae.core.constants import STEPS_PER_QUARTER, VOICES
from musicae.core.errors import ChoraleError
from musicae.io.midi_file import MidiNote, Part, Song

MELODY_NAMES = ("soprano", "melody", "vocal", "voice", "lead", "tune", "song")
"""How tracks that hold the melody are called, the surest names first."""
CHORD_SPREAD = STEPS_PER_QUARTER * 2
"""Notes that begin within a quarter divided by this (a thirty-second) are one chord."""


def given_parts(song: Song, request: Request, track: str | None) -> dict[int, Part]:
    """The parts that are given, by voice in order; see ``given.read_given`` for the rules.

    Where bars are to be recomposed, all voices that there are, whether locked or not. Raises
    ChoraleError where the parts asked for are not there.
    """
    of_voices = request.lock is not None or request.bars is not None
    if track and of_voices:
        raise ChoraleError(
            f"{song.path}: --track chooses a single melody; with --lock or --bars the tracks are"
            " found by the voices' names"
        )
    named = parts_by_name(song)
    if track or request.voice is not None:
        voice = request.voice or 0
        part = find_part(song, track) if track else named.get(voice) or likely_melody(song)
        return {voice: part}
    if of_voices:
        voices = named or _parts_by_height(song)
        for voice in request.lock or ():
            if voice not in voices:
                raise ChoraleError(
                    f"{song.path}: no track is called {VOICES[voice]}; with notes there are"
                    f" {labels(song, song.parts)}"
                )
        if request.bars is not None or request.lock is None:
            return voices
        return {voice: voices[voice] for voice in request.lock}
    if len(named) > 1 or (named and len(song.parts) == 1):
        return named
    return {0: likely_melody(song)}


def parts_by_name(song: Song) -> dict[int, Part]:
    """The parts named after voices, such as ``Soprano``, ``Alto 1``, ``Basses`` or ``T``.

    Of several with one voice's name, that which is called so exactly, else the first. In format 2,
    where every track is a song of its own, those of the first track.
    """
    named: dict[int, Part] = {}
    for voice, name in enumerate(VOICES):
        pattern = re.compile(rf"{name}(s|es|i)?\b|{name[0]}\W*$", re.IGNORECASE)
        found = [part for part in _together(song) if pattern.match(part.name)]
        if found:
            named[voice] = min(found, key=lambda part: part.name.lower() != name.lower())
    return named


def find_part(song: Song, track: str) -> Part:
    """The part that a musician names by number (from 1) or name. Raises ChoraleError."""
    if track.isdecimal() and 1 <= int(track) <= len(song.parts):
        return song.parts[int(track) - 1]
    exact = [part for part in song.parts if part.name.lower() == track.lower()]
    similar = [part for part in song.parts if track.lower() in part.name.lower()]
    for found in (exact, similar):
        if len(found) == 1:
            return found[0]
    listing = labels(song, song.parts)
    raise ChoraleError(f"{song.path}: no single track is {track!r}; with notes there are {listing}")


def likely_melody(song: Song) -> Part:
    """The part that is named like a melody, else the highest that mostly plays single notes."""
    for name in MELODY_NAMES:
        for part in song.parts:
            if name in part.name.lower():
                return part
    single = [p for p in song.parts if len(under_the_melody(song, p.notes)) <= len(p.notes) / 4]
    return max(single or song.parts, key=lambda part: part.mean_pitch)


def labels(song: Song, parts: Sequence[Part]) -> str:
    """Parts as a list to read: the numbers that ``--track`` takes, and their names."""
    numbered = [(song.parts.index(part) + 1, part.name) for part in parts]
    return ", ".join(f"{number} '{name}'" if name else str(number) for number, name in numbered)


def under_the_melody(song: Song, notes: Sequence[MidiNote]) -> tuple[MidiNote, ...]:
    """Notes that for more than half of their time sound under a higher one begun no later.

    A legato overlap is shorter than that; of a doubled note the first stays.
    """
    spread = song.ppq // CHORD_SPREAD
    hidden = []
    active: list[MidiNote] = []
    following = list(notes)
    for index, note in enumerate(notes):
        active = [other for other in active if other.end > note.start]
        together = []
        for other in following[index + 1 :]:
            if other.start > note.start + spread:
                break
            together.append(other)
        for other in active + together:
            overlap = min(note.end, other.end) - max(note.start, other.start)
            earlier_twin = other.pitch == note.pitch and other in active
            if (other.pitch > note.pitch or earlier_twin) and 2 * overlap > note.end - note.start:
                hidden.append(note)
                break
        active.append(note)
    return tuple(hidden)


def _parts_by_height(song: Song) -> dict[int, Part]:
    """Parts without voices' names: one is a soprano, four are S A T B from high to low."""
    parts = _together(song)
    if len(parts) not in (1, len(VOICES)):
        raise ChoraleError(
            f"{song.path}: no track is named after a voice; with notes there are"
            f" {labels(song, parts)}; name them {', '.join(VOICES)}"
        )
    return dict(enumerate(sorted(parts, key=lambda part: -part.mean_pitch)))


def _together(song: Song) -> list[Part]:
    """The parts that sound together: in format 2 those of one track, else all."""
    return [p for p in song.parts if song.format != 2 or p.track == song.parts[0].track]


def voices_of(song: Song) -> dict[int, Part]:
    """Which part is which voice. Raises ChoraleError where that cannot be told."""
    if [part.name for part in song.parts[: len(VOICES)]] == list(VOICES):
        return dict(enumerate(song.parts[: len(VOICES)]))  # whatever others are called
    named: dict[int, Part] = {}
    for v, voice in enumerate(VOICES):
        found = [part for part in song.parts if part.name.lower().startswith(voice.lower())]
        exact = [part for part in found if part.name == voice]
        if len(found) > 1 and len(exact) != 1:
            raise ChoraleError(f"{song.path}: two tracks are called {voice}")
        if found:
            named[v] = (exact or found)[0]
    if named:
        return named
    if len(song.parts) == len(VOICES):
        return dict(enumerate(sorted(song.parts, key=lambda part: -part.mean_pitch)))
    if len(song.parts) > 1:
        raise ChoraleError(
            f"{song.path}: has {len(song.parts)} parts, neither one nor four; name the tracks"
            f" {', '.join(VOICES)}"
        )
    return dict(enumerate(song.parts))
