"""Set up the virtual environment in ``.venv`` and run commands in it, for ``run.py`` and
``test.py``."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
BIN = FOLDER / ("Scripts" if os.name == "nt" else "bin")


def command(name: str) -> str:
    """The path of a command in the environment."""
    return str(BIN / (f"{name}.exe" if os.name == "nt" else name))


def prepare(extras: str = "") -> None:
    """Create the environment and install musicae with ``extras`` such as ``[dev]``.

    If that was done before with the same ``pyproject.toml``, nothing is done.
    """
    if not (3, 11) <= sys.version_info < (3, 14):
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"error: musicae needs Python 3.11 to 3.13; this is Python {found}")
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    done = FOLDER / f"installed{extras}"
    if done.is_file() and done.read_text() == wanted:
        return
    print(f"setting up {FOLDER} (once; about a minute)", file=sys.stderr)
    if not Path(command("python")).exists():
        venv.create(FOLDER, with_pip=True)
    install = [command("python"), "-m", "pip", "install", "--quiet"]
    install += ["--disable-pip-version-check", "--editable", f"{ROOT}{extras}"]
    if subprocess.run(install, check=False).returncode:
        sys.exit("error: pip could not install musicae; see its messages above")
    done.write_text(wanted)


def run(*arguments: str) -> None:
    """Run a command of the environment, and exit with its status."""
    process = subprocess.Popen([command(arguments[0]), *arguments[1:]])
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            continue  # the command gets the interrupt, too, and ends by itself
