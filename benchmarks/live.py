"""How soon a changed bar has new voices.

    python benchmarks/live.py

A tune of 32 bars of 4/4, the soprano of a chorale of the validation side twice, is harmonized once.
Then one bar after the other gets another note, ``REPEATS`` times, in one warm process; each time is
that of ``LiveHarmonizer.replace``. Both the clock's time and that of the processor are told, for
other programs make the former longer.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

import musicae
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
    clock, processor = time.perf_counter(), time.process_time()
    live.replace((bar, bar), notes)
    return 1e3 * (time.perf_counter() - clock), 1e3 * (time.process_time() - processor)


def line(name: str, times: Sequence[float]) -> str:
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{name}: median {middle:.0f} ms, quartiles {low:.0f} and {high:.0f} ms"


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rng = random.Random(0)
    live = musicae.LiveHarmonizer(tune())
    times = [change(live, rng.randint(1, BARS), rng) for _ in range(WARMING + REPEATS)]
    clock, processor = zip(*times[WARMING:], strict=True)
    print(f"{REPEATS} changes of a bar of 4/4 in {BARS} bars; load {os.getloadavg()[0]:.1f}")
    print(line("clock", clock))
    print(line("processor", processor))


if __name__ == "__main__":
    main()
