"""Measure how fast ``LiveHarmonizer`` answers: changed bars and the page's other requests.

    python benchmarks/live.py

A tune of 32 bars of 4/4 (16 bars of a soprano of the validation side, twice) is harmonized once.
Then a note of a random bar is changed, ``REPEATS`` times, in one warm process; the measured time is
that of ``LiveHarmonizer.replace``. The same number of times, a harmonizer resumes the piece,
rewrites a bar with one and with four alternatives, lists the chords that fit, and mends a broken
rule. Both wall-clock time and processor time are printed, because other programs make the former
longer.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

import musicae
from musicae.api.harmonize import Task
from musicae.api.options import HarmonizeOptions
from musicae.core.chorale import Chorale, Note
from musicae.corpus import load
from musicae.encoding.partial_score import PartialScore

BARS = 32
REPEATS = 40
WARMING = 3
MOVES = (-2, -1, 1, 2)


def tune() -> Chorale:
    """The soprano of the first 4/4 validation chorale with 16 bars: its first 16 bars, twice."""
    chorale = next(
        chorale.bars(1, BARS // 2)
        for chorale in load.load().side("valid")
        if {str(meter) for meter in chorale.meters} == {"4/4"} and chorale.bar_count >= BARS // 2
    )
    melody = PartialScore.of(chorale, voices=(0,)).chorale
    pitch, onset = np.tile(melody.pitch, (2, 1)), np.tile(melody.onset, (2, 1))
    return replace(melody, pitch=pitch, onset=onset, fermatas=(), tempos=())


def change(live: musicae.LiveHarmonizer, bar: int, rng: random.Random) -> tuple[float, float]:
    """Milliseconds of wall-clock and processor time for changing a note in a bar."""
    notes = live.piece.chorale.bars(bar, bar).notes(0)
    index = rng.randrange(len(notes))
    step, duration, pitch = notes[index]
    notes[index] = Note(step, duration, pitch + rng.choice(MOVES))
    return taken(lambda: live.replace((bar, bar), notes))


def taken(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of wall-clock and processor time that ``work`` takes."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return 1e3 * (time.perf_counter() - clock), 1e3 * (time.process_time() - processor)


def lines(name: str, times: Sequence[tuple[float, float]]) -> str:
    found = []
    for clock, each in zip(("clock", "processor"), zip(*times, strict=True), strict=True):
        low, middle, high = statistics.quantiles(each, n=4)
        found.append(f"{clock} median {middle:.0f} ms, quartiles {low:.0f} and {high:.0f} ms")
    return f"{name}: {'; '.join(found)}"


def others(live: musicae.LiveHarmonizer, rng: random.Random) -> dict[str, Callable[[], object]]:
    """The other measured calls, by name."""
    piece = live.piece
    assert piece.plan
    plan, options = piece.plan, HarmonizeOptions(key=str(piece.plan.key))
    task = Task.of(piece.chorale, options)
    broken = piece.report().violations
    return {
        "resume": lambda: musicae.LiveHarmonizer.resume(task, piece.chorale, plan),
        "rewrite a bar": lambda: live.rewrite((rng.randint(1, BARS),) * 2),
        "rewrite a bar in four ways": lambda: live.rewrite((rng.randint(1, BARS),) * 2, 4),
        "choices": lambda: live.choices(rng.randrange(len(piece.chorale))),
        "mend": lambda: live.mend(rng.choice(broken)),
    }


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rng = random.Random(0)
    live = musicae.LiveHarmonizer(tune())
    times = [change(live, rng.randint(1, BARS), rng) for _ in range(WARMING + REPEATS)]
    print(f"{REPEATS} changes of a bar of 4/4 in {BARS} bars; load {os.getloadavg()[0]:.1f}")
    print(lines("replace", times[WARMING:]))
    for name, work in others(live, rng).items():
        print(lines(name, [taken(work) for _ in range(WARMING + REPEATS)][WARMING:]))


if __name__ == "__main__":
    main()
