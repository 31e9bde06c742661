"""What readers and writers share: suffixes, the result of reading, and markers of ours."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from musicae.core.chorale import Chorale
from musicae.core.constants import VOICES
from musicae.io.lyrics import NO_WORDS, Words


class Reading(NamedTuple):
    """A chorale read from a file, and how many notes had to be moved to the grid or dropped."""

    chorale: Chorale
    quantized: int
    notices: tuple[str, ...] = ()
    """Sentences on what was left out and on choices, ``doubled`` among them."""
    doubled: tuple[str, ...] = ()
    """For each voice that several parts are named after, a sentence on which one was read."""
    names: tuple[str, ...] = VOICES
    """What each of the four voices is called; empty for the voices that an ensemble lacks."""
    words: Words = NO_WORDS


RIFF_SUFFIX = ".rmi"
"""A MIDI file inside a RIFF file."""
MIDI_SUFFIXES = (".mid", ".midi", ".kar", ".smf", RIFF_SUFFIX)
MUSICXML_SUFFIXES = (".musicxml", ".mxl", ".xml")
ABC_SUFFIXES, KERN_SUFFIXES, MEI_SUFFIXES = (".abc",), (".krn",), (".mei",)
LILYPOND_SUFFIXES = (".ly",)
"""Written, not read."""
SCORE_SUFFIXES = MUSICXML_SUFFIXES + ABC_SUFFIXES + KERN_SUFFIXES + MEI_SUFFIXES
"""Notation that is read and written."""
SUFFIXES = MIDI_SUFFIXES + SCORE_SUFFIXES
WRITTEN_SUFFIXES = SUFFIXES + LILYPOND_SUFFIXES

FERMATA, START, END = "fermata", "Start", "End"
"""The markers that musicae writes into MIDI files."""
SOURCE, PROVENANCE = "source: ", "musicae: "
"""What texts of musicae's in MIDI files begin with."""
OWN = 0x7D
"""The manufacturer's number for private use, in the MIDI standard."""


def suffix_of(path: Path | str) -> str:
    """The suffix of a file's name in lower case, with its dot."""
    return Path(path).suffix.lower()


def title_from(path: Path) -> str:
    """A file's name as a title."""
    return " ".join(
        "".join(c if c.isprintable() else " " for c in path.stem.replace("_", " ")).split()
    )
