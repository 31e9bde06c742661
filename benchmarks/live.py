"""How soon a changed bar has new voices, and what else a page asks for is there.

    python benchmarks/live.py

A tune of 32 bars of 4/4, the soprano of a chorale of the validation side twice, is harmonized once.
Then one bar after the other gets another note, ``REPEATS`` times, in one warm process; each time is
that of ``LiveHarmonizer.replace``. Then, as often, a harmonizer goes on with the piece (``resume``)
and writes a bar anew to the same melody, once and in four ways, lists the chords that fit, and
mends what breaks a rule. Both the clock's time and that of the processor are told, for other
programs make the former longer.
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
    """16 bars of the first validation chorale in 4/4 that has as many, twice."""
    chorale = next(
        chorale.bars(1, BARS // 2)
        for chorale in load.load().side("valid")
        if {str(meter) for meter in chorale.meters} == {"4/4"} and chorale.bar_count >= BARS // 2
    )
    melody = PartialScore.of(chorale, voices=(0,)).chorale
    pitch, onset = np.tile(melody.pitch, (2, 1)), np.tile(melody.onset, (2, 1))
    return replace(melody, pitch=pitch, onset=onset, fermatas=(), tempos=())


def change(live: musicae.LiveHarmonizer, bar: int, rng: random.Random) -> tuple[float, float]:
    """Milliseconds of the clock and of the processor for a bar with another note."""
    notes = live.piece.chorale.bars(bar, bar).notes(0)
    index = rng.randrange(len(notes))
    step, duration, pitch = notes[index]
    notes[index] = Note(step, duration, pitch + rng.choice(MOVES))
    return taken(lambda: live.replace((bar, bar), notes))


def taken(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of the clock and of the processor for some work."""
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
    """What else is measured, by name."""
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
