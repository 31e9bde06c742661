"""The virtual environment in ``.venv`` that the other scripts set up and run in."""

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
    """Make the environment and install musicae with ``extras`` such as ``[dev]``, once."""
    if not (3, 11) <= sys.version_info < (3, 14):
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"error: musicae needs Python 3.11 to 3.13, and this is {found}")
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
        sys.exit("error: pip could not install musicae; its messages above say why")
    done.write_text(wanted)


def run(*arguments: str) -> None:
    """Run a command of the environment, and exit with its status."""
    process = subprocess.Popen([command(arguments[0]), *arguments[1:]])
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            continue  # the command has heard it too, and ends in its own way
