"""Base."""

from __future__ import annotations

from typing import NamedTuple

from musicae.core.chorale import Chorale


class Reading(NamedTuple):
    """A chorale read from a file, and how many notes had to be moved to the grid or dropped."""

    chorale: Chorale
    quantized: int
