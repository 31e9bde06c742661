"""Chorale <-> MIDI and MusicXML files, by their suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from musicae.core.chorale import Chorale
from musicae.core.errors import ChoraleError
from musicae.io import midi
from musicae.theory.harmonic_analysis import analyse, markers

MIDI_SUFFIXES = (".mid", ".midi")
MUSICXML_SUFFIXES = (".musicxml", ".mxl", ".xml")
SUFFIXES = MIDI_SUFFIXES + MUSICXML_SUFFIXES


def read(path: Path | str) -> Chorale:
    """The chorale or melody in a MIDI or MusicXML file. Raises ChoraleError."""
    if suffix_of(path) in MUSICXML_SUFFIXES:
        from musicae.io import musicxml

        return musicxml.read(path)
    return midi.read(path)


def read_provenance(path: Path | str) -> dict[str, Any]:
    """How musicae made a MIDI or MusicXML file; empty where it did not. Raises ChoraleError."""
    if suffix_of(path) in MUSICXML_SUFFIXES:
        from musicae.io import musicxml

        return musicxml.read_provenance(path)
    return midi.read_provenance(path)


def write(
    chorale: Chorale,
    path: Path | str,
    program: int = midi.CHOIR_AAHS,
    provenance: dict[str, Any] | None = None,
    *,
    analysis: bool = False,
) -> None:
    """Write a chorale as MIDI or MusicXML by the suffix.

    With ``analysis``, Roman numerals and key areas as markers or harmony. Raises ChoraleError.
    """
    labels = analyse(chorale) if analysis else ()
    if suffix_of(path) in MIDI_SUFFIXES:
        midi.write(chorale, path, program, provenance, markers(labels))
    elif suffix_of(path) in MUSICXML_SUFFIXES:
        from musicae.io import musicxml

        musicxml.write(chorale, path, program, provenance, labels=labels)
    else:
        known = ", ".join(MIDI_SUFFIXES + MUSICXML_SUFFIXES)
        raise ChoraleError(f"{path}: its name should end in one of {known}")


def suffix_of(path: Path | str) -> str:
    return Path(path).suffix.lower()
