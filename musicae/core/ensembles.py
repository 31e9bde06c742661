"""Ensembles: for each voice its name, range, tessitura, clef, transposition and sound.

The voices of an ensemble take the places of soprano, alto, tenor and bass, from the top down. An
ensemble of three voices leaves the tenor's place empty. Ranges are sounding MIDI pitches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property

from musicae.core.constants import BASS, N_VOICES
from musicae.core.errors import ChoraleError
from musicae.core.pitch import pitch_name, place_of

OCTAVE = 12
NARROWEST = OCTAVE
"""The least range of a voice, in semitones. With less, some chords have no note for the voice."""
HAND = 12
"""The widest interval that a hand reaches on a keyboard, in semitones."""
_CHOIR, _GRAND_PIANO = 52, 0
"""General MIDI programs, counted from 0, like all programs in this module."""
_RANGE = re.compile(r"(.+?)[\s:]+([A-Ga-g][#b]?-?\d)\s*(?:-|to)\s*([A-Ga-g][#b]?-?\d)")


@dataclass(frozen=True)
class Clef:
    """A clef: its sign, its line from the bottom, and the octaves by which it shifts notes."""

    sign: str
    line: int
    octaves: int = 0


TREBLE, TENOR_TREBLE, ALTO, BASS_CLEF = Clef("G", 2), Clef("G", 2, -1), Clef("C", 3), Clef("F", 4)


@dataclass(frozen=True)
class EnsembleVoice:
    """One voice of an ensemble. Pitches are sounding MIDI numbers.

    Raises:
        ChoraleError: if the range is narrower than an octave.
    """

    name: str
    """The name in scores and tracks, such as ``Tenor 1``."""
    short: str
    """The short name, printed before every system of a score but the first."""
    range: tuple[int, int]
    """The lowest and the highest note."""
    tessitura: tuple[int, int]
    """The lowest and the highest pitch of the middle 80% of its notes."""
    clef: Clef
    """The clef in an open score."""
    program: int = _CHOIR
    """General MIDI program, counted from 0."""
    transposition: int = 0
    """Semitones from the written pitch to the sounding pitch: -2 for a trumpet in B flat."""

    def __post_init__(self) -> None:
        low, high = self.range
        if high - low < NARROWEST:
            raise ChoraleError(
                f"the {self.name.lower()}'s range {pitch_name(low)} to {pitch_name(high)} is"
                " narrower than an octave; no harmony fits it"
            )


@dataclass(frozen=True)
class Ensemble:
    """A named ensemble, with its voices in the places of soprano, alto, tenor and bass.

    >>> [voice.short for voice in ensemble("ttbb").voices if voice]
    ['T1', 'T2', 'B1', 'B2']
    """

    name: str
    """The name, such as ``ttbb``."""
    voices: tuple[EnsembleVoice | None, ...]
    """Four places, from the top down; None for a place without a voice."""
    keyboard: bool = False
    """Whether one player plays all voices: the upper two with the right hand."""

    @property
    def there(self) -> tuple[int, ...]:
        """The places that have a voice."""
        return tuple(place for place, voice in enumerate(self.voices) if voice)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of each place; empty for a place without a voice."""
        return tuple(voice.name if voice else "" for voice in self.voices)

    @cached_property
    def programs(self) -> tuple[int, ...]:
        """The General MIDI program of each place; that of a choir for a place without a voice."""
        return tuple(voice.program if voice else _CHOIR for voice in self.voices)

    def place(self, text: str) -> int:
        """Find a voice by its name, its short name, or the beginning of its name.

        Case, spaces and points do not count.

        Returns:
            The place of the voice, 0 to 3 from the top.

        Raises:
            ChoraleError: if no voice or several voices match.

        >>> ensemble("ttbb").place("tenor 2"), ensemble("strings").place("viola")
        (1, 2)
        """
        wanted = _plain(text)
        voices = [(place, self.voices[place]) for place in self.there]
        exact = [p for p, v in voices if v and wanted in (_plain(v.name), _plain(v.short))]
        begins = [p for p, v in voices if v and wanted and _plain(v.name).startswith(wanted)]
        found = exact or begins
        if len(found) != 1:
            names = ", ".join(filter(None, self.names)).lower()
            problem = "several voices are" if found else "no voice is"
            raise ChoraleError(f"{problem} called {text!r}; there are {names}")
        return found[0]

    def with_ranges(self, text: str) -> Ensemble:
        """Change ranges, by a text such as ``"S C4-A5, A G3-D5"``.

        Each tessitura is cut to its new range. If less than a sixth (9 semitones) remains, it
        becomes the new range without 4 semitones at either end.

        Returns:
            The ensemble with the new ranges.

        Raises:
            ChoraleError: if the text cannot be read, names no voice, or has a range that is
                narrower than an octave.

        >>> ensemble("satb").with_ranges("S D4-G5").voices[0].range
        (62, 79)
        """
        voices = list(self.voices)
        for part in text.split(","):
            found = _RANGE.fullmatch(part.strip())
            if not found:
                raise ChoraleError(
                    f"ranges are written like 'S C4-A5, A G3-D5', not {part.strip()!r}"
                )
            place = self.place(found[1])
            low, high = _midi(found[2]), _midi(found[3])
            voice = voices[place]
            assert voice is not None
            bottom, top = max(low, voice.tessitura[0]), min(high, voice.tessitura[1])
            if top - bottom < 9:
                bottom, top = low + 4, high - 4
            voices[place] = replace(voice, range=(low, high), tessitura=(bottom, top))
        return replace(self, voices=tuple(voices))


def ensemble(name: str) -> Ensemble:
    """The ensemble with a name of ``ENSEMBLES``. Raises ChoraleError if there is none."""
    found = ENSEMBLES.get(name.strip().lower())
    if found is None:
        raise ChoraleError(f"an ensemble is {', '.join(ENSEMBLES)}, not {name!r}")
    return found


def _plain(name: str) -> str:
    """A name in lower case without spaces and points."""
    return re.sub(r"[\s.]+", "", name).lower()


def _midi(text: str) -> int:
    """The MIDI pitch of a name such as ``Bb3``, clipped to 0..127."""
    letter, sign = text[0].upper(), text[1]
    sharps = {"#": 1, "b": -1}.get(sign, 0)
    octave = int(text[1 + bool(sharps) :])
    return min(127, max(0, 12 * (octave + 1) + 7 * place_of(letter) % 12 + sharps))


def _voices(*voices: EnsembleVoice) -> tuple[EnsembleVoice | None, ...]:
    """Put voices in their places, from the top down; the lowest is always in the bass's place."""
    *upper, lowest = voices
    return (*upper, *[None] * (BASS - len(upper)), lowest)


_V = EnsembleVoice
ENSEMBLES = {
    found.name: found
    for found in (
        Ensemble(
            "satb",
            _voices(
                _V("Soprano", "S", (60, 81), (62, 77), TREBLE),
                _V("Alto", "A", (55, 74), (57, 71), TREBLE),
                _V("Tenor", "T", (48, 69), (51, 66), TENOR_TREBLE),
                _V("Bass", "B", (40, 62), (43, 59), BASS_CLEF),
            ),
        ),
        Ensemble(
            "ttbb",
            _voices(
                _V("Tenor 1", "T1", (48, 69), (54, 67), TENOR_TREBLE),
                _V("Tenor 2", "T2", (48, 67), (51, 64), TENOR_TREBLE),
                _V("Bass 1", "B1", (43, 64), (46, 60), BASS_CLEF),
                _V("Bass 2", "B2", (40, 60), (41, 57), BASS_CLEF),
            ),
        ),
        Ensemble(
            "ssaa",
            _voices(
                _V("Soprano 1", "S1", (60, 81), (64, 79), TREBLE),
                _V("Soprano 2", "S2", (57, 77), (60, 74), TREBLE),
                _V("Alto 1", "A1", (55, 74), (57, 71), TREBLE),
                _V("Alto 2", "A2", (53, 72), (53, 67), TREBLE),
            ),
        ),
        Ensemble(
            "sab",
            _voices(
                _V("Soprano", "S", (60, 81), (62, 77), TREBLE),
                _V("Alto", "A", (55, 74), (57, 71), TREBLE),
                _V("Baritone", "Bar.", (45, 62), (47, 60), BASS_CLEF),
            ),
        ),
        Ensemble(
            "strings",
            _voices(
                _V("Violin 1", "Vln. 1", (55, 88), (60, 81), TREBLE, 40),
                _V("Violin 2", "Vln. 2", (55, 81), (57, 74), TREBLE, 40),
                _V("Viola", "Vla.", (48, 76), (50, 67), ALTO, 41),
                _V("Cello", "Vc.", (36, 67), (40, 60), BASS_CLEF, 42),
            ),
        ),
        Ensemble(
            "brass",
            _voices(
                _V("Trumpet 1", "Tpt. 1", (54, 82), (60, 79), TREBLE, 56, -2),
                _V("Trumpet 2", "Tpt. 2", (54, 77), (57, 72), TREBLE, 56, -2),
                _V("Horn", "Hn.", (48, 72), (50, 67), TREBLE, 60, -7),
                _V("Trombone", "Tbn.", (40, 65), (43, 60), BASS_CLEF, 57),
            ),
        ),
        Ensemble(
            "recorders",
            _voices(
                _V("Soprano recorder", "S. rec.", (72, 98), (72, 91), TREBLE, 74, OCTAVE),
                _V("Alto recorder", "A. rec.", (65, 91), (67, 84), TREBLE, 74),
                _V("Tenor recorder", "T. rec.", (60, 86), (61, 79), TREBLE, 74),
                _V("Bass recorder", "B. rec.", (53, 79), (53, 72), BASS_CLEF, 74, OCTAVE),
            ),
        ),
        Ensemble(
            "saxophones",
            _voices(
                _V("Soprano saxophone", "S. sax.", (56, 87), (60, 79), TREBLE, 64, -2),
                _V("Alto saxophone", "A. sax.", (49, 80), (55, 72), TREBLE, 65, -9),
                _V("Tenor saxophone", "T. sax.", (44, 75), (50, 67), TREBLE, 66, -14),
                _V("Baritone saxophone", "B. sax.", (37, 68), (41, 60), TREBLE, 67, -21),
            ),
        ),
        Ensemble(
            "piano",
            _voices(
                _V("Soprano", "S", (57, 86), (60, 81), TREBLE, _GRAND_PIANO),
                _V("Alto", "A", (53, 76), (55, 74), TREBLE, _GRAND_PIANO),
                _V("Tenor", "T", (45, 69), (48, 67), BASS_CLEF, _GRAND_PIANO),
                _V("Bass", "B", (33, 64), (36, 60), BASS_CLEF, _GRAND_PIANO),
            ),
            keyboard=True,
        ),
    )
}
"""All ensembles by name. The ranges suit amateurs; professionals reach further."""
assert all(len(found.voices) == N_VOICES for found in ENSEMBLES.values())
