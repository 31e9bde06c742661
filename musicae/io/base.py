"""What readers and writers share: suffixes, the result of reading, and musicae's own markers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from musicae.core.chorale import Chorale
from musicae.core.constants import VOICES
from musicae.io.lyrics import NO_WORDS, Words


class Reading(NamedTuple):
    """A chorale read from a file, with notices."""

    chorale: Chorale
    quantized: int
    """How many notes were moved to the grid or dropped."""
    notices: tuple[str, ...] = ()
    """Sentences about what was left out or guessed; they include ``doubled``."""
    doubled: tuple[str, ...] = ()
    """A sentence for each voice that several parts are named after: which part was read."""
    names: tuple[str, ...] = VOICES
    """The names of the four voices; empty for voices that an ensemble does not have."""
    words: Words = NO_WORDS


RIFF_SUFFIX = ".rmi"
"""The suffix of MIDI files inside RIFF files."""
MIDI_SUFFIXES = (".mid", ".midi", ".kar", ".smf", RIFF_SUFFIX)
MUSICXML_SUFFIXES = (".musicxml", ".mxl", ".xml")
ABC_SUFFIXES, KERN_SUFFIXES, MEI_SUFFIXES = (".abc",), (".krn",), (".mei",)
LILYPOND_SUFFIXES = (".ly",)
"""LilyPond is written, not read."""
SCORE_SUFFIXES = MUSICXML_SUFFIXES + ABC_SUFFIXES + KERN_SUFFIXES + MEI_SUFFIXES
"""Formats of notation that are read and written."""
SUFFIXES = MIDI_SUFFIXES + SCORE_SUFFIXES
WRITTEN_SUFFIXES = SUFFIXES + LILYPOND_SUFFIXES

FERMATA, START, END = "fermata", "Start", "End"
"""The markers that musicae writes into MIDI files."""
SOURCE, PROVENANCE = "source: ", "musicae: "
"""The beginnings of musicae's own texts in MIDI files."""
OWN = 0x7D
"""The manufacturer's number that the MIDI standard reserves for private use."""


def suffix_of(path: Path | str) -> str:
    """The suffix of a file's name in lower case, with its dot."""
    return Path(path).suffix.lower()


def title_from(path: Path) -> str:
    """A file's name as a title."""
    return " ".join(
        "".join(c if c.isprintable() else " " for c in path.stem.replace("_", " ")).split()
    )
