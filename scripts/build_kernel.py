"""Compile the C program that writes voices to WebAssembly: ``python scripts/build_kernel.py``.

It needs ``ziglang``, a C compiler from PyPI, and produces the same bytes on every system.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "musicae" / "decoding" / "kernel"
OPTIONS = (
    *("-target", "wasm32-freestanding", "-O3", "-msimd128", "-nostdlib"),
    *("-Wall", "-Wextra", "-Werror"),
    *("-Wl,--no-entry", "-Wl,--strip-all", "-Wl,--export=__heap_base"),
)


def build(path: Path) -> None:
    """Compile the program into a file. Raises CalledProcessError if the compiler fails."""
    sources = sorted(each.name for each in SOURCES.glob("*.c"))
    command = [sys.executable, "-m", "ziglang", "cc", *OPTIONS, *sources, "-o", str(path)]
    subprocess.run(command, cwd=SOURCES, check=True)


if __name__ == "__main__":
    build(SOURCES / "writer.wasm")
