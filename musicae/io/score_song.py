"""A score as a song in ticks, so that the rules for MIDI files hold for scores too.

A staff with two voices of a choir is two parts of the song; see ``closed_score``.
``score_tracks.song_of`` makes the song. The readers of MIDI import this class, so this module
imports no reader of scores.
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
    """A MusicXML file as a song, together with the score."""

    word: ClassVar[str] = "part"
    score: Score = field(kw_only=True)
    lines: tuple[Line, ...] = field(kw_only=True)
    """The line of the score for each of ``parts``, with its notes in the same order."""

    def step(self, tick: int) -> int:
        """The nearest sixteenth; of two equally near ones the earlier, as in ``Score.step``."""
        return -((self.ppq - 2 * STEPS_PER_QUARTER * tick) // (2 * self.ppq))

    def written(self, part: Part) -> dict[MidiNote, ScoreNote]:
        """The notes of a part, each with its note in the score."""
        return dict(zip(part.notes, self.line(part).notes, strict=True))

    def line(self, part: Part) -> Line:
        """The line of the score for a part."""
        return self.lines[self.parts.index(part)]
