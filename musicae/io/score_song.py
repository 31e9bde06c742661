"""A score as a song in ticks: parts are chosen and MIDI is written by the rules of MIDI files.

A staff that holds two voices of a choir is two parts of the song; see ``closed_score``. ``song_of``
in ``score_tracks`` makes it. What reads MIDI asks whether a song is of this class, so nothing that
reads scores is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from musicae.core.constants import STEPS_PER_QUARTER
from musicae.io.midi_file import Song
from musicae.io.midi_notes import MidiNote, Part

if TYPE_CHECKING:
    from musicae.io.closed_score import Line
    from musicae.io.musicxml_parts import Score, ScoreNote


@dataclass(frozen=True)
class ScoreSong(Song):
    """A MusicXML file as a song, its parts' notes beside those of the score."""

    word: ClassVar[str] = "part"
    score: Score = field(kw_only=True)
    lines: tuple[Line, ...] = field(kw_only=True)
    """For each of ``parts``, what it is in the score; its notes are in the same order."""

    def step(self, tick: int) -> int:
        """The sixteenth nearest to a tick, the earlier of two as in ``Score.step``."""
        return -((self.ppq - 2 * STEPS_PER_QUARTER * tick) // (2 * self.ppq))

    def written(self, part: Part) -> dict[MidiNote, ScoreNote]:
        """The notes of a part, and what each is in the score."""
        return dict(zip(part.notes, self.line(part).notes, strict=True))

    def line(self, part: Part) -> Line:
        return self.lines[self.parts.index(part)]
