"""Measure the download and the disk space of an installation of this checkout, in MB, by package.

    python benchmarks/install_size.py
    python benchmarks/install_size.py --extras studio --tree OTHER_CHECKOUT
    python benchmarks/install_size.py --also torch==2.13.0     # pins a requirement

The wheels of the checkout and of its requirements are downloaded to a folder; their sizes are the
download. Then they are installed from there into a new environment. 1 MB is 1,000,000 bytes; the
sizes are those of the files' contents. pip itself does not count.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
MEGABYTE = 1e6
LEAST = 1.0
"""Packages with less than this many MB on disk share one row."""
ON_DISK = """
import importlib.metadata as metadata, json
print(json.dumps({
    each.metadata["Name"]: sum(
        path.stat().st_size for path in map(each.locate_file, each.files or ()) if path.is_file()
    )
    for each in metadata.distributions()
}))
"""


def download(requirements: list[str], wheels: Path) -> dict[str, float]:
    """Download the wheels of requirements; returns their sizes in MB by package."""
    fetch = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(wheels)]
    subprocess.run([*fetch, *requirements], check=True)
    return {
        _normal(wheel.name.partition("-")[0]): wheel.stat().st_size / MEGABYTE
        for wheel in wheels.glob("*.whl")
    }


def install(requirements: list[str], wheels: Path, folder: Path) -> dict[str, float]:
    """Install requirements into a new environment; returns the MB on disk by package."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    take = [python, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(wheels)]
    subprocess.run([*take, *requirements], check=True)
    done = subprocess.run([python, "-c", ON_DISK], check=True, capture_output=True, text=True)
    found = {_normal(name): size / MEGABYTE for name, size in json.loads(done.stdout).items()}
    return {name: size for name, size in found.items() if name not in {"pip", "setuptools"}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tree", type=Path, default=ROOT, help="the checkout to install")
    parser.add_argument("--extras", default="", help="for example studio,train")
    parser.add_argument(
        "--also", nargs="*", default=[], help="more requirements, for example a pin"
    )
    options = parser.parse_args()
    extras = f"[{options.extras}]" if options.extras else ""
    with tempfile.TemporaryDirectory() as name:
        wheels = Path(name) / "wheels"
        fetched = download([f"{options.tree.resolve()}{extras}", *options.also], wheels)
        names = [f"musicae{extras}", *options.also]
        on_disk = install(names, wheels, Path(name) / "environment")
    print(f"{'package':24}{'download':>10}{'on disk':>10}")
    small = {package for package, size in on_disk.items() if size < LEAST}
    for package in sorted(on_disk.keys() - small, key=on_disk.__getitem__, reverse=True):
        print(f"{package:24}{fetched.get(package, 0.0):10.1f}{on_disk[package]:10.1f}")
    others = [sum(sizes.get(each, 0.0) for each in small) for sizes in (fetched, on_disk)]
    print(f"{f'{len(small)} others':24}{others[0]:10.1f}{others[1]:10.1f}")
    print(f"{'together':24}{sum(fetched.values()):10.1f}{sum(on_disk.values()):10.1f}")


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


if __name__ == "__main__":
    main()
