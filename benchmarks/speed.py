"""How fast the harmonizer is, how time and memory grow with length, and what rhythm does.

    python benchmarks/speed.py

Warm times are medians of ``REPEATS`` runs on 16 bars of 4/4 (a chorale of the validation side);
the cold time is that of the command, from the shell to the file. Long melodies are that soprano
again and again, each in a process of its own, whose greatest memory is told. Notes a quarter are
those of alto, tenor and bass over the validation side, plain and flowing beside what the model
does of its own accord.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

import musicae
from musicae.core.chorale import Chorale
from musicae.corpus import load
from musicae.decoding import harmonize
from musicae.encoding.partial_score import RHYTHMS, PartialScore
from musicae.models.checkpoint import load_model

MODEL = "harmonizer"
REPEATS = 5
BAR = 16
BARS = 16
LONG = (125, 250, 500)
PIECES = 20
MEBIBYTE = 1024


def sixteen_bars() -> Chorale:
    """The first validation chorale in 4/4 that has as many bars."""
    return next(
        chorale.bars(1, BARS)
        for chorale in load.load().side("valid")
        if {str(meter) for meter in chorale.meters} == {"4/4"} and chorale.bar_count >= BARS
    )


def warm(tune: Chorale, n: int) -> float:
    """Seconds for ``n`` harmonizations, plans among them."""
    model, planner = load_model(MODEL), load_model("planner")
    partial = PartialScore.of(tune, voices=(0,))
    times = []
    for _ in range(1 + REPEATS):
        began = time.perf_counter()
        harmonize.harmonize(model, partial, n, planner=planner)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def cold(tune: Chorale) -> float:
    """Seconds from the shell to the file."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tune.mid"
        musicae.write(PartialScore.of(tune, voices=(0,)).chorale, path)
        command = [sys.executable, "-m", "musicae", "harmonize", str(path)]
        for _ in range(REPEATS):
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def long(bars: int) -> tuple[float, float]:
    """Seconds and the process's greatest memory in MiB for a melody of so many bars of 4/4."""
    tune = sixteen_bars()
    times = -(-bars * BAR // len(tune))
    pitch = np.tile(tune.pitch, (times, 1))[: bars * BAR]
    onset = np.tile(tune.onset, (times, 1))[: bars * BAR]
    melody = replace(tune, pitch=pitch, onset=onset, fermatas=(), tempos=())
    began = time.perf_counter()
    musicae.harmonize(melody, voice="soprano")
    seconds = time.perf_counter() - began
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE


def notes_a_quarter(rhythm: str | None) -> float:
    """Of alto, tenor and bass, mean over voices and chorales."""
    model, planner, rates = load_model(MODEL), load_model("planner"), []
    for chorale in load.load().side("valid")[:PIECES]:
        partial = PartialScore.of(chorale, voices=(0,), rhythm=rhythm)
        (made,) = harmonize.harmonize(model, partial, planner=planner)
        rates.append(made.chorale.onset[:, 1:].sum() / 3 / (len(chorale) / 4))
    return float(np.mean(rates))


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    tune = sixteen_bars()
    for n in (1, 8):
        print(f"warm, {BARS} bars, {n} candidate{'s' * (n > 1)}: {warm(tune, n):.2f} s")
    print(f"cold, from the shell to the file: {cold(tune):.2f} s")
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for bars in LONG:
            seconds, memory = pool.apply(long, (bars,))
            print(f"{bars} bars: {seconds:.1f} s, {memory:.0f} MiB at most")
    for rhythm in (RHYTHMS[0], None, RHYTHMS[1]):
        print(f"rhythm {rhythm or 'left open'}: {notes_a_quarter(rhythm):.2f} notes a quarter")


if __name__ == "__main__":
    main()
