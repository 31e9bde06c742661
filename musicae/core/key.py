"""Key."""

from __future__ import annotations

import re
from dataclasses import dataclass

from musicae.core.errors import ChoraleError

LETTERS = "FCGDAEB"  # the line of fifths, F at position -1, C at 0


MODES = ("major", "minor")


RELATIVE_MINOR = 3  # places on the line of fifths between a major tonic and its relative minor's


@dataclass(frozen=True, order=True)
class Key:
    """A key as scores write it: sharps (positive) or flats (negative), and the mode."""

    fifths: int
    mode: str = "major"

    def __post_init__(self) -> None:
        if not -7 <= self.fifths <= 7:
            raise ChoraleError(f"a key signature has at most 7 sharps or flats, not {self.fifths}")
        if self.mode not in MODES:
            raise ChoraleError(f"mode is 'major' or 'minor', not {self.mode!r}")

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read ``"G minor"``, ``"Bb"``, ``"F#m"`` or ``"E-flat major"`` (no mode means major).

        Raises ChoraleError where the text names no key.
        """
        found = re.fullmatch(
            r"\s*([A-Ga-g])\s*-?(#|♯|sharp|b|♭|flat)?\s*(major|maj|minor|min|m)?\s*",
            text,
            flags=re.IGNORECASE,
        )
        if not found:
            raise ChoraleError(f"{text!r} is not a key; write it like 'G minor' or 'B-flat major'")
        letter, accidental, mode = found.groups()
        position = LETTERS.index(letter.upper()) - 1
        if accidental:
            position += 7 if accidental.lower() in ("#", "♯", "sharp") else -7
        minor = mode is not None and mode.lower() in ("m", "min", "minor")
        fifths = position - RELATIVE_MINOR if minor else position
        if not -7 <= fifths <= 7:
            raise ChoraleError(
                f"{text!r} needs more than 7 sharps or flats; name it enharmonically"
            )
        return cls(fifths, "minor" if minor else "major")

    @property
    def tonic_name(self) -> str:
        """The tonic as scores spell it, such as ``F#`` or ``Bb``."""
        position = self.fifths + (RELATIVE_MINOR if self.mode == "minor" else 0)
        accidentals, letter = divmod(position + 1, 7)
        return LETTERS[letter] + ("#" * accidentals if accidentals > 0 else "b" * -accidentals)

    @property
    def tonic(self) -> int:
        """The tonic's pitch class, 0 (C) to 11 (B)."""
        return (7 * (self.fifths + (RELATIVE_MINOR if self.mode == "minor" else 0))) % 12

    def transpose(self, semitones: int) -> Key:
        """The key that many semitones higher, in the spelling with the fewest accidentals."""
        if semitones == 0:
            return self
        return Key((self.fifths + 7 * semitones + 5) % 12 - 5, self.mode)

    def __str__(self) -> str:
        return f"{self.tonic_name} {self.mode}"
