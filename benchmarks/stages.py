"""Measure the time of each stage of harmonizing 16 bars, in a new process and when all is loaded.

    python benchmarks/stages.py
    python benchmarks/stages.py -n 8

The functions of each stage are replaced by functions that measure their time. If one calls a
function of another stage, that time counts for the other stage only. Functions that no longer exist
are ignored.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from importlib import import_module
from pathlib import Path
from typing import Any

REPEATS = 9
ELSE = "all else"
STAGES = {
    "load of weights": ["models.checkpoint:load_model"],
    "sessions of graphs": ["models.onnx_engine:OnnxEngine._load"],
    "reading": ["api.midi_input:read_given", "api.given:given_parts"],
    "key": ["decoding.key:find_mode"],
    "phrases": ["api.phrase_ends:choose"],
    "planner: network and chain": ["decoding.harmonize:problem_of"],
    "planner: plans": ["decoding.harmonize:_plans", "decoding.harmonize:_with_seconds"],
    "what is known as arrays": ["encoding.batches:masked_batch"],
    "encoder": ["decoding.conditioning:Conditioning.__getitem__"],
    "tables of the plan": ["decoding.plan_costs:PlanCosts.__init__"],
    "program and its memory": ["decoding.kernel.program:Program.__init__"],
    "voices": ["decoding.compiled:Compiled.write"],
    "sampling, all else": ["decoding.sampler:sample"],
    "ranking": [f"decoding.reranking:{name}" for name in ("cost", "rerank")],
    "report": ["api.piece:Piece.report"],
    "writing": ["api.piece:Piece.write"],
}
"""The functions of each stage, in ``musicae``."""


class Clock:
    """Seconds and calls of each stage since the last call of ``taken``."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self.stage, self.since = ELSE, time.perf_counter()

    def change(self, stage: str) -> str:
        """Count the time from now on for a stage; returns the stage before."""
        now, before = time.perf_counter(), self.stage
        self.seconds[before] += now - self.since
        self.stage, self.since = stage, now
        return before

    def taken(self) -> tuple[dict[str, float], Counter[str]]:
        self.change(self.stage)
        found = self.seconds, self.calls
        self.seconds, self.calls = defaultdict(float), Counter()
        return found

    def watch(self, stage: str, name: str) -> None:
        """Measure a function of ``STAGES`` with this clock."""
        home, _, path = name.partition(":")
        *owner, last = path.split(".")
        try:
            place = functools.reduce(getattr, owner, import_module(f"musicae.{home}"))
            function = getattr(place, last)
        except (ImportError, AttributeError):
            return

        @functools.wraps(function)
        def watched(*args: Any, **settings: Any) -> Any:
            before = self.change(stage)
            self.calls[stage] += 1
            try:
                return function(*args, **settings)
            finally:
                self.change(before)

        setattr(place, last, watched)
        for module in [m for n, m in sys.modules.items() if n.startswith("musicae.")]:
            if not owner and vars(module).get(last) is function:
                setattr(module, last, watched)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=1, help="the number of alternatives")
    n = parser.parse_args().n
    clock = Clock()
    for stage, names in STAGES.items():
        for name in names:
            clock.watch(stage, name)
    imports = sum(clock.taken()[0].values())
    import speed  # it imports modules that harmonizing does not need

    import musicae

    runs = []
    with tempfile.TemporaryDirectory() as folder:
        tune, out = Path(folder) / "tune.mid", Path(folder) / "out.mid"
        speed.write_soprano(speed.sixteen_bars(), tune)
        clock.taken()
        for _ in range(REPEATS):
            for piece in musicae.harmonize(tune, n=n):
                piece.report()
                piece.write(out)
            runs.append(clock.taken())
    (cold, _), (_, calls) = runs[0], runs[-1]
    warm = [seconds for seconds, _ in runs[1:]]
    print(f"{'':26}{'cold, ms':>10}{'warm, ms':>10}{'calls':>8}")
    print(f"{'import':26}{imports * 1000:10.1f}")
    for stage in [*STAGES, ELSE]:
        middle = statistics.median(seconds[stage] for seconds in warm)
        print(f"{stage:26}{cold[stage] * 1000:10.1f}{middle * 1000:10.1f}{calls[stage]:8}")
    total = statistics.median(sum(seconds.values()) for seconds in warm)
    print(f"{'together':26}{(imports + sum(cold.values())) * 1000:10.1f}{total * 1000:10.1f}")


if __name__ == "__main__":
    main()
