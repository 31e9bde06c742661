"""Four-part passages as text: one row for each voice and one column for each note value."""

from __future__ import annotations

import re

from musicae.core.chorale import Chorale
from musicae.core.constants import VOICES
from musicae.core.key import Key

QUARTER, EIGHTH = 4, 2
NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def midi(name: str) -> int:
    """The MIDI number of a pitch such as ``F#4``."""
    letter, accidentals, octave = re.fullmatch(r"([A-G])([#b]*)(\d)", name).groups()
    shift = accidentals.count("#") - accidentals.count("b")
    return NATURALS[letter] + shift + 12 * (int(octave) + 1)


def passage(grid: str, key: str | None = None, column: int = QUARTER) -> Chorale:
    """A chorale from rows such as ``S C5 -- D5^ ..``.

    ``--`` holds, ``..`` is a rest, and ``^`` is a fermata. A column lasts ``column`` steps.
    """
    voices: dict[str, list[tuple[int, int, int]]] = {name[0]: [] for name in VOICES}
    fermatas, columns = [], 0
    for row in filter(None, map(str.split, grid.strip().splitlines())):
        notes = voices[row[0]]
        columns = len(row) - 1
        for place, cell in enumerate(row[1:]):
            step = column * place
            if cell == "--":
                begin, duration, pitch = notes.pop()
                notes.append((begin, duration + column, pitch))
            elif cell != "..":
                notes.append((step, column, midi(cell.rstrip("^"))))
                fermatas += [step] * cell.endswith("^")
    return Chorale.from_notes(
        list(voices.values()),
        steps=column * columns,
        fermatas=tuple(fermatas),
        key=Key.parse(key) if key else None,
    )


HYMN = passage(
    "S C5 D5 E5 D5^ F5 E5 D5 C5^\nA G4 G4 G4 G4 A4 G4 F4 E4\n"
    "T E4 D4 C4 B3 C4 C4 B3 C4\nB C3 B2 C3 G2 F2 G2 G2 C2",
    key="C major",
)
OTHER = passage(
    "S G4 A4 B4 G4 A4 -- B4 C5 B4 A4 G4^ --\nA D4 D4 D4 D4 F#4 -- G4 G4 G4 F#4 D4 --\n"
    "T B3 A3 G3 B3 D4 -- D4 E4 D4 C4 B3 --\nB G3 F#3 G3 G2 D3 -- G3 C3 D3 D3 G2 --",
    key="G major",
)
CADENCE = Chorale.from_notes(
    [
        [(0, 4, 67), (4, 4, 69), (8, 8, 71)],
        [(0, 4, 62), (4, 4, 66), (8, 8, 67)],
        [(0, 4, 59), (4, 4, 62), (8, 8, 62)],
        [(0, 4, 55), (4, 4, 50), (8, 8, 43)],
    ],
    key=Key(1),
    title="Hymn",
)
