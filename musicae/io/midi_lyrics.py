"""Words in MIDI files: lyric events, and the texts of karaoke files, as verses and back.

A syllable is a lyric event at its note; it ends with a hyphen if the word goes on. Some files
separate words by spaces instead. Karaoke files (Tune 1000's .kar format) hold their words as text
events: ``/`` begins a line, ``\\`` begins a verse, and ``@`` begins a text that is not sung.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import mido

from musicae.core.chorale import Chorale, Note
from musicae.io.base import PROVENANCE, SOURCE, suffix_of
from musicae.io.lyrics import ELISION, Syllable, Verse, Verses, Words, sung_by
from musicae.io.midi_bytes import Timed
from musicae.io.midi_file import Song, raw_text
from musicae.io.midi_notes import CHORD_SPREAD, MidiNote, Part
from musicae.io.text_bytes import guessed

KARAOKE_SUFFIX = ".kar"
NOT_SUNG = "@"
"""The first character of texts in karaoke files that are about the song."""
LINE_MARKS = "/\\"
HELD = frozenset({"", "-", "_", "+", "~", "--", "__"})
"""Texts that hold the previous syllable."""
SPACED = 0.1
"""A file separates words by spaces if at least this share of its syllables has a space."""


def lyric_events(song: Song, parts: Mapping[int, Part], voice: int) -> list[Timed]:
    """The lyric events of a given voice.

    Lyrics in a track with notes belong to its highest given voice. Lyrics in tracks without notes
    belong to the highest given voice of all.
    """
    part = parts[voice]
    with_notes = {p.track for p in (*song.parts, *parts.values())}
    has_words = voice == min(v for v, p in parts.items() if p.track == part.track)
    return sorted(
        (
            event
            for index, track in enumerate(song.tracks)
            for event in track
            if event.message.type == "lyrics"
            and (has_words if index == part.track else index not in with_notes)
            and (index == part.track or voice == min(parts))
        ),
        key=lambda event: event.tick,
    )


def karaoke_events(song: Song, parts: Mapping[int, Part]) -> list[Timed]:
    """The sung texts of a karaoke file, from the track with the most of them.

    A file is a karaoke file if its suffix says so, or if a text begins with ``/``, ``\\`` or
    ``@``. Tracks that hold other parts than the given ones are left out.
    """
    texts = [event.message.text for event in song.metas("text")]
    marks = (NOT_SUNG, *LINE_MARKS)
    if suffix_of(song.path) != KARAOKE_SUFFIX and not any(t.startswith(marks) for t in texts):
        return []
    given = {part.track for part in parts.values()}
    others = {part.track for part in song.parts} - given
    found = [
        [event for event in track if event.message.type == "text" and _is_sung(event.message.text)]
        for index, track in enumerate(song.tracks)
        if index not in others
    ]
    return max(found, key=len, default=[])


def words_of(
    song: Song,
    parts: Mapping[int, Part],
    tops: Mapping[int, Sequence[MidiNote]],
    chorale: Chorale,
    offset: int,
) -> Words:
    """The words of the given voices of a MIDI file, one verse each.

    Args:
        song: the file.
        parts: the given parts by voice.
        tops: for each given voice, its notes that are in the chorale, in ticks.
        chorale: the notes on the grid.
        offset: sixteenths in the file before the chorale's first step.
    """
    found = events_by_voice(song, parts)
    own = frozenset(voice for voice in parts if lyric_events(song, parts, voice))
    voices = {
        voice: verses
        for voice, events in found.items()
        if (verses := verses_on(song, events, tops[voice], chorale.notes(voice), offset))
    }
    return Words(voices, own & voices.keys())


def events_by_voice(song: Song, parts: Mapping[int, Part]) -> dict[int, list[Timed]]:
    """The lyric events of each voice; if there are none, karaoke texts for the highest voice."""
    found = {voice: lyric_events(song, parts, voice) for voice in parts}
    if parts and not any(found.values()):
        found[min(parts)] = karaoke_events(song, parts)
    return found


def verses_on(
    song: Song,
    events: Sequence[Timed],
    notes: Sequence[MidiNote],
    on_grid: Sequence[Note],
    offset: int,
) -> Verses:
    """Lyric or karaoke events as one verse of a voice; empty if nothing is sung.

    ``notes`` are the voice's notes in ticks, ``on_grid`` the same in steps, ``offset`` the
    sixteenths in the file before the first step.
    """
    placed = _placed(song, syllables_of(events), notes)
    steps = [(song.step(tick) - offset, syllable) for tick, syllable in placed]
    sung, _ = sung_by(on_grid, [each._replace(step=step) for step, each in steps if step >= 0])
    return (Verse("1", sung),) if sung else ()


def events_of(verse: Verse, tick: Callable[[int], int]) -> list[Timed]:
    """A verse as lyric events; ``tick`` maps a step to its tick."""
    return [
        Timed(
            tick(s.step),
            mido.MetaMessage(
                "lyrics", text=raw_text(s.text.replace(ELISION, " ") + "-" * (not s.ends))
            ),
        )
        for s in verse.syllables
    ]


def syllables_of(events: Sequence[Timed]) -> list[tuple[int, Syllable]]:
    """The syllables of lyric or karaoke events as (tick, syllable); the syllables' steps are 0.

    A word goes on after a hyphen. In a file that separates words by spaces, it also goes on without
    a space. In a file without hyphens and spaces, each syllable is a word.

    >>> def texts(*texts):
    ...     events = [Timed(0, mido.MetaMessage("lyrics", text=text)) for text in texts]
    ...     return [(s.text, s.begins, s.ends) for _, s in syllables_of(events)]
    >>> texts("How ", "sweet") == texts("How", "sweet")
    True
    >>> texts("/A", "ma", "zing ") == texts("A-", "ma-", "zing")
    True
    """
    pieces: list[_Piece] = []
    apart = spaced = False
    for event, text in zip(events, _texts(events), strict=True):
        core = text.strip().strip(LINE_MARKS).strip()
        if core in HELD:
            apart |= text != "" and core == ""
            spaced |= " " in text and core == ""
            continue
        before, after = text[: text.index(core)], text[text.index(core) + len(core) :]
        pieces.append(
            _Piece(
                event.tick,
                core.strip("-_"),
                apart or bool(before),
                bool(after),
                spaced or " " in before + after,
                core.startswith("-"),
                core.endswith("-"),
            )
        )
        apart = spaced = False
    pieces = [piece for piece in pieces if piece.text]
    by_spaces = sum(p.spaced for p in pieces) >= max(1, SPACED * len(pieces))
    goes_on = [
        one.hyphen_after
        or other.hyphen_before
        or (by_spaces and not one.apart_after and not other.apart_before)
        for one, other in pairwise(pieces)
    ]
    return [
        (piece.tick, Syllable(0, piece.text, not before, not after))
        for piece, before, after in zip(pieces, [False, *goes_on], [*goes_on, False], strict=False)
    ]


class _Piece(NamedTuple):
    """A syllable, and the signs that separate it from its neighbours or join it to them."""

    tick: int
    text: str
    apart_before: bool
    apart_after: bool
    spaced: bool
    hyphen_before: bool
    hyphen_after: bool


def _texts(events: Sequence[Timed]) -> list[str]:
    """The texts of events; all of them together serve to guess their encoding."""
    raw = [event.message.text.encode("latin-1").replace(b"\0", b"") for event in events]
    return guessed(b"\0".join(raw)).split("\0") if raw else []


def _is_sung(text: str) -> bool:
    return bool(text) and not text.startswith((NOT_SUNG, PROVENANCE, SOURCE))


def _placed(
    song: Song, syllables: Iterable[tuple[int, Syllable]], notes: Sequence[MidiNote]
) -> list[tuple[int, Syllable]]:
    """Syllables with the ticks at which their notes begin, in order.

    A syllable goes to the note that begins within a thirty-second of it, else to the note that
    sounds, else to the next note, else to the last.
    """
    begins = [note.start for note in notes]
    spread = song.ppq // CHORD_SPREAD
    placed: list[tuple[int, Syllable]] = []
    for tick, syllable in syllables:
        near = bisect_left(begins, tick - spread)
        within = begins[near : bisect_right(begins, tick + spread)]
        if within:
            begin = min(within, key=lambda b: abs(b - tick))
        elif begins:
            index = bisect_right(begins, tick) - 1
            sounds = index >= 0 and notes[index].sounds_until > tick
            begin = begins[index if sounds else min(index + 1, len(begins) - 1)]
        else:
            continue
        placed.append((max(begin, placed[-1][0]) if placed else begin, syllable))
    return placed
