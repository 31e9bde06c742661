"""Verovio in a process of its own: kern to MEI, and MusicXML to MEI (extra ``studio``).

Verovio is written in C++. Some damaged files crash it or keep it busy for ever. In a process of its
own, it can crash or be stopped without harm to musicae.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

from musicae.core.errors import ChoraleError, MusicaeError

SECONDS = 60
"""The longest time that a conversion may take."""
KERN, MUSICXML = "humdrum", "musicxml"
_PROGRAM = """
import os, sys
out = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what Verovio itself prints
import verovio
verovio.enableLog(verovio.LOG_OFF)
toolkit = verovio.toolkit()
toolkit.setOptions({"xmlIdSeed": 1, "breaks": "none"})
toolkit.setInputFrom(sys.argv[1])
text = sys.stdin.buffer.read().decode()
if not toolkit.loadData(text):
    sys.exit(3)
with os.fdopen(out, "wb") as file:
    file.write(toolkit.getMEI({"removeIds": sys.argv[2] == "lean"}).encode())
"""
_DATE = re.compile(r' isodate="[^"]*"')


def to_mei(text: str, source: str, *, lean: bool = False) -> str:
    """Convert a text in the format ``source``, ``KERN`` or ``MUSICXML``, to MEI.

    The same text gives the same MEI. ``lean`` leaves out identifiers that are not referred to.
    Raises MusicaeError if Verovio is missing, ChoraleError if it cannot read the text.
    """
    if importlib.util.find_spec("verovio") is None:
        raise MusicaeError(
            "reading kern and writing MEI need Verovio, which is not installed: pip install"
            " 'musicae[studio]'"
        )
    mode = "lean" if lean else "whole"
    command = [sys.executable, "-c", _PROGRAM, source, mode]
    try:
        done = subprocess.run(
            command,
            input=text.encode("utf-8", "replace"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ChoraleError(
            f"Verovio cannot read it within {SECONDS} seconds; is it damaged?"
        ) from None
    if done.returncode:
        raise ChoraleError("Verovio cannot read it; is it damaged?")
    return _DATE.sub("", done.stdout.decode("utf-8", "replace"))
