"""Keys: their signature, mode and names, and their transposition."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from musicae.core.errors import ChoraleError
from musicae.core.pitch import place_of, spelled_class

MODES = ("major", "minor")


SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 9, 10, 11)}
"""Semitones above the tonic; the minor scale has both forms of the sixth and seventh degrees."""
CHURCH_MODES = {"dorian": "minor", "phrygian": "minor", "lydian": "major", "mixolydian": "major"}
"""The church modes that are neither major nor minor, each with the mode that shares its third."""
CONTRARY = {"dorian": 8, "phrygian": 2, "lydian": 5, "mixolydian": 11}
"""For each church mode, the one note of the major or natural minor scale that it does not have, in
semitones above the tonic. The church mode has a neighbouring semitone instead."""
_PLAIN = {"": "major", "maj": "major", "ionian": "major", "m": "minor", "min": "minor",
          "aeolian": "minor"}  # fmt: skip
RELATIVE_MINOR = 3
"""Places on the line of fifths from a major tonic up to the tonic of its relative minor."""


@dataclass(frozen=True, order=True)
class Key:
    """A key as scores write it: a signature and a mode.

    Raises:
        ChoraleError: if the signature and the mode do not fit.

    Example:
        ```pycon
        >>> str(Key.parse("f# minor"))
        'F# minor'

        ```
    """

    fifths: int
    """Sharps of the signature, -7 to 7; negative for flats.

    A church mode has the signature of its parallel major or minor: D dorian has one flat."""
    mode: str = "major"
    """``major`` or ``minor``."""
    church: str = field(default="", repr=False)
    """One of ``CHURCH_MODES`` if a tune is neither major nor minor, else empty."""

    def __post_init__(self) -> None:
        if not -7 <= self.fifths <= 7:
            raise ChoraleError(f"a key signature has at most 7 sharps or flats, not {self.fifths}")
        if self.mode not in MODES:
            raise ChoraleError(f"mode is 'major' or 'minor', not {self.mode!r}")
        if self.church and CHURCH_MODES.get(self.church) != self.mode:
            raise ChoraleError(f"no {self.mode} mode is called {self.church!r}")

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read ``"G minor"``, ``"Bb"``, ``"F#m"``, ``"E-flat major"`` or ``"D dorian"``.

        Args:
            text: the name of a key; without a mode, the key is major.

        Returns:
            The key.

        Raises:
            ChoraleError: if the text does not name a key.
        """
        found = re.fullmatch(
            r"\s*([A-Ga-g])\s*-?(#|♯|sharp|b|♭|flat)?\s*([A-Za-z]*)\s*",
            text,
            flags=re.IGNORECASE,
        )
        named = found[3].lower() if found else ""
        church = named if named in CHURCH_MODES else ""
        mode = CHURCH_MODES.get(named) or _PLAIN.get(named, named)
        if not found or mode not in MODES:
            raise ChoraleError(f"{text!r} is not a key; write it like 'G minor' or 'B-flat major'")
        letter, accidental, _ = found.groups()
        sharps = 0
        if accidental:
            sharps = 1 if accidental.lower() in ("#", "♯", "sharp") else -1
        place = place_of(letter.upper(), sharps)
        fifths = place - RELATIVE_MINOR if mode == "minor" else place
        if not -7 <= fifths <= 7:
            raise ChoraleError(
                f"{text!r} needs more than 7 sharps or flats; name it enharmonically"
            )
        return cls(fifths, mode, church)

    @classmethod
    def from_tonic(cls, pitch_class: int, mode: str = "major", near: int | None = None) -> Key:
        """Make the key on a tonic.

        Args:
            pitch_class: the tonic, 0 (C) to 11 (B).
            mode: ``"major"`` or ``"minor"``.
            near: of enharmonic keys, choose the one whose signature is nearest to this number of
                sharps (negative for flats); None chooses the one with the fewest sharps or flats.

        Returns:
            The key.

        Example:
            ```pycon
            >>> Key.from_tonic(6), Key.from_tonic(6, near=-5)
            (Key(fifths=6, mode='major'), Key(fifths=-6, mode='major'))

            ```
        """
        key = cls(0, mode).transpose((pitch_class - cls(0, mode).tonic) % 12)
        if near is None:
            return key
        names = [
            fifths for fifths in (key.fifths - 12, key.fifths, key.fifths + 12) if -7 <= fifths <= 7
        ]
        return cls(min(names, key=lambda fifths: abs(fifths - near)), mode)

    @classmethod
    def from_short_name(cls, text: str) -> Key:
        """Read a ``short_name``: a capital letter means major, a small one minor.

        Args:
            text: such as ``"f#"`` or ``"Bb"``.

        Returns:
            The key.

        Raises:
            ChoraleError: if the text does not name a key.

        Example:
            ```pycon
            >>> Key.from_short_name("f#"), Key.from_short_name("Bb")
            (Key(fifths=3, mode='minor'), Key(fifths=-2, mode='major'))

            ```
        """
        return cls.parse(text + ("m" if text[:1].islower() else ""))

    @property
    def short_name(self) -> str:
        """The tonic as written before Roman numerals, in lower case if minor: ``Bb``, ``f#``."""
        tonic = self.tonic_name
        return tonic if self.mode == "major" else tonic[0].lower() + tonic[1:]

    @property
    def tonic_name(self) -> str:
        """The name of the tonic, such as ``F#`` or ``Bb``."""
        return spelled_class(self._place)

    @property
    def tonic(self) -> int:
        """The tonic's pitch class, 0 (C) to 11 (B)."""
        return 7 * self._place % 12

    @property
    def _place(self) -> int:
        """The tonic's place on the line of fifths."""
        return self.fifths + (RELATIVE_MINOR if self.mode == "minor" else 0)

    def transpose(self, semitones: int) -> Key:
        """Transpose the key.

        Args:
            semitones: how far up; negative numbers go down.

        Returns:
            The key, spelled with the fewest sharps or flats.
        """
        if semitones == 0:
            return self
        return replace(self, fifths=(self.fifths + 7 * semitones + 5) % 12 - 5)

    def __str__(self) -> str:
        return f"{self.tonic_name} {self.church or self.mode}"
