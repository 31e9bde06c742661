"""What a result is made from, as one digest, and whether it was made from the same before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import Enum, auto
from pathlib import Path
from typing import Any

from musicae.api.options import HarmonizeOptions
from musicae.core.assets import WEIGHTS
from musicae.core.errors import MusicaeError
from musicae.core.version import __version__
from musicae.io import chord_sheet
from musicae.io.base import MIDI_SUFFIXES, suffix_of
from musicae.io.seal import seal_of
from musicae.models.weights_header import stated_checksum

_READERS = ("planner", "phrases", "key")
"""The models that read a melody for the one that harmonizes."""
_WEIGHTS_SUFFIX = ".safetensors"
_WORDS = ("infer", "none", "all", "soprano", "file")
"""What an option can be that is otherwise the path of a file."""


class State(Enum):
    """What there is of a melody's results."""

    TO_MAKE = auto()
    """One is missing, or they are as musicae wrote them from something else."""
    MADE = auto()
    """They are as musicae wrote them from the same."""
    NOT_OURS = auto()
    """One was edited, or musicae did not write it."""


def state_of(outputs: Sequence[Path], inputs: str) -> State:
    """What there is of the results that would be made from ``inputs``, a ``digest``.

    Raises MusicaeError where their format has no seal: only MIDI files have.
    """
    seals = []
    for path in outputs:
        if suffix_of(path) not in MIDI_SUFFIXES:
            raise MusicaeError(f"{path}: only of a MIDI file can be told what it was made from")
        try:
            seals.append(seal_of(path.read_bytes()))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise MusicaeError(f"{path}: cannot be read ({error.strerror})") from None
    if not all(seal and seal.unbroken for seal in seals):
        return State.NOT_OURS
    same = all(seal and seal.inputs == inputs for seal in seals)
    return State.MADE if same and len(seals) == len(outputs) else State.TO_MAKE


def option_files(options: HarmonizeOptions) -> dict[str, Path]:
    """The options that are paths of files that exist, by their names."""
    found = {}
    for name in ("phrases", "chords", "words", "model"):
        value = getattr(options, name)
        if value is None or value in _WORDS:
            continue
        suffixes = {"chords": chord_sheet.SUFFIXES, "model": (_WEIGHTS_SUFFIX,)}.get(name)
        path = Path(value)
        if suffixes and path.suffix.lower() not in suffixes and not isinstance(value, Path):
            continue
        try:
            if path.is_file():
                found[name] = path
        except (OSError, ValueError):  # no path at all
            continue
    return found


def program_facts(options: HarmonizeOptions) -> dict[str, str]:
    """The version of musicae and, by their models' names, the checksums of the weights."""
    facts = {"version": __version__}
    for name in (options.model, *_READERS):
        own = name.endswith(_WEIGHTS_SUFFIX)
        path = Path(name) if own else WEIGHTS / f"{name}{_WEIGHTS_SUFFIX}"
        facts["model" if name == options.model else name] = stated_checksum(path)
    return facts


def digest(
    melody: Path,
    options: HarmonizeOptions,
    looks: Mapping[str, Any],
    program: Mapping[str, str],
) -> str:
    """The SHA-256, hexadecimal, of all that the results of a melody are made from.

    Args:
        melody: the file; its name and its bytes count.
        options: the settings, with the contents of files that they name.
        looks: how the results are written.
        program: the ``program_facts``.

    Raises OSError where a file cannot be read.
    """
    files = {name: _sha256(path) for name, path in option_files(options).items()}
    settings = {field.name: str(getattr(options, field.name)) for field in fields(options)}
    everything = [melody.name, _sha256(melody), settings, files, dict(looks), dict(program)]
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
