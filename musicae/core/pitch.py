"""Pitch."""

from __future__ import annotations


def pitch_name(midi: int) -> str:
    """The name of a MIDI pitch in scientific notation, sharps for the black keys: 60 is ``C4``."""
    name = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")[midi % 12]
    return f"{name}{midi // 12 - 1}"
