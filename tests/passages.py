"""Four-part passages typed as a grid, one row a voice and one column a note value."""

from __future__ import annotations

import re

from musicae.chorale import VOICES, Chorale, Key

QUARTER, EIGHTH = 4, 2
NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def midi(name: str) -> int:
    """The MIDI number of a pitch such as ``F#4``."""
    letter, accidentals, octave = re.fullmatch(r"([A-G])([#b]*)(\d)", name).groups()
    shift = accidentals.count("#") - accidentals.count("b")
    return NATURALS[letter] + shift + 12 * (int(octave) + 1)


def passage(grid: str, key: str | None = None, column: int = QUARTER) -> Chorale:
    """A chorale from rows such as ``S  C5 -- D5^ ..``: ``--`` holds, ``..`` rests, ``^`` is a
    fermata; a column lasts as many steps as ``column`` says."""
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
