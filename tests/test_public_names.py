"""The public names exist, load lazily, and are the same in the stub for editors and mypy."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import musicae
from musicae.core import version

NAMES = {
    *("Chorale", "Key", "LiveHarmonizer", "MusicaeError", "Piece", "Project"),
    *("check", "chords", "decode", "encode", "extend", "generate", "harmonize", "interpolate"),
    *("practice", "read", "render", "use_engine", "vary", "write"),
}


def test_the_public_names():
    assert set(musicae.__all__) == NAMES | {"__version__"}
    assert {name for name in dir(musicae) if not name.startswith("_")} == NAMES
    for name in NAMES:
        assert getattr(musicae, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = musicae.harmonise


def test_a_submodule_of_a_name_is_imported_and_the_name_stays():
    code = (
        "import musicae.api.harmonize, musicae.api.render, musicae.api.check\n"
        "names = (musicae.harmonize, musicae.render, musicae.check)\n"
        "print(*(type(each).__name__ for each in names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["function"] * 3


def test_the_version_stands_once():
    assert musicae.__version__ == version.__version__
    assert importlib.metadata.version("musicae") == musicae.__version__
    project = Path("pyproject.toml").read_text(encoding="utf-8")
    assert 'path = "musicae/core/version.py"' in project
