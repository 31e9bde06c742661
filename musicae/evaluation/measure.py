"""All measurements of a chorale for the comparison table; many chorales on all cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from musicae.core.chorale import Chorale
from musicae.encoding.tokens import ONLY_SOPRANO
from musicae.evaluation import bach_likeness, two_sample
from musicae.evaluation.originality import Index
from musicae.theory.voice_leading import rules

FEW = 64
"""Up to this many chorales are measured in this process: starting others would take longer."""

_indices: list[Index] = []
"""Two indices of the known chorales, in all voices and in the soprano; set in each process."""


class Measures(NamedTuple):
    """The measurements of a chorale."""

    grade: float
    """Bach-likeness; see ``bach_likeness.Grade``."""
    progression: float
    """The surprise of its chords minus that of held-out Bach, in nats per chord; see
    ``bach_likeness.progression``."""
    traits: dict[str, float]
    """The features for a classifier; see ``two_sample.traits``."""
    chords: int
    """The number of chords; see ``voice_leading.rules.chord_count``."""
    broken: dict[str, int]
    """The number of violations of each rule of ``voice_leading.rules.RULES``."""
    shared: float
    """The length of the longest passage shared with a known chorale, in quarters."""
    shared_soprano: float
    """The same for the soprano alone."""


def measure(
    chorales: Sequence[Chorale],
    known: Sequence[Chorale],
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Measures]:
    """Measure chorales; shared passages are searched in ``known``, the train side.

    ``workers`` is the number of processes; by default one for each core if there are more than
    ``FEW`` chorales. ``progress`` is called with the number of chorales done. Raises MusicaeError
    if a chorale has a silent voice.
    """
    found = []
    for measured in _measured(chorales, known, workers):
        found.append(measured)
        if progress:
            progress(len(found))
    return found


def _measured(
    chorales: Sequence[Chorale], known: Sequence[Chorale], workers: int | None
) -> Iterator[Measures]:
    if workers is None:
        workers = 1 if len(chorales) <= FEW else os.cpu_count() or 1
    if workers == 1:
        _begin(known)
        yield from map(_measure, chorales)
        return
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawning, initializer=_begin, initargs=(known,)) as pool:
        yield from pool.map(_measure, chorales, chunksize=8)


def _begin(known: Sequence[Chorale]) -> None:
    _indices[:] = [Index(known), Index(known, ONLY_SOPRANO)]


def _measure(chorale: Chorale) -> Measures:
    passages = [index.longest(chorale) for index in _indices]
    shared, shared_soprano = (passage.beats if passage else 0.0 for passage in passages)
    return Measures(
        bach_likeness.grade(chorale).total,
        bach_likeness.progression(chorale),
        two_sample.traits(chorale),
        rules.chord_count(chorale),
        {name: len(rule(chorale)) for name, rule in rules.RULES.items()},
        shared,
        shared_soprano,
    )
