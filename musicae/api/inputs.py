"""The digest of everything that a result depends on; whether a result already has it."""

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
"""The models that analyse a melody for the model that harmonizes."""
_WEIGHTS_SUFFIX = ".safetensors"
_WORDS = ("infer", "none", "all", "soprano", "file")
"""The values of options that are not paths, though other values of these options are."""


class State(Enum):
    """The state of a melody's results."""

    TO_MAKE = auto()
    """One is missing, or they are unedited but were made from other inputs."""
    MADE = auto()
    """They are unedited and were made from the same inputs."""
    NOT_OURS = auto()
    """One was edited, or was not written by musicae."""


def state_of(outputs: Sequence[Path], inputs: str) -> State:
    """The state of some results; ``inputs`` is the ``digest`` of what they would be made from.

    Raises MusicaeError if a file is not MIDI, as only MIDI files have a seal, or cannot be read.
    """
    seals = []
    for path in outputs:
        if suffix_of(path) not in MIDI_SUFFIXES:
            raise MusicaeError(f"{path}: only a MIDI file states what it was made from")
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
    """The options that are paths of existing files, by name."""
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
        except (OSError, ValueError):  # not a path
            continue
    return found


def program_facts(options: HarmonizeOptions) -> dict[str, str]:
    """The version of musicae, and the checksums of the weights by the names of the models."""
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
    """The SHA-256, in hexadecimal, of everything that the results of a melody depend on.

    Args:
        melody: the file; its name and its bytes.
        options: the settings, and the contents of files that they name.
        looks: how the results are written.
        program: the ``program_facts``.

    Raises OSError if a file cannot be read.
    """
    files = {name: _sha256(path) for name, path in option_files(options).items()}
    settings = {field.name: str(getattr(options, field.name)) for field in fields(options)}
    everything = [melody.name, _sha256(melody), settings, files, dict(looks), dict(program)]
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
