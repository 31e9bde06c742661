"""Draw a chorale as text: a piano roll with one row per pitch and one column per sixteenth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from musicae.core.constants import REST, VOICES
from musicae.core.pitch import pitch_name

if TYPE_CHECKING:
    from musicae.core.chorale import Chorale
    from musicae.core.meter import Measure

MARGIN = 5
"""The width of the column with the names of pitches, in characters."""


def drawn(chorale: Chorale, width: int) -> str:
    """The piano roll of a chorale, in systems of whole bars.

    A system is at most ``width`` characters wide, unless a single bar is wider.
    """
    systems: list[list[Measure]] = [[]]
    used = MARGIN
    for measure in chorale.measures:
        if systems[-1] and used + measure.length + 1 > width:
            systems.append([])
            used = MARGIN
        systems[-1].append(measure)
        used += measure.length + 1
    number = 0 if chorale.pickup else 1
    blocks = [repr(chorale)]
    for system in systems:
        blocks.append(_system(chorale, system, number))
        number += len(system)
    return "\n\n".join(blocks)


def _system(chorale: Chorale, measures: list[Measure], number: int) -> str:
    start, stop = measures[0].start, measures[-1].start + measures[-1].length
    window = chorale.pitch[start:stop]
    sounding = window[window != REST]
    if not sounding.size:
        return f"bars {number} to {number + len(measures) - 1} are silent"
    header = " " * MARGIN
    for i, measure in enumerate(measures):
        header += "|" + f"{number + i}".ljust(measure.length)[: measure.length]
    rows = [header.rstrip()]
    for midi in range(int(sounding.max()), int(sounding.min()) - 1, -1):
        row = pitch_name(midi).ljust(MARGIN)
        for measure in measures:
            row += "|"
            for step in range(measure.start, measure.start + measure.length):
                row += _cell(chorale, step, midi)
        rows.append(row.rstrip())
    return "\n".join(rows)


def _cell(chorale: Chorale, step: int, midi: int) -> str:
    voices = np.flatnonzero(chorale.pitch[step] == midi)
    begin = [VOICES[v][0] for v in voices if chorale.onset[step, v]]
    if begin:
        return begin[0]
    return "=" if voices.size else " "
