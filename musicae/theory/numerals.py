"""The chords of a key as Roman numerals: their names, their costs, and the costs of successions.

The unit of all costs is that of ``harmonic_search``: one voice that sounds a chord tone for a
quarter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicae.core.key import MODES


class Quality(NamedTuple):
    """A kind of chord."""

    members: tuple[int, ...]
    """Semitones above the root."""
    mark: str
    """Its sign in Roman numerals."""
    symbol: str
    """Its sign in chord symbols."""
    triad: str = ""
    """The quality of a seventh chord without its seventh; empty for triads."""


QUALITIES = {
    "major": Quality((0, 4, 7), "", ""),
    "minor": Quality((0, 3, 7), "", "m"),
    "diminished": Quality((0, 3, 6), "°", "dim"),
    "augmented": Quality((0, 4, 8), "+", "aug"),
    "dominant": Quality((0, 4, 7, 10), "", "7", "major"),
    "minor-seventh": Quality((0, 3, 7, 10), "", "m7", "minor"),
    "major-seventh": Quality((0, 4, 7, 11), "", "maj7", "major"),
    "half-diminished": Quality((0, 3, 6, 10), "ø", "ø7", "diminished"),
    "diminished-seventh": Quality((0, 3, 6, 9), "°", "dim7", "diminished"),
}
AUGMENTED_SIXTHS = {
    "Italian": Quality((0, 4, 10), "6", "7"),
    "French": Quality((0, 4, 6, 10), "43", "7b5"),
    "German": Quality((0, 4, 7, 10), "65", "7"),
}
"""Chords on the lowered sixth degree, which is always in the bass; ``mark`` has their figures.

``QUALITIES``, the chords of plans, do not include them: in a plan a German sixth is the dominant
seventh that it sounds like. (Kostka & Payne, *Tonal Harmony*, ch. 23)"""
KINDS = QUALITIES | AUGMENTED_SIXTHS
"""All kinds of chords that an analysis can name."""
LOWERED = {1: -5, 3: -3, 8: -4, 10: -2}
"""Lowered degrees: places on the line of fifths from the tonic, by semitones above the tonic."""
FIGURES = {3: ("", "6", "64"), 4: ("7", "65", "43", "42")}
"""The figures of a chord, by its number of members and its inversion."""


class Numeral(NamedTuple):
    """A chord in a key."""

    mode: str
    """The mode of the key: ``major`` or ``minor``."""
    degree: str
    """The degree as a Roman numeral, or N, It, Fr or Ger."""
    root: int
    """Semitones above the tonic."""
    quality: str
    """A name of ``KINDS``."""
    cost: float
    """How unlikely the chord is in its key; higher is less likely."""
    target: int | None = None
    """The degree to which the chord is applied, in semitones above the tonic; None if to none."""
    of: str = ""
    """The numeral of that degree."""

    def figured(self, inversion: int) -> str:
        """The numeral with the figures of an inversion, such as ``V65/V``.

        >>> Numeral("major", "vii", 6, "diminished-seventh", 1.0, 7, "V").figured(1)
        'vii°65/V'
        >>> Numeral("minor", "Ger", 8, "German", 1.0).figured(0)
        'Ger65'
        """
        if self.quality in AUGMENTED_SIXTHS:
            return self.degree + AUGMENTED_SIXTHS[self.quality].mark
        kind = QUALITIES[self.quality]
        of = f"/{self.of}" if self.of else ""
        return f"{self.degree}{kind.mark}{FIGURES[len(kind.members)][inversion]}{of}"

    @property
    def lowered(self) -> int:
        """The root of a chord on a lowered degree, such as bVI or N, on the line of fifths.

        It is counted from the tonic; 0 for all other chords.
        """
        altered = self.degree[0] == "b" or self.degree == "N" or self.quality in AUGMENTED_SIXTHS
        return LOWERED[self.root] if altered else 0

    @property
    def function(self) -> int:
        """The function: 0 tonic, 1 predominant, 2 dominant."""
        if self.target is not None:
            return 1
        return {"i": 0, "vi": 0, "iii": 0, "v": 2, "vii": 2}.get(self.degree.lower(), 1)


# Each entry: degree, semitones above the tonic, quality, cost. First the chords of the mode; then
# those borrowed from the other mode, in minor also those with a raised sixth or a Picardy third;
# then altered chords: N is the Neapolitan; It, Fr and Ger are the augmented sixths.
MAJOR = """
    I 0 major -0.4; ii 2 minor 0.4; iii 4 minor 1.1; IV 5 major 0.2; V 7 major 0; vi 9 minor 0.4
    vii 11 diminished 0.4; V 7 dominant 0.1; ii 2 minor-seventh 0.4; vii 11 half-diminished 0.5
    IV 5 major-seventh 1; vi 9 minor-seventh 1; I 0 major-seventh 1.3; iii 4 minor-seventh 1.5
    iv 5 minor 2.2; ii 2 diminished 2.4; ii 2 half-diminished 2.1; v 7 minor 2.2; i 0 minor 2.6
    vii 11 diminished-seventh 1.1; bIII 3 major 2.8; bVI 8 major 2.5; bVII 10 major 2.5
    V 7 augmented 1.1; I 0 augmented 1.3; N 1 major 2.4
    It 8 Italian 1.4; Fr 8 French 1.4; Ger 8 German 1.4
"""
MINOR = """
    i 0 minor -0.4; ii 2 diminished 0.5; III 3 major 0.7; iv 5 minor 0.2; V 7 major 0
    VI 8 major 0.5; VII 10 major 0.7; vii 11 diminished 0.4; v 7 minor 1; V 7 dominant 0.1
    ii 2 half-diminished 0.4; vii 11 diminished-seventh 0.4; iv 5 minor-seventh 0.7
    VI 8 major-seventh 1; i 0 minor-seventh 1.3; III 3 major-seventh 1.3; v 7 minor-seventh 1.7
    IV 5 major 1.2; IV 5 dominant 1.3; ii 2 minor 1.4; ii 2 minor-seventh 1.6
    III 3 augmented 1.4; I 0 major 1.6; vi 9 diminished 1.6; vi 9 half-diminished 1.7
    N 1 major 1.8; It 8 Italian 1; Fr 8 French 1; Ger 8 German 1
"""
TARGETS = {
    "major": {"ii": 2, "iii": 4, "IV": 5, "V": 7, "vi": 9, "N": 1},
    "minor": {"III": 3, "iv": 5, "V": 7, "VI": 8, "VII": 10, "N": 1},
}
APPLIED = """
    V 7 major 1.4; V 7 dominant 1.1; vii 11 diminished 1.4
    vii 11 diminished-seventh 1.3; vii 11 half-diminished 1.6
"""
"""The applied chords of every target; semitones count from the target. Else like ``MAJOR``."""
REMOTE = 0.4
"""The additional cost of an applied chord if its target is not the dominant."""

RESOLVED, UNRESOLVED = -0.35, 1.3
"""The costs of an applied chord or an augmented sixth that goes to its target, or does not."""
PROGRESSION = ((0.0, 0.0, 0.0), (0.08, 0.08, -0.08), (-0.25, 0.4, 0.0))
"""The cost of going from each function (rows) to each. Dominants rarely go to predominants."""


def _rows(table: str) -> list[tuple[str, int, str, float]]:
    rows = [row.split() for row in table.replace("\n", ";").split(";") if row.strip()]
    return [(degree, int(root), quality, float(cost)) for degree, root, quality, cost in rows]


def _numerals() -> tuple[Numeral, ...]:
    """The chords of both modes. Applied chords that have a plain name in the mode are left out."""
    found = []
    for mode, table in zip(MODES, (MAJOR, MINOR), strict=True):
        own = [Numeral(mode, *row) for row in _rows(table)]
        plain = {(numeral.root, numeral.quality) for numeral in own}
        for of, target in TARGETS[mode].items():
            for degree, above, quality, cost in _rows(APPLIED):
                root = (target + above) % 12
                if (root, quality) not in plain:
                    far = cost + (0 if of == "V" else REMOTE)
                    own.append(Numeral(mode, degree, root, quality, far, target, of))
        found += own
    return tuple(found)


NUMERALS = _numerals()


def transitions() -> NDArray[np.float64]:
    """``(E, E)`` the cost of going from each numeral (rows) to each; infinite between modes.

    Applied chords resolve to their targets. A diminished seventh, which is spelled by its
    resolution, resolves to the tonic or to another dominant. Augmented sixths resolve to the
    dominant, also through a six-four or another augmented sixth. All other chords follow
    ``PROGRESSION``: the tonic goes anywhere, predominants go to the dominant, and the dominant to
    the tonic (Kostka & Payne, *Tonal Harmony*, ch. 7).
    """
    table = np.full((len(NUMERALS), len(NUMERALS)), np.inf)
    functions = [numeral.function for numeral in NUMERALS]
    for i, numeral in enumerate(NUMERALS):
        for j, following in enumerate(NUMERALS):
            if numeral.mode != following.mode:
                continue
            if numeral.target is not None:
                lands = numeral.target in (following.root, following.target)
                table[i, j] = RESOLVED if lands else UNRESOLVED
            elif numeral.quality in AUGMENTED_SIXTHS:
                lands = following.root in (0, 7) or following.quality in AUGMENTED_SIXTHS
                table[i, j] = RESOLVED if lands else UNRESOLVED
            elif numeral.quality == "diminished-seventh":
                lands = following.root == 0 or functions[j] == 2
                table[i, j] = RESOLVED if lands else UNRESOLVED
            else:
                table[i, j] = PROGRESSION[functions[i]][functions[j]]
    return table
