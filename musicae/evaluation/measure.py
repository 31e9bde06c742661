"""Measure a chorale in every way that the comparison table shows, and many on all cores."""

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
"""The most chorales that are measured in this process: starting others takes longer."""

_indices: list[Index] = []
"""In a worker process: the index of the known chorales in all voices, and of their sopranos."""


class Measures(NamedTuple):
    """What is measured of a chorale."""

    grade: float
    """Its Bach-likeness; see ``bach_likeness.Grade``."""
    progression: float
    """How much more unexpected its chords are than those of held-out Bach, in nats a chord."""
    traits: dict[str, float]
    """The features of a classifier; see ``two_sample.traits``."""
    chords: int
    broken: dict[str, int]
    """How often each rule of ``voice_leading.rules.RULES`` is broken."""
    shared: float
    """The longest passage shared with a known chorale, in beats."""
    shared_soprano: float


def measure(
    chorales: Sequence[Chorale],
    known: Sequence[Chorale],
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Measures]:
    """Measure chorales; ``known`` is the train side, for which shared passages are looked up.

    ``workers`` is the number of processes, by default one a core where there is much to measure.
    ``progress`` is called with the number of chorales that are done.
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
