"""Measures of tonal function: the last chord in its key, full beats, cadences, foreign notes.

Only beats on which all four voices sound are counted.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.chorale import Chorale
from musicae.core.constants import BASS, N_VOICES, REST, SOPRANO
from musicae.core.key import SCALES, Key
from musicae.theory.cadences import CadenceKind, cadences
from musicae.theory.harmonic_plan import beats_of
from musicae.theory.key_finding import likely_key
from musicae.theory.plan_reading import plan_of
from musicae.theory.sonorities import Harmony, harmony_of, sonorities

FULL = 3
"""The fewest pitch classes of a full chord."""
MINOR_THIRD, MAJOR_THIRD, DOMINANT = 3, 4, 7


class LastChord(NamedTuple):
    """The last chord of a piece, judged in a key."""

    key: Key
    name: str
    """Its Roman numeral in the key, such as ``IV`` or ``I6``; its pitches if it is no chord."""
    allows_tonic: bool
    """Whether the soprano's last note belongs to the tonic triad."""
    is_tonic: bool
    """Whether it is the tonic triad in root position; in minor also the major triad."""
    is_bare_tonic: bool
    """Whether it is the tonic without a third: octaves, or an open fifth."""
    is_inverted_tonic: bool
    """Whether it is the tonic triad with its third or fifth in the bass."""
    is_clean: bool
    """Whether it is a major or minor triad and nothing else."""
    is_modal: bool
    """Whether it is another ending that Bach writes, a major triad in root position.

    It is V of the minor key (phrygian), also if the key is given as the relative major. Or the
    notes suggest the key of this triad: V of a major key, or the relative major of a minor key."""

    @property
    def ends_in_key(self) -> bool | None:
        """Whether the piece ends on its tonic; None if the soprano's last note is not in the tonic
        triad."""
        return (self.is_tonic or self.is_bare_tonic) if self.allows_tonic else None

    def __str__(self) -> str:
        """A clause for a musician, such as ``ends on IV, not on the tonic of D major``."""
        if self.is_tonic or self.is_bare_tonic:
            return f"ends on the tonic of {self.key}"
        place = " in root position" if self.is_inverted_tonic else ""
        return f"ends on {self.name}, not on the tonic of {self.key}{place}"


def last_chord(chorale: Chorale, key: Key | None = None) -> LastChord:
    """The last chord of a piece in a key, by default the stated key or the likeliest.

    Raises ChoraleError if nothing sounds.

    >>> amen = Chorale.from_notes([[(0, 8, 72)], [(0, 8, 69)], [(0, 8, 65)], [(0, 8, 53)]])
    >>> str(last_chord(amen, Key(0)))
    'ends on IV, not on the tonic of C major'
    """
    key = key or chorale.key or likely_key(chorale)
    last = int(np.flatnonzero((chorale.pitch != REST).any(axis=1))[-1])
    pitch = chorale.pitch[last].astype(int)
    sounding = pitch[pitch != REST]
    soprano = chorale.notes(SOPRANO)
    harmony = harmony_of(sounding)
    # The bass may count as lowest under a tenor that crosses it: Bach's basses are doubled an
    # octave lower.
    lowest = {int(sounding.min()) % 12, *((int(pitch[BASS]) % 12,) if pitch[BASS] != REST else ())}
    rooted = harmony is not None and harmony.root in lowest
    quality = harmony.quality if harmony else ""
    of_tonic = harmony is not None and harmony.root == key.tonic
    is_triad = of_tonic and quality in ("major", key.mode)
    return LastChord(
        key=key,
        name=_name(pitch, harmony, key),
        allows_tonic=in_tonic_triad(soprano[-1].pitch if soprano else REST, key),
        is_tonic=is_triad and rooted,
        is_bare_tonic=of_tonic and rooted and quality == "open",
        is_inverted_tonic=is_triad and not rooted,
        is_clean=quality in ("major", "minor"),
        is_modal=rooted and harmony is not None and _is_modal_end(chorale, harmony, key),
    )


def in_tonic_triad(pitch: int, key: Key) -> bool:
    """Whether a pitch belongs to the tonic triad of a key; False for a rest."""
    return pitch != REST and (pitch - key.tonic) % 12 in (0, 3 if key.mode == "minor" else 4, 7)


def chords_on_beats(chorale: Chorale) -> list[NDArray[np.int64]]:
    """The pitches ``(V,)`` at each beat on which all voices sound."""
    rows = [chorale.pitch[beat.start].astype(np.int64) for beat in beats_of(chorale)]
    return [row for row in rows if (row != REST).sum() == N_VOICES]


def full_beats(chorale: Chorale) -> list[bool]:
    """For each counted beat, whether at least three pitch classes sound on it."""
    return [len({*(row % 12).tolist()}) >= FULL for row in chords_on_beats(chorale)]


def tertian_beats(chorale: Chorale) -> list[bool]:
    """For each counted beat, whether a triad or seventh chord sounds on it, not a bare fifth."""
    found = map(harmony_of, chords_on_beats(chorale))
    return [harmony is not None and harmony.quality != "open" for harmony in found]


def foreign_notes(chorale: Chorale, key: Key) -> NDArray[np.bool_]:
    """For each note of all voices, whether it lies outside the key's scale (see ``SCALES``)."""
    degrees = (chorale.pitch[chorale.onset].astype(int) - key.tonic) % 12
    foreign: NDArray[np.bool_] = ~np.isin(degrees, SCALES[key.mode])
    return foreign


def cadence_kinds(chorale: Chorale) -> dict[CadenceKind, int]:
    """The number of phrases that end in each kind of cadence; ``other`` means none.

    Phrases end at the chorale's fermatas and at the soprano's last note.
    """
    return dict(Counter(end.kind for end in cadences(chorale)))


def _is_modal_end(chorale: Chorale, final: Harmony, key: Key) -> bool:
    degree = (final.root - key.tonic) % 12
    if final.quality != "major":
        return False
    if degree == (DOMINANT if key.mode == "minor" else MAJOR_THIRD):
        return True
    if degree != (MINOR_THIRD if key.mode == "minor" else DOMINANT):
        return False
    found = likely_key(chorale)
    return (found.tonic, found.mode) == (final.root, "major")


def _name(pitch: NDArray[np.int_], harmony: Harmony | None, key: Key) -> str:
    """The Roman numeral of a chord; if it is none, its pitches from the lowest up."""
    alone = Chorale.from_notes([[(0, 4, int(p))] if p != REST else [] for p in pitch], key=key)
    if harmony is not None:
        return plan_of(alone, key).numerals()[0]
    chords = sonorities(alone)
    rising = sorted(np.flatnonzero(pitch != REST).tolist(), key=lambda voice: int(pitch[voice]))
    return " ".join(chords.name(0, voice) for voice in rising)
