"""Measure the speed and memory of musicae, and compare it with an earlier commit if one is named.

    python benchmarks/speed.py
    python benchmarks/speed.py --beside 9531ff8                   # both in one run, and the ratios
    python benchmarks/speed.py --beside 9531ff8 --python OTHER/bin/python --only warm eight

Each row is a task. With ``--beside`` the two programs run in turn, so other work on the machine
affects both. A row prints the median and the quartiles of each program, and the ratio of the
medians; above 1 this program is faster. The package of the earlier commit is installed into a new
environment, unless ``--python`` names an interpreter that has the packages it needs.

Warm rows run in one process after a first run that does not count. Each long melody runs in a new
process, and its greatest memory is printed. The other rows run from the shell. The tune is 16 bars
of 4/4, the soprano of a chorale of the validation side; a long melody repeats this tune.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import musicae
from musicae.core.chorale import Chorale
from musicae.corpus import load
from musicae.encoding.partial_score import PartialScore

ROOT = Path(__file__).parents[1]
WORKER = Path(__file__).with_name("speed_worker.py")
REPEATS = 5
BAR = 16
BARS = 16
LONG = 500
LIVE = "live"
"""The row for a changed bar; earlier commits do not have it; see ``live.py``."""
MELODIES = 100
TORCH = "torch==2.13.0"
"""The requirement for installing an earlier commit: newer wheels also install CUDA."""
Run = dict[str, float]
"""The ``seconds`` of a run and, from a worker, the greatest memory of its process in ``mebibytes``.
"""


@dataclass(frozen=True)
class Program:
    """A commit's code and the interpreter that runs it."""

    name: str
    python: str
    tree: Path

    @property
    def environment(self) -> dict[str, str]:
        # Python keeps its compiled modules, as for users.
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return kept | {"PYTHONPATH": str(self.tree)}

    def timed(self, *arguments: str) -> Run:
        """Run the interpreter once from the shell."""
        # In a folder without code, because `python -m` searches the current folder first.
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            done = subprocess.run(
                [self.python, *arguments],
                check=False,
                capture_output=True,
                cwd=folder,
                env=self.environment,
            )
            seconds = time.perf_counter() - began
        if done.returncode:
            raise SystemExit(f"error: {self.name}: {done.stderr.decode()}")
        return {"seconds": seconds}

    @contextlib.contextmanager
    def worker(self, task: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
        """A process that runs a task once each time ``step`` is called."""
        command = [self.python, "-P", str(WORKER), json.dumps(task)]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env=self.environment
        ) as process:
            yield process


def step(process: subprocess.Popen[str]) -> Run:
    """One run of a worker."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise SystemExit("error: a measured program ended; its message is above")
    measured: Run = json.loads(answer)
    return measured


class Row(NamedTuple):
    """A measured task."""

    title: str
    task: dict[str, Any] | None = None
    """The task of a worker; None to run the interpreter with ``arguments``."""
    arguments: tuple[str, ...] = ()
    fresh: bool = False
    """Whether each run of the worker's task has a new process."""
    repeats: int = REPEATS


def sixteen_bars() -> Chorale:
    """The first 16 bars of the first 4/4 validation chorale that is long enough."""
    return next(
        chorale.bars(1, BARS)
        for chorale in load.load().side("valid")
        if _is_in_four(chorale) and chorale.bar_count >= BARS
    )


def melodies() -> list[Chorale]:
    """``MELODIES`` passages of 16 bars of 4/4, from chorales of all sides."""
    corpus = load.load()
    found = [
        chorale.bars(first, first + BARS - 1)
        for side in ("train", "valid", "test")
        for chorale in corpus.side(side)
        if _is_in_four(chorale)
        for first in range(1, chorale.bar_count - BARS + 2, BARS // 4)
    ]
    assert len(found) >= MELODIES
    return found[:MELODIES]


def again(tune: Chorale, bars: int) -> Chorale:
    """``bars`` bars of a tune that is repeated."""
    times = -(-bars * BAR // len(tune))
    pitch = np.tile(tune.pitch, (times, 1))[: bars * BAR]
    onset = np.tile(tune.onset, (times, 1))[: bars * BAR]
    return replace(tune, pitch=pitch, onset=onset, fermatas=(), tempos=())


def write_soprano(chorale: Chorale, path: Path) -> None:
    """Write the melody of a chorale as a MIDI file."""
    musicae.write(PartialScore.of(chorale, voices=(0,)).chorale, path)


def rows(folder: Path, bars: Sequence[int]) -> dict[str, Row]:
    """The rows by the names for ``--only``; writes their melodies into a folder."""
    tune = folder / "tune.mid"
    write_soprano(sixteen_bars(), tune)
    many = folder / "many"
    many.mkdir()
    for i, melody in enumerate(melodies(), start=1):
        write_soprano(melody, many / f"melody-{i:03}.mid")
    piece = {"task": "generate", "bars": BARS, "key": "D minor", "meter": "4/4"}
    command = ("-m", "musicae", "harmonize")
    found = {
        "warm": Row(
            f"{BARS} bars, the best of its drafts, warm",
            {"task": "harmonize", "path": str(tune), "n": 1},
        ),
        "eight": Row(
            f"{BARS} bars, eight alternatives, warm",
            {"task": "harmonize", "path": str(tune), "n": 8},
        ),
        "shell": Row(
            f"{BARS} bars, from the shell to the file",
            arguments=(*command, str(tune), "-o", "out.mid"),
        ),
        "vae": Row(f"a new piece of {BARS} bars, warm", piece | {"n": 1}),
        "vae-eight": Row(f"eight new pieces of {BARS} bars, warm", piece | {"n": 8}),
    }
    for count in bars:
        path = folder / f"long-{count}.mid"
        write_soprano(again(sixteen_bars(), count), path)
        task = {"task": "harmonize", "path": str(path), "n": 1}
        found[f"{count}-bars"] = Row(f"{count} bars", task, fresh=True, repeats=1)
    found["many"] = Row(
        f"{MELODIES} melodies of {BARS} bars from the shell",
        arguments=(*command, str(many), "-o", "out/"),
        repeats=1,
    )
    found["help"] = Row("musicae --help", arguments=("-m", "musicae", "--help"), repeats=10)
    return found


def measure(row: Row, programs: Sequence[Program], repeats: int) -> list[list[Run]]:
    """The runs of each program; the programs run in turn."""
    runs: list[list[Run]] = [[] for _ in programs]
    with contextlib.ExitStack() as stack:
        workers = []
        if row.task and not row.fresh:
            workers = [stack.enter_context(each.worker(row.task)) for each in programs]
            for worker in workers:
                step(worker)
        for _ in range(repeats):
            for i, program in enumerate(programs):
                if workers:
                    runs[i].append(step(workers[i]))
                elif row.task:
                    with program.worker(row.task) as process:
                        runs[i].append(step(process))
                else:
                    runs[i].append(program.timed(*row.arguments))
    return runs


def report(title: str, unit: str, names: Sequence[str], found: Sequence[Sequence[float]]) -> None:
    """Print median and quartiles for each program, and the ratio of the second to the first."""
    print(f"{title}:")
    for name, values in zip(names, found, strict=True):
        low, middle, high = _quartiles(values)
        apart = f" ({low:.3g} to {high:.3g})" if len(values) > 1 else ""
        print(f"  {name:12} {middle:.3g} {unit}{apart}")
    if len(found) > 1:
        print(f"  ratio        {statistics.median(found[1]) / statistics.median(found[0]):.2f}")
    sys.stdout.flush()


def beside_torch(python: str, repeats: int) -> None:
    """Print how long an interpreter takes to import torch, if it has torch."""
    plain = Program("torch", python, Path())
    with contextlib.suppress(SystemExit):
        times = [plain.timed("-c", "import torch")["seconds"] for _ in range(repeats)]
        report('python -c "import torch"', "s", ["torch"], [times])


@contextlib.contextmanager
def earlier(commit: str, python: str | None) -> Iterator[Program]:
    """The program of a commit, in a temporary work tree and environment."""
    git = ["git", "-C", str(ROOT), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), commit], check=True)
        try:
            if python is None:
                place = Path(folder) / "environment"
                subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
                python = str(place / "bin" / "python")
                install = [python, "-m", "pip", "install", "--quiet"]
                subprocess.run([*install, TORCH, str(tree)], check=True)
            # Do not resolve links: the interpreter finds its environment by the link.
            yield Program(commit, str(Path(python).absolute()), tree)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--beside", metavar="COMMIT", help="an earlier commit to compare with")
    parser.add_argument("--python", metavar="PATH", help="an interpreter that can run COMMIT")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="the rows; default: all")
    parser.add_argument("--repeats", type=int, help="runs of each row; default: its own number")
    parser.add_argument(
        "--bars", type=int, nargs="+", default=[LONG], help="lengths of long melodies"
    )
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        every = rows(folder, options.bars)
        if unknown := set(options.only or ()) - {*every, LIVE}:
            known = ", ".join([*every, LIVE])
            parser.error(f"no row is called {', '.join(unknown)}; the rows are {known}")
        programs = [Program("here", sys.executable, ROOT)]
        if options.beside:
            programs.append(stack.enter_context(earlier(options.beside, options.python)))
        names = [program.name for program in programs]
        for name in options.only or [*every, LIVE]:
            if name == LIVE:
                subprocess.run([sys.executable, str(ROOT / "benchmarks" / "live.py")], check=True)
                continue
            row = every[name]
            repeats = options.repeats or row.repeats
            runs = measure(row, programs, repeats)
            report(row.title, "s", names, [[run["seconds"] for run in each] for each in runs])
            if row.fresh:
                memory = [[run["mebibytes"] for run in each] for each in runs]
                report(f"{row.title}, greatest memory", "MiB", names, memory)
            if name == "shell":
                beside_torch(programs[-1].python, repeats)


def _quartiles(values: Sequence[float]) -> list[float]:
    if len(values) == 1:
        return [*values] * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def _is_in_four(chorale: Chorale) -> bool:
    return {str(meter) for meter in chorale.meters} == {"4/4"}


if __name__ == "__main__":
    main()
